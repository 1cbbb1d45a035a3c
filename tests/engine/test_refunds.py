"""Goods come back: exactly the difference is taken back, and never more than was earned."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rules
from loyalty_engine import members, purchases, refunding
from loyalty_engine.businesses import Caller
from loyalty_engine.commands import RefundPurchase
from loyalty_engine.errors import (
    BodyInvalid,
    LineUnknown,
    NothingLeftToRefund,
    PurchaseUnknown,
    ReceiptConflict,
    RefundExceedsPurchase,
)
from loyalty_engine.house import House
from tests.engine.shop import (
    HAPPY_HOUR,
    INGRID,
    MONDAY,
    adjusts,
    broken,
    buys,
    flat_whites,
    has,
    open_shop,
    programme,
    returns,
    returns_by_receipt,
    sees,
    ticket,
)

pytestmark = pytest.mark.anyio

BREAKFAST: dict[str, Any] = {
    "total_minor": 17900,
    "lines": [
        {"line": "1", "sku": "FLATWHITE", "category": "coffee", "quantity": 2, "amount_minor": 9800},
        {"line": "2", "sku": "PORRIDGE", "category": "food", "quantity": 1, "amount_minor": 8100},
    ],
}


async def test_one_cup_of_two_comes_back(house: House, cafe: Caller) -> None:
    bought = await buys(house, cafe, flat_whites("1", **BREAKFAST))

    back = await returns(house, cafe, bought.id, "R1", lines=[{"line": "1", "quantity": 1}])

    # 179 kr gave 17 points; 130 kr would have given 13. The morning's 5 stay.
    assert [(t.rule, t.unit, t.amount) for t in back.taken_back] == [
        ("base", "points", 4),
        ("coffee-stamp", "stamps", 1),
    ]
    assert (back.refunded_minor, back.left_minor) == (4900, 13000)
    assert (has(back), has(back, "stamps")) == (18, 1)
    assert back.receipt_text == ("-4 poeng (saldo 18)", "-1 stempel (saldo 1)")
    assert await broken(house) == []


async def test_a_full_refund_takes_everything_back_fixed_awards_too(house: House, cafe: Caller) -> None:
    bought = await buys(house, cafe, flat_whites("1"), at=HAPPY_HOUR)

    back = await returns(house, cafe, bought.id, "R1", at=HAPPY_HOUR, full=True)

    assert {(t.rule, t.amount) for t in back.taken_back} == {("base", 9), ("happy-hour", 9), ("coffee-stamp", 2)}
    assert (has(back), has(back, "stamps"), back.left_minor) == (0, 0, 0)
    member = await members.read_member(house, cafe, bought.member.id, at=HAPPY_HOUR)
    assert (member.visits, member.spend_minor) == (0, 0)


async def test_line_by_line_comes_to_the_same_as_all_at_once(house: House, cafe: Caller) -> None:
    bought = await buys(house, cafe, flat_whites("1", **BREAKFAST))
    await returns(house, cafe, bought.id, "R1", lines=[{"line": "1", "quantity": 1}])
    await returns(house, cafe, bought.id, "R2", lines=[{"line": "2"}])

    last = await returns(house, cafe, bought.id, "R3", lines=[{"line": "1"}])

    assert (has(last), has(last, "stamps"), last.left_minor) == (0, 0, 0)
    with pytest.raises(NothingLeftToRefund):
        await returns(house, cafe, bought.id, "R4", full=True)
    read = await purchases.read_purchase(house, cafe, bought.id)
    assert read.refunded_minor == 17900
    assert len(read.refunds) == 3


async def test_money_given_back_without_goods_counts_against_the_spend(house: House, cafe: Caller) -> None:
    bought = await buys(house, cafe, flat_whites("1"))

    back = await returns(house, cafe, bought.id, "R1", amount_minor=2000)

    assert [(t.rule, t.amount) for t in back.taken_back] == [("base", 2)]
    assert back.left_minor == 7800


async def test_a_refund_told_twice_counts_once(house: House, cafe: Caller) -> None:
    bought = await buys(house, cafe, flat_whites("1"))
    command = msgspec.convert({"receipt": "R1", "lines": [{"line": "1", "quantity": 1}]}, RefundPurchase)

    first = await refunding.record_refund(house, cafe, bought.id, command, ticket("k"))
    by_key = await refunding.record_refund(house, cafe, bought.id, command, ticket("k"))
    by_receipt = await refunding.record_refund(house, cafe, bought.id, command, ticket("other"))

    assert (first.hit, by_key.hit, by_receipt.hit) == (False, True, True)
    assert first.body == by_key.body == by_receipt.body
    assert has(await sees(house, cafe)) == 9


async def test_a_used_limit_comes_back_with_the_goods(house: House, cafe: Caller) -> None:
    bought = await buys(house, cafe, flat_whites("1"))
    await returns(house, cafe, bought.id, "R1", full=True)

    again = await buys(house, cafe, flat_whites("2"))

    assert ("morning", 5) in [(a.rule, a.amount) for a in again.awards]


@pytest.mark.parametrize(
    ("policy", "taken", "shortfall", "balance"),
    [("within_balance", 3, 11, 0), ("owe", 14, 0, -11), ("forgive", 3, 0, 0)],
)
async def test_points_spent_meanwhile_are_handled_as_the_programme_says(
    house: House, policy: str, taken: int, shortfall: int, balance: int
) -> None:
    cafe = await open_shop(house, source=programme(about=f'refund = "{policy}"'))
    bought = await buys(house, cafe, flat_whites("1"))
    await adjusts(house, cafe, bought.member.id, -11)

    back = await returns(house, cafe, bought.id, "R1", full=True)

    points = [t for t in back.taken_back if t.unit == "points"]
    assert (sum(t.amount for t in points), sum(t.shortfall for t in points)) == (taken, shortfall)
    assert has(back) == balance
    assert await broken(house) == []


async def test_a_debt_is_settled_by_what_is_earned_next(house: House) -> None:
    cafe = await open_shop(house, source=programme(about='refund = "owe"'))
    bought = await buys(house, cafe, flat_whites("1"))
    await adjusts(house, cafe, bought.member.id, -11)
    await returns(house, cafe, bought.id, "R1", full=True)

    tomorrow = await buys(house, cafe, flat_whites("2"), at=MONDAY + timedelta(days=1))

    assert has(tomorrow) == 14 - 11
    assert await broken(house) == []


async def test_forgiving_leaves_other_purchases_alone(house: House) -> None:
    cafe = await open_shop(house, source=programme(about='refund = "forgive"'))
    first = await buys(house, cafe, flat_whites("1"))
    await buys(house, cafe, flat_whites("2"))
    await adjusts(house, cafe, first.member.id, -14)  # burns the first purchase's lot

    back = await returns(house, cafe, first.id, "R1", full=True)

    assert [t for t in back.taken_back if t.unit == "points" and t.amount] == []
    assert has(back) == 9


async def test_a_refund_before_its_purchase_waits_and_is_settled_when_it_comes(house: House, cafe: Caller) -> None:
    status, parked = await returns_by_receipt(house, cafe, "late", "R1", full=True)

    bought = await buys(house, cafe, flat_whites("late"))

    assert (status, parked.status) == (202, "parked")
    assert has(bought) == 14
    assert has(await sees(house, cafe)) == 0
    assert (await purchases.read_purchase(house, cafe, bought.id)).refunded_minor == 9800
    assert await refunding.settle_all(house, at=MONDAY) == 0
    assert await broken(house) == []


async def test_a_parked_refund_of_more_than_was_bought_is_refused_when_it_comes(house: House, cafe: Caller) -> None:
    await returns_by_receipt(house, cafe, "late", "R1", amount_minor=99900)

    bought = await buys(house, cafe, flat_whites("late"))

    assert has(await sees(house, cafe)) == 14
    assert (await purchases.read_purchase(house, cafe, bought.id)).refunded_minor == 0
    assert await broken(house) == []


async def test_a_parked_refund_left_over_from_a_crash_is_settled_by_the_sweep(house: House, cafe: Caller) -> None:
    await buys(house, cafe, flat_whites("late"))
    await returns_by_receipt(house, cafe, "later", "R1", full=True)
    # The purchase has come, and whoever recorded it fell over before looking for refunds that wait.
    await house.database.write_transaction(
        lambda tx: tx.fetch("UPDATE parked_refunds SET purchase_natural = 'purchase:11:grunerlokka:late'")
    )
    assert await broken(house) == ["I09c"]

    assert await refunding.settle_all(house, at=MONDAY) == 1

    assert has(await sees(house, cafe)) == 0
    assert await broken(house) == []


async def test_a_refund_by_receipt_finds_its_purchase(house: House, cafe: Caller) -> None:
    await buys(house, cafe, flat_whites("1"))

    status, back = await returns_by_receipt(house, cafe, "1", "R1", lines=[{"line": "1", "amount_minor": 4900}])

    assert (status, back.status, back.left_minor) == (201, "recorded", 4900)


@pytest.mark.parametrize(
    ("what", "refusal", "pointer"),
    [
        ({}, BodyInvalid, "/lines"),
        ({"full": True, "amount_minor": 100}, BodyInvalid, "/lines"),
        ({"lines": [{"line": "1"}, {"line": "1"}]}, BodyInvalid, "/lines"),
        ({"lines": [{"line": "9"}]}, LineUnknown, "/lines/0/line"),
        ({"lines": [{"line": "1", "quantity": 3}]}, RefundExceedsPurchase, "/lines/0/quantity"),
        ({"lines": [{"line": "1", "amount_minor": 9801}]}, RefundExceedsPurchase, "/lines/0/amount_minor"),
        ({"amount_minor": 9801}, RefundExceedsPurchase, "/amount_minor"),
    ],
)
async def test_what_cannot_come_back_is_refused(
    house: House, cafe: Caller, what: dict[str, Any], refusal: type[Exception], pointer: str
) -> None:
    bought = await buys(house, cafe, flat_whites("1"))

    with pytest.raises(refusal) as refused:
        await returns(house, cafe, bought.id, "R1", **what)

    assert [detail.pointer for detail in refused.value.details] == [pointer]  # type: ignore[attr-defined]
    assert has(await sees(house, cafe)) == 14


async def test_another_business_has_no_such_purchase(house: House, cafe: Caller) -> None:
    bought = await buys(house, cafe, flat_whites("1"))
    bookshop = await open_shop(house, "bookshop")

    with pytest.raises(PurchaseUnknown):
        await returns(house, bookshop, bought.id, "R1", full=True)
    status, _ = await returns_by_receipt(house, bookshop, "1", "R1", full=True)

    assert status == 202
    assert has(await sees(house, cafe)) == 14


_receipts = count(10_000)
baskets = st.lists(
    st.tuples(st.sampled_from(["coffee", "food", "gift-card"]), st.integers(1, 4), st.integers(0, 30_000)),
    min_size=1,
    max_size=5,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(basket=baskets, backs=st.lists(st.tuples(st.integers(0, 4), st.integers(1, 4)), max_size=6))
async def test_whatever_comes_back_in_whatever_order_the_balance_is_what_the_rest_would_have_earned(
    house: House, cafe: Caller, basket: list[tuple[str, int, int]], backs: list[tuple[int, int]]
) -> None:
    total = sum(amount for *_, amount in basket)
    if not total:
        return
    lines = [
        {"line": str(n), "category": category, "quantity": quantity, "amount_minor": amount}
        for n, (category, quantity, amount) in enumerate(basket)
    ]
    seed = next(_receipts)
    phone = f"999{seed:05d}"
    bought = await buys(house, cafe, flat_whites(f"{seed}", phone=phone, total_minor=total, lines=lines))
    taken = 0
    for number, (line, quantity) in enumerate(backs):
        try:
            back = await returns(
                house, cafe, bought.id, f"{seed}-{number}", lines=[{"line": str(line), "quantity": quantity}]
            )
        except (LineUnknown, RefundExceedsPurchase, NothingLeftToRefund):
            continue
        taken += sum(t.amount for t in back.taken_back if t.unit == "points")
        assert all(t.amount >= 0 and t.shortfall == 0 for t in back.taken_back)

    earned = sum(a.amount for a in bought.awards if a.unit == "points")
    assert has(await sees(house, cafe, phone)) == earned - taken
    assert 0 <= taken <= earned
    assert await broken(house) == []


def test_a_line_returned_leaves_the_rest_as_if_it_had_never_been_bought() -> None:
    breakfast = rules.Purchase(
        occurred_at=MONDAY, total_minor=17900, location="grunerlokka",
        lines=(rules.Line(line="1", amount_minor=9800, quantity=2), rules.Line(line="2", amount_minor=8100)),
    )  # fmt: skip

    left = rules.without(breakfast, [rules.Return(line="2")])

    assert left == msgspec.structs.replace(breakfast, total_minor=9800, lines=breakfast.lines[:1])  # type: ignore[index]
    assert INGRID not in repr(left)


async def test_a_parked_refund_told_again_after_its_purchase_came_counts_once(house: House, cafe: Caller) -> None:
    """The till names no location on the refund itself: it is where the purchase was, before and after."""
    status, parked = await returns_by_receipt(house, cafe, "late", "R1", amount_minor=5000)
    bought = await buys(house, cafe, flat_whites("late"))

    again, same = await returns_by_receipt(house, cafe, "late", "R1", amount_minor=5000)

    assert (status, again) == (202, 202)
    assert same == parked
    assert (await purchases.read_purchase(house, cafe, bought.id)).refunded_minor == 5000
    assert await broken(house) == []


async def test_a_refund_receipt_that_stands_for_another_refund_is_refused(house: House, cafe: Caller) -> None:
    ours = await buys(house, cafe, flat_whites("1"))
    theirs = await buys(house, cafe, flat_whites("2", phone="999 00 202"))
    await returns(house, cafe, ours.id, "R1", amount_minor=100)

    with pytest.raises(ReceiptConflict):
        await returns(house, cafe, theirs.id, "R1", amount_minor=100)
    with pytest.raises(ReceiptConflict):
        await returns(house, cafe, ours.id, "R1", amount_minor=200)

    assert (await purchases.read_purchase(house, cafe, theirs.id)).refunded_minor == 0
