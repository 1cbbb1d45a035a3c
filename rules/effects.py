"""Every effect a rule may have, one class each: what is written, what it comes to, and how it says so.

Each docstring is read by a shop owner. As with conditions, everything else follows from the class.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, ClassVar, Final

import msgspec

from rules.findings import nearest
from rules.judging import Code
from rules.names import Positive, UnitName
from rules.picking import Pick
from rules.scene import Scene, Words
from rules.shapes import MISSING, Reader, Taken, Written

LATER_EFFECTS: Final = frozenset({"grant", "ask", "open_case", "message", "tag", "promise", "notify"})
_PLACES: Final = 3
_LARGEST: Final = 1000


class Effect(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that comes of a rule that fires."""

    written: ClassVar[str]
    unit: UnitName

    def words(self, words: Words) -> str:
        """What this gives, in short: "1 point per 10 kr"."""
        raise NotImplementedError


class AwardUnits(Effect, frozen=True):
    """Give so many units: once (`amount` alone), for each full `per_minor` of the counted spend, or for each
    item picked.
    """

    written = "award"
    amount: Positive
    per_minor: Positive | None = None
    per_item: Pick | None = None

    def __post_init__(self) -> None:
        if self.per_minor is not None and self.per_item is not None:
            raise ValueError("an award is per amount spent or per item, not both")

    @property
    def proportional(self) -> bool:
        """Only awards in proportion to the purchase can be multiplied."""
        return self.per_minor is not None or self.per_item is not None

    def worth(self, scene: Scene) -> int:
        """The units this comes to before multipliers and limits."""
        if self.per_minor is not None:
            return scene.counted // self.per_minor * self.amount
        if self.per_item is not None:
            return scene.measure(self.per_item).quantity * self.amount
        return self.amount

    def times(self, code: Code) -> str | None:
        """How many times the amount is given, as an expression; None for an award that is given once."""
        if self.per_minor is not None:
            return f"{code.fact('counted')} // {code.bind(self.per_minor)}"
        return None if self.per_item is None else code.measured(self.per_item, "quantity")

    def words(self, words: Words) -> str:
        given = words.units(self.amount, self.unit)
        if self.per_minor is not None:
            return f"{given} per {words.money(self.per_minor)}"
        return given if self.per_item is None else f"{given} per item of {self.per_item.words()}"

    def nothing(self, scene: Scene) -> str:
        """Why this came to nothing although the conditions hold."""
        if self.per_minor is not None:
            spent, step = scene.words.money(scene.counted), scene.words.money(self.per_minor)
            return f"the counted spend is {spent}; the rule wants {step} or more"
        assert self.per_item is not None
        if scene.lines is None:
            return f"the till did not say what was bought; the rule gives per item of {self.per_item.words()}"
        return f"the quantity of {self.per_item.words()} is 0; the rule wants 1 or more"


class MultiplyAwards(Effect, frozen=True):
    """Multiply what is given in proportion to the purchase, in this unit. `by` has at most three decimals:
    1.5 is half as much again.
    """

    written = "multiply"
    by: Decimal

    def __post_init__(self) -> None:
        exponent = self.by.as_tuple().exponent
        if not isinstance(exponent, int) or exponent < -_PLACES or not 1 < self.by <= _LARGEST:
            raise ValueError(f"`by` must be above 1 and at most {_LARGEST}, with at most {_PLACES} decimals")

    @property
    def thousandths(self) -> int:
        return int(self.by * 10**_PLACES)

    def words(self, words: Words) -> str:
        return f"{self.by:f} times the {words.unit(2, self.unit)}"


EFFECTS: Final[dict[str, type[Effect]]] = {cls.written: cls for cls in Effect.__subclasses__()}
"""Every effect by the name it is written with, found from the classes themselves."""


class Then(msgspec.Struct, frozen=True):
    """What comes of a rule. A rule either awards or multiplies; for both, write two rules."""

    effect: Effect

    expected: ClassVar[str] = "award = { unit = ..., amount = ... } or multiply = { unit = ..., by = ... }"

    @classmethod
    def take(cls, reader: Reader, value: Written, place: str) -> Taken:
        """Read a `then` table."""
        if not isinstance(value, Mapping):
            return reader.refuse(place, "this is no table of effects", cls.expected)
        effects = [_effect(reader, name, item, f"{place}.{name}") for name, item in value.items()]
        if len(effects) != 1:
            return reader.refuse(place, f"a rule has one effect, and here are {len(effects)}", cls.expected)
        return MISSING if MISSING in effects else cls(effects[0])

    @classmethod
    def describe(cls, describe: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        """The JSON Schema of a `then` table, from the effects themselves."""
        effects = {name: describe(kind) for name, kind in EFFECTS.items()}
        limits = {"additionalProperties": False, "minProperties": 1, "maxProperties": 1}
        return {"type": "object", "properties": effects, **limits}

    def write(self) -> dict[str, Any]:
        """The table that reads back as this."""
        return {self.effect.written: self.effect}


def _effect(reader: Reader, name: str, value: Written, place: str) -> Taken:
    if name in LATER_EFFECTS:
        return reader.refuse(place, f'the effect "{name}" is not in this edition', "award or multiply")
    if name not in EFFECTS:
        return reader.refuse(place, f'there is no effect "{name}"', nearest(name, EFFECTS))
    return reader.record(EFFECTS[name], value, place)
