"""The most a purchase can give back: the order of an outcome without its rounding, so that a proof is an upper bound.

Everything is a whole number of units times a scale. What rounds down is left unrounded, of a group any one rule may
give, and limits and caps let through what is dearest: each gives the member at least what the rules do.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import lcm
from typing import NamedTuple

import z3

from loyalty_engine.proving.settling import Holding, Settling, growth
from loyalty_engine.proving.unknowns import Term, Unknowns
from loyalty_engine.proving.values import Value, Values
from rules.bounds import Cap, Limit, Share
from rules.effects.deeds import GrantPerk
from rules.programme import Programme

_THOUSAND = 1000


class Scaled(NamedTuple):
    """A whole number that stands for itself divided by its scale."""

    value: Term
    scale: int

    def at(self, scale: int) -> Term:
        """The same at a multiple of its scale."""
        return self.value * (scale // self.scale)


class Ceiling(Holding):
    """What every unit comes to at most."""

    def __init__(self, programme: Programme, unknowns: Unknowns) -> None:
        super().__init__(programme, unknowns)
        self.given = {number: self._given(number) for number in self.awards}
        groups: dict[str, list[Term]] = {}
        for number, rule in self.awards.items():
            if rule.group is not None:
                groups.setdefault(rule.group, []).append(self.given[number])
        self.unknowns.defined += [z3.AtMost(*rivals, 1) for rivals in groups.values()]

    def _given(self, number: int) -> Term:
        if self.awards[number].group is None:
            return self.active[number]
        given = z3.Bool(f"rule {number} may give")
        self.unknowns.defined.append(z3.Implies(given, self.active[number]))
        return given

    def total(self, unit: str) -> Scaled:
        """The most that can be given of a unit."""
        chosen = self.chosen(unit)
        limited = {number for number in chosen if _most(self.rules[number].limit) is not None}
        grown = {number: self._grown(number, chosen) for number in self.of_unit(self.awards, unit)}
        scale = lcm(*(one.scale for running in grown.values() for one in running.values()), 1)
        lines: dict[int, list[Term]] = {number: [] for number in limited}
        everything: list[Term] = []
        for number, running in grown.items():
            own = self._own(number, {giver: one.at(scale) for giver, one in running.items()}, limited, lines, scale)
            everything += own
            self._bounded(own, self.rules[number].limit, scale)
        for number, added in lines.items():
            self._bounded(added, self.rules[number].limit, scale)
        self._bounded(everything, self.programme.units[unit].cap, scale)
        return Scaled(z3.Sum(everything) if everything else z3.IntVal(0), scale)

    def _grown(self, number: int, chosen: dict[int, Term]) -> dict[int, Scaled]:
        """What an award comes to in all (under its own number), and what each multiplier adds to it; not rounded."""
        award = self.rules[number].award
        assert award is not None
        worth, scale = self.worth[number], 1
        if award.per_minor is not None:
            worth, scale = self.scene.counted * award.amount, award.per_minor
        if not award.proportional or not chosen:
            return {number: Scaled(worth, scale)}
        running = growth(self.programme, worth, chosen)
        finest = lcm(*(down for _, down in running))
        whole = [worth * finest, *(value * (finest // down) for value, down in running)]
        best = self.programme.multipliers == "best"
        added = {giver: whole[n] - (whole[0] if best else whole[n - 1]) for n, giver in enumerate(sorted(chosen), 1)}
        total = whole[0] + z3.Sum(list(added.values())) if best else whole[-1]
        return {giver: Scaled(value, scale * finest) for giver, value in ({number: total} | added).items()}

    def _own(
        self, number: int, running: dict[int, Term], limited: set[int], lines: dict[int, list[Term]], scale: int
    ) -> list[Term]:
        """An award as one line, and one line for each multiplier that has a limit of its own.

        Of several multipliers, each rounds what the earlier ones left: one unit either way for each.
        """
        total = z3.If(self.given[number], running[number], 0)
        apart = [giver for giver in running if giver != number and giver in limited]
        rule = self.rules[number]
        capped = self.programme.units[rule.unit or ""].cap or rule.limit or self.programme.max_return is not None
        if not apart and not capped:
            return [total]
        slack = scale * (len(running) - 1) if apart and self.programme.multipliers != "best" else 0
        made = []
        for giver in [number, *apart]:
            line = self.unknowns.whole("at most")
            rest = running[number] - z3.Sum([running[one] for one in apart]) if giver == number else running[giver]
            self.unknowns.defined += [line >= 0, line <= z3.If(self.given[number], rest + slack if apart else rest, 0)]
            made.append(line)
            if giver != number:
                lines[giver].append(line)
                self.unknowns.defined.append(z3.Implies(z3.Not(self.holds[giver]), line == 0))
        self.unknowns.defined.append(z3.Sum(made) <= total)
        return made

    def give_back_no_more(self, totals: Mapping[str, Scaled], most: Share) -> None:
        """What all units are worth together, by the engine's own count, is at most a share of what was paid."""
        each = {unit: self.programme.worth_minor(unit) or Fraction(0) for unit in totals}
        parts = {unit: worth * Fraction(1, totals[unit].scale) for unit, worth in each.items()}
        scale = _THOUSAND * lcm(*(part.denominator for part in parts.values()))
        worth = z3.Sum([totals[unit].value * int(part * scale) for unit, part in parts.items()])
        self.unknowns.defined.append(worth <= self.unknowns.total * (most.thousandths * scale // _THOUSAND))

    def _bounded(self, lines: list[Term], bounds: tuple[Limit, ...] | tuple[Cap, ...], scale: int) -> None:
        most = _most(bounds)
        if most is not None and lines:
            self.unknowns.defined.append(z3.Sum(lines) <= most * scale)


def _most(bounds: tuple[Limit, ...] | tuple[Cap, ...]) -> int | None:
    """What bounds let through where nothing has been given before in their windows."""
    return min((bound.amount for bound in bounds if bound.amount is not None), default=None)


class Counted(NamedTuple):
    """What a purchase may give: units by name, and when each rule that grants a perk does so."""

    units: Mapping[str, Scaled]
    granted: Sequence[tuple[str, Term]]


class GivenBack:
    """What a purchase gives back in money, as far as what it gives is worth something."""

    def __init__(self, holding: Holding, counted: Counted, worth: Values) -> None:
        self._paid = holding.unknowns.total
        self._priced = [_price(holding, total, worth.units[unit]) for unit, total in counted.units.items()]
        self._priced += [_granted(fires, worth.perks[perk], self._paid) for perk, fires in counted.granted]

    def above(self, share: Fraction) -> Term:
        """Is more than this share of the purchase given back?"""
        scale = lcm(share.denominator, *(each.denominator for _, each in self._priced))
        given = [term * int(each * scale) for term, each in self._priced]
        return (z3.Sum(given) if given else z3.IntVal(0)) > self._paid * int(share * scale)


def _price(holding: Holding, total: Scaled, value: Value) -> tuple[Term, Fraction]:
    """What the units are worth, as money or as a part of the purchase, whichever is more: a number, and its scale."""
    if not value.part:
        return total.value, value.minor * Fraction(1, total.scale)
    fine = lcm(value.minor.denominator, value.part.denominator)
    money = total.value * int(value.minor * fine)
    part = total.value * holding.unknowns.total * int(value.part * fine)
    return holding.unknowns.let(z3.If(money >= part, money, part)), Fraction(1, total.scale * fine)


def _granted(fires: Term, value: Value, paid: Term) -> tuple[Term, Fraction]:
    fine = lcm(value.minor.denominator, value.part.denominator)
    money, part = z3.IntVal(int(value.minor * fine)), paid * int(value.part * fine)
    return z3.If(fires, z3.If(money >= part, money, part), 0), Fraction(1, fine)


def at_most(programme: Programme, unknowns: Unknowns, worth: Values) -> GivenBack:
    """What is given back at most: nothing rounded."""
    ceiling = Ceiling(programme, unknowns)
    totals = {unit: ceiling.total(unit) for unit in programme.units}
    if programme.max_return is not None:
        ceiling.give_back_no_more(totals, programme.max_return)
    granted = [
        (deed.perk, ceiling.given.get(number, ceiling.holds[number]))
        for number, rule in ceiling.rules.items()
        for deed in rule.deeds
        if isinstance(deed, GrantPerk)
    ]
    return GivenBack(ceiling, Counted(totals, granted), worth)


def exactly(programme: Programme, unknowns: Unknowns, worth: Values) -> GivenBack:
    """What is given back to the last unit, whatever limits have let through before."""
    settling = Settling(programme, unknowns)
    portions = settling.portions()
    totals = {unit: Scaled(total, 1) for unit, total in settling.totals(portions).items()}
    granted = [
        (deed.perk, settling.fires(number, portions))
        for number, rule in settling.rules.items()
        for deed in rule.deeds
        if isinstance(deed, GrantPerk)
    ]
    return GivenBack(settling, Counted(totals, granted), worth)
