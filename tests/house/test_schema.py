"""Every key of the schema begins with the business, so that businesses can be spread over machines."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.house.tree import nothing

OWNER = "business_id"
PICCOLOS_OWN = {"migration"}


def rootless(schema: sqlite3.Connection) -> list[str]:
    """Return the primary keys, unique indexes and foreign keys that do not begin with the business."""
    names = [name for (name,) in schema.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    ours = [name for name in names if name not in PICCOLOS_OWN and not name.startswith("sqlite_")]
    return [finding for table in ours for finding in _of(schema, table)]


def _of(schema: sqlite3.Connection, table: str) -> Iterator[str]:
    columns = schema.execute("SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk", (table,)).fetchall()
    if not columns or columns[0][0] != OWNER:
        yield f"{table}: the primary key is {[name for (name,) in columns]}"
    unique = 'SELECT name FROM pragma_index_list(?) WHERE "unique"'
    for (index,) in schema.execute(unique, (table,)).fetchall():
        first = schema.execute("SELECT name FROM pragma_index_info(?) ORDER BY seqno", (index,)).fetchone()[0]
        if first != OWNER:
            yield f"{table}: the unique index {index} begins with {first}"
    foreign = 'SELECT "table", "from" FROM pragma_foreign_key_list(?) WHERE seq = 0'
    for parent, first in schema.execute(foreign, (table,)).fetchall():
        if first != OWNER:
            yield f"{table}: the foreign key to {parent} begins with {first}"


def test_every_key_begins_with_the_business(sqlite_template: Path) -> None:
    with closing(sqlite3.connect(sqlite_template)) as schema:
        assert schema.execute("SELECT count(*) FROM pragma_table_info('businesses')").fetchone() != (0,)
        nothing(rootless(schema))


@pytest.mark.parametrize(
    "planted",
    [
        "CREATE TABLE lots (id INTEGER PRIMARY KEY, business_id INTEGER)",
        "CREATE TABLE lots (business_id INTEGER, id TEXT)",
        "CREATE TABLE lots (business_id INTEGER, id TEXT, code TEXT UNIQUE, PRIMARY KEY (business_id, id))",
        "CREATE TABLE lots (business_id INTEGER PRIMARY KEY, id TEXT, FOREIGN KEY (id) REFERENCES members)",
    ],
)
def test_a_key_that_begins_elsewhere_is_found(planted: str) -> None:
    with closing(sqlite3.connect(":memory:")) as schema:
        schema.execute("CREATE TABLE members (business_id INTEGER, id TEXT, PRIMARY KEY (business_id, id))")
        assert rootless(schema) == []

        schema.execute(planted)

        assert len(rootless(schema)) == 1
