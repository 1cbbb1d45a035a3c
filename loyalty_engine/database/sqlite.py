"""The embedded database: one file, one writer, and concurrent commands committed together.

Reads run on a connection of their own and see only what is committed. Commands that become ready while the disk is
busy share the next transaction, each behind a savepoint, and one flush. The event loop never stands still for another
process: where the file is locked, we come back a little later.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import apsw
import msgspec

from loyalty_engine.database.disk import Disk
from loyalty_engine.database.lanes import Lanes
from loyalty_engine.database.pages import (
    Dialect,
    Moved,
    Opening,
    Page,
    decode_page,
    glance_statement,
    glanced,
    page_statement,
)
from loyalty_engine.database.postings import statements
from loyalty_engine.errors import Busy, DatabaseAway
from loyalty_engine.rows import Posting

Result = TypeVar("Result")

# Releases of SQLite in which a reset of the write-ahead log can no longer corrupt the file.
_WAL_SAFE = ((3, 51, 3),)
_WAL_SAFE_PATCHES = {(3, 50): 7, (3, 44): 6}
_TRIES = 8
_DISK = (apsw.FullError, apsw.IOError, apsw.CantOpenError, apsw.ReadOnlyError, apsw.CorruptError)
_FULL = 2  # what SQLite calls synchronous=FULL
_OPENING_TRIES = 200


def wal_is_safe(version: str) -> bool:
    """Tell whether this SQLite release has the write-ahead log's reset repaired (3.51.3, 3.50.7, 3.44.6)."""
    major, minor, patch = (int(part) for part in version.split(".")[:3])
    if (major, minor) in _WAL_SAFE_PATCHES:
        return patch >= _WAL_SAFE_PATCHES[major, minor]
    return (major, minor, patch) >= _WAL_SAFE[0]


@cache
def numbered(sql: str) -> str:
    """Turn `$1` into `?1`: SQLite counts named parameters in the order they appear, PostgreSQL by number."""
    return re.sub(r"\$(\d+)", r"?\1", sql)


class SqliteTransaction:
    """A transaction that is open; what it runs is seen by others only when it is committed."""

    dialect: Dialect = "sqlite"

    def __init__(self, connection: apsw.Connection) -> None:
        """Speak over the writer's connection."""
        self._connection = connection

    async def fetch(self, sql: str, *args: Any) -> list[Sequence[Any]]:
        """Run one statement and give its rows."""
        return list(self._connection.execute(numbered(sql), args))

    async def fetch_named(self, sql: str, args: Sequence[Any]) -> list[dict[str, Any]]:
        """Run one statement and give its rows by column name; the SQL already has SQLite's placeholders."""
        return _named(self._connection, sql, args)

    async def open(self, opening: Opening) -> Page | None:
        """Read a page inside the transaction."""
        return _read_page(self._connection, opening)

    async def keep(self, posting: Posting) -> None:
        """Write a posting inside the transaction; where its member has moved on, begin the transaction anew."""
        if not _write(self._connection, posting):
            raise Moved


