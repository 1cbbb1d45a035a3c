"""No proved bound is exceeded by random purchases, and a bound that was weakened on purpose is: they would notice."""

from fractions import Fraction
from random import Random

import pytest

from loyalty_engine.proving import goods
from loyalty_engine.proving.bounds import bounds
from loyalty_engine.proving.ceiling import Ceiling
from loyalty_engine.proving.returns import Returns
from loyalty_engine.proving.settling import Holding, Portion, Settling
from loyalty_engine.proving.unknowns import Assumed, Term
from loyalty_engine.proving.witness import Witness
from rules import Purchase, Rule
from tests.proving import tills
from tests.rules import random_programmes

WORTH = {"points": Fraction(10), "stamps": Fraction(100)}
ASSUMED = Assumed(at_least_minor=1000, item_at_least_minor=500)


def returns(seed: int, rules: int = 8) -> tuple[Returns, Random]:
    random = Random(seed)  # noqa: S311 - the same programmes in every run
    return Returns(random_programmes.programme(random, rules), ASSUMED, WORTH, seconds=4), random


def purchases(asked: Returns, random: Random, number: int) -> list[Witness]:
    """Random purchases of at least 10 kr, each by a random member."""
    bought: list[Purchase] = []
    while len(bought) < number:
        one = tills.purchase(random, ASSUMED.item_at_least_minor)
        if one.total_minor >= ASSUMED.at_least_minor:
            bought.append(one)
    return [Witness(one, random_programmes.member(random, asked.programme, one)) for one in bought]


def most_of(asked: Returns, random: Random, number: int) -> Fraction:
    """The largest share that any of so many random purchases gives back."""
    return max(asked.share_of(by) for by in purchases(asked, random, number))


def never_exceeded(seed: int, number: int) -> bool:
    """Is there a proved bound, and do so many random purchases keep it?"""
    asked, random = returns(seed)
    found = bounds(asked)
    if found.broken is not None and found.broken.by is not None:
        assert asked.share_of(found.broken.by) == found.broken.share
    if found.proved is None:
        return False
    assert most_of(asked, random, number) <= found.proved
    return True


@pytest.mark.parametrize("seed", range(12))
def test_no_proved_bound_is_exceeded_by_random_purchases(seed: int) -> None:
    assert never_exceeded(seed, 250)


def test_no_bound_is_exceeded_where_conditions_on_goods_are_let_loose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(goods, "MOST_KINDS", 3)
    let_loose = [seed for seed in range(30) if goods.goods_of([returns(seed)[0].programme]).loose]

    assert len(let_loose) > 5
    assert sum(never_exceeded(seed, 100) for seed in let_loose) > 4


@pytest.mark.fault_long
@pytest.mark.parametrize("seeds", [range(first, first + 10) for first in range(0, 50, 10)])
def test_no_proved_bound_is_exceeded_by_two_hundred_thousand_random_purchases(seeds: range) -> None:
    assert sum(never_exceeded(seed, 4000) for seed in seeds) >= 9, "hardly anything was proved"


# --- the random purchases notice a bound that is too low


def no_multiplier(self: Holding, unit: str) -> dict[int, Term]:
    return {}


def no_fixed_award(self: Ceiling, number: int, chosen: dict[int, Term]) -> object:
    grown = _GROWN(self, number, chosen)
    award = self.rules[number].award
    return grown if award and award.proportional else {number: grown[number]._replace(value=0)}


def half_the_steps(self: Ceiling, number: int, chosen: dict[int, Term]) -> object:
    grown = _GROWN(self, number, chosen)
    return {giver: one._replace(scale=one.scale * 2) for giver, one in grown.items()}


def no_extras(self: Settling, unit: str) -> list[Portion]:
    return []


_GROWN = Ceiling._grown
WEAKENED = {
    "multipliers are forgotten": (Holding, "chosen", no_multiplier),
    "fixed awards are forgotten": (Ceiling, "_grown", no_fixed_award),
    "awards weigh half": (Ceiling, "_grown", half_the_steps),
}


def exceeded(seed: int, without: slice) -> bool:
    """Do random purchases exceed the bound that is proved without some of the ways to prove one?"""
    asked, random = returns(seed)
    del asked._ways[without]
    found = bounds(asked)
    return found.proved is not None and most_of(asked, random, 150) > found.proved


@pytest.mark.parametrize("name", WEAKENED)
def test_a_bound_weakened_on_purpose_is_exceeded(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kind, method, weakened = WEAKENED[name]
    monkeypatch.setattr(kind, method, weakened)

    # Only the first way: the exact encoding would not let the purchase found pass.
    assert any(exceeded(seed, slice(1, None)) for seed in range(24))


def test_the_exact_encoding_weakened_on_purpose_is_exceeded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Settling, "_extras", no_extras)

    # The solver thinks longest about the first five programmes, and none of them has extras that would be missed.
    assert any(exceeded(seed, slice(1)) for seed in range(5, 24))


def test_the_negative_control_breaks_rules_that_random_programmes_have() -> None:
    programmes = [returns(seed)[0].programme for seed in range(24)]

    rules: list[Rule] = [rule for programme in programmes for rule in programme.rules if rule.on == "purchase"]
    assert (
        min(
            sum(rule.multiply is not None for rule in rules),
            sum(rule.award is not None and not rule.award.proportional for rule in rules),
        )
        > 5
    )
