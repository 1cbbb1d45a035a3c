"""The schema spreads by business: every key and every unique index begins with it, on the real databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from loyalty_engine import rows, tables
from loyalty_engine.businesses import Caller
from loyalty_engine.database import Database, backward, migrate, open_database
from loyalty_engine.house import House
from loyalty_engine.redemption import rows as redemption_rows
from loyalty_engine.referrals import course
from loyalty_engine.settings import Settings
from tests.engine.shop import broken, buys, flat_whites

pytestmark = pytest.mark.anyio

OURS = tuple(table._meta.tablename for table in tables.TABLES)  # Piccolo's way to name a table

PRIMARY_AND_UNIQUE_ON_POSTGRES = """
SELECT t.relname, i.relname, (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attnum = x.indkey[0])
FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
JOIN pg_namespace n ON n.oid = t.relnamespace WHERE n.nspname = 'public' AND x.indisunique
"""
FOREIGN_ON_POSTGRES = """
SELECT t.relname, c.conname, (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attnum = c.conkey[1])
FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid WHERE c.contype = 'f'
"""


async def keys_of(database: Database) -> list[tuple[str, str, str]]:
    """Give (table, key, first column) of every primary key, unique index and foreign key there is."""
    if database.dialect != "sqlite":
        found = [*await database.fetch(PRIMARY_AND_UNIQUE_ON_POSTGRES), *await database.fetch(FOREIGN_ON_POSTGRES)]
        return [(str(table), str(key), str(column)) for table, key, column in found]
    keys = []
    for [table] in await database.fetch("SELECT name FROM sqlite_schema WHERE type = 'table'"):
        for _, name, unique, *__ in await database.fetch(f"PRAGMA index_list('{table}')"):
            if unique:
                [first, *_] = await database.fetch(f"PRAGMA index_info('{name}')")
                keys.append((table, name, first[2]))
        for number, position, *rest in await database.fetch(f"PRAGMA foreign_key_list('{table}')"):
            if position == 0:
                keys.append((table, f"foreign key {number}", rest[1]))
        primary = [row for row in await database.fetch(f"PRAGMA table_info('{table}')") if row[5] == 1]
        keys += [(table, "primary key", row[1]) for row in primary]
    return keys


async def straying(database: Database) -> list[tuple[str, str, str]]:
    """Give the keys that do not begin with the business; Piccolo's own list of migrations is not a business's."""
    return [key for key in await keys_of(database) if key[0] != "migration" and key[2] != "business_id"]


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = await open_database(Settings(database_url=database_url))
    yield opened
    await opened.close()


async def test_every_key_and_unique_index_begins_with_the_business(database: Database) -> None:
    found = await keys_of(database)

    assert {table for table, *_ in found if table != "migration"} == set(OURS)
    assert await straying(database) == []


@pytest.mark.parametrize(
    "planted",
    [
        "CREATE UNIQUE INDEX planted ON members (id)",
        "CREATE TABLE planted (id BIGINT PRIMARY KEY, business_id BIGINT)",
        "CREATE TABLE planted (business_id BIGINT, slug TEXT UNIQUE, PRIMARY KEY (business_id, slug))",
    ],
)
async def test_a_key_that_strays_is_found(database: Database, planted: str) -> None:
    await database.write_transaction(lambda tx: tx.fetch(planted))

    assert {key[2] for key in await straying(database)} in ({"id"}, {"slug"})


async def test_every_table_has_the_columns_piccolo_and_the_rows_say(database: Database) -> None:
    for table in tables.TABLES:
        name = table._meta.tablename
        declared = [column._meta.db_column_name for column in table._meta.columns]
        if database.dialect == "sqlite":
            real = [row[1] for row in await database.fetch(f"PRAGMA table_info('{name}')")]
        else:
            real = [
                row[0]
                for row in await database.fetch(
                    "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' "
                    "AND table_name = $1 ORDER BY ordinal_position",
                    name,
                )
            ]
        assert declared == real, name


def test_the_rows_the_rooms_write_have_the_columns_of_their_tables() -> None:
    named = vars(rows) | vars(redemption_rows) | vars(course)
    written: list[Any] = [
        row for row in named.values()
        if isinstance(row, type) and hasattr(row, "TABLE") and row is not course.Change
    ]  # fmt: skip
    columns = {table._meta.tablename: [c._meta.db_column_name for c in table._meta.columns] for table in tables.TABLES}

    assert len(written) == 18
    for row in written:
        assert list(row.__struct_fields__) == columns[row.TABLE], row
        assert issubclass(row, msgspec.Struct)


async def test_the_schema_goes_forwards_and_backwards_and_forwards_again(unmigrated_url: str) -> None:
    database = await open_database(Settings(database_url=unmigrated_url))
    try:
        await migrate(database)
        await migrate(database)
        there = {table for table, *_ in await keys_of(database)} - {"migration"}
        await backward(database)
        gone = {table for table, *_ in await keys_of(database)} - {"migration"}
        await migrate(database)
        again = {table for table, *_ in await keys_of(database)} - {"migration"}
    finally:
        await database.close()

    assert (there, gone, again) == (set(OURS), set(), set(OURS))


@pytest.mark.parametrize(
    "statement", ["UPDATE entries SET amount = 1000", "DELETE FROM entries", "DELETE FROM versions"]
)
async def test_history_cannot_be_changed_by_hand(house: House, cafe: Caller, statement: str) -> None:
    await buys(house, cafe, flat_whites("1"))

    with pytest.raises(Exception, match="are never changed"):
        await house.database.write_transaction(lambda tx: tx.fetch(statement))
    assert await broken(house) == []
