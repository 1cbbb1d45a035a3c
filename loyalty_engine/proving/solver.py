"""One question at a time to the solver: impossible, possible with an instance, or no answer within its seconds."""

from collections.abc import Iterable
from typing import Any, Final, Literal, TypeAlias

import z3

from loyalty_engine.proving.unknowns import Term

SECONDS: Final = 10
Instance: TypeAlias = Any
"""A value for every unknown."""
Answered: TypeAlias = Literal["impossible", "unknown"]


class Solver:
    """Laws that hold throughout, and questions about them."""

    def __init__(self, laws: Iterable[Term], *, seconds: int = SECONDS, linear: bool = True) -> None:
        # What is made for sums alone answers many questions at once on which the general solver gives up.
        self._solver = z3.SolverFor("QF_LIA") if linear else z3.Solver()
        self._milliseconds = seconds * 1000
        self._solver.add(list(laws))

    def ask(self, *asked: Term, milliseconds: int | None = None) -> Instance | Answered:
        """Can all of this be so? An instance if it can."""
        self._solver.set("timeout", milliseconds or self._milliseconds)
        self._solver.push()
        self._solver.add(*asked)
        said = self._solver.check()
        found: Instance = self._solver.model() if said == z3.sat else None
        self._solver.pop()
        if said == z3.sat:
            return found
        return "impossible" if said == z3.unsat else "unknown"


def is_so(instance: Instance, term: Term) -> bool:
    """Is this true in the instance?"""
    return bool(z3.is_true(instance.eval(term, model_completion=True)))


def number_in(instance: Instance, term: Term) -> int:
    """What this number is in the instance."""
    value: int = instance.eval(term, model_completion=True).as_long()
    return value
