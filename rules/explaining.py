"""Why each rule fired or did not: one sentence a rule, made from the tree, with all that can be written
beforehand written.
"""

from collections.abc import Callable

from rules.conditions import DateSpan
from rules.facts import MemberFacts, Purchase
from rules.judge import found
from rules.order import settle
from rules.outcome import Award, Because, Outcome
from rules.plan import Plan
from rules.programme import Programme, Rule
from rules.scene import Scene, Words


class Explainer:
    """Knows, for each rule, the sentence of each of its conditions."""

    def __init__(self, programme: Programme, plan: Plan) -> None:
        self._programme = programme
        self._plan = plan
        self._rules = [
            (number, rule.id, _steps(rule, plan.words), rule.award) for number, rule in enumerate(programme.rules)
        ]

    def explain(self, event: Purchase, member: MemberFacts, outcome: Outcome) -> tuple[Because, ...]:
        """One sentence for every rule that stands on the event, in the order of the file."""
        scene = self._programme.scene(event, member, self._plan.words)
        awards = {award.rule: award for award in outcome.awards}
        trace: dict[int, str] | None = None
        said = []
        for number, rule, steps, effect in self._rules:
            award = awards.get(rule)
            if award is not None:
                said.append(Because(rule=rule, fired=True, because=self._gave(award)))
                continue
            because = None
            for holds, sentence in steps:
                if not holds(scene):
                    because = sentence(scene)
                    break
            if because is None and effect is not None and effect.worth(scene) == 0:
                because = effect.nothing(scene)
            if because is None:
                trace = self._traced(scene) if trace is None else trace
                because = trace[number]
            said.append(Because(rule=rule, fired=False, because=because))
        return tuple(said)

    def _gave(self, award: Award) -> str:
        return f"{self._plan.words.units(award.amount, award.unit)}: {award.reason}"

    def _traced(self, scene: Scene) -> dict[int, str]:
        """Why rules that hold gave nothing: settled once more, and this time with reasons."""
        trace: dict[int, str] = {}
        settle(self._plan, found(self._programme, scene), scene.member, scene.counted, scene.today, trace=trace)
        return trace


def _steps(rule: Rule, words: Words) -> list[tuple[Callable[[Scene], bool], Callable[[Scene], str]]]:
    """What must hold, in the order it is told: the rule's own dates first, then its conditions as they are
    written.
    """
    steps: list[tuple[Callable[[Scene], bool], Callable[[Scene], str]]] = []
    if rule.from_ is not None or rule.until is not None:
        dates = DateSpan(rule.from_, rule.until)
        tail = f"; the rule is in force {dates.words()}"
        steps.append((lambda scene: rule.in_force(scene.today), lambda scene: f"the date is {scene.today}{tail}"))
    steps += [(part.holds, part.sentence(words)) for part in rule.when.conjuncts()]
    return steps
