"""How conditions are put together: all that are written must hold; `any`, `all` and `not` nest."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

import msgspec

from rules.conditions import CONDITIONS
from rules.findings import nearest
from rules.judging import Code, Condition
from rules.scene import Scene
from rules.shapes import MISSING, Reader, Taken, Written
from rules.words import Words

DEEPEST: Final = 8
_MEMBER = "member"


class All(Condition, frozen=True):
    """Everything that is written here must hold. An empty one holds always."""

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
        plain: dict[str, Any] = {}
        member: dict[str, Any] = {}
        for name, kind in CONDITIONS.items():
            held = member if name.startswith(_MEMBER + ".") else plain
            held[name.removeprefix(_MEMBER + ".")] = _described(kind, describe)
        plain[_MEMBER] = {"type": "object", "properties": member, "additionalProperties": False}
        plain |= {"any": several, "all": several, "not": this}
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

    def missed(self, words: Words) -> Callable[[Scene], str]:
        return _first_missing(self.parts, words)

    def about(self, words: Words) -> str:
        return words.tongue.anything

    def wants(self, words: Words) -> str:
        said = [_to_be(part, words) for part in self.parts]
        return words.tongue.and_.join(said) or words.tongue.anything

    def found(self, scene: Scene) -> str:
        said = [f"{part.about(scene.words)} {part.found(scene)}" for part in self.parts]
        return scene.words.tongue.and_.join(said) or scene.words.tongue.anything

    def clause(self, words: Words) -> str:
        return clauses(self.parts, words) or words.tongue.anything

    def conjuncts(self) -> Iterator[Condition]:
        """Everything that must hold, with nested `all` laid open."""
        for part in self.parts:
            if isinstance(part, All | AllOf):
                yield from part.conjuncts()
            else:
                yield part

    def places(self, place: str) -> Iterator[tuple[str, Condition, bool]]:
        """Every single condition below this one with its place, and whether it stands under a `not`."""
        for part in self.parts:
            if isinstance(part, Not):
                yield from ((where, one, True) for where, one, _ in part.part.places(f"{place}.not"))
            elif isinstance(part, AnyOf | AllOf):
                name = "any" if isinstance(part, AnyOf) else "all"
                for n, one in enumerate(part.parts):
                    yield from one.places(f"{place}.{name}[{n}]")
            elif isinstance(part, All):
                yield from part.places(place)
            else:
                yield f"{place}.{part.written}", part, False


class AllOf(Condition, frozen=True):
    """Each table in the list must hold."""

    parts: tuple[All, ...]

    def holds(self, scene: Scene) -> bool:
        return all(part.holds(scene) for part in self.parts)

    def source(self, code: Code) -> str:
        return " and ".join(f"({part.source(code)})" for part in self.parts)

    def missed(self, words: Words) -> Callable[[Scene], str]:
        return _first_missing(self.parts, words)

    def about(self, words: Words) -> str:
        return words.tongue.anything

    def wants(self, words: Words) -> str:
        return words.tongue.and_.join(part.wants(words) for part in self.parts)

    def found(self, scene: Scene) -> str:
        return scene.words.tongue.and_.join(part.found(scene) for part in self.parts)

    def clause(self, words: Words) -> str:
        return ", ".join(part.clause(words) for part in self.parts)

    def conjuncts(self) -> Iterator[Condition]:
        for part in self.parts:
            yield from part.conjuncts()


class AnyOf(Condition, frozen=True):
    """At least one table in the list must hold."""

    parts: tuple[All, ...]

    def holds(self, scene: Scene) -> bool:
        return any(part.holds(scene) for part in self.parts)

    def source(self, code: Code) -> str:
        return "(" + " or ".join(f"({part.source(code)})" for part in self.parts) + ")"

    def missed(self, words: Words) -> Callable[[Scene], str]:
        why = [part.missed(words) for part in self.parts]
        t = words.tongue
        return lambda scene: t.none_holds + t.or_else.join(said(scene) for said in why)

    def about(self, words: Words) -> str:
        return words.tongue.anything

    def wants(self, words: Words) -> str:
        return words.tongue.or_.join(part.wants(words) for part in self.parts)

    def found(self, scene: Scene) -> str:
        return next(part for part in self.parts if part.holds(scene)).found(scene)

    def clause(self, words: Words) -> str:
        said = words.tongue.or_.join(part.clause(words) for part in self.parts)
        return said if len(self.parts) == 1 else words.tongue.either.format(said)


class Not(Condition, frozen=True):
    """What is written here must not all hold."""

    part: All

    def holds(self, scene: Scene) -> bool:
        return not self.part.holds(scene)

    def source(self, code: Code) -> str:
        return f"not ({self.part.source(code)})"

    def missed(self, words: Words) -> Callable[[Scene], str]:
        t = words.tongue
        plain = [(t.is_.format(part.about(words)), part) for part in self.part.parts if not _nested(part)]
        tail = t.unwanted.format(self.part.wants(words))
        if not plain:
            return lambda scene: f"{t.here}{self.part.found(scene)}{tail}"
        return lambda scene: t.and_.join(head + part.found(scene) for head, part in plain) + tail

    def about(self, words: Words) -> str:
        return words.tongue.anything

    def wants(self, words: Words) -> str:
        return words.tongue.not_.format(self.part.wants(words))

    def found(self, scene: Scene) -> str:
        return self.wants(scene.words)

    def clause(self, words: Words) -> str:
        return words.tongue.but_not.format(self.part.clause(words))


def clauses(parts: Sequence[Condition], words: Words) -> str:
    """Conditions one after the other as in a rule's sentence; a time stands right after its weekdays."""
    said = ""
    before = None
    for part in parts:
        close = before is CONDITIONS["weekday"] and isinstance(part, CONDITIONS["time"])
        said += ("" if not said else " " if close else ", ") + part.clause(words)
        before = type(part)
    return said


def _to_be(part: Condition, words: Words) -> str:
    return part.wants(words) if _nested(part) else words.tongue.to_be.format(part.about(words), part.wants(words))


def _first_missing(parts: Sequence[Condition], words: Words) -> Callable[[Scene], str]:
    why = [(part, part.missed(words)) for part in parts]
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
