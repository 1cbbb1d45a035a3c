"""Consents of two who are one: a yes is one's own, a no is heard from both, and parted each has what was theirs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from loyalty_engine.consent import reading
from loyalty_engine.consent.fold import fold
from loyalty_engine.house import House
from tests.engine.agreeing import open_agreeing_shop, says
from tests.engine.post import Hand, became, note, post_goes, put
from tests.engine.shop import INGRID, MONDAY, OLAV, broken, buys, flat_whites
from tests.engine.test_merging import merges, undoes

pytestmark = pytest.mark.anyio

LATER = MONDAY + timedelta(minutes=5)
LAST = MONDAY + timedelta(minutes=10)


@pytest.mark.parametrize(
    ("sleeper", "stayer", "since", "leaves"),
    [
        ("given", None, None, False),
        ("given", "given", None, True),
        ("stopped", "given", None, False),
        ("withdrawn", "given", None, False),
        ("stopped", "given", "given", True),
        (None, "given", None, True),
    ],
)
async def test_a_yes_is_ones_own_and_a_no_is_heard_from_both(
    house: House,
    sleeper: str | None,
    stayer: str | None,
    since: str | None,
    leaves: bool,  # noqa: FBT001  # a column of the table
) -> None:
    cafe, hand = await open_agreeing_shop(house), Hand()
    house.carrier_of = lambda _, __: hand
    ingrid = (await buys(house, cafe, flat_whites("1", phone=INGRID))).member.id
    olav = (await buys(house, cafe, flat_whites("2", phone=OLAV))).member.id
    if stayer is not None:
        await says(house, cafe, olav, stayer, at=MONDAY)
    if sleeper is not None:
        await says(house, cafe, ingrid, sleeper, at=LATER)
    own = {one: await reading.records_of(house.database, cafe.business_id, one) for one in (ingrid, olav)}
    merge = await merges(house, cafe, ingrid, olav, at=LATER)
    if since is not None:
        await says(house, cafe, ingrid, since, at=LAST)
    message = await put(house, cafe, olav, note("marketing.sms"), LAST)
    await post_goes(house, LAST, seconds=2)

    assert ((await became(house, message))[0] == "sent") is leaves
    await undoes(house, cafe, merge.id, at=LAST + timedelta(minutes=1))
    for member, before in own.items():
        now = await reading.records_of(house.database, cafe.business_id, member)
        assert now[: len(before)] == before
        assert len(now) - len(before) == int(since is not None and member == olav)
        assert await reading.states_of(house.database, cafe.business_id, member) == fold(now)
    assert await broken(house) == []
