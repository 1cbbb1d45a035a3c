"""How one written value becomes a typed one: every mistake is found at once, each with its place.

The types themselves say what may be written. A field's type gives its limits; `Meta(extra=...)` adds what a
type cannot say: `defines` and `refers` (names that must be known, by kind), `known` (a table of the world),
and `one_or_many`. A class with `parse` is written as one text, a class with `take` reads itself.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import inspect

from rules.expecting import Kind, choices, expected, fields_of, keys, type_of, would_be
from rules.findings import Finding, nearest
from rules.known import KNOWN

Written: TypeAlias = Any
"""What stands in a document: anything, until it has been read."""
Taken: TypeAlias = Any
"""A typed value, or MISSING."""
MISSING: Final = object()
_WRITTEN_AS: Final[tuple[tuple[Any, Any], ...]] = (
    (inspect.BoolType, bool),
    (inspect.IntType, int),
    (inspect.StrType, str),
    (inspect.VarTupleType, (list, tuple)),
    ((inspect.StructType, inspect.DictType), Mapping),
)
_SAFE = re.compile(r"[^\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]*")  # what every database and file can keep


class Reader:
    """Reads written values; keeps the findings, and the names that were defined and referred to."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.rule: str | None = None
        self._defined: dict[str, dict[str, str]] = {}
        self._referred: list[tuple[str, str, str, str | None]] = []

    def refuse(self, place: str, says: str, would_be: str | None = None) -> Taken:
        self.findings.append(Finding("refused", place, self.rule, says, would_be))
        return MISSING

    @contextmanager
    def within(self, rule: str | None) -> Iterator[None]:
        """Findings made here belong to this rule."""
        before, self.rule = self.rule, rule
        yield
        self.rule = before

    def read(self, kind: Kind, value: Written, place: str) -> Taken:
        """One value of this type, or MISSING when something was found wrong."""
        return self._typed(type_of(kind), value, place)

    def record(self, kind: type[msgspec.Struct], value: Written, place: str) -> Taken:
        """One table as a Struct: unknown names are refused with the nearest known one, missing names are
        named.
        """
        if not isinstance(value, Mapping):
            return self.refuse(place, f"{_written(value)} stands where a table is wanted", keys(kind))
        fields = {field.encode_name: field for field in fields_of(kind)}
        for name in value:
            if name not in fields:
                self.refuse(_within(place, name), f'"{name}" is not known here', nearest(str(name), fields))
        read: dict[str, Any] = {}
        for name, field in fields.items():
            if name in value:
                read[field.name] = self._typed(field.type, value[name], _within(place, name))
            elif field.required:
                read[field.name] = self.refuse(place, f'"{name}" is missing', f"{name} = {expected(field.type)}")
        if MISSING in read.values():
            return MISSING
        return self._made(kind, read, place)

    def _made(self, kind: type[msgspec.Struct], read: dict[str, Any], place: str) -> Taken:
        try:
            return kind(**read)
        except ValueError as wrong:
            return self.refuse(place, str(wrong), getattr(kind, "expected", None))

    def _typed(self, shape: inspect.Type, value: Written, place: str, extra: Mapping[str, Any] | None = None) -> Taken:
        extra = extra or {}
        if isinstance(shape, inspect.Metadata):
            return self._typed(
                shape.type, value, place, {**extra, **(shape.extra or {}), **(shape.extra_json_schema or {})}
            )
        if isinstance(shape, inspect.UnionType):
            return self._chosen(choices(shape), value, place, extra)
        cls: Kind = getattr(shape, "cls", None)
        if hasattr(cls, "take"):
            return cls.take(self, value, place)
        if hasattr(cls, "parse"):
            return self._parsed(cls, value, place)
        if isinstance(shape, inspect.StructType):
            return self.record(shape.cls, value, place)
        if isinstance(shape, inspect.VarTupleType):
            return self._several(shape, value, place, one_or_many=bool(extra.get("one_or_many")))
        if isinstance(shape, inspect.TupleType):
            return self._tuple(shape, value, place)
        if isinstance(shape, inspect.DictType):
            return self._named(shape, value, place)
        return self._plain(shape, value, place, extra)

    def _chosen(self, kinds: list[inspect.Type], value: Written, place: str, extra: Mapping[str, Any]) -> Taken:
        """Of several types the one that this can be, by how it is written."""
        if len(kinds) == 1:
            return self._typed(kinds[0], value, place, extra)
        for kind in kinds:
            if _is_written_as(kind, value):
                return self._typed(kind, value, place, extra)
        return self.refuse(place, f"{_written(value)} is not right here", " or ".join(map(expected, kinds)))

    def _parsed(self, cls: Kind, value: Written, place: str) -> Taken:
        if not isinstance(value, str):
            return self.refuse(place, f"{_written(value)} stands where text is wanted", cls.expected)
        try:
            return cls.parse(value)
        except ValueError as wrong:
            return self.refuse(place, f'"{value}": {wrong}', cls.expected)

    def _several(self, shape: inspect.VarTupleType, value: Written, place: str, *, one_or_many: bool) -> Taken:
        if one_or_many and isinstance(value, Mapping):
            one = self._typed(shape.item_type, value, place)
            return MISSING if one is MISSING else (one,)
        if not isinstance(value, list | tuple):
            wanted = expected(shape)
            return self.refuse(place, f"{_written(value)} stands where a list is wanted", wanted)
        if len(value) < (shape.min_length or 0):
            return self.refuse(place, "an empty list matches nothing, so this can never hold", expected(shape))
        read = [self._typed(shape.item_type, item, f"{place}[{n}]") for n, item in enumerate(value)]
        return MISSING if MISSING in read else tuple(read)

    def _tuple(self, shape: inspect.TupleType, value: Written, place: str) -> Taken:
        if not isinstance(value, list | tuple) or len(value) != len(shape.item_types):
            return self.refuse(place, f"{_written(value)} stands where {len(shape.item_types)} values are wanted")
        read = [
            self._typed(kind, item, f"{place}[{n}]")
            for n, (kind, item) in enumerate(zip(shape.item_types, value, strict=True))
        ]
        return MISSING if MISSING in read else tuple(read)

    def _named(self, shape: inspect.DictType, value: Written, place: str) -> Taken:
        if not isinstance(value, Mapping):
            return self.refuse(place, f"{_written(value)} stands where a table of names is wanted")
        if len(value) < (shape.min_length or 0):
            return self.refuse(place, "an empty table says nothing", "name = ...")
        read = {}
        for name, item in value.items():
            key = self._typed(shape.key_type, name, _within(place, name))
            one = self._typed(shape.value_type, item, _within(place, name))
            read[key] = one
        return MISSING if MISSING in read or MISSING in read.values() else read

    def _plain(self, shape: inspect.Type, value: Written, place: str, extra: Mapping[str, Any]) -> Taken:
        read = _plainly(shape, value)
        if read is MISSING:
            return self.refuse(
                place, f"{_written(value)} is not right here", extra.get("description") or would_be(shape, value)
            )
        if "known" in extra and (unknown := KNOWN[extra["known"]](read)) is not None:
            return self.refuse(place, *unknown)
        if "refers" in extra:
            self._referred.append((extra["refers"], read, place, self.rule))
        if "defines" in extra:
            self._define(extra["defines"], read, place)
        return read

    def _define(self, kind: str, name: str, place: str) -> None:
        first = self._defined.setdefault(kind, {}).setdefault(name, place)
        if first != place:
            self.refuse(place, f'the {kind} "{name}" is used twice; the first is at {first}', "an id of its own")

    def settle_names(self) -> None:
        """Every name that was referred to must have been defined somewhere in the document."""
        for kind, name, place, rule in self._referred:
            known = self._defined.get(kind, {})
            if name not in known:
                self.findings.append(
                    Finding("refused", place, rule, f'there is no {kind} "{name}"', nearest(name, known))
                )


