"""What may be written where a type stands, in words: the "would be" of a finding."""

from functools import lru_cache
from typing import Any, TypeAlias

import msgspec
from msgspec import inspect

from rules.findings import nearest

Kind: TypeAlias = Any
"""A type as it is annotated."""

type_of = lru_cache(maxsize=512)(inspect.type_info)


def expected(shape: inspect.Type) -> str:
    """What may be written where this type stands, in words."""
    if isinstance(shape, inspect.Metadata):
        said = (shape.extra_json_schema or {}).get("description")
        return said or expected(shape.type)
    if isinstance(shape, inspect.UnionType):
        return " or ".join(expected(kind) for kind in choices(shape))
    cls: Kind = getattr(shape, "cls", None)
    if hasattr(cls, "expected"):
        return str(cls.expected)
    if isinstance(shape, inspect.StructType):
        return keys(shape.cls)
    if isinstance(shape, inspect.VarTupleType):
        return (
            f"a list with at least one of: {expected(shape.item_type)}"
            if shape.min_length
            else f"a list of: {expected(shape.item_type)}"
        )
    if isinstance(shape, inspect.LiteralType):
        return " or ".join(f'"{value}"' for value in shape.values)
    if isinstance(shape, inspect.IntType):
        return _whole_number(shape)
    return _WORDS.get(type(shape), "a table")


_WORDS = {
    inspect.BoolType: "true or false",
    inspect.DecimalType: "a decimal number",
    inspect.StrType: "text",
    inspect.DateTimeType: "a time such as 2026-01-05T15:00:00",
    inspect.DateType: "a date such as 2026-01-05",
    inspect.TupleType: "a list",
}


def _whole_number(shape: inspect.IntType) -> str:
    if shape.ge is not None and shape.le is not None:
        return f"a whole number from {shape.ge} to {shape.le}"
    return "a whole number" if shape.ge is None else f"a whole number, {shape.ge} or more"


def would_be(shape: inspect.Type, value: object) -> str:
    if isinstance(shape, inspect.LiteralType) and isinstance(value, str):
        return nearest(value, [str(choice) for choice in shape.values]) or expected(shape)
    return expected(shape)


def choices(shape: inspect.UnionType) -> list[inspect.Type]:
    """The types of which one may be written; that it may also be left out is said by its field."""
    return [kind for kind in shape.types if not isinstance(kind, inspect.NoneType)]


@lru_cache(maxsize=256)
def fields_of(kind: type[msgspec.Struct]) -> tuple[inspect.Field, ...]:
    shape = inspect.type_info(kind)
    assert isinstance(shape, inspect.StructType)
    return shape.fields


def keys(kind: type[msgspec.Struct]) -> str:
    return "a table with " + ", ".join(field.encode_name for field in fields_of(kind))
