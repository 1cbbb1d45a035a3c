"""Goods come back that perks had paid for: what was spent returns to where it came from, worked by hand."""

from __future__ import annotations

from datetime import timedelta

import pytest

from loyalty_engine import upkeep
from loyalty_engine.businesses import Caller
from loyalty_engine.database import Transaction
from loyalty_engine.errors import NothingLeftToRefund, RefundExceedsPurchase
from loyalty_engine.house import House
from tests.engine.counter import off, open_counter, spends, with_units
from tests.engine.shop import MONDAY, broken, buys, flat_whites, has, returns, sees
from tests.engine.test_verify import UNLOCK

pytestmark = pytest.mark.anyio


@pytest.fixture
async def cafe(house: House) -> Caller:
    return await open_counter(house)


async def test_a_full_refund_gives_back_what_was_spent_and_takes_back_what_was_earned(
    house: House, cafe: Caller
) -> None:
    await with_units(house, cafe, stamps=10, points=20)
    bought = await buys(house, cafe, spends("1", {"perk": "free-coffee"}, {"perk": "tenth-off"}))

    refund = await returns(house, cafe, bought.id, "R1", full=True)

    # 98 kr less a coffee of 49 kr, less ten per cent of the other: 44.10 kr were paid.
    assert (bought.to_pay_minor, refund.refunded_minor) == (4410, 4410)
    assert [(one.perk, one.amount) for one in refund.given_back] == [("free-coffee", 10), ("tenth-off", 20)]
    assert (has(refund, "stamps"), has(refund, "points")) == (10, 20)
    assert await broken(house) == []


async def test_the_piece_that_was_free_comes_back_last(house: House, cafe: Caller) -> None:
    await with_units(house, cafe, stamps=10)
    bought = await buys(house, cafe, spends("1", {"perk": "free-coffee"}, quantity=3))

    two = await returns(house, cafe, bought.id, "R1", lines=[{"line": "1", "quantity": 2}])
    last = await returns(house, cafe, bought.id, "R2", lines=[{"line": "1", "quantity": 1}])

    assert (two.refunded_minor, two.given_back) == (9800, ())
    assert (last.refunded_minor, [one.amount for one in last.given_back]) == (0, [10])
    assert has(last, "stamps") == 10
    with pytest.raises(NothingLeftToRefund):
        await returns(house, cafe, bought.id, "R3", full=True)
    assert await broken(house) == []


async def test_a_part_refund_gives_a_perk_on_the_whole_order_back_in_proportion(house: House, cafe: Caller) -> None:
    await with_units(house, cafe, points=20)
    bought = await buys(house, cafe, spends("1", {"perk": "tenth-off"}, quantity=4))

    # Four at 44.10 kr each; one comes back, then two, then the last: 5, 10 and 5 of the 20 points.
    first = await returns(house, cafe, bought.id, "R1", lines=[{"line": "1", "quantity": 1}])
    second = await returns(house, cafe, bought.id, "R2", amount_minor=8820)
    third = await returns(house, cafe, bought.id, "R3", full=True)

    assert [r.refunded_minor for r in (first, second, third)] == [4410, 8820, 4410]
    assert [sum(one.amount for one in r.given_back) for r in (first, second, third)] == [5, 10, 5]
    assert has(third, "points") == 20
    assert await broken(house) == []


async def test_a_purchase_paid_with_perks_alone_can_be_given_back_once(house: House, cafe: Caller) -> None:
    await with_units(house, cafe, stamps=10)
    bought = await buys(house, cafe, spends("1", {"perk": "free-coffee"}, quantity=1))

    refund = await returns(house, cafe, bought.id, "R1", full=True)

    assert (bought.to_pay_minor, refund.refunded_minor, has(refund, "stamps")) == (0, 0, 10)
    with pytest.raises(NothingLeftToRefund):
        await returns(house, cafe, bought.id, "R2", full=True)
    assert await broken(house) == []


async def test_no_more_money_comes_back_than_was_paid(house: House, cafe: Caller) -> None:
    await with_units(house, cafe, stamps=10)
    bought = await buys(house, cafe, spends("1", {"perk": "free-coffee"}))

    with pytest.raises(RefundExceedsPurchase):
        await returns(house, cafe, bought.id, "R1", amount_minor=9800)


