"""What is said over unknowns is what the evaluator does: with every fact pinned, both come to the same."""

from random import Random

import pytest

from loyalty_engine.proving.encoding import encoded
from loyalty_engine.proving.goods import goods_of
from loyalty_engine.proving.settling import Firing, Settling
from loyalty_engine.proving.solver import Solver, is_so, number_in
from loyalty_engine.proving.unknowns import Assumed, Unknowns
from loyalty_engine.proving.witness import Witness
from rules import Programme, Purchase, compile_programme
from rules.conditions import CONDITIONS
from rules.judging import Condition
from tests.proving import tills
from tests.rules import random_programmes


def happened(random: Random, programme: Programme) -> Witness:
    event = random_programmes.event(random)
    event = tills.purchase(random) if isinstance(event, Purchase) else event
    return Witness(event, random_programmes.member(random, programme, event))


@pytest.mark.parametrize("seed", range(12))
def test_with_every_fact_pinned_the_encoding_is_the_evaluator(seed: int) -> None:
    random = Random(seed)  # noqa: S311 - the same programmes in every run
    programme = random_programmes.programme(random, rules=12)
    compiled = compile_programme(programme)

    for _ in range(12):
        by = happened(random, programme)
        unknowns = Unknowns(goods_of([programme]), Assumed())
        settling = Settling(programme, unknowns, on=by.event.kind)
        portions = settling.portions()
        totals, deeds = settling.totals(portions), settling.deeds(portions)

        instance = Solver(unknowns.laws()).ask(*tills.pinned(unknowns, programme, by))

        assert not isinstance(instance, str), "the laws refuse something that can happen"
        outcome = compiled.evaluate(by.event, by.member)
        given = {unit: sum(one.amount for one in outcome.awards if one.unit == unit) for unit in totals}
        assert {unit: number_in(instance, total) for unit, total in totals.items()} == given
        happen = [repr(one.values) for one in outcome.effects]
        assert {deed: number_in(instance, times) for deed, times in deeds.items()} == {
            deed: happen.count(deed) for deed in deeds
        }


@pytest.mark.parametrize("seed", range(100, 106))
def test_what_fires_by_the_evaluator_may_fire_and_what_surely_fires_does(seed: int) -> None:
    random = Random(seed)  # noqa: S311 - the same programmes in every run
    programme = random_programmes.programme(random, rules=12)
    freely = [rule for rule in programme.rules if not rule.limit]
    compiled = compile_programme(unlimited(programme))

    for _ in range(12):
        by = happened(random, programme)
        unknowns = Unknowns(goods_of([programme]), Assumed())
        firing = Firing(programme, unknowns, on=by.event.kind)
        instance = Solver(unknowns.laws()).ask(*tills.pinned(unknowns, programme, by))
        assert not isinstance(instance, str)

        fired = compiled.evaluate(by.event, by.member).fired
        for number, rule in firing.rules.items():
            if rule in freely:
                assert rule.id not in fired or is_so(instance, firing.may[number])
                assert rule.id in fired or not is_so(instance, firing.surely[number])


def unlimited(programme: Programme) -> Programme:
    """The programme before limits and caps look."""
    import msgspec

    units = {name: msgspec.structs.replace(unit, cap=()) for name, unit in programme.units.items()}
    about = msgspec.structs.replace(programme.about, max_return=None)
    rules = tuple(msgspec.structs.replace(rule, limit=()) for rule in programme.rules)
    return msgspec.structs.replace(programme, units=units, about=about, rules=rules)


def test_every_condition_has_an_encoding() -> None:
    anything = encoded.dispatch(Condition)

    assert [name for name, kind in CONDITIONS.items() if encoded.dispatch(kind) is anything] == []
