"""The backtest itself: histories come in one by one, lives are lived, and sums come out.

Invariant: it reads values and gives values; no database, file or clock is known here, so that it runs anywhere, a
worker's process included.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from loyalty_engine.backtest.calendar import Calendar, Span
from loyalty_engine.backtest.history import History
from loyalty_engine.backtest.judge import Judge
from loyalty_engine.backtest.living import Life
from loyalty_engine.backtest.tally import Sums
from loyalty_engine.backtest.worth import Worth

# So much of a history is lived before others have their turn.
_SLICE = 64


class Contest(Struct, frozen=True):
    """What is tried and what beside, how each is called, over which span, and what units are worth."""

    tried: Judge
    against: Judge | None
    called: tuple[str, str | None]
    span: Span
    worth: Mapping[str, Worth]

    def judges(self) -> tuple[Judge, ...]:
        """Give those who judge: the one that is tried first."""
        return (self.tried,) if self.against is None else (self.tried, self.against)


class Count:
    """Counts members, one after the other."""

    def __init__(self, contest: Contest) -> None:
        """Begin with nothing."""
        self._judges = contest.judges()
        self._calendar = Calendar(contest.tried.newest.programme.timezone, contest.span)
        self.sums = Sums(contest.worth, beside=contest.against is not None)

    def take(self, history: History) -> None:
        """Live one member's history, under either programme."""
        for _ in self.steps(history):
            pass

    def steps(self, history: History) -> Iterator[None]:
        """Do the same in slices of a few milliseconds."""
        lives = [Life(history, judge, self._calendar) for judge in self._judges]
        for start in range(0, len(history.happened), _SLICE):
            for life in lives:
                life.live(history.happened[start : start + _SLICE])
            yield
        self.sums.take(history.member, *[life.months for life in lives])
