"""How any condition is judged, compiled and put into words: the shape that every condition has, and the usual
kinds.

Invariant: `source` writes the same judgement as `holds`; random programmes and events are tested for it.
"""

from collections.abc import Callable, Iterator
from typing import ClassVar, Literal, Protocol

import msgspec

from rules.names import Names, Range
from rules.narrowing import Choices, Claim, span
from rules.picking import Pick, What
from rules.scene import Scene
from rules.tongues import Says
from rules.words import Words

Stands = Literal["anything", "purchase", "event"]
"""What the rule must stand on for a condition to make sense; an `event` is anything but a purchase."""


class Code(Protocol):
    """What a condition may ask of the generated function: names for its constants, facts as locals."""

    def bind(self, value: object) -> str: ...
    def fact(self, name: str) -> str: ...
    def equals(self, fact: str, value: str) -> str: ...
    def measured(self, pick: Pick, what: What) -> str: ...
    def present(self, pick: Pick) -> str: ...


class Condition(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that must be so for a rule to fire.

    `says` holds by language what it is about and how it stands in a rule's sentence, with `{wants}` for the
    values; `example` is how it is written; `reads` are the member facts it needs; `watches` says that it draws
    conclusions from how a member behaves, which asks for their consent to profiling.
    """

    written: ClassVar[str]
    says: ClassVar[Says]
    example: ClassVar[str]
    stands_on: ClassVar[Stands] = "anything"
    reads: ClassVar[tuple[str, ...]] = ()
    watches: ClassVar[bool] = False

    def holds(self, scene: Scene) -> bool:
        raise NotImplementedError

    def source(self, code: Code) -> str:
        raise NotImplementedError

    def questions(self, code: Code) -> tuple[str, ...]:
        """The same as expressions that must all hold, so that rules can share the asking of each."""
        return (self.source(code),)

    def found(self, scene: Scene) -> str:
        raise NotImplementedError

    def wants(self, words: Words) -> str:
        raise NotImplementedError

    def about(self, words: Words) -> str:
        return words.of(self.says)[0]

    def clause(self, words: Words) -> str:
        """How this stands in the sentence of a rule: "at harbour or airport"."""
        return words.of(self.says)[1].format(wants=self.wants(words))

    def missed(self, words: Words) -> Callable[[Scene], str]:
        """Why this does not hold, as a sentence of which all but the value found is written beforehand."""
        head = words.tongue.is_.format(self.about(words))
        tail = words.tongue.wants.format(self.wants(words))
        return lambda scene: f"{head}{self.found(scene)}{tail}"

    def claims(self, words: Words) -> Iterator[Claim]:  # noqa: ARG002
        """What this asks of single facts, so that plain contradictions are found."""
        yield from ()


class OneOf(Condition, frozen=True):
    """One fact that must be any of a list."""

    fact: ClassVar[str]
    wanted: Names

    def holds(self, scene: Scene) -> bool:
        return getattr(scene, self.fact) in self.wanted

    def source(self, code: Code) -> str:
        if len(self.wanted) == 1:
            return code.equals(self.fact, self.wanted[0])
        return f"{code.fact(self.fact)} in {code.bind(frozenset(self.wanted))}"

    def found(self, scene: Scene) -> str:
        return getattr(scene, self.fact) or scene.words.tongue.not_known

    def wants(self, words: Words) -> str:
        return words.either(self.wanted)

    def claims(self, words: Words) -> Iterator[Claim]:
        yield Claim(self.fact, self.about(words), Choices(self.wanted))


class AnyOfSeveral(Condition, frozen=True):
    """A fact of several values, of which any must be in a list."""

    fact: ClassVar[str]
    wanted: Names

    def holds(self, scene: Scene) -> bool:
        return any(value in self.wanted for value in getattr(scene, self.fact))

    def source(self, code: Code) -> str:
        return f"not {code.bind(frozenset(self.wanted))}.isdisjoint({code.fact(self.fact)})"

    def found(self, scene: Scene) -> str:
        return ", ".join(getattr(scene, self.fact)) or scene.words.tongue.none

    def wants(self, words: Words) -> str:
        return words.either(self.wanted)


class Within(Condition, frozen=True):
    """A number that must be in a range; a number that is not known is in no range."""

    fact: ClassVar[str]
    optional: ClassVar[bool] = False
    floor: ClassVar[int | None] = 0
    wanted: Range

    def holds(self, scene: Scene) -> bool:
        value = getattr(scene, self.fact)
        return value is not None and self.wanted.holds(value)

    def source(self, code: Code) -> str:
        fact = code.fact(self.fact)
        known = f"{fact} is not None and " if self.optional else ""
        return known + compared(code, fact, self.wanted)

    def found(self, scene: Scene) -> str:
        value = getattr(scene, self.fact)
        return scene.words.tongue.not_known if value is None else self.say(value, scene.words)

    def wants(self, words: Words) -> str:
        return words.range(self.wanted, lambda value: self.say(value, words))

    def say(self, value: int, words: Words) -> str:  # noqa: ARG002
        return str(value)

    def claims(self, words: Words) -> Iterator[Claim]:
        yield Claim(self.fact, self.about(words), span(self.wanted.min, self.wanted.max), self.floor)


class Flag(Condition, frozen=True):
    """Something that is so or is not so, each with its words by language in `words_for`: (so, not so)."""

    fact: ClassVar[str]
    words_for: ClassVar[Says]
    wanted: bool

    def holds(self, scene: Scene) -> bool:
        return getattr(scene, self.fact) is self.wanted

    def source(self, code: Code) -> str:
        return f"{code.fact(self.fact)} is {code.bind(self.wanted)}"

    def found(self, scene: Scene) -> str:
        return self._said(scene.words, so=getattr(scene, self.fact))

    def wants(self, words: Words) -> str:
        return self._said(words, so=self.wanted)

    def _said(self, words: Words, *, so: bool) -> str:
        return words.of(self.words_for)[0 if so else 1]

    def claims(self, words: Words) -> Iterator[Claim]:
        yield Claim(self.fact, self.about(words), Choices({self.wanted}))


def compared(code: Code, value: str, wanted: Range) -> str:
    """A range as one comparison."""
    if wanted.min is None:
        return f"{value} <= {code.bind(wanted.max)}"
    if wanted.max is None:
        return f"{value} >= {code.bind(wanted.min)}"
    return f"{code.bind(wanted.min)} <= {value} <= {code.bind(wanted.max)}"