async def test_units_return_to_their_lot_with_its_old_expiry_and_expire_again(house: House, cafe: Caller) -> None:
    await with_units(house, cafe, kroner=1, at=MONDAY)
    soon = MONDAY + timedelta(days=360)
    spent = await buys(house, cafe, spends("1", {"unit": "kroner", "amount": 1}), at=soon)
    after = MONDAY + timedelta(days=370)

    refund = await returns(house, cafe, spent.id, "R1", full=True, at=after)
    await upkeep.go_round(house, after)

    assert off(spent) == [("kroner", 100)]
    assert [one.amount for one in refund.given_back] == [1]
    assert has(refund, "kroner") == 0
    found = await house.database.fetch(
        "SELECT kind, amount FROM entries WHERE unit = 'kroner' ORDER BY revision, id"
    )  # fmt: skip
    assert [tuple(row) for row in found] == [
        ("accrual", 1), ("redemption", -1), ("accrual", 4), ("reversal", 1), ("breakage", -1), ("reversal", -4),
    ]  # fmt: skip
    assert await broken(house) == []


async def test_a_voucher_comes_back_with_the_whole_purchase_and_one_that_was_earned_is_withdrawn(
    house: House, cafe: Caller
) -> None:
    first = await buys(house, cafe, flat_whites("1", 11))
    [voucher] = first.vouchers
    second = await buys(house, cafe, spends("2", {"voucher": voucher.code}))

    part = await returns(house, cafe, second.id, "R1", lines=[{"line": "1", "quantity": 1}])
    whole = await returns(house, cafe, second.id, "R2", full=True)
    there = (await sees(house, cafe)).vouchers
    await returns(house, cafe, first.id, "R3", full=True)

    assert part.given_back == ()
    assert [one.voucher for one in whole.given_back] == [voucher.code]
    assert [one.code for one in there] == [voucher.code]
    assert (await sees(house, cafe)).vouchers == ()
    assert await broken(house) == []


@pytest.mark.parametrize(
    ("policy", "taken", "shortfall", "left"), [("within_balance", 3, 1, 0), ("owe", 4, 0, -1), ("forgive", 3, 0, 0)]
)
async def test_what_was_earned_and_spent_already_is_handled_as_the_programme_says(
    house: House, policy: str, taken: int, shortfall: int, left: int
) -> None:
    cafe = await open_counter(house, about=f'refund = "{policy}"')
    await with_units(house, cafe, kroner=0)
    earned = await buys(house, cafe, flat_whites("1"))
    await buys(house, cafe, spends("2", {"unit": "kroner", "amount": 1}, total_minor=1000, lines=None))

    refund = await returns(house, cafe, earned.id, "R1", full=True)

    kroner = [one for one in refund.taken_back if one.unit == "kroner"]
    assert [(one.amount, one.shortfall) for one in kroner] == [(taken, shortfall)]
    assert has(refund, "kroner") == left
    assert await broken(house) == []


async def test_a_perk_that_came_back_may_be_had_again(house: House, cafe: Caller) -> None:
    from tests.engine.counter import bun

    await with_units(house, cafe, points=20)
    had = await buys(house, cafe, bun("1", redeem=[{"perk": "once-a-month"}, {"perk": "first-ten"}]))
    await returns(house, cafe, had.id, "R1", full=True)

    again = await buys(house, cafe, bun("2", redeem=[{"perk": "once-a-month"}]))

    assert off(again) == [("once-a-month", 3000)]
    assert [tuple(row) for row in await house.database.fetch("SELECT issued FROM perk_counts")] == [(0,)]
    assert await broken(house) == []


FORGERIES = {
    "I09d": "UPDATE entries SET amount = 500 WHERE kind = 'reversal' AND counter = 'redeemed'",
    "I12": "UPDATE accounts SET held = 1 WHERE unit = 'points'",
    "I13": "UPDATE perk_counts SET most = 100, issued = -1",
}


@pytest.mark.parametrize("invariant", FORGERIES)
async def test_forged_spending_is_found(house: House, cafe: Caller, invariant: str) -> None:
    await with_units(house, cafe, stamps=10, points=20)
    had = await buys(house, cafe, spends("1", {"perk": "free-coffee"}, {"perk": "first-ten"}))
    await returns(house, cafe, had.id, "R1", full=True)
    assert await broken(house) == []

    async def forge(transaction: Transaction) -> None:
        for statement in (*UNLOCK[house.database.dialect], FORGERIES[invariant]):
            await transaction.fetch(statement)

    await house.database.write_transaction(forge)

    assert invariant in await broken(house)
