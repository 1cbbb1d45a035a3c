"""PostgreSQL (and CockroachDB, which speaks its protocol): pooled connections, and lanes for what is hot.

Concurrent purchases are read and written as one statement over a list, so an award costs a fraction of a round trip.
A connection that breaks while a statement is under way leaves its outcome unknown: that is said as `Uncertain`, and
the journal looks again under the command's key.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import asyncpg

from loyalty_engine.database import pages
from loyalty_engine.database.lanes import Lanes
from loyalty_engine.database.pages import Dialect, Moved, Opening, Page
from loyalty_engine.database.postings import group_parameters, group_statement, statements
from loyalty_engine.errors import Busy, DatabaseAway
from loyalty_engine.rows import Posting

Result = TypeVar("Result")
Connection = Any  # asyncpg is untyped where it is compiled

_TRIES = 8
_AGAIN = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError, asyncpg.LockNotAvailableError)
_AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection told to go away while it was idle refuses its next statement with this
)
# Ways of joining that are never right for a list of a few commands, however little the planner knows of the tables.
_LANE_SETTINGS = {"enable_hashjoin": "off", "enable_mergejoin": "off", "enable_seqscan": "off", "jit": "off"}
_SETTINGS = {
    "application_name": "loyalty",
    "statement_timeout": "5000",
    "lock_timeout": "2000",
    "idle_in_transaction_session_timeout": "10000",
}


class Uncertain(Exception):
    """The connection broke while a statement was under way: it may or may not have been kept."""


class _KeptConnection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg is untyped
    """A pooled connection that is given back as it is: we leave nothing behind on it, and the reset is a round trip."""

    async def reset(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109  # asyncpg's own signature
        """Do nothing."""


class PostgresTransaction:
    """A transaction that is open."""

    def __init__(self, connection: Connection, dialect: Dialect) -> None:
        self.dialect = dialect
        self._connection = connection

    async def fetch(self, sql: str, *args: Any) -> list[Sequence[Any]]:
        """Run one statement and give its rows."""
        return list(await self._connection.fetch(sql, *args))

    async def fetch_named(self, sql: str, args: Sequence[Any]) -> list[dict[str, Any]]:
        """Run one statement and give its rows by column name."""
        return [dict(row) for row in await self._connection.fetch(sql, *args)]

    async def open(self, opening: Opening) -> Page | None:
        """Read a page inside the transaction."""
        found = await self._connection.fetch(pages.page_statement(self.dialect), pages.listed([opening]))
        return pages.decode_page(found[0][1]) if found else None

    async def keep(self, posting: Posting) -> None:
        """Write a posting inside the transaction; where its member has moved on, begin the transaction anew."""
        try:
            for sql, found, must_touch in statements(posting):
                for row in found:
                    status = await self._connection.execute(sql, *row)
                    if must_touch and status.rsplit(" ", 1)[-1] != "1":
                        raise Moved
        except asyncpg.UniqueViolationError as taken:
            raise Moved from taken


class PostgresDatabase:
    """A PostgreSQL or CockroachDB database."""

    def __init__(self, url: str, *, pool_size: int, write_lanes: int) -> None:
        self.dialect: Dialect = "cockroach" if url.startswith("cockroach") else "postgres"
        self.url = "postgresql://" + url.split("://", 1)[1]
        self._pool_size = pool_size
        self._lane_count = write_lanes
        self._pool: Any = None
        self._connections: dict[str, Connection] = {}
        self._readers: Lanes[Opening, Page | None] | None = None
        self._writers: Lanes[Posting, bool] | None = None

    async def start(self) -> None:
        """Open the pool and the lanes; raises DatabaseAway where nobody answers."""
        try:
            self._pool = await asyncpg.create_pool(
                self.url, min_size=1, max_size=self._pool_size, server_settings=_SETTINGS,
                connection_class=_KeptConnection, command_timeout=30, timeout=5,
            )  # fmt: skip
        except (*_AWAY, asyncpg.PostgresError) as problem:
            raise DatabaseAway(f"the database does not answer: {problem}") from problem
        if self.dialect == "postgres":
            # One lane for reading: a page is read in no time, and company makes it cheaper for everybody.
            self._readers = Lanes(1, self._read_group)
            self._writers = Lanes(self._lane_count, self._write_group)

    async def gate(self, *, unsafe: bool) -> None:
        """Refuse to start on a server that may lose what it has confirmed."""
        if self.dialect == "cockroach" or unsafe:
            return
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            [[value]] = await self.fetch(f"SELECT current_setting('{setting}')")  # our own three names
            if value == "off":
                message = f"PostgreSQL runs with {setting} off; set LOYALTY_UNSAFE_DURABILITY=true to accept losses"
                raise DatabaseAway(message)

    async def ready(self) -> None:
        """Raise DatabaseAway where the server does not answer."""
        await self.fetch("SELECT 1")

    async def fetch(self, sql: str, *args: Any) -> list[Sequence[Any]]:
        """Run a reading statement and give its rows."""
        return list(await self._pooled(lambda connection: connection.fetch(sql, *args)))

    async def study(self, sql: str, *args: Any) -> list[Sequence[Any]]:
        """Run a reading statement that may take minutes, on a connection that lets it."""
        try:
            connection = await asyncpg.connect(self.url, server_settings={"application_name": "loyalty"}, timeout=5)
        except _AWAY as problem:
            raise DatabaseAway(f"the database does not answer: {problem}") from problem
        try:
            return list(await connection.fetch(sql, *args))
        finally:
            await connection.close()

    async def fetch_named(self, sql: str, args: Sequence[Any]) -> list[dict[str, Any]]:
        """Run a reading statement and give its rows by column name."""
        return [dict(row) for row in await self._pooled(lambda connection: connection.fetch(sql, *args))]

    async def open(self, opening: Opening) -> Page | None:
        """Read a page, together with whatever else is asked at this moment."""
        if self._readers is not None:
            return await self._readers.ask(opening)
        found = await self.fetch(pages.page_statement(self.dialect), pages.listed([opening]))
        return pages.decode_page(found[0][1]) if found else None

    async def keep(self, posting: Posting) -> bool:
        """Write a posting, together with whatever else is ready; True only once it is committed."""
        if self._writers is not None and not posting.goes_alone:
            return await self._writers.ask(posting)
        try:
            return await self.write_transaction(lambda transaction: _keep_or_not(transaction, posting))
        except _NotKept:
            return False

    async def write_transaction(self, work: Callable[[PostgresTransaction], Awaitable[Result]]) -> Result:
        """Carry out `work` inside one transaction, again from its start where another was in the way; then Busy."""
        for attempt in range(_TRIES):
            if attempt:
                await asyncio.sleep(random.randint(1, 4 * 2**attempt) / 1000)  # noqa: S311  # jitter, not a secret
            try:
                result: Result = await self._pooled(lambda connection: self._transact(connection, work))
            except (Moved, *_AGAIN):
                continue
            return result
        raise Busy

    async def lock_member(self, transaction: PostgresTransaction, business_id: int, member_id: str) -> None:
        """Hold the member's row until the transaction ends, so that nobody else can move them meanwhile."""
        await transaction.fetch(
            "SELECT 1 FROM members WHERE business_id = $1 AND id = $2 FOR UPDATE", business_id, member_id
        )

    async def _transact(
        self, connection: Connection, work: Callable[[PostgresTransaction], Awaitable[Result]]
    ) -> Result:
        level = "SERIALIZABLE" if self.dialect == "cockroach" else "READ COMMITTED"
        await connection.execute(f"BEGIN ISOLATION LEVEL {level}")
        try:
            result = await work(PostgresTransaction(connection, self.dialect))
            await connection.execute("COMMIT")
        except BaseException:
            if not connection.is_closed():
                with suppress(*_AWAY, asyncpg.PostgresError):
                    await connection.execute("ROLLBACK")
            raise
        return result

    async def _pooled(self, use: Callable[[Connection], Awaitable[Any]]) -> Any:
        if self._pool is None:
            message = "the database is closed"
            raise DatabaseAway(message)
        try:
            async with self._pool.acquire(timeout=5) as connection:
                return await use(connection)
        except _AWAY as problem:
            raise DatabaseAway(f"the database does not answer: {problem}") from problem
        except asyncpg.QueryCanceledError as problem:
            raise Busy from problem

    async def _lane(self, name: str, statement: str) -> Any:
        """Give a lane's prepared statement, on a new connection where the old one broke."""
        connection, prepared = self._connections.get(name, (None, None))
        if connection is None or connection.is_closed():
            connection = await asyncpg.connect(
                self.url, server_settings=_SETTINGS | _LANE_SETTINGS, command_timeout=10, timeout=5
            )
            prepared = await connection.prepare(statement)
            self._connections[name] = (connection, prepared)
        return prepared

    async def _read_group(self, lane: int, group: list[Opening]) -> list[Page | BaseException | None]:
        found: list[Page | BaseException | None] = [None] * len(group)
        try:
            if all(opening.glances for opening in group):
                prepared = await self._lane(f"glance {lane}", pages.glance_statement(self.dialect))
                for row in await prepared.fetch(pages.listed(group)):
                    found[row[0]] = pages.glanced(row)
            else:
                prepared = await self._lane(f"read {lane}", pages.page_statement(self.dialect))
                for number, document in await prepared.fetch(pages.listed(group)):
                    found[number] = pages.decode_page(document)
        except (*_AWAY, asyncpg.QueryCanceledError) as problem:
            raise DatabaseAway(f"the database does not answer: {problem}") from problem
        return found

    async def _write_group(self, lane: int, group: list[Posting]) -> list[bool | BaseException]:
        # Members are written in one order everywhere, so that two groups cannot wait for each other.
        order = sorted(range(len(group)), key=lambda i: (group[i].business_id, group[i].journal.member_id or ""))
        verdicts: list[bool | BaseException] = [False] * len(group)
        try:
            kept = await self._write_together(lane, [group[i] for i in order])
        except (asyncpg.UniqueViolationError, *_AGAIN):
            for i in order:
                verdicts[i] = await self._write_alone(lane, group[i])
        except (*_AWAY, asyncpg.QueryCanceledError) as problem:
            return [_away(problem)] * len(group)
        else:
            for position in kept:
                verdicts[order[position]] = True
        return verdicts

    async def _write_together(self, lane: int, group: list[Posting]) -> list[int]:
        prepared = await self._lane(f"write {lane}", group_statement())
        return [row[0] for row in await prepared.fetch(*group_parameters(group))]

    async def _write_alone(self, lane: int, posting: Posting) -> bool | BaseException:
        try:
            return bool(await self._write_together(lane, [posting]))
        except (asyncpg.UniqueViolationError, *_AGAIN):
            return False
        except (*_AWAY, asyncpg.QueryCanceledError) as problem:
            return _away(problem)

    async def close(self) -> None:
        """Give up the lanes and the pool."""
        for lanes in (self._readers, self._writers):
            if lanes is not None:
                await lanes.close()
        for connection, _ in self._connections.values():
            with suppress(*_AWAY):
                await connection.close(timeout=2)
        self._connections.clear()
        if self._pool is not None:
            pool, self._pool = self._pool, None
            with suppress(*_AWAY):
                await asyncio.wait_for(pool.close(), 5)


class _NotKept(Exception):
    """Ends a transaction of one posting that has been overtaken."""


async def _keep_or_not(transaction: PostgresTransaction, posting: Posting) -> bool:
    try:
        await transaction.keep(posting)
    except Moved as overtaken:
        raise _NotKept from overtaken
    return True


def _away(problem: BaseException) -> Exception:
    """Before the statement was sent nothing can have happened; after it, nobody knows."""
    if isinstance(problem, (ConnectionRefusedError, asyncpg.CannotConnectNowError)):
        return DatabaseAway(f"the database does not answer: {problem}")
    return Uncertain(str(problem))
