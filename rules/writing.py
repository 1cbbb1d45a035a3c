"""A programme written back: the plain document it was read from, and that document as TOML.

Invariant: what is written reads back as an equal programme.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from rules.periods import is_written_as_text
from rules.programme import Programme
from rules.shapes import Written

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def document(value: Written) -> Written:
    """The plain tables, lists and values a typed value is written as; what equals its default is left out."""
    if is_written_as_text(type(value)):
        return str(value)
    if hasattr(value, "write"):
        return document(value.write())
    if isinstance(value, msgspec.Struct):
        return _table(value)
    if isinstance(value, Mapping):
        return {name: document(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [document(item) for item in value]
    return value


def _table(value: msgspec.Struct) -> dict[str, Any]:
    table = {}
    for field in msgspec.structs.fields(value):
        item = getattr(value, field.name)
        default = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
        if field.required or item != default:
            table[field.encode_name] = document(item)
    return table


def write_toml(programme: Programme) -> str:
    """The programme as a TOML file that reads back as the same programme."""
    parts: list[str] = []
    for name, value in document(programme).items():
        if isinstance(value, list):
            parts += [_section(f"[[{name}]]", item) for item in value]
        elif name == "units":
            parts += [_section(f"[units.{_key(unit)}]", item) for unit, item in value.items()]
        else:
            parts.append(_section(f"[{name}]", value))
    return "\n".join(parts)


def _section(head: str, table: Mapping[str, Any]) -> str:
    return "\n".join([head, *_lines(table), ""])


def _lines(table: Mapping[str, Any]) -> Iterator[str]:
    """One line a name; a table within is written by dotted names, as a person would."""
    for name, value in table.items():
        if isinstance(value, Mapping) and value:
            yield from (f"{_key(name)}.{_key(inner)} = {_inline(item)}" for inner, item in value.items())
        else:
            yield f"{_key(name)} = {_inline(value)}"


def _inline(value: Written) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(name)} = {_inline(item)}" for name, item in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(_inline, value))}]"
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value) if isinstance(value, int) else json.dumps(value, ensure_ascii=False)


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else json.dumps(name, ensure_ascii=False)