class SqliteDatabase:
    """One SQLite file, opened by one process at a time for writing."""

    dialect: Dialect = "sqlite"

    def __init__(self, path: str) -> None:
        """Open the file, made where it is missing; raises DatabaseAway when it cannot be opened."""
        self.path = path
        self._writing = asyncio.Lock()
        self._disk = Disk()
        self._writers: Lanes[Posting, bool] | None = None
        try:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            self._writer = _connect(path)
            self._reader = _connect(path)
        except (apsw.Error, OSError) as problem:
            raise DatabaseAway(f"the database file {path} cannot be opened: {problem}") from problem

    async def gate(self, *, unsafe: bool) -> None:
        """Refuse to start on a file that may lose what it has confirmed."""
        level = next(self._writer.execute("PRAGMA synchronous"))[0]
        if level < _FULL and not unsafe:
            message = "SQLite runs with synchronous below FULL; set LOYALTY_UNSAFE_DURABILITY=true to accept losses"
            raise DatabaseAway(message)

    async def ready(self) -> None:
        """Raise DatabaseAway where the file cannot be read."""
        try:
            self._reader.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchall()
        except apsw.Error as problem:
            raise DatabaseAway(str(problem)) from problem

    async def open(self, opening: Opening) -> Page | None:
        """Read a page as of what is committed.

        The writer's connection keeps what it wrote in its cache; the reader's begins anew after every commit. So the
        writer is asked while it is free, which is what makes a page cost a quarter.
        """
        free = not self._writing.locked()
        return _read_page(self._writer if free else self._reader, opening)

    async def fetch(self, sql: str, *args: Any) -> list[Sequence[Any]]:
        """Run a reading statement and give its rows."""
        return list(self._reader.execute(numbered(sql), args))

    async def study(self, sql: str, *args: Any) -> list[Sequence[Any]]:
        """Run a reading statement that may take minutes, in a thread and on a connection of its own."""

        def read() -> list[Sequence[Any]]:
            connection = _connect(self.path)
            try:
                return list(connection.execute(numbered(sql), args))
            finally:
                connection.close()

        return await asyncio.to_thread(read)

    async def fetch_named(self, sql: str, args: Sequence[Any]) -> list[dict[str, Any]]:
        """Run a reading statement and give its rows by column name; the SQL already has SQLite's placeholders."""
        return _named(self._reader, sql, args)

    async def keep(self, posting: Posting) -> bool:
        """Write a posting with whatever else is ready by now; True only once it is on disk."""
        if self._writers is None:
            self._writers = Lanes(1, self._write_group)
        return await self._writers.ask(posting)

    async def write_transaction(self, work: Callable[[SqliteTransaction], Awaitable[Result]]) -> Result:
        """Carry out `work` inside one transaction: all of it is kept, or nothing; raises Busy where it stays locked."""
        for attempt in range(_TRIES):
            try:
                return await self._transact(work)
            except Moved:
                await asyncio.sleep(_pause_ms(attempt) / 1000)
        raise Busy

    async def _transact(self, work: Callable[[SqliteTransaction], Awaitable[Result]]) -> Result:
        async with self._writing:
            await self._begin()
            try:
                result = await work(SqliteTransaction(self._writer))
                await self._commit()
            except _DISK as problem:
                raise DatabaseAway(f"the disk does not take it; nothing was kept: {problem}") from problem
            finally:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
        return result

    async def lock_member(self, transaction: SqliteTransaction, business_id: int, member_id: str) -> None:
        """Do nothing: the one writer has the whole file."""

    async def _begin(self) -> None:
        """Take the file's lock; where another process has it, come back a little later instead of standing still."""
        for attempt in range(_TRIES):
            try:
                self._writer.execute("BEGIN IMMEDIATE")
            except apsw.BusyError:
                await asyncio.sleep(_pause_ms(attempt) / 1000)
            else:
                return
        raise Busy

    async def _commit(self) -> None:
        """Wait for the disk in a thread: the flush is the one slow step, and others can decide meanwhile."""
        await self._disk.carry_out(lambda: self._writer.execute("COMMIT"))

    async def _write_group(self, _: int, group: list[Posting]) -> list[bool | BaseException]:
        async with self._writing:
            try:
                await self._begin()
                verdicts = [True] * len(group)
                if not all(_write(self._writer, posting) for posting in group):
                    # Somebody's member has moved on, which is rare: once more, each behind a savepoint of its own.
                    self._writer.execute("ROLLBACK")
                    await self._begin()
                    verdicts = [self._keep_one(posting) for posting in group]
                await self._commit()
            except apsw.Error as problem:
                raise DatabaseAway(f"the database refused to write: {problem}") from problem
            finally:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
        return list(verdicts)

    def _keep_one(self, posting: Posting) -> bool:
        self._writer.execute("SAVEPOINT one")
        kept = _write(self._writer, posting)
        if not kept:
            self._writer.execute("ROLLBACK TO one")
        self._writer.execute("RELEASE one")
        return kept

    async def close(self) -> None:
        """Write what waits and close the file."""
        if self._writers is not None:
            await self._writers.close()
        async with self._writing:
            self._disk.close()
            self._reader.close()
            self._writer.close()


def _connect(path: str) -> apsw.Connection:
    connection = apsw.Connection(path)
    connection.execute("PRAGMA busy_timeout = 0")
    mode = "WAL" if wal_is_safe(apsw.sqlite_lib_version()) else "DELETE"
    for attempt in range(_OPENING_TRIES):
        # Two processes that open a new file at once both want to set its mode: the second waits its turn.
        try:
            connection.execute(f"PRAGMA journal_mode = {mode}").fetchall()
            break
        except apsw.BusyError:
            if attempt == _OPENING_TRIES - 1:
                raise
            connection.set_busy_timeout(25)
    connection.set_busy_timeout(0)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    # What is overwritten is gone: a destroyed key must not lie on in the free bytes of its page.
    connection.execute("PRAGMA secure_delete = FAST").fetchall()
    connection.execute("PRAGMA cache_size = -65536")
    connection.execute("PRAGMA wal_autocheckpoint = 4000")
    return connection


def _pause_ms(attempt: int) -> int:
    """Give a pause that doubles with each try and differs between those who wait."""
    return random.randint(2, 8 * 2 ** min(attempt, 6))  # noqa: S311  # jitter, not a secret


def _named(connection: apsw.Connection, sql: str, args: Sequence[Any]) -> list[dict[str, Any]]:
    # Piccolo's own table of migrations keeps an instant; everything of ours is whole numbers and text.
    cursor = connection.execute(sql, [arg.isoformat() if isinstance(arg, datetime) else arg for arg in args])
    found: list[dict[str, Any]] = []
    for row in cursor:
        names = [column[0] for column in cursor.get_description()]
        found.append(dict(zip(names, row, strict=True)))
    return found


def _read_page(connection: apsw.Connection, opening: Opening) -> Page | None:
    if opening.glances:
        row = connection.execute(numbered(glance_statement("sqlite")), msgspec.structs.astuple(opening)).fetchone()
        return None if row is None else glanced(row)
    row = connection.execute(numbered(page_statement("sqlite")), msgspec.structs.astuple(opening)).fetchone()
    return None if row is None else decode_page(row[1])


def _write(connection: apsw.Connection, posting: Posting) -> bool:
    """Write a posting's rows; False when the member has moved on or another line holds the same key."""
    try:
        for sql, found, must_touch in statements(posting):
            if len(found) == 1:
                connection.execute(numbered(sql), found[0])
            else:
                connection.executemany(numbered(sql), found)
            if must_touch and connection.changes() != 1:
                return False
    except apsw.ConstraintError as problem:
        if "UNIQUE" not in str(problem):
            raise
        return False
    return True
