"""What perks take off a basket, line by line, worked by hand and tried on random baskets."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules import FreeItem, Gives, Line, Purchase, Units, discounts, judged, paid
from rules.picking import Pick

NOON = datetime(2026, 11, 23, 11, tzinfo=UTC)
COFFEE = Pick(category=("coffee",))
FREE_COFFEE = Gives(free_item=FreeItem(category=("coffee",), up_to_minor=6000))
TENTH_OFF = Gives(percent_off=10)
FIFTY_OFF = Gives(amount_off_minor=5000)


def basket(*lines: Line) -> Purchase:
    return Purchase(occurred_at=NOON, total_minor=sum(line.amount_minor for line in lines), lines=lines)


def coffee(line: str, amount_minor: int, quantity: int = 1) -> Line:
    return Line(line=line, category="coffee", quantity=quantity, amount_minor=amount_minor)


def bun(line: str, amount_minor: int) -> Line:
    return Line(line=line, category="pastry", amount_minor=amount_minor)


def off(purchase: Purchase, *asked: Gives | Units) -> list[dict[str | None, int]]:
    return [{part.line: part.amount_minor for part in one.parts} for one in discounts(purchase, asked)]


def test_a_free_coffee_is_the_cheapest_of_those_bought() -> None:
    bought = basket(coffee("latte", 5500), coffee("espresso", 3500), bun("bun", 3000))

    assert off(bought, FREE_COFFEE) == [{"espresso": 3500}]


def test_a_free_coffee_is_the_dearest_where_the_perk_says_so_up_to_its_amount() -> None:
    dearest = Gives(free_item=FreeItem(category=("coffee",), which="dearest", up_to_minor=5000))
    bought = basket(coffee("latte", 5500), coffee("espresso", 3500))

    assert off(bought, dearest) == [{"latte": 5000}]
    assert judged(bought, discounts(bought, [dearest])).lines == (coffee("latte", 500), coffee("espresso", 3500))


def test_one_of_three_pieces_is_free_and_a_second_perk_takes_the_next() -> None:
    bought = basket(coffee("1", 10000, quantity=3))

    assert off(bought, FREE_COFFEE) == [{"1": 3333}]
    assert off(bought, FREE_COFFEE, FREE_COFFEE, FREE_COFFEE) == [{"1": 3333}, {"1": 3333}, {"1": 3334}]
    assert judged(bought, discounts(bought, [FREE_COFFEE])).lines == (coffee("1", 6667, quantity=2),)
    assert paid(bought, discounts(bought, [FREE_COFFEE])).lines == (coffee("1", 6667, quantity=3),)


def test_ten_per_cent_of_everything_is_spread_to_the_last_oere() -> None:
    bought = basket(bun("a", 3333), bun("b", 3333), bun("c", 3334))

    assert off(bought, TENTH_OFF) == [{"a": 333, "b": 333, "c": 334}]


@pytest.mark.parametrize(
    ("gives", "taken"),
    [
        (Gives(percent_off=50, of=COFFEE), {"latte": 2750, "espresso": 1750}),
        (Gives(percent_off=50, of=COFFEE, up_to_minor=900), {"latte": 550, "espresso": 350}),
        (Gives(percent_off=50, cheapest=True), {"bun": 1500}),
        (Gives(percent_off=50, of=COFFEE, cheapest=True), {"espresso": 1750}),
        (Gives(amount_off_minor=4500, of=COFFEE), {"latte": 2750, "espresso": 1750}),
        (Gives(amount_off_minor=99900), {"latte": 5500, "espresso": 3500, "bun": 3000}),
        (Gives(percent_off=10, of=Pick(category=("tea",))), {}),
        (Gives(service={"en": "Free diagnosis"}), {}),
    ],
)  # fmt: skip
def test_what_comes_off_which_line(gives: Gives, taken: dict[str, int]) -> None:
    bought = basket(coffee("latte", 5500), coffee("espresso", 3500), bun("bun", 3000))

    assert off(bought, gives) == [taken]


def test_perks_are_counted_in_one_order_whatever_the_order_they_are_named_in() -> None:
    bought = basket(coffee("latte", 5500), bun("bun", 4500))
    asked: dict[str, Gives | Units] = {
        "free": FREE_COFFEE,
        "tenth": TENTH_OFF,
        "fifty": Gives(amount_off_minor=1000),
        "kr": Units(100, 100),
    }

    for order in permutations(asked):
        found = dict(zip(order, discounts(bought, [asked[name] for name in order]), strict=True))
        taken = {name: found[name].amount_minor for name in asked}
        # The latte is free; ten per cent of the bun; ten kroner off; and what is left is paid with 30 of the units.
        assert taken == {"free": 5500, "tenth": 450, "fifty": 1000, "kr": 3000}
        assert found["kr"].units == 30


def test_a_purchase_without_lines_takes_what_comes_off_the_whole_order_only() -> None:
    bought = Purchase(occurred_at=NOON, total_minor=12345)

    assert off(bought, FREE_COFFEE, Gives(percent_off=10, of=COFFEE), TENTH_OFF) == [{}, {}, {None: 1234}]
    assert judged(bought, discounts(bought, [TENTH_OFF])).total_minor == 11111
    assert paid(bought, discounts(bought, [TENTH_OFF])).total_minor == 11111


goods = st.sampled_from([None, COFFEE, Pick(category=("pastry",)), Pick(not_category=("coffee",))])
gives = st.one_of(
    st.builds(lambda most, which: Gives(free_item=FreeItem(category=("coffee",), up_to_minor=most, which=which)),
              st.none() | st.integers(1, 7000), st.sampled_from(["cheapest", "dearest"])),
    st.builds(lambda off, of: Gives(amount_off_minor=off, of=of), st.integers(1, 20000), goods),
    st.builds(lambda off, of, cheapest, most: Gives(percent_off=off, of=of, cheapest=cheapest, up_to_minor=most),
              st.integers(1, 100), goods, st.booleans(), st.none() | st.integers(1, 5000)),
    st.builds(Units, st.integers(1, 400), st.integers(1, 300)),
    st.just(Gives(service={"en": "Free diagnosis"})),
)  # fmt: skip
lines = st.lists(
    st.tuples(st.sampled_from(["coffee", "pastry"]), st.integers(0, 9), st.integers(0, 20000)), min_size=1, max_size=6
)


@settings(max_examples=400, deadline=None)
@given(lines, st.lists(gives, max_size=5), st.sampled_from(["by line", "in one"]))
def test_no_line_falls_below_zero_and_every_oere_is_accounted_for(
    told: list[tuple[str, int, int]], asked: list[Gives | Units], told_how: str
) -> None:
    named = told_how == "by line"
    bought = basket(
        *(
            Line(line=str(n), category=of, quantity=pieces + 1, amount_minor=each)
            for n, (of, pieces, each) in enumerate(told)
        )
    )
    if not named:
        bought = Purchase(occurred_at=NOON, total_minor=bought.total_minor)

    given_ = discounts(bought, asked)

    taken = sum(one.amount_minor for one in given_)
    left = paid(bought, given_)
    counted = judged(bought, given_)
    assert left.total_minor == counted.total_minor == bought.total_minor - taken >= 0
    assert all(part.amount_minor > 0 for one in given_ for part in one.parts)
    for line in left.lines or ():
        assert line.amount_minor >= 0
    assert sum(line.amount_minor for line in left.lines or ()) == (left.total_minor if named else 0)
    assert sum(line.amount_minor for line in counted.lines or ()) == (counted.total_minor if named else 0)
    for one, wanted in zip(given_, asked, strict=True):
        most = wanted.amount * wanted.pays_minor if isinstance(wanted, Units) else wanted.most_minor
        assert most is None or one.amount_minor <= most
