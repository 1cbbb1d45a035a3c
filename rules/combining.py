"""How conditions are put together: all that are written must hold; `any`, `all` and `not` nest."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, ClassVar, Final

import msgspec

from rules.conditions import CONDITIONS
from rules.findings import nearest
from rules.judging import Code, Condition
from rules.scene import Scene, Words
from rules.shapes import MISSING, Reader, Taken, Written

DEEPEST: Final = 8
LATER_CONDITIONS: Final = frozenset(
    {
        "attributes",
        "member.ambassador_degree",
        "member.open_case",
        "member.birthday",
        "member.contact_person",
        "member.count",
        "member.overdue",
        "member.consent",
    }
)
_MEMBER = "member"


class All(Condition, frozen=True):
    """Everything that is written here must hold. An empty one holds always."""

    subject = "everything"
    expected: ClassVar[str] = "a table of conditions"
    parts: tuple[Condition, ...] = ()

    @classmethod
    def take(cls, reader: Reader, value: Written, place: str) -> Taken:
        """Read a `when` table."""
        if not isinstance(value, Mapping):
            return reader.refuse(place, "this is no table of conditions", cls.expected)
        if place.count(".any[") + place.count(".all[") + place.count(".not") >= DEEPEST:
            return reader.refuse(place, f"conditions nest deeper than {DEEPEST}", "fewer levels, or two rules")
        parts = [_part(reader, name, item, where) for name, item, where in _written_parts(reader, value, place)]
        return MISSING if MISSING in parts else cls(tuple(parts))

    @classmethod
    def describe(cls, describe: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        """The JSON Schema of a `when` table, from the conditions themselves."""
        this = {"$ref": f"#/$defs/{cls.__name__}"}
        several = {"type": "array", "items": this, "minItems": 1}
        plain: dict[str, Any] = {"any": several, "all": several, "not": this}
        member: dict[str, Any] = {}
        for name, kind in CONDITIONS.items():
            held = member if name.startswith(_MEMBER + ".") else plain
            held[name.removeprefix(_MEMBER + ".")] = _described(kind, describe)
        plain[_MEMBER] = {"type": "object", "properties": member, "additionalProperties": False}
        return {"type": "object", "properties": plain, "additionalProperties": False}

    def write(self) -> dict[str, Any]:
        """The table that reads back as this."""
        document: dict[str, Any] = {}
        for part in self.parts:
            name, value = _as_written(part)
            if name.startswith(_MEMBER + "."):
                document.setdefault(_MEMBER, {})[name.removeprefix(_MEMBER + ".")] = value
            else:
                document[name] = value
        return document

    def holds(self, scene: Scene) -> bool:
        return all(part.holds(scene) for part in self.parts)

    def source(self, code: Code) -> str:
        return " and ".join(f"({part.source(code)})" for part in self.parts) or code.bind(True)  # noqa: FBT003

    def sentence(self, words: Words) -> Callable[[Scene], str]:
        return _first_missing(self.parts, words)

    def wants(self, words: Words) -> str:
        return " and ".join(f"{part.about()} to be {part.wants(words)}" for part in self.parts) or "anything"

    def found(self, scene: Scene) -> str:
        return " and ".join(f"{part.about()} {part.found(scene)}" for part in self.parts) or "anything"

    def never(self) -> str | None:
        parts = list(self.conjuncts())
        for one, other in combinations(parts, 2):
            if one.clashes(other):
                return f"{one.about()} cannot be both"
        return next((said for part in parts if (said := part.never())), None)

    def conjuncts(self) -> Iterator[Condition]:
        """Everything that must hold, with nested `all` laid open."""
        for part in self.parts:
            if isinstance(part, All | AllOf):
                yield from part.conjuncts()
            else:
                yield part


class AllOf(Condition, frozen=True):
    """Each table in the list must hold."""

    subject = "everything"
    parts: tuple[All, ...]

    def holds(self, scene: Scene) -> bool:
        return all(part.holds(scene) for part in self.parts)

    def source(self, code: Code) -> str:
        return " and ".join(f"({part.source(code)})" for part in self.parts)

    def sentence(self, words: Words) -> Callable[[Scene], str]:
        return _first_missing(self.parts, words)

    def wants(self, words: Words) -> str:
        return " and ".join(part.wants(words) for part in self.parts)

    def found(self, scene: Scene) -> str:
        return " and ".join(part.found(scene) for part in self.parts)

    def never(self) -> str | None:
        return next((said for part in self.parts if (said := part.never())), None)

    def conjuncts(self) -> Iterator[Condition]:
        for part in self.parts:
            yield from part.conjuncts()


class AnyOf(Condition, frozen=True):
    """At least one table in the list must hold."""

    subject = "any"
    parts: tuple[All, ...]

    def holds(self, scene: Scene) -> bool:
        return any(part.holds(scene) for part in self.parts)

    def source(self, code: Code) -> str:
        return "(" + " or ".join(f"({part.source(code)})" for part in self.parts) + ")"

    def sentence(self, words: Words) -> Callable[[Scene], str]:
        why = [part.sentence(words) for part in self.parts]
        return lambda scene: "none of these holds: " + "; or ".join(said(scene) for said in why)

    def wants(self, words: Words) -> str:
        return " or ".join(part.wants(words) for part in self.parts)

    def found(self, scene: Scene) -> str:
        return next(part for part in self.parts if part.holds(scene)).found(scene)

    def never(self) -> str | None:
        said = [part.never() for part in self.parts]
        return said[0] if None not in said else None


class Not(Condition, frozen=True):
    """What is written here must not all hold."""

    subject = "not"
    part: All

    def holds(self, scene: Scene) -> bool:
        return not self.part.holds(scene)

    def source(self, code: Code) -> str:
        return f"not ({self.part.source(code)})"

    def sentence(self, words: Words) -> Callable[[Scene], str]:
        plain = [(f"{part.about()} is ", part) for part in self.part.parts if not _nested(part)]
        tail = f"; the rule does not want {self.part.wants(words)}"
        if not plain:
            return lambda scene: f"what is here is {self.part.found(scene)}{tail}"
        return lambda scene: " and ".join(head + part.found(scene) for head, part in plain) + tail

    def wants(self, words: Words) -> str:
        return f"not {self.part.wants(words)}"

    def found(self, scene: Scene) -> str:
        return f"not {self.part.wants(scene.words)}"

    def never(self) -> str | None:
        return "a condition that always holds is negated" if not self.part.parts else None


def _first_missing(parts: Sequence[Condition], words: Words) -> Callable[[Scene], str]:
    why = [(part, part.sentence(words)) for part in parts]
    return lambda scene: next(said(scene) for part, said in why if not part.holds(scene))


def _nested(part: Condition) -> bool:
    return isinstance(part, AllOf | AnyOf | Not)


def _written_parts(reader: Reader, value: Mapping[str, Any], place: str) -> Iterator[tuple[str, Any, str]]:
    """The names in a table with their values and places; those under `member` are taken one by one."""
    for name, item in value.items():
        if name != _MEMBER:
            yield name, item, f"{place}.{name}"
        elif isinstance(item, Mapping):
            yield from ((f"{_MEMBER}.{key}", one, f"{place}.{_MEMBER}.{key}") for key, one in item.items())
        else:
            reader.refuse(f"{place}.{_MEMBER}", "this is no table of conditions", All.expected)


def _part(reader: Reader, name: str, value: Written, place: str) -> Taken:
    if name == "not":
        part = All.take(reader, value, place)
        return MISSING if part is MISSING else Not(part)
    if name in ("any", "all"):
        return _listed(reader, AnyOf if name == "any" else AllOf, value, place)
    if name in LATER_CONDITIONS:
        return reader.refuse(place, f'the condition "{name}" is not in this edition', "a rule without it")
    if name not in CONDITIONS:
        return reader.refuse(
            place, f'there is no condition "{name}"', nearest(name, [*CONDITIONS, "any", "all", "not"])
        )
    return _one(reader, CONDITIONS[name], value, place)


def _one(reader: Reader, kind: type[Condition], value: Written, place: str) -> Taken:
    """A condition with the single field `wanted` is written as that field's value, any other as a table."""
    fields = msgspec.structs.fields(kind)
    if [field.name for field in fields] != ["wanted"]:
        return reader.record(kind, value, place)
    wanted = reader.read(fields[0].type, value, place)
    return MISSING if wanted is MISSING else kind(wanted)


def _described(kind: type[Condition], describe: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
    fields = msgspec.structs.fields(kind)
    if [field.name for field in fields] != ["wanted"]:
        return describe(kind)
    return describe(fields[0].type) | {"description": " ".join((kind.__doc__ or "").split())}


def _listed(reader: Reader, kind: type[AnyOf] | type[AllOf], value: Written, place: str) -> Taken:
    if not isinstance(value, list | tuple) or not value:
        return reader.refuse(place, "this is no list of tables with something in it", "[{ ... }, { ... }]")
    parts = [All.take(reader, item, f"{place}[{n}]") for n, item in enumerate(value)]
    return MISSING if MISSING in parts else kind(tuple(parts))


def _as_written(part: Condition) -> tuple[str, Any]:
    if isinstance(part, Not):
        return "not", part.part.write()
    if isinstance(part, AnyOf | AllOf):
        return ("any" if isinstance(part, AnyOf) else "all"), [one.write() for one in part.parts]
    return part.written, getattr(part, "wanted", part)
