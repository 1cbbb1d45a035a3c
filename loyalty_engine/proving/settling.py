"""The order of an outcome over unknowns: which rules fire, and exactly what each comes to after limits and caps.

Invariant: what is said here of a purchase is what `rules.order` does with it, number for number. Firing is judged
before limits and caps look, so that it does not depend on what was given earlier in a window.
"""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from math import lcm
from typing import NamedTuple

import z3

from loyalty_engine.proving.encoding import OpenScene, encoded
from loyalty_engine.proving.unknowns import Term, Unknowns
from rules.bounds import Cap, Limit, Share
from rules.facts import Purchase
from rules.programme import Programme, Rule

_THOUSAND = 1000
_UNLIMITED = 10**18


class Portion(NamedTuple):
    """Units given by one rule; what a multiplier adds to an award has that award's rule as its source."""

    giver: int
    source: int
    amount: Term


class Holding:
    """Which rules hold and what each award is worth, before multipliers and limits."""

    def __init__(self, programme: Programme, unknowns: Unknowns, *, on: str = Purchase.kind) -> None:
        self.programme = programme
        self.unknowns = unknowns
        self.on = on
        self.scene = OpenScene(unknowns, programme.spend)
        self.rules = {number: rule for number, rule in enumerate(programme.rules) if rule.on == on}
        self.awards = {number: rule for number, rule in self.rules.items() if rule.award is not None}
        self.multipliers = {number: rule for number, rule in self.rules.items() if rule.multiply is not None}
        self.doing = [number for number, rule in self.rules.items() if rule.unit is None]
        self.holds = {number: unknowns.let(self._when(rule)) for number, rule in self.rules.items()}
        self.worth = {number: self._worth(rule) for number, rule in self.awards.items()}
        self.active = {
            number: z3.And(self.holds[number], self.worth[number] > 0) if rule.award and rule.award.proportional
            else self.holds[number]
            for number, rule in self.awards.items()
        }  # fmt: skip

    def _when(self, rule: Rule) -> Term:
        return z3.And(self.scene.within_dates(rule.from_, rule.until), encoded(rule.when, self.scene))

    def _worth(self, rule: Rule) -> Term:
        award = rule.award
        assert award is not None
        if award.per_minor is not None:
            return self.unknowns.floored(self.scene.counted, award.per_minor) * award.amount
        if award.per_item is not None:
            return self.scene.measure(award.per_item).quantity * award.amount
        return z3.IntVal(award.amount)

    def of_unit(self, rules: dict[int, Rule], unit: str) -> dict[int, Rule]:
        return {number: rule for number, rule in rules.items() if rule.unit == unit}

    def chosen(self, unit: str) -> dict[int, Term]:
        """When each multiplier of a unit counts: all that hold, or of several only the best."""
        rules = self.of_unit(self.multipliers, unit)
        if self.programme.multipliers != "best":
            return {number: self.holds[number] for number in rules}
        ranked = sorted(rules, key=lambda number: _rank(number, rules[number]), reverse=True)
        return {
            number: z3.And(self.holds[number], *(z3.Not(self.holds[better]) for better in ranked[:place]))
            for place, number in enumerate(ranked)
        }

    def wins(self, number: int) -> Term:
        """When an award is given: alone, or as the best of its group."""
        rule = self.rules[number]
        if rule.group is None:
            return self.active[number]
        rivals = [other for other, one in self.awards.items() if one.group == rule.group and other != number]
        return z3.And(self.active[number], *(self._beats(number, rival) for rival in rivals))

    def _beats(self, number: int, rival: int) -> Term:
        mine, other = ((self.rules[n].priority, -n) for n in (number, rival))
        more = self.worth[number] >= self.worth[rival] if mine > other else self.worth[number] > self.worth[rival]
        return z3.Or(z3.Not(self.active[rival]), more)


