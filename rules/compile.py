"""A programme made ready to judge purchases: compiled once into one function, then asked many times."""

from collections.abc import Callable
from typing import Any

from rules.explaining import Explainer
from rules.facts import MemberFacts, Purchase
from rules.generate import generate
from rules.judge import evaluate_tree
from rules.order import settle
from rules.outcome import Because, Outcome
from rules.plan import Plan
from rules.programme import Programme

__all__ = ["Compiled", "compile_programme", "evaluate_tree"]


class Compiled:
    """A programme that can be asked what comes of a purchase, and why."""

    def __init__(self, programme: Programme) -> None:
        self.programme = programme
        plan = Plan(programme)
        self.evaluate: Callable[[Purchase, MemberFacts], Outcome] = _function(programme, plan)
        """What comes of a purchase: `evaluate(event, member)`."""
        self._explainer = Explainer(programme, plan)

    def explain(self, event: Purchase, member: MemberFacts, outcome: Outcome) -> tuple[Because, ...]:
        """One sentence for every rule that stands on the event, fired or not, in the order of the file."""
        return self._explainer.explain(event, member, outcome)


def compile_programme(programme: Programme) -> Compiled:
    """The programme, ready to judge."""
    return Compiled(programme)


def _function(programme: Programme, plan: Plan) -> Callable[[Purchase, MemberFacts], Outcome]:
    """The generated function, able to name nothing but what is bound here."""
    source, bound = generate(programme)
    names: dict[str, Any] = bound | {"plan": plan, "settle": settle, "__builtins__": {}}
    exec(compile(source, "<programme>", "exec"), names)  # noqa: S102 - the source holds our own words only
    judge: Callable[[Purchase, MemberFacts], Outcome] = names["judge"]
    return judge
