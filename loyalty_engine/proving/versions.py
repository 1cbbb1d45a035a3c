"""Whether two versions of a programme give every member the same for every purchase, or one on which they differ."""

from typing import Final, Literal

import msgspec
import z3

from loyalty_engine.proving.goods import goods_of
from loyalty_engine.proving.settling import Firing, Settling
from loyalty_engine.proving.solver import SECONDS, Instance, Solver
from loyalty_engine.proving.unknowns import Assumed, Term, Unknowns
from loyalty_engine.proving.witness import Witness, witness
from rules.compile import compile_programme
from rules.outcome import Outcome
from rules.programme import Programme

_A_MOMENT: Final = 500


class Difference(msgspec.Struct, frozen=True):
    """Whether two versions give the same: where they do not, something that happens, and what comes of it by each."""

    answer: Literal["same", "different", "unknown"]
    by: Witness | None = None
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    because: str = ""


def compare(before: Programme, after: Programme, *, seconds: int = SECONDS) -> Difference:
    """Do these two give the same for everything that can happen, whatever limits have let through before?

    The same are as many units of each kind and the same other effects, whichever rules they come from.
    """
    if before.timezone != after.timezone:
        return Difference("unknown", because=f"one reads the clock in {before.timezone}, the other in {after.timezone}")
    unsure = ""
    for on in dict.fromkeys((*before.kinds(), *after.kinds())):
        said = _Pair(before, after, on, seconds).compared()
        if said.answer == "different":
            return said
        unsure = unsure or said.because
    return Difference("unknown", because=unsure) if unsure else Difference("same")


class _Pair:
    """Two versions, and one kind of event."""

    def __init__(self, before: Programme, after: Programme, on: str, seconds: int) -> None:
        self.both = (before, after)
        self.on = on
        self.seconds = seconds
        self.compiled = [compile_programme(one) for one in self.both]

    def compared(self) -> Difference:
        return self._where_changed() or self._everywhere()

    def _where_changed(self) -> Difference | None:
        """The quick way: where a rule fires that only one of them has, they probably differ."""
        unknowns = Unknowns(goods_of(self.both), Assumed())
        firing = [Firing(one, unknowns, on=self.on) for one in self.both]
        solver = Solver(unknowns.laws(), seconds=self.seconds)
        for mine, other in (firing, reversed(firing)):
            for number, rule in mine.rules.items():
                if rule not in other.rules.values():
                    found = solver.ask(mine.surely[number], milliseconds=_A_MOMENT)
                    shown = None if isinstance(found, str) else self._shown(found, unknowns)
                    if shown is not None:
                        return shown
        return None

    def _everywhere(self) -> Difference:
        unknowns = Unknowns(goods_of(self.both), Assumed())
        one, other = (_all_that_comes(Settling(version, unknowns, on=self.on)) for version in self.both)
        nothing = z3.IntVal(0)
        names = dict.fromkeys((*one, *other))
        apart = [one.get(name, nothing) != other.get(name, nothing) for name in names]
        found = Solver(unknowns.laws(), seconds=self.seconds).ask(z3.Or(apart))
        if found == "impossible":
            return Difference("same")
        if found == "unknown":
            return Difference("unknown", because=f"not settled within {self.seconds} seconds")
        shown = self._shown(found, unknowns)
        return shown or Difference("unknown", because="what was found gives the same by both when it is replayed")

    def _shown(self, instance: Instance, unknowns: Unknowns) -> Difference | None:
        """The difference, as both evaluators see it; None where they see none."""
        by = witness(instance, unknowns, self.both[0], self.on)
        before, after = (come_of(one.evaluate(by.event, by.member)) for one in self.compiled)
        return None if before == after else Difference("different", by, before, after)


def _all_that_comes(settling: Settling) -> dict[str, Term]:
    portions = settling.portions()
    units = {f"unit {name}": total for name, total in settling.totals(portions).items()}
    return units | settling.deeds(portions)


def come_of(outcome: Outcome) -> tuple[str, ...]:
    """What an outcome gives, whichever rules it comes from: units by their sum, and the names of other effects."""
    totals: dict[str, int] = {}
    for award in outcome.awards:
        totals[award.unit] = totals.get(award.unit, 0) + award.amount
    deeds = sorted(repr(happening.values) for happening in outcome.effects)
    return (*(f"{amount} {unit}" for unit, amount in sorted(totals.items())), *deeds)
