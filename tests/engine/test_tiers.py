"""Where a member stands: reached by what they earn, kept for a while, and looked at again."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

import rules
from loyalty_engine.businesses import Caller
from loyalty_engine.house import House
from loyalty_engine.standing import reviewing
from loyalty_engine.standing.ladder import FLOOR, FOREVER, NONE, Held, Ladder, Mark, sums_at
from tests.engine.shop import (
    INGRID,
    MONDAY,
    adjusts,
    broken,
    buys,
    flat_whites,
    has,
    open_shop,
    programme,
    publish,
    returns,
    sees,
)

pytestmark = pytest.mark.anyio

OSLO = ZoneInfo("Europe/Oslo")
ABOUT = """
[programme]
name = "Corner Café"
country = "NO"
currency = "NOK"
timezone = "Europe/Oslo"
languages = ["en"]

[units.points]
expires_after = "12 months"

[[rules]]
id = "base"
on = "purchase"
then.award = { unit = "points", amount = 1, per_minor = 1000 }

[[rules]]
id = "gold-double"
on = "purchase"
when.member.tier = ["gold"]
then.multiply = { unit = "points", by = 2 }
"""
SILVER_AND_GOLD = """
[[tiers]]
id = "silver"
needs = { earned = { unit = "points", amount = 20 }, within = "12 months" }
keeps_for = "6 months"

[[tiers]]
id = "gold"
says.en = "Gold card"
needs = { earned = { unit = "points", amount = 50 }, within = "12 months" }
keeps_for = "12 months"
"""


async def tiered(house: House, tiers: str = SILVER_AND_GOLD) -> Caller:
    return await open_shop(house, source=ABOUT + tiers)


async def stands(house: House, cafe: Caller, at: datetime = MONDAY) -> str | None:
    tier = (await sees(house, cafe, at=at)).tier
    assert tier is not None, "the programme has tiers"
    return tier.id


async def test_a_purchase_that_reaches_a_tier_says_so_and_the_next_one_has_it(house: House) -> None:
    cafe = await tiered(house)

    first = await buys(house, cafe, flat_whites("1", 10))  # 490 kr: 49 points
    second = await buys(house, cafe, flat_whites("2", 1))  # 4 points: 53 by now
    third = await buys(house, cafe, flat_whites("3", 1))  # double for gold

    assert first.tier is not None
    assert second.tier is not None
    next_up = first.tier.next
    assert next_up is not None
    assert (first.tier.id, next_up.id, next_up.have, next_up.missing) == ("silver", "gold", 49, 1)
    assert (second.tier.id, second.tier.name, second.tier.next) == ("gold", "Gold card", None)
    assert [award.amount for award in second.awards] == [4]
    assert [award.amount for award in third.awards] == [4, 4]
    assert await broken(house) == []


async def test_what_counts_is_what_was_earned_not_what_is_left_nor_what_was_given(house: House) -> None:
    cafe = await tiered(house)
    bought = await buys(house, cafe, flat_whites("1", 4))  # 19 points
    await adjusts(house, cafe, bought.member.id, 100)
    assert await stands(house, cafe) is None

    await adjusts(house, cafe, bought.member.id, -100)
    answer = await buys(house, cafe, flat_whites("2", 1))  # 4 points: 23 earned

    assert answer.tier is not None
    assert answer.tier.id == "silver"


async def test_a_tier_is_kept_for_its_time_and_falls_to_what_is_earned_still(house: House) -> None:
    cafe = await tiered(house)
    await buys(house, cafe, flat_whites("1", 12))  # 58 points: gold on 23 November 2026
    await buys(house, cafe, flat_whites("2", 3), at=MONDAY + timedelta(days=300))  # 28 points, of a double
    until = datetime(2027, 11, 24, tzinfo=OSLO)

    assert await stands(house, cafe, until - timedelta(microseconds=1)) == "gold"
    assert await stands(house, cafe, until) == "silver"
    # Silver is kept for half a year from then, and on its last day nothing of the year before suffices.
    assert await stands(house, cafe, datetime(2028, 5, 24, 23, 59, tzinfo=OSLO)) == "silver"
    assert await stands(house, cafe, datetime(2028, 5, 26, tzinfo=OSLO)) == "silver"
    assert await stands(house, cafe, datetime(2028, 11, 30, tzinfo=OSLO)) is None


async def test_the_rules_know_a_tier_that_has_fallen_though_nobody_has_been_round(house: House) -> None:
    cafe = await tiered(house)
    await buys(house, cafe, flat_whites("1", 12))
    until = datetime(2027, 11, 24, tzinfo=OSLO).astimezone(UTC)

    before = await buys(house, cafe, flat_whites("2", 1), at=until - timedelta(hours=1))
    after = await buys(house, cafe, flat_whites("3", 1), at=until)

    assert [award.amount for award in before.awards] == [4, 4]
    assert [award.amount for award in after.awards] == [4]
    assert after.tier is not None
    assert after.tier.id is None
    assert await broken(house) == []


async def test_a_refund_takes_the_tier_that_only_the_returned_goods_had_reached(house: House) -> None:
    cafe = await tiered(house)
    await buys(house, cafe, flat_whites("1", 5))  # 24 points: silver
    bought = await buys(house, cafe, flat_whites("2", 10))  # 73 points: gold
    assert await stands(house, cafe) == "gold"

    await returns(house, cafe, bought.id, "R1", lines=[{"line": "1", "quantity": 4}])
    assert await stands(house, cafe) == "gold"  # 53 points
    await returns(house, cafe, bought.id, "R2", full=True)

    assert await stands(house, cafe) == "silver"
    assert has(await sees(house, cafe)) == 24
    assert await broken(house) == []


async def test_a_purchase_told_late_counts_on_its_own_day_and_reaches_a_tier_with_what_came_since(house: House) -> None:
    cafe = await tiered(house)
    await buys(house, cafe, flat_whites("1", 6))  # 29 points today

    late = await buys(house, cafe, flat_whites("2", 6, occurred_at="2026-11-20T12:00:00+01:00"))

    assert late.tier is not None
    assert late.tier.id == "gold"
    [[days]] = await house.database.fetch("SELECT count(*) FROM limit_uses WHERE subject LIKE 'tier:%'")
    assert days == 2


@pytest.mark.parametrize(
    ("needs", "reached_by"),
    [("visits = 3, within = '30 days'", 3), ("spend_minor = 20000, within = '30 days'", 5)],
)
async def test_a_tier_may_ask_for_visits_or_spend(house: House, needs: str, reached_by: int) -> None:
    cafe = await tiered(house, f'[[tiers]]\nid = "gold"\nneeds = {{ {needs} }}\nkeeps_for = "1 month"')

    answers = [await buys(house, cafe, flat_whites(f"{n}", 1), at=MONDAY + timedelta(days=n)) for n in range(6)]

    assert [answer.tier.id for answer in answers if answer.tier] == [None] * (reached_by - 1) + ["gold"] * (
        7 - reached_by
    )


async def test_a_calendar_year_begins_anew_and_a_step_down_is_one_step(house: House) -> None:
    cafe = await tiered(
        house,
        """
