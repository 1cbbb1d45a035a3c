"""How any condition is judged, compiled and put into words: the shape that every condition has, and the three
usual kinds.

Invariant: `source` writes the same judgement as `holds`; random programmes and purchases are tested for it.
"""

from collections.abc import Callable
from typing import ClassVar, Protocol

import msgspec

from rules.names import Names, Range, either
from rules.picking import Pick, What
from rules.scene import Scene, Words


class Code(Protocol):
    """What a condition may ask of the generated function: names for its constants, facts as locals."""

    def bind(self, value: object) -> str: ...
    def fact(self, name: str) -> str: ...
    def equals(self, fact: str, value: str) -> str: ...
    def measured(self, pick: Pick, what: What) -> str: ...
    def present(self, pick: Pick) -> str: ...


class Condition(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that must be so for a rule to fire."""

    written: ClassVar[str]
    subject: ClassVar[str]

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

    def about(self) -> str:
        return self.subject

    def sentence(self, words: Words) -> Callable[[Scene], str]:
        """Why this does not hold, as a sentence of which all but the value found is written beforehand."""
        head, tail = f"{self.about()} is ", f"; the rule wants {self.wants(words)}"
        return lambda scene: f"{head}{self.found(scene)}{tail}"

    def never(self) -> str | None:
        """Why this can plainly never hold, or None."""
        return None

    def clashes(self, other: "Condition") -> bool:  # noqa: ARG002
        """Is it plain that this and another of its kind never hold together?"""
        return False


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
        return getattr(scene, self.fact) or "not known"

    def wants(self, words: Words) -> str:  # noqa: ARG002
        return either(self.wanted)

    def clashes(self, other: Condition) -> bool:
        return isinstance(other, type(self)) and set(self.wanted).isdisjoint(other.wanted)


class AnyOfSeveral(Condition, frozen=True):
    """A fact of several values, of which any must be in a list."""

    fact: ClassVar[str]
    wanted: Names

    def holds(self, scene: Scene) -> bool:
        return any(value in self.wanted for value in getattr(scene, self.fact))

    def source(self, code: Code) -> str:
        return f"not {code.bind(frozenset(self.wanted))}.isdisjoint({code.fact(self.fact)})"

    def found(self, scene: Scene) -> str:
        return ", ".join(getattr(scene, self.fact)) or "none"

    def wants(self, words: Words) -> str:  # noqa: ARG002
        return either(self.wanted)


class Within(Condition, frozen=True):
    """A number that must be in a range; a number that is not known is in no range."""

    fact: ClassVar[str]
    optional: ClassVar[bool] = False
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
        return "not known" if value is None else self.say(value, scene.words)

    def wants(self, words: Words) -> str:
        return self.wanted.words(lambda value: self.say(value, words))

    def say(self, value: int, words: Words) -> str:  # noqa: ARG002
        return str(value)

    def never(self) -> str | None:
        if self.wanted.max is not None and self.wanted.max < 0:
            return f"{self.about()} is never below 0"
        return None

    def clashes(self, other: Condition) -> bool:
        return isinstance(other, type(self)) and not self.wanted.meets(other.wanted)


def compared(code: Code, value: str, wanted: Range) -> str:
    """A range as one comparison."""
    if wanted.min is None:
        return f"{value} <= {code.bind(wanted.max)}"
    if wanted.max is None:
        return f"{value} >= {code.bind(wanted.min)}"
    return f"{code.bind(wanted.min)} <= {value} <= {code.bind(wanted.max)}"
