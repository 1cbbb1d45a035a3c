"""The `then` of a rule: the set of effects that come of it, in the order they are written."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import msgspec

from rules.effects import EFFECTS, Effect
from rules.effects.units import AwardUnits, MultiplyAwards
from rules.findings import nearest
from rules.shapes import MISSING, Reader, Taken, Written


class Then(msgspec.Struct, frozen=True):
    """What comes of a rule: one effect of each kind, in file order. For an award and a multiplier, write two rules."""

    effects: tuple[Effect, ...]

    expected: ClassVar[str] = "award = { unit = ..., amount = ... } or another of: " + ", ".join(sorted(EFFECTS))

    @classmethod
    def take(cls, reader: Reader, value: Written, place: str) -> Taken:
        """Read a `then` table."""
        if not isinstance(value, Mapping):
            return reader.refuse(place, "this is no table of effects", cls.expected)
        if not value:
            return reader.refuse(place, "a rule has an effect, and here is none", cls.expected)
        effects = [_effect(reader, name, item, f"{place}.{name}") for name, item in value.items()]
        if {"award", "multiply"} <= value.keys():
            says = "a rule either awards or multiplies, and here are both"
            return reader.refuse(place, says, "two rules, one for each")
        return MISSING if MISSING in effects else cls(tuple(effects))

    @classmethod
    def describe(cls, describe: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        """The JSON Schema of a `then` table, from the effects themselves."""
        effects = {name: describe(kind) for name, kind in EFFECTS.items()}
        both = {"required": ["award", "multiply"]}
        return {
            "type": "object",
            "properties": effects,
            "additionalProperties": False,
            "minProperties": 1,
            "not": both,
        }

    def write(self) -> dict[str, Any]:
        """The table that reads back as this."""
        return {effect.written: effect for effect in self.effects}

    @property
    def award(self) -> AwardUnits | None:
        return next((effect for effect in self.effects if isinstance(effect, AwardUnits)), None)

    @property
    def multiply(self) -> MultiplyAwards | None:
        return next((effect for effect in self.effects if isinstance(effect, MultiplyAwards)), None)

    @property
    def deeds(self) -> tuple[Effect, ...]:
        """Everything but the units, in file order."""
        return tuple(effect for effect in self.effects if not isinstance(effect, AwardUnits | MultiplyAwards))


def _effect(reader: Reader, name: str, value: Written, place: str) -> Taken:
    if name not in EFFECTS:
        return reader.refuse(place, f'there is no effect "{name}"', nearest(name, EFFECTS))
    return reader.record(EFFECTS[name], value, place)
