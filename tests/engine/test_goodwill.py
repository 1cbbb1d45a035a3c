"""What is given to mend something: at the counter within a day's budget, and to many at once, and back again."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from loyalty_engine.businesses import Caller
from loyalty_engine.commands import AdjustBalance
from loyalty_engine.errors import BodyInvalid, UnitUnknown
from loyalty_engine.house import House
from loyalty_engine.mending import adjusting, cohorts
from loyalty_engine.mending.asked import AwardMany, ManyAnswer, PlaceMember, PlacementAnswer, UndoMany
from loyalty_engine.mending.errors import AwardUnknown, GoodwillSpent, TierUnknown
from loyalty_engine.standing import placing, reviewing
from tests.engine.shop import (
    INGRID,
    MONDAY,
    OLAV,
    adjusts,
    broken,
    buys,
    flat_whites,
    has,
    open_shop,
    programme,
    sees,
    ticket,
)

pytestmark = pytest.mark.anyio

BUDGET = programme(points="goodwill_per_day = 20")
TIER = """
[[tiers]]
id = "gold"
needs = { visits = 3, within = "30 days" }
keeps_for = "30 days"
"""


async def gives(
    house: House, cafe: Caller, member: str, amount: int, *, staff: str = "ida", at: datetime = MONDAY
) -> None:
    command = AdjustBalance("points", amount, "a cold coffee", staff=staff)
    await adjusting.adjust(house, cafe, member, command, ticket(at=at))


async def test_a_member_of_staff_gives_away_no_more_in_a_day_than_the_programme_lets_them(house: House) -> None:
    cafe = await open_shop(house, source=BUDGET)
    ingrid = (await buys(house, cafe, flat_whites("1"))).member.id
    olav = (await buys(house, cafe, flat_whites("2", phone=OLAV))).member.id

    await gives(house, cafe, ingrid, 12)
    with pytest.raises(GoodwillSpent) as refused:
        await gives(house, cafe, olav, 9)
    await gives(house, cafe, olav, 8)
    await gives(house, cafe, olav, 20, staff="per")
    await gives(house, cafe, olav, 20, at=MONDAY + timedelta(days=1))

    assert refused.value.facts == {"per_day": 20, "left": 8}
    assert has(await sees(house, cafe)) == 14 + 12
    assert has(await sees(house, cafe, OLAV)) == 14 + 48
    kinds = await house.database.fetch("SELECT count(*) FROM entries WHERE kind = 'goodwill' AND counter = 'adjusted'")
    assert kinds[0][0] == 4
    assert await broken(house) == []


async def test_twenty_gifts_at_once_stay_within_the_day(house: House) -> None:
    cafe = await open_shop(house, source=BUDGET)
    members = [(await buys(house, cafe, flat_whites(f"{n}", phone=f"999 01 {100 + n}"))).member.id for n in range(6)]

    done = await asyncio.gather(
        *(gives(house, cafe, member, 5) for member in members for _ in range(2)), return_exceptions=True
    )

    assert sum(one is None for one in done) == 4
    assert {type(one) for one in done if one is not None} == {GoodwillSpent}
    assert await broken(house) == []


async def test_goodwill_is_given_and_only_where_the_programme_has_a_budget(house: House, cafe: Caller) -> None:
    member = (await buys(house, cafe, flat_whites("1"))).member.id

    with pytest.raises(GoodwillSpent):
        await gives(house, cafe, member, 1)
    with pytest.raises(BodyInvalid):
        await gives(house, cafe, member, -1)


def asked(**more: Any) -> AwardMany:
    told = {"cohort": {}, "unit": "points", "amount": 10, "reason": "the burnt beans", "by": "Ida"} | more
    return msgspec.convert(told, AwardMany)


async def awarded(house: House, cafe: Caller, command: AwardMany, *, at: datetime = MONDAY) -> ManyAnswer:
    answer = await cohorts.award(house, cafe, command, ticket(at=at))
    return msgspec.json.decode(answer.body, type=ManyAnswer)


async def a_crowd(house: House, cafe: Caller, number: int = 7) -> None:
    for n in range(number):
        await buys(house, cafe, flat_whites(f"{n}", phone=f"999 01 {100 + n}"))


async def test_an_award_to_many_is_counted_first_then_given_once_to_each_and_taken_back(house: House) -> None:
    cafe = await open_shop(house)
    await a_crowd(house, cafe)
    before = has(await sees(house, cafe, "999 01 100"))

    dry = await awarded(house, cafe, asked(dry_run=True))
    begun = await awarded(house, cafe, asked())
    assert begun.id is not None
    given = await asyncio.gather(*(cohorts.carry_on(house, at=MONDAY, batch=2) for _ in range(3)))
    told = await cohorts.progress(house, cafe, begun.id)

    assert (dry.id, dry.members, dry.units) == (None, 7, 70)
    assert (begun.state, begun.members, begun.done) == ("giving", 7, 0)
    assert sum(given) == 7
    assert (told.state, told.done, told.moved) == ("given", 7, 70)
    assert has(await sees(house, cafe, "999 01 100")) == before + 10
    assert await broken(house) == []

    who = (await sees(house, cafe, "999 01 103")).member
    assert who is not None
    await adjusts(house, cafe, who.id, -20)  # 4 are left
    undoing = await cohorts.undo(house, cafe, begun.id, UndoMany("it was the wrong day", "Ida"), ticket())
    assert undoing.status == 202
    assert await cohorts.carry_on(house, at=MONDAY, batch=2) == 7
    told = await cohorts.progress(house, cafe, begun.id)

    assert (told.state, told.done, told.moved) == ("undone", 7, 64)
    assert has(await sees(house, cafe, "999 01 100")) == before
    assert has(await sees(house, cafe, "999 01 103")) == 0
    assert await cohorts.carry_on(house, at=MONDAY) == 0
    assert await broken(house) == []


async def test_an_award_that_is_undone_while_it_is_given_gives_no_more(house: House) -> None:
    cafe = await open_shop(house)
    await a_crowd(house, cafe, 5)
    begun = await awarded(house, cafe, asked())
    assert begun.id is not None
    row = (await house.database.fetch("SELECT version FROM cohort_awards"))[0]
    edition = await house.shelf.numbered(cafe.business_id, row[0])
    await house.database.write_transaction(
        lambda tx: cohorts._one_batch(tx, cafe.business_id, str(begun.id), edition, 10**15, 2)
    )

    await cohorts.undo(house, cafe, begun.id, UndoMany("stop", "Ida"), ticket())
    await cohorts.carry_on(house, at=MONDAY.replace(year=2027), batch=2)

    told = await cohorts.progress(house, cafe, begun.id)
    assert (told.state, told.done) == ("undone", 0)  # what was given in 2001 has run out by now
    assert await broken(house) == []


@pytest.mark.parametrize(
    ("cohort", "members"),
    [
        ({}, 3),
        ({"visits_min": 2}, 1),
        ({"visits_max": 1}, 2),
        ({"spend_min_minor": 15000}, 1),
        ({"tag": "regular"}, 1),
        ({"tag": "reg%"}, 0),
        ({"tier": ["gold", "silver"]}, 1),
        ({"joined_before": "2026-11-24T00:00:00Z"}, 2),
        ({"last_purchase_before": "2026-11-24T00:00:00Z"}, 1),
        ({"last_purchase_after": "2026-11-24T00:00:00Z"}, 2),
        ({"bought": {"since": "2026-11-23T00:00:00Z", "until": "2026-11-24T00:00:00Z"}}, 2),
        ({"bought": {"since": "2026-11-23T00:00:00Z", "until": "2026-11-24T00:00:00Z", "location": "airport"}}, 1),
        ({"bought": {"since": "2026-11-25T00:00:00Z", "until": "2026-11-26T00:00:00Z"}, "visits_min": 3}, 0),
    ],
)
async def test_a_cohort_is_who_all_that_is_said_holds_for(house: House, cohort: dict[str, Any], members: int) -> None:
    cafe = await open_shop(house)
    await buys(house, cafe, flat_whites("1"))
    await buys(house, cafe, flat_whites("2", phone=OLAV, location="airport"))
    await buys(house, cafe, flat_whites("3", phone=OLAV), at=MONDAY + timedelta(days=2))
    await buys(house, cafe, flat_whites("4", phone="999 00 203"), at=MONDAY + timedelta(days=3))
    await buys(house, await open_shop(house, "other-cafe"), flat_whites("1"))
    await house.database.write_transaction(
        lambda tx: tx.fetch("UPDATE members SET tier = 'gold', tags = '[\"regular\"]' WHERE visits = 2")
    )

    told = await awarded(house, cafe, asked(cohort=cohort, dry_run=True), at=MONDAY + timedelta(days=4))

    assert told.members == members


async def test_an_award_of_another_business_and_of_an_unknown_unit_is_refused(house: House, cafe: Caller) -> None:
    begun = await awarded(house, cafe, asked())
    assert begun.id is not None
    other = await open_shop(house, "other-cafe")

    with pytest.raises(AwardUnknown):
        await cohorts.progress(house, other, begun.id)
    with pytest.raises(AwardUnknown):
        await cohorts.undo(house, other, begun.id, UndoMany("mine?", "Eve"), ticket())
    with pytest.raises(UnitUnknown):
        await awarded(house, cafe, asked(unit="miles"))


async def places(
    house: House, cafe: Caller, member: str, tier: str | None, until: datetime | None = None, at: datetime = MONDAY
) -> PlacementAnswer:
    command = PlaceMember(tier=tier, until=until, reason="a friend of the house", by="Ida")
    answer = await placing.place(house, cafe, member, command, ticket(at=at))
    return msgspec.json.decode(answer.body, type=PlacementAnswer)


async def test_a_floor_holds_a_member_up_until_its_day_and_may_be_taken_away(house: House) -> None:
    cafe = await open_shop(house, source=programme(more=TIER))
    member = (await buys(house, cafe, flat_whites("1"))).member.id
    until = MONDAY + timedelta(days=10)

    placed = await places(house, cafe, member, "gold", until)

    async def tier(at: datetime) -> str | None:
        seen = (await sees(house, cafe, INGRID, at=at)).tier
        return seen.id if seen else None

    assert placed.tier is not None
    assert placed.tier.id == "gold"
    assert [await tier(at) for at in (MONDAY, until - timedelta(seconds=1), until)] == ["gold", "gold", None]
    taken = await places(house, cafe, member, None, at=MONDAY + timedelta(days=1))
    assert taken.tier is not None
    assert taken.tier.id is None
    for_good = await places(house, cafe, member, "gold", at=MONDAY + timedelta(days=2))
    assert for_good.until is None
    assert await tier(MONDAY.replace(year=2040)) == "gold"
    assert await reviewing.review(house, at=MONDAY.replace(year=2040)) == 0
    assert await broken(house) == []


async def test_a_floor_in_the_past_or_in_no_tier_is_refused(house: House) -> None:
    cafe = await open_shop(house, source=programme(more=TIER))
    member = (await buys(house, cafe, flat_whites("1"))).member.id

    with pytest.raises(TierUnknown):
        await places(house, cafe, member, "platinum")
    with pytest.raises(Exception, match="after now"):
        await places(house, cafe, member, "gold", MONDAY)
