"""Why each rule fired or did not: one sentence a rule, made from the tree, with all that can be written
beforehand written.
"""

from collections.abc import Callable

from rules.conditions.moment import DateSpan, OnDates
from rules.facts import Event, MemberFacts, Purchase
from rules.judge import found
from rules.order import settle
from rules.outcome import Award, Because, Outcome
from rules.plan import Plan
from rules.programme import Programme, Rule
from rules.scene import Scene
from rules.words import Words


class Explainer:
    """Knows, for each rule, the sentence of each of its conditions."""

    def __init__(self, programme: Programme, plan: Plan) -> None:
        self._programme = programme
        self._plan = plan
        self._rules = {
            kind: [
                (number, rule.id, _steps(rule, plan.words), _nothing(rule, plan.words), _done(rule, plan.words))
                for number, rule in enumerate(programme.rules)
                if rule.on == kind
            ]
            for kind in programme.kinds()
        }

    def explain(self, event: Purchase | Event, member: MemberFacts, outcome: Outcome) -> tuple[Because, ...]:
        """One sentence for every rule that stands on the event, in the order of the file."""
        scene = self._programme.scene(event, member, self._plan.words)
        awards = {award.rule: award for award in outcome.awards}
        trace: dict[int, str] | None = None
        said = []
        did = {happening.rule for happening in outcome.effects}
        for number, rule, steps, nothing, done in self._rules.get(event.kind, ()):
            award = awards.get(rule)
            if award is not None:
                said.append(
                    Because(
                        rule=rule, fired=True, because=f"{self._gave(award)}; {done}" if done else self._gave(award)
                    )
                )
                continue
            if rule in did:
                said.append(Because(rule=rule, fired=True, because=done))
                continue
            because = None
            for holds, sentence in steps:
                if not holds(scene):
                    because = sentence(scene)
                    break
            if because is None and nothing is not None:
                because = nothing(scene)
            if because is None:
                trace = self._traced(scene) if trace is None else trace
                because = trace[number]
            said.append(Because(rule=rule, fired=False, because=because))
        return tuple(said)

    def _gave(self, award: Award) -> str:
        units = self._plan.words.units(award.amount, award.unit)
        return units if units == award.reason else f"{units}: {award.reason}"

    def _traced(self, scene: Scene) -> dict[int, str]:
        """Why rules that hold gave nothing: settled once more, and this time with reasons."""
        trace: dict[int, str] = {}
        facts = scene.member, scene.counted, scene.today, scene.paid
        settle(self._plan, found(self._programme, scene), *facts, trace=trace)
        return trace


def _steps(rule: Rule, words: Words) -> list[tuple[Callable[[Scene], bool], Callable[[Scene], str]]]:
    """What must hold, in the order it is told: the rule's own dates first, then its conditions as they are
    written.
    """
    steps: list[tuple[Callable[[Scene], bool], Callable[[Scene], str]]] = []
    if rule.from_ is not None or rule.until is not None:
        dates = DateSpan(rule.from_, rule.until)
        head = words.tongue.is_.format(words.of(OnDates.says)[0])
        tail = words.tongue.in_force.format(dates.words(words))
        steps.append((lambda scene: rule.in_force(scene.today), lambda scene: f"{head}{scene.today}{tail}"))
    steps += [(part.holds, part.missed(words)) for part in rule.when.conjuncts()]
    return steps


def _nothing(rule: Rule, words: Words) -> Callable[[Scene], str | None] | None:
    """Says why an award that depends on what was bought came to nothing, if it did."""
    award = rule.award
    if award is None or not award.proportional:
        return None
    worth, why = award.worth, award.nothing(words)
    return lambda scene: None if worth(scene) else why(scene)


def _done(rule: Rule, words: Words) -> str:
    return "; ".join(effect.words(words) for effect in rule.deeds)
