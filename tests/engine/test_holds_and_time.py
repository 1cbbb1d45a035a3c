"""Holds beside the clock: what is set aside does not run out, and what a hold let go of is there for everybody."""

from __future__ import annotations

from datetime import timedelta

import pytest

from loyalty_engine import expiring
from loyalty_engine.businesses import Caller
from loyalty_engine.house import House
from loyalty_engine.redemption import holding
from tests.engine.counter import off, open_counter, spends, with_units
from tests.engine.shop import MONDAY, broken, buys, flat_whites, returns, sees
from tests.engine.test_holds import aside, captures, lets_go, sets_aside

pytestmark = pytest.mark.anyio


@pytest.fixture
async def cafe(house: House) -> Caller:
    return await open_counter(house)


async def test_units_on_hold_do_not_run_out_before_the_hold_has_ended(house: House, cafe: Caller) -> None:
    await with_units(house, cafe, kroner=1)
    minute_before = MONDAY.replace(year=2027) - timedelta(minutes=1)

    hold = await sets_aside(house, cafe, unit="kroner", amount=1, at=minute_before)
    await expiring.expire(house, at=MONDAY.replace(year=2027))
    done = await captures(house, cafe, hold.id, at=MONDAY.replace(year=2027))

    assert (hold.expires_at, done.status, done.captured) == ("2027-11-23T09:44:00Z", "captured", 1)
    assert await broken(house) == []


async def test_units_let_go_of_after_their_time_are_gone(house: House, cafe: Caller) -> None:
    await with_units(house, cafe, kroner=2)
    over = MONDAY.replace(year=2027)
    hold = await sets_aside(house, cafe, unit="kroner", amount=1, at=over - timedelta(minutes=1))

    assert await aside(house, cafe, "kroner", at=over) == (0, 1)
    await lets_go(house, cafe, hold.id, at=over)
    await expiring.expire(house, at=over)

    assert await house.database.fetch("SELECT 1 FROM lots WHERE unit = 'kroner' AND remaining > 0") == []
    assert await broken(house) == []


async def test_a_refund_leaves_what_a_hold_waits_for(house: House, cafe: Caller) -> None:
    """What is set aside has run out, so of what a refund takes the hold keeps its share in what is still good."""
    await with_units(house, cafe, kroner=10)
    later = MONDAY.replace(year=2027) - timedelta(minutes=1)
    hold = await sets_aside(house, cafe, unit="kroner", amount=10, at=later)
    bought = await buys(house, cafe, flat_whites("1", 5), at=later)

    back = await returns(house, cafe, bought.id, "R1", full=True, at=later + timedelta(minutes=2))
    done = await captures(house, cafe, hold.id, at=later + timedelta(minutes=3))

    assert [(one.amount, one.shortfall) for one in back.taken_back if one.unit == "kroner"] == [(2, 10)]
    assert done.captured == 10
    assert await broken(house) == []


async def test_a_voucher_is_there_again_at_the_deadline_of_its_hold(house: House, cafe: Caller) -> None:
    [voucher] = (await buys(house, cafe, flat_whites("1", 11))).vouchers
    await sets_aside(house, cafe, voucher=voucher.code, ttl_seconds=60)
    after = MONDAY + timedelta(seconds=60)

    assert [one.code for one in (await sees(house, cafe, at=after)).vouchers] == [voucher.code]
    again = await sets_aside(house, cafe, voucher=voucher.code, ttl_seconds=60, at=after)
    bought = await buys(house, cafe, spends("2", {"voucher": voucher.code}), at=after + timedelta(seconds=60))

    assert off(bought) == [("fifty-off", 5000)]
    assert (await holding.read_hold(house, cafe, again.id, at=after + timedelta(hours=1))).status == "lapsed"
    assert await holding.lapse(house, at=after + timedelta(hours=1)) == 0
    assert await broken(house) == []