[[tiers]]
id = "silver"
needs = { spend_minor = 10000, each = "year" }
keeps_for = "1 day"
keeps_end_of = "year"

[[tiers]]
id = "gold"
needs = { spend_minor = 50000, each = "year" }
keeps_for = "1 year"
keeps_end_of = "year"
downgrade = "step"
""",
    )
    await buys(house, cafe, flat_whites("1", 11))  # 539 kr in 2026: gold until the end of 2027

    new_year = datetime(2028, 1, 1, tzinfo=OSLO).astimezone(UTC)
    assert await stands(house, cafe, new_year - timedelta(microseconds=1)) == "gold"
    assert await stands(house, cafe, new_year) == "silver"
    assert await stands(house, cafe, datetime(2029, 1, 1, tzinfo=OSLO)) is None


async def test_a_tier_that_never_falls(house: House) -> None:
    cafe = await tiered(
        house,
        '[[tiers]]\nid = "gold"\nneeds = { visits = 1, within = "1 day" }\nkeeps_for = "1 day"\ndowngrade = "never"',
    )
    answer = await buys(house, cafe, flat_whites("1"))

    assert answer.tier is not None
    assert answer.tier.until is None
    assert await stands(house, cafe, MONDAY.replace(year=2040)) == "gold"


async def test_a_programme_without_tiers_keeps_nothing_for_them(house: House, cafe: Caller) -> None:
    answer = await buys(house, cafe, flat_whites("1"))

    assert answer.tier is None
    [[marks]] = await house.database.fetch("SELECT count(*) FROM limit_uses WHERE subject LIKE 'tier:%'")
    assert marks == 0
    assert (await sees(house, cafe, INGRID)).tier is None


def ladder() -> Ladder:
    return Ladder(rules.read(ABOUT + SILVER_AND_GOLD, "toml"))


def marks(*earned: tuple[datetime, int]) -> list[Mark]:
    subject = ladder().subjects[0]
    return [ladder().mark(subject, instant, amount) for instant, amount in earned]


def micros(*when: int) -> int:
    return int(datetime(*when, tzinfo=OSLO).timestamp()) * 10**6  # type: ignore[misc, arg-type]


def test_a_mark_counts_from_its_local_day_until_its_last_across_leap_days_and_changes_of_clocks() -> None:
    [leap, spring, autumn] = marks(
        (datetime(2028, 2, 29, 12, tzinfo=OSLO), 1),
        (datetime(2026, 3, 29, 12, tzinfo=OSLO), 1),
        (datetime(2026, 10, 25, 0, 30, tzinfo=OSLO), 1),
    )

    assert (leap.starts_at, leap.ends_at) == (micros(2028, 2, 29), micros(2029, 2, 28))
    assert (spring.starts_at, spring.ends_at) == (micros(2026, 3, 29), micros(2027, 3, 29))
    assert (autumn.starts_at, autumn.ends_at) == (micros(2026, 10, 25), micros(2027, 10, 25))


def test_a_life_lived_again_comes_to_the_standing_it_came_to() -> None:
    earned = marks((datetime(2026, 1, 5, tzinfo=OSLO), 30), (datetime(2026, 2, 5, tzinfo=OSLO), 30))

    lived = ladder().lived(earned, micros(2026, 3, 1))

    assert lived == Held(1, micros(2027, 2, 6))
    assert ladder().lived(earned[:1], micros(2026, 3, 1)) == Held(0, micros(2026, 7, 6))
    assert ladder().lived(earned, micros(2029, 3, 1)) == Held()


def test_a_floor_holds_a_member_up_until_its_day() -> None:
    floor = Mark(FLOOR, "gold", micros(2026, 1, 5), micros(2026, 6, 1), 1)

    assert ladder().lived([floor], micros(2026, 5, 31)) == Held(1, micros(2026, 6, 1))
    assert ladder().lived([floor], micros(2026, 6, 1)).place == NONE
    assert ladder().lived([floor._replace(ends_at=FOREVER)], micros(2036, 6, 1)) == Held(1, None)


def test_what_counted_once_is_added_up_only_while_it_counts() -> None:
    earned = marks((datetime(2026, 1, 5, tzinfo=OSLO), 30), (datetime(2026, 2, 5, tzinfo=OSLO), 7))

    assert list(sums_at(earned, micros(2026, 2, 6)).values()) == [37]
    assert list(sums_at(earned, micros(2027, 1, 5)).values()) == [7]
    assert sums_at(earned, micros(2025, 1, 5)) == {}


GREETED = (
    SILVER_AND_GOLD
    + """