def _is_written_as(shape: inspect.Type, value: Written) -> bool:
    if isinstance(shape, inspect.Metadata):
        return _is_written_as(shape.type, value)
    written = next((kind for types, kind in _WRITTEN_AS if isinstance(shape, types)), object)
    return isinstance(value, written) and isinstance(value, bool) is isinstance(shape, inspect.BoolType)


def _plainly(shape: inspect.Type, value: Written) -> Taken:
    """A plain value of this type with its limits, or MISSING. Nothing is converted, except texts of dates."""
    if isinstance(shape, inspect.BoolType):
        return value if isinstance(value, bool) else MISSING
    if isinstance(shape, inspect.IntType):
        return value if type(value) is int and _between(shape, value) else MISSING
    if isinstance(shape, inspect.DecimalType):
        return Decimal(value) if type(value) in (int, Decimal) else MISSING
    if isinstance(shape, inspect.StrType):
        return value if isinstance(value, str) and _matches(shape, value) else MISSING
    if isinstance(shape, inspect.LiteralType):
        return value if isinstance(value, str | int) and value in shape.values else MISSING
    if isinstance(shape, inspect.DateTimeType):
        return _instant(value)
    if isinstance(shape, inspect.DateType):
        return _day(value)
    raise AssertionError(shape)


def _between(shape: inspect.IntType, value: int) -> bool:
    return (shape.ge is None or value >= shape.ge) and (shape.le is None or value <= shape.le)


def _matches(shape: inspect.StrType, value: str) -> bool:
    if not _SAFE.fullmatch(value) or (shape.min_length is not None and len(value) < shape.min_length):
        return False
    if shape.max_length is not None and len(value) > shape.max_length:
        return False
    return shape.pattern is None or re.fullmatch(shape.pattern, value) is not None


def _day(value: Written) -> Taken:
    if isinstance(value, str):
        try:
            return date.fromisoformat(value) if len(value) == 10 else MISSING  # noqa: PLR2004
        except ValueError:
            return MISSING
    return value if type(value) is date else MISSING


def _instant(value: Written) -> Taken:
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            return MISSING
    return value if isinstance(value, datetime) else MISSING


def _within(place: str, name: object) -> str:
    return f"{place}.{name}" if place else str(name)


def _written(value: Written) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list | tuple):
        return "a list"
    text = str(value)
    return f'"{text[:60]}"' if isinstance(value, str) else text[:60]
