"""How a migration makes its tables: written once, and made in each engine's own words.

A migration says what there is to be; this room makes it and takes it back. Invariant: what stands here has made tables
that exist, so it may gain a field, and what it makes of the others never changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

from msgspec import Struct
from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from loyalty_engine.piccolo_conf import DB

_WORDS: Final = {
    "sqlite": {"{whole}": "INTEGER", "{text}": "TEXT", "{options}": " STRICT, WITHOUT ROWID"},
    "postgres": {"{whole}": "BIGINT", "{text}": 'TEXT COLLATE "C"', "{options}": ""},
    "cockroach": {"{whole}": "BIGINT", "{text}": "TEXT", "{options}": ""},
}
Verb = Literal["UPDATE", "DELETE"]


class Older(Struct, frozen=True):
    """An index over a table that an earlier migration made, and how selective each of its columns is."""

    statement: str
    figures: str

    @property
    def index(self) -> str:
        """Give its name."""
        return self.statement.split()[2]

    @property
    def table(self) -> str:
        """Give the table it is over."""
        return self.statement.split()[4]


class Schema(Struct, frozen=True, kw_only=True):
    """What one migration makes; `{whole}`, `{text}` and `{options}` stand for the engine's words.

    `columns` are (table, column, type) added to older tables. Rows of `append_only` are neither changed nor deleted,
    rows of `unchanged` may be deleted when their retention has ended. `long_rows` are tables with long texts: inside a
    clustered key each row would take an overflow page of its own. `figures` tell SQLite's planner of an index how many
    rows share its first columns, where that differs from a large business and a small member.
    """

    tables: tuple[str, ...] = ()
    columns: tuple[tuple[str, str, str], ...] = ()
    indexes: tuple[str, ...] = ()
    older: tuple[Older, ...] = ()
    append_only: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    long_rows: tuple[str, ...] = ()
    figures: Mapping[str, str] = MappingProxyType({})

    def migration(self, migration_id: str, description: str) -> MigrationManager:
        """Give it as Piccolo runs it, forwards and backwards."""
        manager = MigrationManager(migration_id=migration_id, app_name="loyalty_engine", description=description)
        manager.add_raw(self.forwards)
        manager.add_raw_backwards(self.backwards)
        return manager

    async def forwards(self) -> None:
        """Make it all."""
        dialect = DB.engine_type
        for table, column, kind in self.columns:
            await DB.run_ddl(f"ALTER TABLE {table} ADD COLUMN {column} {in_words_of(dialect, kind)}")
        for statement in self.tables:
            written = in_words_of(dialect, statement)
            if _named(statement) in self.long_rows:
                written = written.replace(", WITHOUT ROWID", "")
            await DB.run_ddl(written)
        for statement in (*self.indexes, *(each.statement for each in self.older), *self._guards(dialect)):
            await DB.run_ddl(statement)
        if dialect == "sqlite":
            await self._tell_sizes()

    async def backwards(self) -> None:
        """Take it all back; SQLite forgets by itself what it was told of a table."""
        for each in reversed(self.older):
            await DB.run_ddl(f"DROP INDEX {each.index}")
        for statement in reversed(self.tables):
            await DB.run_ddl(f"DROP TABLE {_named(statement)}")
        for table, column, _ in reversed(self.columns):
            await DB.run_ddl(f"ALTER TABLE {table} DROP COLUMN {column}")

    def _guards(self, dialect: str) -> list[str]:
        """Give the triggers that refuse to change history, in the engine's own words."""
        if dialect == "cockroach":
            return []
        both: tuple[Verb, ...] = ("UPDATE", "DELETE")
        guarded = [(table, both) for table in self.append_only] + [(table, both[:1]) for table in self.unchanged]
        if dialect == "sqlite":
            return [
                f"CREATE TRIGGER {table}_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} are never changed'); END"
                for table, verbs in guarded
                for verb in verbs
            ]
        return [
            f"CREATE TRIGGER {table}_history BEFORE {' OR '.join(verbs)} ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
            for table, verbs in guarded
        ]

    async def _tell_sizes(self) -> None:
        """Tell SQLite's planner what it cannot know of an empty file: a business is large, a member is small.

        Without it, it takes every first column of a key for a narrow one and reads all rows of a business for one
        member. The figures are those of a million rows; `PRAGMA optimize` puts measured ones in their place.
        """
        for each in self.older:
            await _tell(each.table, each.index, each.figures)
        for table in map(_named, self.tables):
            for index in await DB.run_ddl(f"PRAGMA index_list('{table}')"):
                columns = await DB.run_ddl(f"PRAGMA index_info('{index['name']}')")
                rows = ["1000000", "1000000", *["50"] * (len(columns) - 1)]
                if index["unique"]:
                    rows[-1] = "1"
                # The key of a table that is one with its rows goes by the table's name.
                known_as = table if index["origin"] == "pk" and table not in self.long_rows else index["name"]
                await _tell(table, known_as, self.figures.get(known_as, " ".join(rows)))


def in_words_of(dialect: str, statement: str) -> str:
    """Say a statement in an engine's own words."""
    for placeholder, word in _WORDS[dialect].items():
        statement = statement.replace(placeholder, word)
    return statement


def _named(statement: str) -> str:
    return statement.split()[2]


async def _tell(table: str, index: str, figures: str) -> None:
    await DB.run_ddl(f"INSERT INTO sqlite_stat1 VALUES ('{table}', '{index}', '{figures}')")