[[rules]]
id = "welcome-gold"
on = "tier_changed"
when.attributes.to = ["gold"]
then.award = { unit = "points", amount = 7 }
then.tag.add = ["was-gold"]

[[rules]]
id = "consolation"
on = "tier_changed"
when.attributes.from = ["gold"]
then.award = { unit = "points", amount = 3 }
"""
)


async def test_a_rule_may_stand_on_coming_to_a_tier_and_on_falling_from_it(house: House) -> None:
    cafe = await tiered(house, GREETED)
    later = datetime(2027, 11, 25, tzinfo=OSLO).astimezone(UTC)

    answer = await buys(house, cafe, flat_whites("1", 12))
    before = await reviewing.review(house, at=later - timedelta(days=2))
    reviewed = await asyncio.gather(*(reviewing.review(house, at=later) for _ in range(3)))

    assert [(award.rule, award.amount) for award in answer.awards] == [("base", 58), ("welcome-gold", 7)]
    assert (before, sum(reviewed)) == (0, 1)
    assert has(await sees(house, cafe, at=later)) == 3  # what came first has run out
    [[tier, tags]] = await house.database.fetch("SELECT tier, tags FROM members")
    assert (tier, tags) == (None, '["was-gold"]')
    assert await reviewing.review(house, at=later + timedelta(days=400)) == 0
    assert await broken(house) == []


async def test_who_still_qualifies_keeps_the_tier_for_another_time(house: House) -> None:
    cafe = await tiered(house, GREETED)
    await buys(house, cafe, flat_whites("1", 12))
    await buys(house, cafe, flat_whites("2", 12), at=MONDAY + timedelta(days=200))
    later = datetime(2027, 11, 25, tzinfo=OSLO)

    assert await reviewing.review(house, at=later) == 1

    [[tier, until]] = await house.database.fetch("SELECT tier, tier_until FROM members")
    assert (tier, until) == ("gold", micros(2028, 11, 25))
    assert await reviewing.review(house, at=later) == 0


async def test_a_tier_of_a_programme_that_has_none_any_more_is_let_go_of(house: House) -> None:
    cafe = await tiered(house)
    await buys(house, cafe, flat_whites("1", 12))
    await publish(house, cafe, programme(), at=MONDAY)

    assert (await sees(house, cafe)).tier is None
    assert await reviewing.review(house, at=MONDAY.replace(year=2028)) == 1
    assert await reviewing.review(house, at=MONDAY.replace(year=2028)) == 0
