"""The generated function finds what the tree finds, and both follow the order as it is written down."""

from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules import Compiled, MemberFacts, Outcome, Purchase, compile_programme, evaluate_tree, generate
from rules.conditions import CONDITIONS
from rules.effects import EFFECTS
from tests.rules import plain_order, random_programmes


def test_random_programmes_use_every_condition_and_every_effect() -> None:
    assert set(random_programmes.CONDITIONS) == set(CONDITIONS)
    assert set(random_programmes.EFFECTS) == set(EFFECTS)


# Every seed is a thousand pairs: twenty thousand in every run, fifty thousand in `python3 run.py faults`.
@pytest.mark.parametrize(
    "seed", [*range(20), *(pytest.param(seed, marks=pytest.mark.fault_long) for seed in range(20, 50))]
)
def test_compiled_and_tree_agree_on_a_thousand_random_pairs(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # Small programmes seldom ask for many values of one fact; every other seed switches from two values on.
    monkeypatch.setattr(generate, "SWITCH_AT", 2 if seed % 2 else generate.SWITCH_AT)
    random = Random(seed)  # noqa: S311 - the same programmes in every run
    fired = 0

    for _ in range(25):
        programme = random_programmes.programme(random, rules=random.choice([1, 4, 8, 20]))
        compiled = compile_programme(programme)
        for _ in range(42):
            event = random_programmes.event(random)
            member = random_programmes.member(random, programme, event)

            outcome = compiled.evaluate(event, member)

            assert outcome == evaluate_tree(programme, event, member)
            fired += len(outcome.fired)

    assert fired > 500


@pytest.mark.parametrize("seed", range(100, 106))
def test_the_settlement_is_the_order_as_written_down(seed: int) -> None:
    random = Random(seed)  # noqa: S311 - the same programmes in every run

    for _ in range(20):
        programme = random_programmes.programme(random, rules=10)
        for _ in range(20):
            event = random_programmes.event(random)
            member = random_programmes.member(random, programme, event)

            outcome = evaluate_tree(programme, event, member)

            given, used = plain_order.outcome(programme, event, member)
            assert {award.rule: award.amount for award in outcome.awards} == {
                rule: amount for rule, amount in given.items() if amount
            }
            assert {(use.subject, use.window): (use.times, use.amount) for use in outcome.uses} == used
            assert outcome.fired == tuple(given)
            assert [(one.rule, one.effect) for one in outcome.effects] == [
                (rule.id, effect.written) for rule in programme.rules if rule.id in given for effect in rule.deeds
            ]


@pytest.mark.parametrize("seed", range(200, 204))
def test_every_rule_is_explained_and_the_explanation_never_contradicts_the_outcome(seed: int) -> None:
    random = Random(seed)  # noqa: S311 - the same programmes in every run

    for _ in range(15):
        programme = random_programmes.programme(random, rules=12)
        compiled = compile_programme(programme)
        for _ in range(20):
            event = random_programmes.event(random)
            member = random_programmes.member(random, programme, event)
            outcome = compiled.evaluate(event, member)

            because = compiled.explain(event, member, outcome)

            assert [one.rule for one in because] == [rule.id for rule in programme.rules if rule.on == event.kind]
            assert tuple(one.rule for one in because if one.fired) == outcome.fired
            assert all(one.because for one in because)


@given(st.randoms(use_true_random=False), st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_compiled_and_tree_agree_on_what_hypothesis_thinks_of(random: Random, rules: int) -> None:
    programme = random_programmes.programme(random, rules)
    event = random_programmes.event(random)
    member = random_programmes.member(random, programme, event)

    assert compile_programme(programme).evaluate(event, member) == evaluate_tree(programme, event, member)


@pytest.mark.parametrize("kind", CONDITIONS.values(), ids=lambda kind: kind.written)
def test_a_condition_compiled_into_its_opposite_is_noticed(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    several, asked, source = "questions" in vars(kind), kind.questions, kind.source

    def opposite(self: Any, code: Any) -> str:
        right = asked(self, code) if several else (source(self, code),)
        return f"not ({' and '.join(right)})"

    monkeypatch.setattr(kind, "source", opposite)
    monkeypatch.setattr(kind, "questions", lambda self, code: (opposite(self, code),))
    random = Random(7)  # noqa: S311 - the same programmes in every run

    assert any(disagree(random) for _ in range(400))


def disagree(random: Random) -> bool:
    """Do the compiled form and the tree find different outcomes for any of ten events?"""
    programme = random_programmes.programme(random, rules=8)
    compiled = compile_programme(programme)
    for _ in range(10):
        event = random_programmes.event(random)
        member = random_programmes.member(random, programme, event)
        if compiled.evaluate(event, member) != evaluate_tree(programme, event, member):
            return True
    return False


@pytest.mark.parametrize("seed", range(300, 304))
def test_whoever_only_counts_gets_the_same_without_what_differs_in_the_reasons(seed: int) -> None:
    random = Random(seed)  # noqa: S311 - the same programmes in every run

    for _ in range(15):
        programme = random_programmes.programme(random, rules=12)
        compiled = compile_programme(programme)
        for _ in range(20):
            event = random_programmes.event(random)
            member = random_programmes.member(random, programme, event)

            counted, told = compiled.amounts(event, member), compiled.evaluate(event, member)

            assert (counted.uses, counted.fired, counted.effects) == (told.uses, told.fired, told.effects)
            assert [(one.rule, one.unit, one.amount) for one in counted.awards] == [
                (one.rule, one.unit, one.amount) for one in told.awards
            ]


Sums = tuple[dict[str, int], dict[str, int], dict[str, tuple[int, int]]]


# As above: a thousand pairs each, so that the long form counts fifty thousand.
@pytest.mark.parametrize(
    "seed", [*range(400, 405), *(pytest.param(seed, marks=pytest.mark.fault_long) for seed in range(405, 450))]
)
def test_counting_at_once_gives_the_sums_of_the_outcomes(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate, "SWITCH_AT", 2 if seed % 2 else generate.SWITCH_AT)
    random = Random(seed)  # noqa: S311 - the same programmes in every run
    counted = awarded = 0

    for _ in range(25):
        programme = random_programmes.programme(random, rules=random.choice([1, 4, 8, 20]))
        compiled = compile_programme(programme)
        for _ in range(42):
            event = random_programmes.event(random)
            member = random_programmes.member(random, programme, event)
            if isinstance(event, Purchase) and (sums := summed_at_once(compiled, event, member)) is not None:
                outcome = evaluate_tree(programme, event, member)
                assert sums == summed(outcome, member)
                counted += 1
                awarded += len(outcome.awards)

    assert counted > 50
    assert awarded > 50


def summed_at_once(compiled: Compiled, event: Purchase, member: MemberFacts) -> Sums | None:
    """What counting adds up; None where it leaves the purchase to the general way, and then it has changed nothing."""
    count, programme = compiled.count, compiled.programme
    if count is None:
        return None
    used, nothing = dict(member.used), [0] * len(programme.rules)
    amounts, times = nothing[:], nothing[:]
    if not count(event, msgspec.structs.replace(member, used=used), amounts, times):
        assert (amounts, times, used) == (nothing, nothing, member.used)
        return None
    ids = [rule.id for rule in programme.rules]
    return (
        {rule: amount for rule, amount in zip(ids, amounts, strict=True) if amount},
        {rule: number for rule, number in zip(ids, times, strict=True) if number},
        used,
    )


def summed(outcome: Outcome, member: MemberFacts) -> Sums:
    """The same out of an outcome."""
    used = dict(member.used)
    for use in outcome.uses:
        times, amount = used.get(key := f"{use.subject}|{use.window}", (0, 0))
        used[key] = (times + use.times, amount + use.amount)
    return {one.rule: one.amount for one in outcome.awards}, {one.rule: 1 for one in outcome.awards}, used
