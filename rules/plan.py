"""A programme's rules by number, with everything that settling an outcome needs looked up beforehand."""

from collections.abc import Callable
from datetime import date
from typing import Final, NamedTuple

from rules.outcome import Award
from rules.periods import WINDOWED, Per, Window, window
from rules.programme import Programme, Rule

_MOST_DAYS: Final = 1000
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


class Found(NamedTuple):
    """The rules that hold, by their number in the file: awards, awards in a group, multipliers, and
    proportional amounts.
    """

    given: list[int]
    grouped: list[int]
    multiplying: list[int]
    amounts: dict[int, int]


class Extra(NamedTuple):
    """What a multiplier (`giver`) adds to an award (`source`)."""

    giver: int
    source: int
    amount: int


class Standing(NamedTuple):
    """What is given so far: the rules that award, their proportional amounts, and what multipliers add."""

    given: list[int]
    amounts: dict[int, int]
    extras: list[Extra]


class Plan:
    """A programme's rules by number, with everything an outcome needs looked up beforehand."""

    def __init__(self, programme: Programme) -> None:
        rules = programme.rules
        words = programme.words()
        self.words = words
        self.zone = programme.zone
        self.multipliers = programme.multipliers
        self.ids = [rule.id for rule in rules]
        self.units = [rule.unit for rule in rules]
        self.groups = [rule.group for rule in rules]
        self.priorities = [rule.priority for rule in rules]
        self.phrases = [rule.then.effect.words(words) for rule in rules]
        self.ready = [_ready(rule, phrase) for rule, phrase in zip(rules, self.phrases, strict=True)]
        self.award_of: Callable[[int], Award] = self.ready.__getitem__  # type: ignore[assignment]
        self.id_of = self.ids.__getitem__
        self.per_minor = [rule.award is not None and rule.award.per_minor is not None for rule in rules]
        self.each = [rule.award.amount if rule.award else 0 for rule in rules]
        self.thousandths = [rule.multiply.thousandths if rule.multiply else 0 for rule in rules]
        self.limits = {n: _limits(rule) for n, rule in enumerate(rules) if rule.limit}
        self.caps = [
            (name, _caps(name, programme), self._fixed(name)) for name, unit in programme.units.items() if unit.cap
        ]
        self.limited = frozenset(self.limits)
        self.restrained = bool(self.limits or self.caps)
        self._windows: dict[date, dict[Per, Window]] = {}

    def windows(self, today: date) -> dict[Per, Window]:
        """The windows a local day falls in; kept, as most purchases are of the same few days."""
        known = self._windows.get(today)
        if known is None:
            if len(self._windows) >= _MOST_DAYS:
                self._windows.clear()
            known = self._windows[today] = {per: window(per, today, self.zone) for per in WINDOWED}
        return known

    def _fixed(self, unit: str) -> Callable[[int], int]:
        """Tells of each rule what it always gives of a unit."""
        fixed = [award.amount if award is not None and award.unit == unit else 0 for award in self.ready]
        return fixed.__getitem__

    def amount(self, number: int, amounts: dict[int, int]) -> int:
        """What an award gives before multipliers."""
        ready = self.ready[number]
        return amounts[number] if ready is None else ready.amount


def _ready(rule: Rule, phrase: str) -> Award | None:
    """The award of a rule that always gives the same."""
    if rule.award is None or rule.award.proportional:
        return None
    return Award(rule.id, rule.unit, rule.award.amount, phrase)


def _limits(rule: Rule) -> Bounded:
    return _bounded(f"rule:{rule.id}", [Bound(limit.per, limit.times, limit.amount) for limit in rule.limit])


def _caps(name: str, programme: Programme) -> Bounded:
    return _bounded(f"cap:{name}", [Bound(cap.per, None, cap.amount) for cap in programme.units[name].cap])


def _bounded(subject: str, bounds: list[Bound]) -> Bounded:
    windows = dict.fromkeys(bound.per for bound in bounds if bound.per != "purchase")
    most = min(MAX_AMOUNT if bound.amount is None else bound.amount for bound in bounds)
    return Bounded(subject, tuple(bounds), tuple(windows), most)
