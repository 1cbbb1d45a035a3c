"""What the rules are told of a member just before an event: for each fact what holds, what does not, and the edge."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

import rules
from loyalty_engine import deeds, knowing
from loyalty_engine.answers import PurchaseAnswer
from loyalty_engine.businesses import Caller
from loyalty_engine.house import House
from loyalty_engine.knowing import usual_interval_days
from rules.effects import EFFECTS
from tests.engine.agreeing import WATCH_ME, WORDINGS
from tests.engine.shop import INGRID, MONDAY, broken, buys, flat_whites, happens, joins, programme, publish

pytestmark = pytest.mark.anyio

OSLO = ZoneInfo("Europe/Oslo")
HOLDS, NOT = True, False


def test_every_fact_is_on_the_page_or_looked_up_or_named_as_still_to_come() -> None:
    kept = [knowing.ON_THE_PAGE, frozenset(knowing.LOOKED_UP), knowing.TO_COME]

    assert frozenset().union(*kept) == set(rules.MemberFacts.__struct_fields__)
    assert sum(map(len, kept)) == len(rules.MemberFacts.__struct_fields__), "a fact stands in one place"


def test_every_effect_is_the_ledgers_or_carried_out_or_named_as_still_to_come() -> None:
    places = [deeds.OF_THE_LEDGER, deeds.GIVEN, frozenset(deeds.CARRIED_OUT), deeds.TO_COME]

    assert frozenset().union(*places) == set(EFFECTS)
    assert sum(map(len, places)) == len(EFFECTS), "an effect stands in one place"


async def asking(house: House, cafe: Caller, when: str, *, on: str = "purchase") -> None:
    """Publish a programme whose one further rule asks this."""
    then = 'then.award = { unit = "points", amount = 1 }'
    rule = f'[[rules]]\nid = "asks"\non = "{on}"\nwhen.member = {{ {when} }}\n{then}\n'
    await publish(house, cafe, programme(more=rule + WORDINGS), at=MONDAY - timedelta(days=59))


def fired(answer: PurchaseAnswer) -> bool:
    return next(why.fired for why in answer.explanation if why.rule == "asks")


@pytest.mark.parametrize(
    ("when", "days_before", "holds"),
    [
        ('count = { of = "cold_cup", within = "7 days", min = 2 }', (1, 6), HOLDS),
        ('count = { of = "cold_cup", within = "7 days", min = 2 }', (1, 7), NOT),
        ('count = { of = "cold_cup", within = "1 day", min = 1 }', (0,), HOLDS),
        ('count = { of = "cold_cup", within = "1 day", min = 1 }', (1,), NOT),
        ('count = { of = "cold_cup", within = "30 days", max = 1 }', (3,), HOLDS),
        ('count = { of = "cold_cup", within = "30 days", max = 1 }', (3, 3), NOT),
        ('count = { of = "cold_cup", within = "30 days", max = 0 }', (), HOLDS),
        ('count = { of = "warm_cup", within = "30 days", min = 1 }', (3,), NOT),
    ],
)
async def test_how_often_something_happened(
    house: House, cafe: Caller, when: str, days_before: tuple[int, ...], *, holds: bool
) -> None:
    await asking(house, cafe, when)
    await joins(house, cafe, at=MONDAY - timedelta(days=20))
    for number, days in enumerate(sorted(days_before, reverse=True)):
        await happens(house, cafe, "cold_cup", f"cup-{number}", at=MONDAY - timedelta(days=days, hours=1))

    answer = await buys(house, cafe, flat_whites("now"))

    assert fired(answer) is holds
    assert await broken(house) == []


@pytest.mark.parametrize(("purchases", "holds"), [(2, NOT), (3, HOLDS), (4, HOLDS)])
async def test_purchases_are_counted_like_anything_else(
    house: House, cafe: Caller, purchases: int, *, holds: bool
) -> None:
    await asking(house, cafe, 'count = { of = "purchase", within = "7 days", min = 3 }')
    await buys(house, cafe, flat_whites("long-ago"), at=MONDAY - timedelta(days=7))
    for number in range(purchases):
        await buys(house, cafe, flat_whites(f"visit-{number}"), at=MONDAY - timedelta(days=number))

    assert fired(await buys(house, cafe, flat_whites("now"))) is holds


@pytest.mark.parametrize(
    ("joined_days_before", "holds"), [(0, HOLDS), (6, HOLDS), (7, NOT)], ids=["today", "six days", "a week"]
)
async def test_joining_is_counted_once(house: House, cafe: Caller, joined_days_before: int, *, holds: bool) -> None:
    await asking(house, cafe, 'count = { of = "joined", within = "7 days", min = 1, max = 1 }')
    await joins(house, cafe, at=MONDAY - timedelta(days=joined_days_before))

    assert fired(await buys(house, cafe, flat_whites("now"))) is holds
    assert await broken(house) == []


@pytest.mark.parametrize(
    ("born", "said", "holds"),
    [
        ("1990-11-23", "day", HOLDS),
        ("1990-11-24", "day", NOT),
        ("2024-02-29", "day", NOT),
        ("1990-11-29", "week", HOLDS),
        ("1990-11-30", "week", NOT),
        ("1990-11-01", "month", HOLDS),
        ("1990-12-01", "month", NOT),
        (None, "month", NOT),
    ],
)
async def test_a_birthday(house: House, cafe: Caller, born: str | None, said: str, *, holds: bool) -> None:
    await asking(house, cafe, f'birthday = "{said}"')
    await joins(house, cafe, birthday=born)

    assert fired(await buys(house, cafe, flat_whites("now"))) is holds


async def test_somebody_born_on_a_leap_day_has_it_on_the_28th(house: House, cafe: Caller) -> None:
    await asking(house, cafe, 'birthday = "day"')
    await joins(house, cafe, birthday="2004-02-29")

    answer = await buys(house, cafe, flat_whites("now"), at=datetime(2027, 2, 28, 12, tzinfo=UTC))

    assert fired(answer)


async def test_a_birthday_is_known_on_the_day_of_joining(house: House, cafe: Caller) -> None:
    await asking(house, cafe, 'birthday = "day", language = ["nb"]', on="joined")

    answer = await joins(house, cafe, birthday="1990-11-23", language="nb")

    assert [award.rule for award in answer.awards] == ["asks"]
    assert await broken(house) == []


@pytest.mark.parametrize(
    ("visits", "first", "last", "days"),
    [
        (0, None, None, None),
        (1, "2026-11-02", "2026-11-02", None),
        (2, "2026-11-02", "2026-11-12", None),
        (3, "2026-11-02", "2026-11-22", 10),
        (3, "2026-11-02", "2026-11-23", 10),
        (9, "2026-11-02", "2026-11-02", None),
        (9, "2026-11-02", "2026-11-03", 1),
    ],
    ids=["nobody", "once", "one interval", "two", "rounded down", "one busy day", "at least a day"],
)
def test_a_rhythm_takes_two_intervals(visits: int, first: str | None, last: str | None, days: int | None) -> None:
    at = [None if day is None else datetime.fromisoformat(f"{day}T12:00:00+01:00") for day in (first, last)]

    assert usual_interval_days(visits, at[0], at[1], OSLO) == days


@pytest.mark.parametrize(("away", "holds"), [(14, NOT), (15, HOLDS)])
async def test_somebody_who_comes_every_ten_days_is_overdue_from_the_fifteenth(
    house: House, cafe: Caller, away: int, *, holds: bool
) -> None:
    await asking(house, cafe, 'overdue = { min = 1.5 }, consent = ["profiling"]')
    await joins(house, cafe, consents=[WATCH_ME])
    for day in (0, 10, 20):
        await buys(house, cafe, flat_whites(f"day-{day}"), at=MONDAY + timedelta(days=day))

    assert fired(await buys(house, cafe, flat_whites("now"), at=MONDAY + timedelta(days=20 + away))) is holds


TAGS = """
[[rules]]
id = "tags"
on = "cold_cup"
then.tag = { add = ["sorry", "sorry", "vip"], remove = ["new"] }

[[rules]]
id = "forgives"
on = "warm_cup"
then.tag = { remove = ["sorry"] }

[[rules]]
id = "asks"
on = "purchase"
when.member = { tag = ["sorry"] }
then.award = { unit = "points", amount = 1 }
"""


@pytest.mark.parametrize(
    ("told", "holds"),
    [((), NOT), (("cold_cup",), HOLDS), (("cold_cup", "cold_cup"), HOLDS), (("cold_cup", "warm_cup"), NOT)],
    ids=["untagged", "tagged", "tagged twice is tagged once", "taken off"],
)
async def test_a_tag_is_put_on_and_taken_off(house: House, cafe: Caller, told: tuple[str, ...], *, holds: bool) -> None:
    await publish(house, cafe, programme(more=TAGS), at=MONDAY - timedelta(days=59))
    await joins(house, cafe, INGRID)
    for number, kind in enumerate(told):
        await happens(house, cafe, kind, f"cup-{number}")

    assert fired(await buys(house, cafe, flat_whites("now"))) is holds
    [[tags]] = await house.database.fetch("SELECT tags FROM members WHERE business_id = $1", cafe.business_id)
    assert tags.count("sorry") == int(holds)
