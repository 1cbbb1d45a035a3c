"""A programme's rules by number, with everything that settling an outcome needs looked up beforehand."""

import math
from collections.abc import Callable, Sequence
from datetime import date
from fractions import Fraction
from operator import itemgetter
from typing import Final, NamedTuple, TypeVar

from rules.facts import Purchase
from rules.outcome import Award, Happening
from rules.periods import WINDOWED, Per, Window, window
from rules.programme import Programme, Rule, Unit

_MOST_DAYS: Final = 1000
_T = TypeVar("_T")
MAX_AMOUNT: Final = 10**18


class Bound(NamedTuple):
    """One limit or cap."""

    per: Per
    times: int | None
    amount: int | None


class Bounded(NamedTuple):
    """The limits of a rule or the caps of a unit, and the name they are counted under."""

    subject: str
    bounds: tuple[Bound, ...]
    windows: tuple[Per, ...]
    most: int


class Capped(NamedTuple):
    """A capped unit: its caps, what each rule always gives of it, and whether each rule gives it at all."""

    bounded: Bounded
    fixed: list[int]
    is_capped: list[bool]


class Found(NamedTuple):
    """The rules that hold, by their number in the file: awards, awards in a group, multipliers, proportional
    amounts, and the rules that neither award nor multiply.
    """

    given: list[int]
    grouped: list[int]
    multiplying: list[int]
    amounts: dict[int, int]
    doing: Sequence[int] = ()


class Extra(NamedTuple):
    """What a multiplier (`giver`) adds to an award (`source`)."""

    giver: int
    source: int
    amount: int


class Standing(NamedTuple):
    """What is given so far: the rules that award, their proportional amounts, what multipliers add, and what was
    paid.
    """

    given: list[int]
    amounts: dict[int, int]
    extras: list[Extra]
    take: Callable[[Sequence[int]], tuple[int, ...]]
    paid: int = 0


class Returned(NamedTuple):
    """The share of a purchase that may be given back: each rule's unit in whole weights, and of each minor unit paid
    so many of those weights.
    """

    weights: list[int]
    per_minor: int
    said: str


def taker(numbers: Sequence[int]) -> Callable[[Sequence[_T]], tuple[_T, ...]]:
    """Takes what stands at these numbers out of any list, all at once: twice as fast as one by one."""
    if len(numbers) > 1:
        return itemgetter(*numbers)
    return lambda values: tuple([values[number] for number in numbers])


class Plan:
    """A programme's rules by number, with everything an outcome needs looked up beforehand."""

    def __init__(self, programme: Programme, language: str | None = None) -> None:
        rules = programme.rules
        words = programme.words(language)
        self.words = words
        self.many, _, self.of_them = words.tongue.of_them.partition("{0}")
        self.on_spent = words.tongue.on_spent.partition("{0}")[0]
        self.zone = programme.zone
        self.multipliers = programme.multipliers
        self.ids = [rule.id for rule in rules]
        self.units = [rule.unit for rule in rules]
        self.groups = [rule.group for rule in rules]
        self.priorities = [rule.priority for rule in rules]
        self.phrases = ["" if (given := rule.award or rule.multiply) is None else given.words(words) for rule in rules]
        self.ready = [_ready(rule, phrase) for rule, phrase in zip(rules, self.phrases, strict=True)]
        each = [rule.award.amount if rule.award and rule.award.per_item else 0 for rule in rules]
        names = [unit or "" for unit in self.units]
        said = [phrase + self.many if n else phrase for phrase, n in zip(self.phrases, each, strict=True)]
        self.makers = list(zip(self.ids, names, said, each, strict=True))
        self.happenings = {n: _happenings(rule) for n, rule in enumerate(rules) if rule.deeds}
        self.returned = _returned(programme)
        self.thousandths = [rule.multiply.thousandths if rule.multiply else 0 for rule in rules]
        self.limits = {n: _limits(rule) for n, rule in enumerate(rules) if rule.limit}
        self.caps = [self._capped(name, unit) for name, unit in programme.units.items() if unit.cap]
        self.limited = frozenset(self.limits)
        self.restrained = bool(self.limits or self.caps or self.returned)
        self._windows: dict[date, dict[Per, Window]] = {}

    def windows(self, today: date) -> dict[Per, Window]:
        """The windows a local day falls in; kept, as most purchases are of the same few days."""
        known = self._windows.get(today)
        if known is None:
            if len(self._windows) >= _MOST_DAYS:
                self._windows.clear()
            known = self._windows[today] = {per: window(per, today, self.zone) for per in WINDOWED}
        return known

    def _capped(self, name: str, unit: Unit) -> Capped:
        bounded = _bounded(f"cap:{name}", [Bound(cap.per, None, cap.amount) for cap in unit.cap])
        is_capped = [of_rule == name for of_rule in self.units]
        fixed = [0 if award is None or award.unit != name else award.amount for award in self.ready]
        return Capped(bounded, fixed, is_capped)

    def amount(self, number: int, amounts: dict[int, int]) -> int:
        """What an award gives before multipliers."""
        ready = self.ready[number]
        return amounts[number] if ready is None else ready.amount


def _ready(rule: Rule, phrase: str) -> Award | None:
    """The award of a rule that always gives the same."""
    if rule.award is None or rule.award.proportional:
        return None
    return Award(rule.id, rule.award.unit, rule.award.amount, phrase)


def _happenings(rule: Rule) -> tuple[Happening, ...]:
    return tuple(Happening(rule.id, effect.written, effect) for effect in rule.deeds)


def _returned(programme: Programme) -> Returned | None:
    """What `max_return` bounds, in whole numbers: a common measure of what every unit is worth."""
    share = programme.max_return
    if share is None:
        return None
    worths = {name: programme.worth_minor(name) or Fraction(0) for name in programme.units}
    scale = 1000 * math.lcm(*(worth.denominator for worth in worths.values()))
    sold = [rule.unit if rule.on == Purchase.kind else None for rule in programme.rules]
    weights = [0 if unit is None else int(worths[unit] * scale) for unit in sold]
    return Returned(weights, share.thousandths * scale // 1000, str(share))


def _limits(rule: Rule) -> Bounded:
    return _bounded(f"rule:{rule.id}", [Bound(limit.per, limit.times, limit.amount) for limit in rule.limit])


def _bounded(subject: str, bounds: list[Bound]) -> Bounded:
    windows = dict.fromkeys(bound.per for bound in bounds if bound.per != "purchase")
    most = min(MAX_AMOUNT if bound.amount is None else bound.amount for bound in bounds)
    return Bounded(subject, tuple(bounds), tuple(windows), most)
