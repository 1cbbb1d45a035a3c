"""Sums over members: what each rule gave in each month and to how many, and who would gain and lose the most.

Invariant: a sum of partitions is the sum of the whole, whoever counted which member.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from heapq import nlargest

from msgspec import Struct

from loyalty_engine.backtest.months import Given, Months, RuleAndUnit, Spent
from loyalty_engine.backtest.worth import Worth

MOST_NAMED = 10
# Awarded, times, taken back, members.
Sum = list[int]
# Stands where a month could, for the whole span, and where a rule could, for all of them.
WHOLE = ANY = ""


class Mover(Struct, frozen=True):
    """A member who would have more or less than under the other programme: in money, and in units."""

    member: str
    value: Fraction
    units: dict[str, int]

    @property
    def rank(self) -> tuple[Fraction, int, str]:
        """Give what movers are compared by: money, then units, then a name that does not change."""
        return self.value, sum(self.units.values()), self.member


class Tally:
    """What one programme would have given: by month, rule and unit, and without a rule's name by unit alone."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.sums: dict[tuple[str, str, str], Sum] = {}
        self.members: dict[str, int] = {}

    def take(self, months: Months) -> dict[str, int]:
        """Add up one member; gives what they would have net of each unit."""
        whole: dict[RuleAndUnit, Given] = {}
        for month, given in months.given.items():
            self._take(month, given)
            for key, parts in given.items():
                so_far = whole.get(key)
                if so_far is None:
                    whole[key] = parts[:]
                else:
                    so_far[0] += parts[0]
                    so_far[1] += parts[1]
                    so_far[2] += parts[2]
        if not whole:
            return {}
        units = self._take(WHOLE, whole)
        return {unit: parts[0] - parts[2] for unit, parts in units.items()}

    def _take(self, month: str, given: dict[RuleAndUnit, Given]) -> dict[str, Given]:
        units: dict[str, Given] = {}
        sums = self.sums
        for (rule, unit), parts in given.items():
            found = sums.get((month, rule, unit))
            if found is None:
                sums[month, rule, unit] = [*parts, 1]
            else:
                found[0] += parts[0]
                found[1] += parts[1]
                found[2] += parts[2]
                found[3] += 1
            of_unit = units.get(unit)
            if of_unit is None:
                units[unit] = parts[:]
            else:
                of_unit[0] += parts[0]
                of_unit[1] += parts[1]
                of_unit[2] += parts[2]
        for unit, parts in units.items():
            self._add_up(month, ANY, unit, parts)
        self.members[month] = self.members.get(month, 0) + 1
        return units

    def _add_up(self, month: str, rule: str, unit: str, parts: Given) -> None:
        found = self.sums.get((month, rule, unit))
        if found is None:
            self.sums[month, rule, unit] = [*parts, 1]
            return
        found[0] += parts[0]
        found[1] += parts[1]
        found[2] += parts[2]
        found[3] += 1

    def join(self, other: Tally) -> None:
        """Take over what somebody else has counted of other members."""
        for key, parts in other.sums.items():
            found = self.sums.setdefault(key, [0, 0, 0, 0])
            for n, part in enumerate(parts):
                found[n] += part
        for month, members in other.members.items():
            self.members[month] = self.members.get(month, 0) + members


class Trade:
    """What was bought and brought back, whatever the programme; by month and in all."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.spent: dict[str, Spent] = {}
        self.members: dict[str, int] = {}

    def take(self, spent: Mapping[str, Spent]) -> None:
        """Add up one member."""
        self._join(spent)
        for month in (*spent, WHOLE) if spent else ():
            self.members[month] = self.members.get(month, 0) + 1
        for parts in spent.values():
            self._join({WHOLE: parts})

    def join(self, other: Trade) -> None:
        """Take over what somebody else has counted of other members."""
        self._join(other.spent)
        for month, members in other.members.items():
            self.members[month] = self.members.get(month, 0) + members

    def _join(self, spent: Mapping[str, Spent]) -> None:
        for month, parts in spent.items():
            found = self.spent.setdefault(month, [0, 0, 0])
            for n, part in enumerate(parts):
                found[n] += part


class Movers:
    """The few who would gain the most, and the few who would lose the most."""

    def __init__(self, worth: Mapping[str, Fraction]) -> None:
        """Compare by what a unit is worth."""
        self._worth = worth
        self.winners: list[Mover] = []
        self.losers: list[Mover] = []

    def take(self, member: str, ours: Mapping[str, int], theirs: Mapping[str, int]) -> None:
        """Look at one member: what they would have, and what they would have under the other programme."""
        if ours == theirs:
            return
        units = {unit: ours.get(unit, 0) - theirs.get(unit, 0) for unit in (*ours, *theirs)}
        units = {unit: more for unit, more in units.items() if more}
        value = sum((more * self._worth[unit] for unit, more in units.items() if unit in self._worth), Fraction(0))
        self.join([Mover(member, value, units)])

    def join(self, movers: Iterable[Mover]) -> None:
        """Keep those that belong among the few."""
        for mover in movers:
            gain = mover.rank[:2]
            if gain > (0, 0):
                self.winners.append(mover)
            elif gain < (0, 0):
                self.losers.append(mover)
        if max(len(self.winners), len(self.losers)) > 2 * MOST_NAMED:
            self.settle()

    def both(self) -> tuple[Mover, ...]:
        """Give winners and losers together."""
        return (*self.winners, *self.losers)

    def settle(self) -> None:
        """Put the few in order and let go of the others."""
        self.winners = nlargest(MOST_NAMED, self.winners, key=lambda mover: mover.rank)
        self.losers = nlargest(MOST_NAMED, self.losers, key=lambda mover: (-mover.value, -mover.rank[1], mover.member))


class Sums:
    """Everything that is counted, of one programme and of the one beside it."""

    def __init__(self, worth: Mapping[str, Worth], *, beside: bool) -> None:
        """Begin with nothing."""
        self.tried = Tally()
        self.against = Tally() if beside else None
        self.trade = Trade()
        self.movers = Movers({unit: one.each for unit, one in worth.items()})

    def take(self, member: str, tried: Months, against: Months | None = None) -> None:
        """Count one member."""
        self.trade.take(tried.spent)
        ours = self.tried.take(tried)
        if self.against is not None and against is not None:
            self.movers.take(member, ours, self.against.take(against))

    def join(self, other: Sums) -> None:
        """Take over what somebody else has counted of other members."""
        self.tried.join(other.tried)
        self.trade.join(other.trade)
        self.movers.join(other.movers.both())
        if self.against is not None and other.against is not None:
            self.against.join(other.against)
