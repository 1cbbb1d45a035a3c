"""A programme made ready to judge purchases: compiled once, then asked many times."""

from rules.explaining import Explainer
from rules.facts import MemberFacts, Purchase
from rules.judge import evaluate_tree, found
from rules.order import Plan, settle
from rules.outcome import Because, Outcome
from rules.programme import Programme

__all__ = ["Compiled", "compile_programme", "evaluate_tree"]


class Compiled:
    """A programme that can be asked what comes of a purchase, and why."""

    def __init__(self, programme: Programme) -> None:
        self.programme = programme
        self._plan = Plan(programme)
        self._explainer = Explainer(programme, self._plan)

    def evaluate(self, event: Purchase, member: MemberFacts) -> Outcome:
        """What comes of a purchase."""
        scene = self.programme.scene(event, member, self._plan.words)
        return settle(self._plan, found(self.programme, scene), member, scene.counted, scene.today)

    def explain(self, event: Purchase, member: MemberFacts, outcome: Outcome) -> tuple[Because, ...]:
        """One sentence for every rule that stands on the event, fired or not, in the order of the file."""
        return self._explainer.explain(event, member, outcome)


def compile_programme(programme: Programme) -> Compiled:
    """The programme, ready to judge."""
    return Compiled(programme)
