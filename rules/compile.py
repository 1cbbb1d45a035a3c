"""A programme made ready to judge events: compiled once into one function a kind, then asked many times."""

from collections.abc import Callable
from functools import cached_property
from typing import Any, TypeAlias

from rules.counting import Counter, generate_counter
from rules.explaining import Explainer
from rules.facts import Event, MemberFacts, Purchase
from rules.generate import generate
from rules.judge import evaluate_tree
from rules.order import settle
from rules.outcome import Award, Because, Outcome
from rules.plan import Plan
from rules.programme import Programme

__all__ = ["Compiled", "compile_programme", "evaluate_tree"]

Judge: TypeAlias = Callable[[Purchase | Event, MemberFacts], Outcome]
_MOST_HEARD = 100
Source: TypeAlias = tuple[Any, dict[str, Any]]
"""A function's compiled source, and the constants it is bound to."""
_NOTHING = Outcome((), (), ())


class Compiled:
    """A programme that can be asked what comes of an event, and why."""

    def __init__(self, programme: Programme) -> None:
        self.programme = programme
        self._sources = {kind: _compiled(programme, kind) for kind in {*programme.kinds(), Purchase.kind}}
        self._voices: dict[str, Voice] = {}
        self._heard: dict[str | None, Voice] = {}
        self.evaluate: Judge = self._voice("en").evaluate
        """What comes of an event: `evaluate(event, member)`. Reasons are in English."""

    @cached_property
    def amounts(self) -> Judge:
        """The same for whoever only counts: a reason leaves out what differs from purchase to purchase."""
        return _judge(self._sources, Plan(self.programme, "en", silent=True))

    @cached_property
    def count(self) -> Counter | None:
        """Judges and sums up at once (see rules/counting.py); None where only the general way will do."""
        source = generate_counter(self.programme)
        return None if source is None else _counter(*source)

    def explain(
        self, event: Purchase | Event, member: MemberFacts, outcome: Outcome, language: str | None = None
    ) -> tuple[Because, ...]:
        """One sentence for every rule that stands on the event, fired or not, in the order of the file; in English
        when no language is asked for.
        """
        voice = self._voice(language)
        if voice.language != "en":
            outcome = voice.evaluate(event, member)
        return voice.explainer.explain(event, member, outcome)

    def reason_in(self, award: Award, event: Purchase | Event, member: MemberFacts, language: str) -> str:
        """The reason of one of this event's awards in a language; as it was said where nothing was given."""
        awards = self._voice(language).evaluate(event, member).awards
        return next((one.reason for one in awards if one.rule == award.rule), award.reason)

    def evaluate_in(self, language: str) -> Judge:
        """The same as `evaluate`, and as fast, with the reasons in a language."""
        return self._voice(language).evaluate

    def _voice(self, language: str | None) -> "Voice":
        """What says everything in a language; made when it is first asked for, and then kept."""
        heard = self._heard.get(language)
        return heard if heard is not None else self._first_heard(language)

    def _first_heard(self, language: str | None) -> "Voice":
        """Work out who speaks a language; remembered, as a purchase asks for it again and again."""
        words = self.programme.words(language)
        spoken = words.language if words.language in self.programme.languages else words.tongue.code
        if spoken not in self._voices:
            self._voices[spoken] = Voice(self.programme, self._sources, spoken)
        if len(self._heard) < _MOST_HEARD:
            self._heard[language] = self._voices[spoken]
        return self._voices[spoken]


class Voice:
    """A programme's judgement with its reasons in one language."""

    def __init__(self, programme: Programme, sources: dict[str, Source], language: str) -> None:
        self.language = language
        plan = Plan(programme, language)
        self.evaluate: Judge = _judge(sources, plan)
        self.explainer = Explainer(programme, plan)


def _judge(sources: dict[str, Source], plan: Plan) -> Judge:
    judges = {kind: _function(source, plan) for kind, source in sources.items() if kind != Purchase.kind}

    def elsewhere(event: Event, member: MemberFacts) -> Outcome:
        judge = judges.get(event.kind)
        return _NOTHING if judge is None else judge(event, member)

    return _function(sources[Purchase.kind], plan, elsewhere=elsewhere)


def compile_programme(programme: Programme) -> Compiled:
    """The programme, ready to judge."""
    return Compiled(programme)


def _compiled(programme: Programme, kind: str) -> Source:
    source, bound = generate(programme, kind)
    return compile(source, f"<programme on {kind}>", "exec"), bound


def _function(source: Source, plan: Plan, **more: Any) -> Judge:
    """The generated function, able to name nothing but what is bound here."""
    code, bound = source
    names: dict[str, Any] = bound | more | {"plan": plan, "settle": settle, "__builtins__": {}}
    exec(code, names)  # noqa: S102 - the source holds our own words only
    judge: Judge = names["judge"]
    return judge


def _counter(source: str, bound: dict[str, Any]) -> Counter:
    names: dict[str, Any] = bound | {"__builtins__": {}}
    exec(compile(source, "<programme counted>", "exec"), names)  # noqa: S102 - the source holds our own words only
    count: Counter = names["count"]
    return count
