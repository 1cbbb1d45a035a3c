"""Ingrid brings friends to the Corner Café: what counts, what both are given, and what is seen through."""

from __future__ import annotations

from datetime import timedelta

import pytest

from loyalty_engine.businesses import Caller
from loyalty_engine.house import House
from loyalty_engine.referrals import rounds
from tests.engine.shop import INGRID, MONDAY, OLAV, broken, buys, flat_whites, has, open_shop, programme, returns, sees

pytestmark = pytest.mark.anyio

REFERRAL = """
[referral]
ambassador = { unit = "points", amount = 100 }
friend = { unit = "points", amount = 50 }
qualifies = { total = { min = 9000 } }
held_for = "14 days"
limit = { times = 3, per = "year" }
"""
WITH_FRIENDS = programme(more=REFERRAL)
IN_TWO_WEEKS = MONDAY + timedelta(days=14)
KARI = "999 00 203"


@pytest.fixture
async def cafe(house: House) -> Caller:
    return await open_shop(house, source=WITH_FRIENDS)


async def test_a_friend_who_names_their_ambassador_at_the_till_brings_both_their_points(
    house: House, cafe: Caller
) -> None:
    await buys(house, cafe, flat_whites("1", phone=INGRID))

    bought = await buys(house, cafe, flat_whites("2", phone=OLAV, referred_by={"phone": INGRID}))
    assert bought.referral is not None
    assert bought.referral.state == "held"
    assert await rounds.go(house, at=IN_TWO_WEEKS - timedelta(seconds=1)) == 0
    assert await rounds.go(house, at=IN_TWO_WEEKS) == 1
    assert await rounds.go(house, at=IN_TWO_WEEKS) == 0

    # two flat whites at 49 kr: 9 points for 98 kr and 5 in the morning
    assert has(await sees(house, cafe, INGRID, at=IN_TWO_WEEKS)) == 9 + 5 + 100
    assert has(await sees(house, cafe, OLAV, at=IN_TWO_WEEKS)) == 9 + 5 + 50
    assert await broken(house) == []


async def test_what_comes_back_before_the_window_is_over_was_never_bought(house: House, cafe: Caller) -> None:
    await buys(house, cafe, flat_whites("1", phone=INGRID))
    bought = await buys(house, cafe, flat_whites("2", phone=OLAV, referred_by={"phone": INGRID}))
    await returns(house, cafe, bought.id, "R2", lines=[{"line": "1", "quantity": 1}])
    assert await rounds.go(house, at=IN_TWO_WEEKS) == 0

    again = await buys(house, cafe, flat_whites("3", phone=OLAV), at=IN_TWO_WEEKS)
    assert again.referral is not None
    assert again.referral.state == "held"
    assert await rounds.go(house, at=IN_TWO_WEEKS + timedelta(days=14)) == 1
    assert await broken(house) == []


async def test_what_comes_back_later_takes_both_credits_with_it(house: House, cafe: Caller) -> None:
    await buys(house, cafe, flat_whites("1", phone=INGRID))
    bought = await buys(house, cafe, flat_whites("2", phone=OLAV, referred_by={"phone": INGRID}))
    await rounds.go(house, at=IN_TWO_WEEKS)

    await returns(house, cafe, bought.id, "R2", full=True, at=IN_TWO_WEEKS)

    assert has(await sees(house, cafe, INGRID, at=IN_TWO_WEEKS)) == 9 + 5
    assert has(await sees(house, cafe, OLAV, at=IN_TWO_WEEKS)) == 0
    assert await broken(house) == []
