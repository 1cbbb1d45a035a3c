"""The only room that knows SQLite from PostgreSQL from CockroachDB: opening, reading, keeping, and moving forward.

Invariant: what one command writes is kept as a whole or not at all, and only if the member it was decided for has not
moved since it was read.
"""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from loyalty_engine.database.bridge import Bridge, Speaker, ask, speaking_to
from loyalty_engine.database.pages import MemberState, Opening, Page, Seen
from loyalty_engine.database.postgres import PostgresDatabase, Uncertain
from loyalty_engine.database.sqlite import SqliteDatabase
from loyalty_engine.errors import DatabaseAway

if TYPE_CHECKING:
    from loyalty_engine.rows import Posting
    from loyalty_engine.settings import Settings

__all__ = [
    "Bridge", "Database", "MemberState", "Opening", "Page", "Seen", "Speaker", "Transaction", "Uncertain", "ask",
    "backward", "migrate", "open_database", "speaking_to",
]  # fmt: skip

Result = TypeVar("Result")
APP = "loyalty_engine"


class Transaction(Speaker, Protocol):
    """An open transaction."""

    async def fetch(self, sql: str, *args: Any) -> list[Sequence[Any]]:
        """Run one statement (`$1` placeholders) and give its rows."""

    async def open(self, opening: Opening) -> Page | None:
        """Read a page; None where the business is unknown."""

    async def keep(self, posting: Posting) -> None:
        """Write a posting; where its member has moved on or its key is taken, the whole transaction begins anew."""


class Database(Speaker, Protocol):
    """A database that is open."""

    async def gate(self, *, unsafe: bool) -> None:
        """Refuse to start where confirmed writes may be lost."""

    async def ready(self) -> None:
        """Raise DatabaseAway where it cannot be used."""

    async def fetch(self, sql: str, *args: Any) -> list[Sequence[Any]]:
        """Run a reading statement (`$1` placeholders) and give its rows."""

    async def study(self, sql: str, *args: Any) -> list[Sequence[Any]]:
        """Run a reading statement that may take minutes, as an audit does."""

    async def open(self, opening: Opening) -> Page | None:
        """Read a page; None where the business is unknown."""

    async def keep(self, posting: Posting) -> bool:
        """Write a posting on its own; False when its member has moved on or its key is taken."""

    async def write_transaction(self, work: Callable[[Any], Awaitable[Result]]) -> Result:
        """Carry out work(transaction) inside one transaction, which is tried again where another was in the way."""

    async def lock_member(self, transaction: Any, business_id: int, member_id: str) -> None:
        """Keep everybody else from moving the member until the transaction ends."""

    async def close(self) -> None:
        """Let go of files and connections."""


async def open_database(settings: Settings) -> Database:
    """Open the database the settings name; raise DatabaseAway where it cannot be reached or may lose writes."""
    url = settings.database_url
    database: Database
    if url.startswith("sqlite:///"):
        database = SqliteDatabase(url.removeprefix("sqlite:///"))
    elif url.split("://", 1)[0] in {"postgres", "postgresql", "cockroach", "cockroachdb"}:
        served = PostgresDatabase(url, pool_size=settings.pool_size, write_lanes=settings.write_lanes)
        await served.start()
        database = served
    else:
        message = "LOYALTY_DATABASE_URL is sqlite:///path, postgresql://... or cockroachdb://..."
        raise DatabaseAway(message)
    try:
        await database.gate(unsafe=settings.unsafe_durability)
    except BaseException:
        await database.close()
        raise
    return database


async def migrate(database: Database) -> None:
    """Bring the schema forward to what this release needs; two processes at once do it once."""
    from piccolo.apps.migrations.commands.forwards import run_forwards

    async def work(transaction: Transaction) -> None:
        await _alone(transaction)
        await _quietly(transaction, lambda: run_forwards(APP))

    await database.write_transaction(work)


async def backward(database: Database, *, to: str = "all") -> None:
    """Take the schema back past the migration named, or past all of them. For tests and for rehearsing a release."""
    from piccolo.apps.migrations.commands.backwards import run_backwards

    async def work(transaction: Transaction) -> None:
        await _alone(transaction)
        await _quietly(transaction, lambda: run_backwards(APP, migration_id=to, auto_agree=True))

    await database.write_transaction(work)


async def _alone(transaction: Transaction) -> None:
    """Wait until nobody else changes the schema; SQLite has one writer in any case."""
    if transaction.dialect == "postgres":
        await transaction.fetch("SELECT pg_advisory_xact_lock(7165020)")


async def _quietly(transaction: Transaction, run: Callable[[], Awaitable[Any]]) -> None:
    os.environ.setdefault("PICCOLO_CONF", f"{APP}.piccolo_conf")
    said = io.StringIO()
    with speaking_to(transaction), contextlib.redirect_stdout(said):
        result = await run()
    if not result.success:
        message = f"the schema cannot be changed: {result.message or said.getvalue()}"
        raise DatabaseAway(message)
