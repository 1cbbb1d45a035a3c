"""The programme document in the reference: its shapes come from the rule book, one component for each table of it."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

import rules

Json = dict[str, Any]

REF: Final[Json] = {"$ref": "#/components/schemas/Programme"}
# Where a programme stands in a body or an answer: to the types of the wire it is any object.
HELD_BY: Final = ("BacktestProgramme", "DraftAnswer", "VersionAnswer")


def shapes() -> dict[str, Json]:
    """Give the shapes of a programme, each table under a name that no body of ours has."""
    whole = msgspec.json.encode(rules.schema()).decode()
    document: Json = msgspec.json.decode(re.sub(r'"#/\$defs/(\w+)"', r'"#/components/schemas/Programme\1"', whole))
    tables: dict[str, Json] = document.pop("$defs")
    del document["$schema"]
    return {"Programme": document} | {f"Programme{name}": table for name, table in tables.items()}


def filled_in(components: dict[str, Json]) -> dict[str, Json]:
    """Give the components with the shapes of a programme, and with programmes where bodies and answers hold one."""
    ours = shapes()
    assert not ours.keys() & components.keys(), "a type of the wire is called like a table of a programme"
    holding = {name: _holding(components[name]) for name in HELD_BY if name in components}
    return components | holding | ours


def _holding(shape: Json) -> Json:
    said = shape["properties"]["programme"]
    nullable = {"type": "null"} in said.get("anyOf", ())
    held = REF if not nullable else {"anyOf": [REF, {"type": "null"}], "default": None}
    return shape | {"properties": shape["properties"] | {"programme": held}}
