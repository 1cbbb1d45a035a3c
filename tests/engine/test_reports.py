"""What the shop owes, what moved and what each rule gave, with figures worked by hand."""

from __future__ import annotations

from datetime import timedelta

import pytest

from loyalty_engine import expiring, reports
from loyalty_engine.answers import PurchaseAnswer
from loyalty_engine.businesses import Caller
from loyalty_engine.house import House
from tests.engine.shop import MONDAY, OLAV, adjusts, buys, flat_whites, open_shop, programme, returns

pytestmark = pytest.mark.anyio

PERK = """
[[perks]]
id = "free-coffee"
price = { unit = "stamps", amount = 10 }
gives.free_item = { category = ["coffee"], up_to_minor = 5000 }
"""


async def two_years(house: House, cafe: Caller) -> PurchaseAnswer:
    """Ingrid's first points run out but for five spent of them; the second lot is half a year old."""
    first = await buys(house, cafe, flat_whites("1"))  # 14 points, 2 stamps
    await adjusts(house, cafe, first.member.id, -5)
    await buys(house, cafe, flat_whites("2"), at=MONDAY + timedelta(days=200))  # 14 points, 2 stamps: a Friday
    return first


async def test_what_is_owed_stands_by_unit_and_age_with_what_will_likely_not_be_asked_for(house: House) -> None:
    cafe = await open_shop(house, source=programme(more=PERK))
    await two_years(house, cafe)
    at = MONDAY + timedelta(days=366)

    unbooked = await reports.liability(house, cafe, at=at)
    await expiring.expire(house, at=at)
    booked = await reports.liability(house, cafe, at=at)

    points, stamps = booked.units
    assert (points.unit, points.outstanding, points.members, points.expired_unbooked) == ("points", 14, 1, 0)
    assert [(age.from_days, age.to_days, age.amount) for age in points.ages] == [
        (0, 30, 0), (30, 90, 0), (90, 180, 14), (180, 365, 0), (365, None, 0),
    ]  # fmt: skip
    # Of 14 points that came to their day 9 were not spent: 642 of a thousand, and 9 of 14 are to be expected.
    assert (points.breakage_permille, points.expected_breakage) == (642, 9)
    # Ten stamps buy a coffee of at most 50 kr: a stamp is worth 5 kr.
    assert (stamps.outstanding, stamps.breakage_permille, stamps.cost_minor) == (2, 1000, 1000)
    assert points.cost_minor == 0
    assert [one.expired_unbooked for one in unbooked.units] == [9, 2]
    assert [one.outstanding for one in unbooked.units] == [14, 2]
    assert [one.expected_breakage for one in unbooked.units] == [9, 2]


async def test_a_business_without_a_history_is_not_promised_any_breakage(house: House, cafe: Caller) -> None:
    await buys(house, cafe, flat_whites("1"))

    points = (await reports.liability(house, cafe, at=MONDAY)).units[0]

    assert (points.outstanding, points.breakage_permille, points.expected_breakage) == (14, None, None)


async def test_what_happened_in_a_time_and_who_was_there(house: House, cafe: Caller) -> None:
    await two_years(house, cafe)
    bought = await buys(house, cafe, flat_whites("3", 1, phone=OLAV), at=MONDAY + timedelta(hours=5))
    await returns(house, cafe, bought.id, "R3", full=True, at=MONDAY + timedelta(hours=6))

    day = await reports.activity(house, cafe, since=MONDAY, until=MONDAY + timedelta(days=1), closed=8)
    rest = await reports.activity(
        house, cafe, since=MONDAY + timedelta(days=1), until=MONDAY + timedelta(days=300), closed=None
    )

    points = next(one for one in day.units if one.unit == "points")
    assert (points.issued, points.taken_back, points.adjusted, points.expired) == (14 + 8, 8, -5, 0)
    assert (day.members_active, day.members_joined, day.purchases, day.refunds) == (2, 2, 2, 1)
    assert (day.paid_minor, day.recognised_permille) == (9800 + 4900, 250)
    assert (rest.members_active, rest.members_joined, rest.purchases, rest.recognised_permille) == (1, 0, 1, None)


async def test_what_each_rule_gave_to_how_many_and_what_it_costs(house: House) -> None:
    cafe = await open_shop(house, source=programme(more=PERK))
    await two_years(house, cafe)
    await buys(house, cafe, flat_whites("3", 1, phone=OLAV))

    told = await reports.rules_gave(house, cafe, since=MONDAY, until=MONDAY + timedelta(days=300))

    rows = [(one.rule, one.unit, one.times, one.members, one.given, one.cost_minor) for one in told.rules]
    assert rows == [
        ("coffee-stamp", "stamps", 3, 2, 5, 2500),
        ("base", "points", 3, 2, 9 + 9 + 4, 0),
        ("morning", "points", 3, 2, 15, 0),
    ]


async def test_a_report_tells_of_one_business(house: House, cafe: Caller) -> None:
    other = await open_shop(house, "other-cafe")
    await buys(house, other, flat_whites("1"))

    told = await reports.activity(house, cafe, since=MONDAY, until=MONDAY + timedelta(days=1), closed=None)

    assert (told.units, told.purchases, told.members_joined) == ((), 0, 0)
    assert (await reports.liability(house, cafe, at=MONDAY)).units[0].outstanding == 0
