"""What happened, and how it would have been without the goods that came back."""

from datetime import UTC, datetime
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules import Line, MemberFacts, Purchase, Return, compile_programme, without
from rules.picking import Exclude, Spend
from tests.rules import random_programmes
from tests.rules.corner_cafe import document, read_document

FLAT_WHITES = Line(line="1", sku="FW", category="coffee", quantity=3, amount_minor=14700, tax_minor=2940)
CAKE = Line(line="2", sku="CARROT-CAKE", category="cake", amount_minor=5200, discount_minor=800)
BREAKFAST = Purchase(
    occurred_at=datetime(2026, 1, 5, 8, tzinfo=UTC), total_minor=19900, location="harbour", lines=(FLAT_WHITES, CAKE)
)


def test_a_purchase_survives_json() -> None:
    assert msgspec.json.decode(msgspec.json.encode(BREAKFAST), type=Purchase) == BREAKFAST


def test_a_member_survives_json() -> None:
    member = MemberFacts(visits=3, tags=("student",), balance={"points": 40}, used={"cap:points|ever": (1, 40)})

    assert msgspec.json.decode(msgspec.json.encode(member), type=MemberFacts) == member


def test_a_whole_line_brought_back_was_never_bought() -> None:
    assert without(BREAKFAST, [Return(line="2")]) == msgspec.structs.replace(
        BREAKFAST, total_minor=14700, lines=(FLAT_WHITES,)
    )


def test_one_of_three_takes_a_third_of_the_money_and_of_the_tax() -> None:
    (left, _) = without(BREAKFAST, [Return(line="1", quantity=1)]).lines or ()

    assert (left.quantity, left.amount_minor, left.tax_minor) == (2, 9800, 1960)


def test_a_third_of_ten_kroner_is_rounded_down_and_the_rest_comes_with_the_last() -> None:
    line = Line(line="1", quantity=3, amount_minor=1000)
    purchase = msgspec.structs.replace(BREAKFAST, total_minor=1000, lines=(line,))

    once = without(purchase, [Return(line="1", quantity=1)])
    thrice = without(purchase, [Return(line="1", quantity=1)] * 3)

    assert once.total_minor == 667
    assert (thrice.total_minor, thrice.lines) == (0, ())


def test_more_is_never_taken_back_than_a_line_has() -> None:
    assert without(BREAKFAST, [Return(line="1", quantity=99)]).total_minor == 5200
    assert without(BREAKFAST, [Return(line="1", amount_minor=99999)]).total_minor == 5200


def test_money_back_without_goods_leaves_the_goods() -> None:
    (left, _) = without(BREAKFAST, [Return(line="1", amount_minor=4700)]).lines or ()

    assert (left.quantity, left.amount_minor) == (3, 10000)


def test_goods_back_for_part_of_the_money_leave_the_rest_of_the_money_where_it_was() -> None:
    card = Line(line="3", category="gift-card", amount_minor=50000)
    purchase = msgspec.structs.replace(BREAKFAST, total_minor=50000, lines=(card,))
    spend = Spend(exclude=Exclude(category=("gift-card",)))

    left = without(purchase, [Return(line="3", quantity=1, amount_minor=40000)])

    assert left.total_minor == 10000
    assert [(line.quantity, line.amount_minor) for line in left.lines or ()] == [(0, 10000)]
    assert spend.counted(left.total_minor, left.refunded_minor, left.lines) == 0


def test_a_discounted_line_stays_discounted() -> None:
    (_, left) = without(BREAKFAST, [Return(line="2", amount_minor=5199)]).lines or ()

    assert (left.amount_minor, left.discount_minor) == (1, 1)


def test_money_that_names_no_line_is_kept_apart_and_never_exceeds_the_total() -> None:
    assert without(BREAKFAST, [], amount_minor=5000).refunded_minor == 5000
    assert without(BREAKFAST, [], amount_minor=99999).refunded_minor == 19900
    assert without(BREAKFAST, []) == BREAKFAST


def test_a_line_that_was_not_bought_cannot_come_back() -> None:
    with pytest.raises(LookupError):
        without(BREAKFAST, [Return(line="7")])
    with pytest.raises(LookupError):
        without(msgspec.structs.replace(BREAKFAST, lines=None), [Return(line="1")])


def sane(purchase: Purchase) -> Purchase:
    """A purchase whose lines cost something and make up the total."""
    lines = tuple(line for line in purchase.lines or () if line.amount_minor >= 0 and line.quantity)
    total = sum(line.amount_minor for line in lines)
    return msgspec.structs.replace(purchase, lines=lines, total_minor=total, refunded_minor=0)


@given(st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_returning_everything_leaves_an_empty_purchase(random: Random) -> None:
    purchase = sane(random_programmes.purchase(random))

    left = without(purchase, [Return(line=line.line) for line in purchase.lines or ()])

    assert (left.total_minor, left.lines, left.refunded_minor) == (0, (), 0)


@given(st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_part_returns_never_take_more_than_was_asked_nor_count_for_more(random: Random) -> None:
    purchase = sane(random_programmes.purchase(random))
    returns = random_programmes.returns(random, purchase)
    asked = sum(_asked(purchase, one) for one in returns)
    spend = Spend(tax=random.choice(["included", "excluded"]), discounted_lines=random.random() < 0.5)

    left = without(purchase, returns)

    assert 0 <= purchase.total_minor - left.total_minor <= asked
    assert left.total_minor == sum(line.amount_minor for line in left.lines or ())
    before = spend.counted(purchase.total_minor, 0, purchase.lines)
    assert spend.counted(left.total_minor, 0, left.lines) <= before


def _asked(purchase: Purchase, one: Return) -> int:
    (line,) = [line for line in purchase.lines or () if line.line == one.line]
    if one.amount_minor is not None:
        return one.amount_minor
    return (
        line.amount_minor
        if one.quantity is None
        else line.amount_minor * min(one.quantity, line.quantity) // line.quantity
    )


@given(st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_returns_in_two_parts_are_the_same_as_at_once(random: Random) -> None:
    purchase = sane(random_programmes.purchase(random))
    returns = random_programmes.returns(random, purchase)
    half = len(returns) // 2

    assert without(purchase, returns) == without(without(purchase, returns[:half]), returns[half:])


def test_a_purchase_returned_in_full_earns_nothing_on_what_was_bought() -> None:
    base = {"id": "base", "then": {"award": {"unit": "points", "amount": 1, "per_minor": 1000}}}
    stamp = {"id": "stamp", "then": {"award": {"unit": "stamps", "amount": 1, "per_item": {"category": ["coffee"]}}}}
    programme, _ = read_document(document(base, stamp))

    outcome = compile_programme(programme).evaluate(
        without(BREAKFAST, [Return(line="1"), Return(line="2")]), MemberFacts()
    )

    assert outcome.awards == ()
