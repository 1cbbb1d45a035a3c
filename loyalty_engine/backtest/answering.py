"""What was counted becomes an answer: figures in units and money, beside those of the other programme."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction

from loyalty_engine.backtest.answer import (
    BacktestAnswer,
    Change,
    Figures,
    MonthCompared,
    RuleCompared,
    UnitChange,
    UnitCompared,
    UnitWorth,
)
from loyalty_engine.backtest.counting import Contest
from loyalty_engine.backtest.judge import Judge
from loyalty_engine.backtest.tally import ANY, WHOLE, Mover, Sums, Tally
from loyalty_engine.backtest.worth import per_cent, rounded
from loyalty_engine.instants import shown, to_micros


def answered(contest: Contest, sums: Sums, shown_as: Callable[[str], tuple[str | None, str]]) -> BacktestAnswer:
    """Give the answer; `shown_as` tells a mover's id, where they have one here, and their masked number."""
    return _Answering(contest, sums).answer(shown_as)


class _Answering:
    """Makes the answer of a contest out of its sums."""

    def __init__(self, contest: Contest, sums: Sums) -> None:
        """Take what was asked and what was counted."""
        self._contest = contest
        self.trade, self.movers, self.tried, self.against = sums.trade, sums.movers, sums.tried, sums.against

    def answer(self, shown_as: Callable[[str], tuple[str | None, str]]) -> BacktestAnswer:
        contest, span = self._contest, self._contest.span
        self.movers.settle()
        purchases, refunds, revenue = self.trade.spent.get(WHOLE, (0, 0, 0))
        value = self._value(self.tried)
        beside = None if self.against is None else self._value(self.against)
        return BacktestAnswer(
            tried=contest.called[0], against=contest.called[1],
            since=None if span.since is None else shown(to_micros(span.since)),
            until=None if span.until is None else shown(to_micros(span.until)),
            currency=contest.tried.newest.programme.currency, purchases=purchases, refunds=refunds,
            members=self.trade.members.get(WHOLE, 0), revenue_minor=revenue,
            value_minor=rounded(value), share_percent=per_cent(value, revenue),
            against_value_minor=None if beside is None else rounded(beside),
            against_share_percent=None if beside is None else per_cent(beside, revenue),
            worth=tuple(UnitWorth(unit, _decimal(one.each), one.by) for unit, one in contest.worth.items()),
            units=self._units(WHOLE), rules=self._rules(WHOLE), months=tuple(self._months()),
            winners=tuple(_change(mover, shown_as) for mover in self.movers.winners),
            losers=tuple(_change(mover, shown_as) for mover in self.movers.losers),
        )  # fmt: skip

    def _value(self, tally: Tally) -> Fraction:
        """Give what remained of all units that have a value."""
        worth = self._contest.worth
        return sum(
            (
                (parts[0] - parts[2]) * worth[unit].each
                for (month, rule, unit), parts in tally.sums.items()
                if month == WHOLE and rule == ANY and unit in worth
            ),
            Fraction(0),
        )

    def _months(self) -> Iterator[MonthCompared]:
        for month, (purchases, refunds, revenue) in sorted(self.trade.spent.items()):
            if month != WHOLE:
                members = self.trade.members[month]
                yield MonthCompared(month, purchases, refunds, members, revenue, self._units(month), self._rules(month))

    def _units(self, month: str) -> tuple[UnitCompared, ...]:
        names = dict.fromkeys(unit for judge in self._judges() for unit in judge.newest.programme.units)
        compared = (UnitCompared(unit, *self._compared(month, ANY, unit)) for unit in names)
        return tuple(one for one in compared if _matters(one, month))

    def _rules(self, month: str) -> tuple[RuleCompared, ...]:
        rules = [rule for judge in self._judges() for rule in judge.newest.programme.rules]
        names = {(rule.id, rule.unit): None for rule in rules if rule.unit is not None}
        for tally in filter(None, (self.tried, self.against)):
            names |= {key[1:]: None for key in sorted(tally.sums) if key[0] == month and key[1] != ANY}
        compared = (RuleCompared(rule, unit, *self._compared(month, rule, unit)) for rule, unit in names)
        return tuple(one for one in compared if _matters(one, month))

    def _judges(self) -> tuple[Judge, ...]:
        return self._contest.judges()

    def _compared(self, month: str, rule: str, unit: str) -> tuple[Figures, Figures | None]:
        key = (month, rule, unit)
        return (
            self._figures(self.tried, key),
            None if self.against is None else self._figures(self.against, key),
        )

    def _figures(self, tally: Tally, key: tuple[str, str, str]) -> Figures:
        awarded, times, back, members = tally.sums.get(key, (0, 0, 0, 0))
        worth = self._contest.worth.get(key[2])
        if worth is None:
            return Figures(awarded, back, times, members, None, None)
        value, revenue = (awarded - back) * worth.each, self.trade.spent.get(key[0], (0, 0, 0))[2]
        return Figures(awarded, back, times, members, rounded(value), per_cent(value, revenue))


def _matters(one: UnitCompared | RuleCompared, month: str) -> bool:
    """Leave out of a month what gave nothing in it."""
    if month == WHOLE:
        return True
    return any(side is not None and (side.awarded or side.taken_back) for side in (one.tried, one.against))


def _change(mover: Mover, shown_as: Callable[[str], tuple[str | None, str]]) -> Change:
    member, masked = shown_as(mover.member)
    units = tuple(UnitChange(unit, amount) for unit, amount in sorted(mover.units.items()))
    return Change(member, masked, rounded(mover.value), units)


def _decimal(value: Fraction) -> str:
    """Give a value with at most six decimals."""
    millionths = rounded(value * 1_000_000)
    whole, part = divmod(millionths, 1_000_000)
    return f"{whole}.{part:06}".rstrip("0").rstrip(".")
