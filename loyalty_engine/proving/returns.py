"""How much a purchase can give back: never more than a share, or one that gives more, as the evaluator judged it."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from fractions import Fraction
from typing import Final, Literal, NamedTuple, TypeAlias

import msgspec

from loyalty_engine.proving.ceiling import GivenBack, at_most, exactly
from loyalty_engine.proving.goods import goods_of
from loyalty_engine.proving.solver import SECONDS, Answered, Instance, Solver
from loyalty_engine.proving.unknowns import Assumed, Term, Unknowns
from loyalty_engine.proving.values import Values, given_back, values
from loyalty_engine.proving.witness import Witness, witness
from rules.compile import compile_programme
from rules.facts import Purchase
from rules.programme import Programme

_A_MOMENT: Final = 500
_HANDY: Final = ((1, 12), (20, 100))


class Verdict(msgspec.Struct, frozen=True):
    """Whether a share is ever exceeded. Broken comes with the purchase that breaks it and the share it gives back."""

    answer: Literal["proved", "broken", "unknown"]
    share: Fraction
    by: Witness | None = None


_LATELY: Final = date(2026, 1, 1).toordinal()
Encode: TypeAlias = Callable[[Programme, Unknowns, Values], GivenBack]


class Way(NamedTuple):
    """One encoding of what is given back, with its unknowns and its solver."""

    unknowns: Unknowns
    back: GivenBack
    solver: Solver


class Returns:
    """Questions about what one programme gives back, under the same assumptions. Raises ValueUnknown."""

    def __init__(
        self, programme: Programme, assumed: Assumed, said: Mapping[str, Fraction], *, seconds: int = SECONDS
    ) -> None:
        self.programme = programme
        self.assumed = assumed
        self.worth = values(programme, said)
        self._share_of_time = seconds * 1000 // 2  # for each of the two ways
        self.worst: Verdict | None = None
        self._compiled = compile_programme(programme)
        self._ways = [self._way(at_most, seconds), self._way(exactly, seconds)]

    def _way(self, encode: Encode, seconds: int) -> Way:
        unknowns = Unknowns(goods_of([self.programme]), self.assumed)
        back = encode(self.programme, unknowns, self.worth)
        return Way(unknowns, back, Solver(unknowns.laws(), seconds=seconds, linear=self.worth.linear()))

    def more_than(self, share: Fraction) -> Verdict:
        """Does any purchase give back more than this share of itself?

        First without rounding, which is quick and may prove it; where that finds a purchase that does not come true
        in the evaluator, once more to the last unit.
        """
        for way in self._ways:
            found = self._ask(way, share)
            if found == "impossible":
                return Verdict("proved", share)
            if found == "unknown":
                continue
            for instance in [*self._handier(way, share), found]:
                by = witness(instance, way.unknowns, self.programme)
                real = self.share_of(by)
                if self.worst is None or real > self.worst.share:
                    self.worst = Verdict("broken", real, by)
                if real > share:
                    return Verdict("broken", real, by)
        return Verdict("unknown", share)

    def _ask(self, way: Way, share: Fraction) -> Instance | Answered:
        """Ask of a member who has used no limit yet, who is the likeliest to get most, and then of any."""
        unused: list[Term] = [term == 0 for used in way.unknowns.used.values() for term in used]
        milliseconds = self._share_of_time
        if unused:
            milliseconds = milliseconds // 2
            found = way.solver.ask(way.back.above(share), *unused, milliseconds=milliseconds)
            if not isinstance(found, str):
                return found
        return way.solver.ask(way.back.above(share), milliseconds=milliseconds)

    def share_of(self, by: Witness) -> Fraction:
        """What the evaluator gives back for such a purchase, as a share of it."""
        assert isinstance(by.event, Purchase)
        return given_back(self._compiled.evaluate(by.event, by.member), by.event.total_minor, self.worth)

    def _handier(self, way: Way, share: Fraction) -> Iterator[Instance]:
        """The same shown by a purchase that a shop may see: this year, few items, not the dearest there can be."""
        least = self.assumed.at_least_minor
        unknowns = way.unknowns
        for times, items in _HANDY:
            few: list[Term] = [heap.quantity <= items for heap in unknowns.heaps]
            few += [term == 0 for used in unknowns.used.values() for term in used]
            found = way.solver.ask(
                way.back.above(share), unknowns.total <= max(least * times, 100), unknowns.today >= _LATELY,
                *few, milliseconds=_A_MOMENT,
            )  # fmt: skip
            if not isinstance(found, str):
                yield found
                return
