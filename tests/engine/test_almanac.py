"""What the calendar brings is told once, on its day, by whoever goes round."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from loyalty_engine import almanac
from loyalty_engine.businesses import Caller
from loyalty_engine.house import House
from tests.engine.agreeing import WATCH_ME, WORDINGS
from tests.engine.shop import INGRID, MONDAY, OLAV, broken, buys, flat_whites, has, joins, programme, publish, sees

pytestmark = pytest.mark.anyio

BIRTHDAY = """
[[rules]]
id = "many-happy-returns"
on = "birthday"
then.award = { unit = "points", amount = 20 }
"""
ANNIVERSARY = """
[[rules]]
id = "another-year"
on = "anniversary"
when.member = { days_since_joined = { min = 300 } }
then.award = { unit = "points", amount = 11 }
"""
OVERDUE = """
[[rules]]
id = "miss-you"
on = "overdue"
when.member = { overdue = { min = 2 }, consent = ["profiling"] }
then.award = { unit = "points", amount = 15 }
"""


async def opened(house: House, cafe: Caller, more: str) -> None:
    await publish(house, cafe, programme(more=more), at=MONDAY - timedelta(days=59))


async def test_a_birthday_is_told_once_on_its_day(house: House, cafe: Caller) -> None:
    await opened(house, cafe, BIRTHDAY)
    await joins(house, cafe, INGRID, birthday="1990-11-25", at=MONDAY)
    await joins(house, cafe, OLAV, birthday="1990-11-29", at=MONDAY)

    raised = [await almanac.turn(house, at=MONDAY + timedelta(days=day)) for day in (0, 1, 2, 2, 3)]

    assert raised == [0, 0, 1, 0, 0]
    assert (has(await sees(house, cafe, INGRID)), has(await sees(house, cafe, OLAV))) == (20, 0)
    assert await broken(house) == []


async def test_two_who_go_round_at_once_tell_it_once(house: House, cafe: Caller) -> None:
    await opened(house, cafe, BIRTHDAY)
    await joins(house, cafe, birthday="1990-11-23")

    await asyncio.gather(*(almanac.turn(house, at=MONDAY) for _ in range(5)))

    assert has(await sees(house, cafe)) == 20
    assert await broken(house) == []


async def test_days_that_were_missed_are_made_up_for_within_a_week(house: House, cafe: Caller) -> None:
    await opened(house, cafe, BIRTHDAY)
    await joins(house, cafe, INGRID, birthday="1990-11-24", at=MONDAY)
    await joins(house, cafe, OLAV, birthday="1990-11-25", at=MONDAY)

    await almanac.turn(house, at=MONDAY + timedelta(days=8))

    assert (has(await sees(house, cafe, INGRID)), has(await sees(house, cafe, OLAV))) == (0, 20)


async def test_a_leap_days_child_has_it_on_the_28th_in_other_years(house: House, cafe: Caller) -> None:
    await opened(house, cafe, BIRTHDAY)
    await joins(house, cafe, birthday="2004-02-29")

    for year, day in ((2027, 28), (2028, 28), (2028, 29)):
        await almanac.turn(house, at=datetime(year, 2, day, 12, tzinfo=UTC))

    found = await house.database.fetch("SELECT occurred_at FROM journal WHERE kind = 'event' ORDER BY occurred_at")
    days = [datetime.fromtimestamp(row[0] // 10**6, UTC).date().isoformat() for row in found]
    assert days == ["2027-02-27", "2028-02-28"], "the beginning of the day in Oslo, told in UTC"


async def test_a_rule_of_today_begins_with_tomorrow(house: House, cafe: Caller) -> None:
    await joins(house, cafe, birthday="1990-11-23")
    await publish(house, cafe, programme(more=BIRTHDAY), at=MONDAY)

    assert await almanac.turn(house, at=MONDAY + timedelta(hours=1)) == 0


async def test_each_year_since_joining_is_an_anniversary(house: House, cafe: Caller) -> None:
    await opened(house, cafe, ANNIVERSARY)
    await joins(house, cafe, at=MONDAY)

    raised = [await almanac.turn(house, at=MONDAY.replace(year=year)) for year in (2026, 2027, 2028)]

    assert raised == [0, 1, 1]
    assert has(await sees(house, cafe)) == 22


async def test_a_regular_who_stays_away_is_missed_once_each_time(house: House, cafe: Caller) -> None:
    await opened(house, cafe, OVERDUE + WORDINGS)
    await joins(house, cafe, consents=[WATCH_ME])
    for day in (0, 10, 20):
        await buys(house, cafe, flat_whites(f"day-{day}", total_minor=500, lines=None), at=MONDAY + timedelta(days=day))
    before = has(await sees(house, cafe))

    raised = [await almanac.turn(house, at=MONDAY + timedelta(days=20 + away)) for away in (19, 20, 21, 40)]

    assert raised == [0, 1, 0, 0]
    assert has(await sees(house, cafe)) == before + 15
    assert await broken(house) == []


async def test_nobody_is_looked_through_where_no_rule_waits(house: House, cafe: Caller) -> None:
    await joins(house, cafe, birthday="1990-11-23")

    assert await almanac.turn(house, at=MONDAY) == 0
    assert await house.database.fetch("SELECT id FROM journal WHERE kind IN ('event', 'almanac')") == []
