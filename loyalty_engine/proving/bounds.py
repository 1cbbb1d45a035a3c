"""The largest share that is broken and the smallest that is proved, found by asking again and again.

A solver does not find the exact maximum; yes and no it says quickly. So the share between what is broken and what is
proved is asked for until both lie a tenth of a per cent apart. Every purchase found moves the one end to what that
purchase really gives back.
"""

from fractions import Fraction
from typing import Final

import msgspec

from loyalty_engine.proving.returns import Returns, Verdict

FINEST: Final = Fraction(1, 1000)
FARTHEST: Final = Fraction(100)
_FIRST: Final = Fraction(1, 20)
_MOST_UNKNOWN: Final = 3


class Bounds(msgspec.Struct, frozen=True):
    """What is broken and what is proved; without a proof, no bound up to a hundredfold of the purchase holds."""

    broken: Verdict | None
    proved: Fraction | None
    unknown: int

    def meet(self) -> bool:
        """Is there nothing left to ask between the two?"""
        broken = self.broken.share if self.broken else Fraction(0)
        return self.proved is not None and self.proved - broken <= FINEST


def bounds(returns: Returns) -> Bounds:
    """Ask for the share of a purchase that is never exceeded."""
    search = _Search(returns)
    search.ask(Fraction(0))
    share = _FIRST
    while search.proved is None and share < FARTHEST and search.unknown < _MOST_UNKNOWN:
        share = min(max(share * 4, _rounded(search.low * 2)), FARTHEST)
        search.ask(share)
    while search.proved is not None and search.proved - search.low > FINEST and search.unknown < _MOST_UNKNOWN:
        # The first purchase found is often the worst there is: look just above it before going halfway.
        near = _rounded(search.low) + FINEST
        asked = (
            near if search.fresh and near < search.proved else _rounded((search.low + search.proved) * Fraction(1, 2))
        )
        search.ask(max(asked, near))
    return Bounds(returns.worst, search.proved, search.unknown)


def _rounded(share: Fraction) -> Fraction:
    return share // FINEST * FINEST


class _Search:
    """The two ends, drawing together. `low` is what need not be asked again."""

    def __init__(self, returns: Returns) -> None:
        self.returns = returns
        self.low = Fraction(0)
        self.proved: Fraction | None = None
        self.unknown = 0
        self.fresh = False

    def ask(self, share: Fraction) -> None:
        verdict = self.returns.more_than(share)
        self.fresh = verdict.answer == "broken" and not self.fresh
        if verdict.answer == "proved":
            self.proved = share
        else:
            self.low = max(self.low, verdict.share)
            self.unknown += verdict.answer == "unknown"