class Firing(Holding):
    """Which rules fire. A multiplier that may add one more unit may fire; one that adds a whole unit surely does."""

    def __init__(self, programme: Programme, unknowns: Unknowns, *, on: str = Purchase.kind) -> None:
        super().__init__(programme, unknowns, on=on)
        self.given = {number: unknowns.let(self.wins(number)) for number in self.awards}
        plainly = self.given | {number: self.holds[number] for number in self.doing}
        self.may = plainly | {number: unknowns.let(self._adds(number, surely=False)) for number in self.multipliers}
        self.surely = plainly | {number: unknowns.let(self._adds(number, surely=True)) for number in self.multipliers}

    def _adds(self, number: int, *, surely: bool) -> Term:
        """Several multipliers round one after the other, so that even a tenth more may make a whole unit."""
        rule = self.rules[number]
        assert rule.multiply is not None
        alone = self.programme.multipliers == "best" or len(self.of_unit(self.multipliers, rule.multiply.unit)) == 1
        enough = -(-_THOUSAND // (rule.multiply.thousandths - _THOUSAND)) if surely or alone else 1
        sources = [
            n
            for n, one in self.of_unit(self.awards, rule.multiply.unit).items()
            if one.award and one.award.proportional
        ]
        more = [z3.And(self.given[n], self.worth[n] >= enough) for n in sources]
        return z3.And(self.chosen(rule.multiply.unit)[number], z3.Or(more))


class Settling(Holding):
    """What every rule gives, exactly."""

    def __init__(self, programme: Programme, unknowns: Unknowns, *, on: str = Purchase.kind) -> None:
        super().__init__(programme, unknowns, on=on)
        self.given = {number: unknowns.let(self.wins(number)) for number in self.awards}
        self.extras = [portion for unit in programme.units for portion in self._extras(unit)]

    def _extras(self, unit: str) -> list[Portion]:
        chosen = self.chosen(unit)
        sources = [n for n, rule in self.of_unit(self.awards, unit).items() if rule.award and rule.award.proportional]
        return [portion for source in sources if chosen for portion in self._grown(source, chosen)]

    def _grown(self, source: int, chosen: dict[int, Term]) -> list[Portion]:
        numbers = sorted(chosen)
        running = growth(self.programme, self.worth[source], chosen)
        whole = [self.worth[source], *(self.unknowns.floored(value, scale) for value, scale in running)]
        return [
            Portion(number, source, z3.If(self.given[source], after - before, 0))
            for number, (before, after) in zip(numbers, _steps_of(self.programme, whole), strict=True)
        ]

    def portions(self) -> list[Portion]:
        """Everything given, after limits and caps, whatever they have let through before."""
        own = [Portion(n, n, z3.If(self.given[n], self.worth[n], 0)) for n in sorted(self.awards)]
        portions = own + sorted(self.extras, key=lambda portion: (portion.source, portion.giver))
        for number, rule in self.rules.items():
            touched = [n for n, portion in enumerate(portions) if number in portion[:2]]
            if rule.limit and touched:
                self._cut(portions, touched, f"rule:{rule.id}", rule.limit)
        for name, unit in self.programme.units.items():
            if unit.cap:
                touched = [n for n, portion in enumerate(portions) if self.rules[portion.giver].unit == name]
                self._cut(portions, touched, f"cap:{name}", unit.cap)
        if self.programme.max_return is not None and self.on == Purchase.kind:
            self._give_back_no_more(portions, self.programme.max_return)
        return portions

    def _give_back_no_more(self, portions: list[Portion], most: Share) -> None:
        """What all units are worth together is at most a share of what was paid."""
        worth = {name: self.programme.worth_minor(name) or Fraction(0) for name in self.programme.units}
        scale = _THOUSAND * lcm(*(one.denominator for one in worth.values()))
        room = self.unknowns.total * (most.thousandths * scale // _THOUSAND)
        for n, portion in enumerate(portions):
            weight = int(worth[self.rules[portion.giver].unit or ""] * scale)
            if weight:
                whole = self.unknowns.floored(room, weight)
                kept = self.unknowns.let(z3.If(portion.amount <= whole, portion.amount, whole))
                room = room - kept * weight
                portions[n] = portion._replace(amount=kept)

    def _cut(
        self,
        portions: list[Portion],
        touched: Sequence[int],
        subject: str,
        bounds: Sequence[Cap | Limit],
    ) -> None:
        room = self._room(subject, bounds)
        for n in touched:
            kept = self.unknowns.let(z3.If(portions[n].amount <= room, portions[n].amount, room))
            portions[n] = portions[n]._replace(amount=kept)
            room = room - kept

    def _room(self, subject: str, bounds: Sequence[Cap | Limit]) -> Term:
        room: Term = z3.IntVal(_UNLIMITED)
        for bound in bounds:
            times = bound.times if isinstance(bound, Limit) else None
            within_one = bound.per == "purchase"
            before = (z3.IntVal(0), z3.IntVal(0)) if within_one else self.unknowns.used_before(subject, bound.per)
            if times is not None:
                left = z3.If(before[0] >= times, 0, _UNLIMITED)
            else:
                left = z3.If(before[1] >= bound.amount, 0, bound.amount - before[1])
            room = self.unknowns.let(z3.If(left < room, left, room))
        return room

    def totals(self, portions: Sequence[Portion]) -> dict[str, Term]:
        """What the member gets of each unit."""
        return {
            name: z3.Sum(
                [portion.amount for portion in portions if self.rules[portion.giver].unit == name] or [z3.IntVal(0)]
            )
            for name in self.programme.units
        }

    def deeds(self, portions: Sequence[Portion]) -> dict[str, Term]:
        """How often each other effect happens, by all that it says."""
        times: dict[str, list[Term]] = {}
        for number, rule in self.rules.items():
            for deed in rule.deeds:
                times.setdefault(repr(deed), []).append(z3.If(self.fires(number, portions), 1, 0))
        return {deed: z3.Sum(each) for deed, each in times.items()}

    def fires(self, number: int, portions: Sequence[Portion]) -> Term:
        """In the end: where something was given, or, of a rule that gives no units, where its limits have room."""
        rule = self.rules[number]
        if rule.unit is not None:
            return z3.Or([portion.amount > 0 for portion in portions if portion.giver == number])
        if not rule.limit:
            return self.holds[number]
        return z3.And(self.holds[number], self._room(f"rule:{rule.id}", rule.limit) > 0)


def _rank(number: int, rule: Rule) -> tuple[int, int, int]:
    """Of several multipliers the largest counts, then the higher priority, then the earlier in the file."""
    return rule.multiply.thousandths if rule.multiply else 0, rule.priority, -number


def growth(programme: Programme, worth: Term, chosen: dict[int, Term]) -> list[tuple[Term, int]]:
    """An award after each multiplier in the order of the file, not rounded: a value and what it is divided by.

    Of the best, each stands alone: what it alone would make of the award.
    """
    running: list[tuple[Term, int]] = []
    value, scale = worth, 1
    for number in sorted(chosen):
        multiply = programme.rules[number].multiply
        assert multiply is not None
        by, down = multiply.by.as_integer_ratio()
        if programme.multipliers == "product":
            value, scale = z3.If(chosen[number], value * by, value * down), scale * down
        elif programme.multipliers == "add":
            more = z3.If(chosen[number], worth * (multiply.thousandths - _THOUSAND), 0)
            value, scale = (value * _THOUSAND if scale == 1 else value) + more, _THOUSAND
        else:
            value, scale = z3.If(chosen[number], worth * by, worth * down), down
        running.append((value, scale))
    return running


def _steps_of(programme: Programme, whole: list[Term]) -> list[tuple[Term, Term]]:
    """From what to what an award grows by each multiplier."""
    if programme.multipliers == "best":
        return [(whole[0], after) for after in whole[1:]]
    return list(pairwise(whole))
