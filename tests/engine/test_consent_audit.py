"""The auditor of consent: what was touched is found, what is kept can be made anew, and the head tells the rest."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta
from typing import Any

import pytest

from loyalty_engine.businesses import Caller
from loyalty_engine.consent import audit
from loyalty_engine.house import House
from loyalty_engine.instants import to_micros
from loyalty_engine.messages import gate
from loyalty_engine.messages.gate import Verdict
from tests.engine.agreeing import by_hand, ingrid_of, open_agreeing_shop, says
from tests.engine.post import Hand, note, post_goes, put
from tests.engine.shop import MONDAY, OLAV, broken, buys, flat_whites

pytestmark = pytest.mark.anyio

UNLOCK = {
    "sqlite": ["DROP TRIGGER consent_records_update", "DROP TRIGGER consent_records_delete"],
    "postgres": ["DROP TRIGGER consent_records_history ON consent_records"],
}
FORGERIES = {
    "I16": "UPDATE consents SET state = 'given', record_id = 'con_forged' WHERE state = 'withdrawn'",
    "I16 ": "DELETE FROM consents",
    "I16  ": "INSERT INTO consents SELECT business_id, 'mem_never', purpose, channel, state, record_id, since, "
    "expires_at FROM consents WHERE purpose = '*'",
    "I16b": "UPDATE consent_records SET decision = 'refused' WHERE number = 1",
    "I16b ": "DELETE FROM consent_records WHERE number = 1",
    "I17": "UPDATE messages SET consent_id = NULL",
    "I17 ": "UPDATE messages SET left_at = left_at - 1000000000",
    "I18": "UPDATE messages SET left_at = left_at + 1000000000",
    "I20": "UPDATE consent_records SET actor = ''",
}


@pytest.fixture
async def cafe(house: House) -> Caller:
    return await open_agreeing_shop(house)


@pytest.fixture
async def ingrid(house: House, cafe: Caller) -> str:
    return await ingrid_of(house, cafe)


async def a_life(house: House, cafe: Caller, ingrid: str) -> None:
    """Let Ingrid agree, get a text, take it back; and Olav agree and stop."""
    house.carrier_of = lambda _, __: Hand()
    await says(house, cafe, ingrid)
    await put(house, cafe, ingrid, note("marketing.sms"), MONDAY + timedelta(seconds=5))
    await post_goes(house, MONDAY, seconds=5)
    await says(house, cafe, ingrid, "withdrawn", at=MONDAY + timedelta(minutes=1))
    olav = (await buys(house, cafe, flat_whites("olav-1", phone=OLAV))).member.id
    await says(house, cafe, olav, at=MONDAY)
    await says(house, cafe, olav, "stopped", at=MONDAY + timedelta(minutes=2))


async def test_a_life_of_consent_leaves_everything_in_order(house: House, cafe: Caller, ingrid: str) -> None:
    await a_life(house, cafe, ingrid)

    assert await broken(house) == []


@pytest.mark.parametrize("invariant", FORGERIES)
async def test_a_forgery_is_found_and_named(house: House, cafe: Caller, ingrid: str, invariant: str) -> None:
    await a_life(house, cafe, ingrid)

    await by_hand(house, *UNLOCK[house.database.dialect], FORGERIES[invariant])

    assert invariant.strip() in await broken(house)


@pytest.mark.parametrize("statement", ["UPDATE consent_records SET actor = 'nobody'", "DELETE FROM consent_records"])
async def test_a_record_cannot_be_changed_by_hand(house: House, cafe: Caller, ingrid: str, statement: str) -> None:
    await says(house, cafe, ingrid)

    with pytest.raises(Exception, match="are never changed"):
        await by_hand(house, statement)


async def test_what_holds_can_be_dropped_and_made_anew_unchanged(house: House, cafe: Caller, ingrid: str) -> None:
    await a_life(house, cafe, ingrid)
    every = "SELECT * FROM consents ORDER BY business_id, member_id, purpose, channel"
    before = [tuple(row) for row in await house.database.fetch(every)]

    await by_hand(house, "DELETE FROM consents")
    members = await audit.rebuild(house.database)

    assert members == 2
    assert [tuple(row) for row in await house.database.fetch(every)] == before
    assert await broken(house) == []


async def test_the_head_shows_a_chain_that_was_made_anew_and_one_that_lost_its_end(
    house: House, cafe: Caller, ingrid: str
) -> None:
    await a_life(house, cafe, ingrid)
    until = to_micros(MONDAY + timedelta(hours=1))
    head = await audit.head(house.database, cafe.business_id, cafe.slug, until=until)
    await says(house, cafe, ingrid, at=MONDAY + timedelta(hours=2))
    later = await audit.head(house.database, cafe.business_id, cafe.slug, until=until)

    last = "DELETE FROM consent_records WHERE number = 2 AND decision = 'stopped'"
    await by_hand(house, *UNLOCK[house.database.dialect], last, "DELETE FROM consents")
    await audit.rebuild(house.database)
    cut = await audit.head(house.database, cafe.business_id, cafe.slug, until=until)

    assert (head.records, head.members, later) == (4, 2, head)
    assert await broken(house) == []
    assert cut.sha256 != head.sha256


async def test_a_gate_that_is_skipped_is_found_by_the_auditor(
    house: House, cafe: Caller, ingrid: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.carrier_of = lambda _, __: Hand()
    await says(house, cafe, ingrid)
    await says(house, cafe, ingrid, "stopped", at=MONDAY + timedelta(seconds=1))
    await put(house, cafe, ingrid, note("marketing"), MONDAY + timedelta(seconds=9))
    monkeypatch.setattr(gate, "judge", lambda *_: Verdict())

    await post_goes(house, MONDAY, seconds=9)

    assert await broken(house) == ["I17"]


async def test_a_stop_that_races_the_postman_is_before_or_after_and_never_between(
    house: House, cafe: Caller, ingrid: str
) -> None:
    """However STOP and sending meet: what left, left with a consent; what did not leave stays for good."""
    hand = Hand()
    house.carrier_of = lambda _, __: hand
    dice = random.Random(6)  # noqa: S311  # the same throws every time
    for week in range(12):
        at = MONDAY + timedelta(weeks=week)
        await says(house, cafe, ingrid, at=at)
        await put(house, cafe, ingrid, note("marketing"), at)
        moves: list[Any] = [
            post_goes(house, at, seconds=2),
            says(house, cafe, ingrid, "stopped", at=at + timedelta(seconds=1)),
            post_goes(house, at, seconds=2),
        ]
        dice.shuffle(moves)

        await asyncio.gather(*moves)
        sent = len(hand.asked)
        await post_goes(house, at, hours=1)

        assert len(hand.asked) == sent
    assert await broken(house) == []
