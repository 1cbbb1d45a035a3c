"""Databases lent to one test after another: swept in between, and thrown away where more than rows has changed.

To make a database takes PostgreSQL many times as long as to sweep one, and over a thousand tests ask for one.
"""

from __future__ import annotations

import asyncio
import contextlib
from uuid import uuid4

import asyncpg

from tests.postgres import Server

# A database that has been swept this often has grown: the rows that were deleted still take their room.
MOST = 40
_TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
_SHAPE = """
SELECT md5(string_agg(line, ' ' ORDER BY line)) FROM (
    SELECT concat('schema', oid, nspname) FROM pg_namespace WHERE nspname NOT LIKE 'pg_%'
    UNION ALL SELECT concat('table', oid, relname, relkind, relnatts, reloptions) FROM pg_class
        WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT concat('column', attrelid, attname, atttypid, attnotnull, atthasdef) FROM pg_attribute
        WHERE attnum > 0 AND attrelid >= 16384
    UNION ALL SELECT concat('trigger', oid, tgrelid, tgname, tgenabled, tgfoid) FROM pg_trigger
    UNION ALL SELECT concat('constraint', oid, conrelid, conname, convalidated) FROM pg_constraint
    UNION ALL SELECT concat('function', oid, proname, md5(prosrc)) FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT concat('setting', setdatabase, setconfig) FROM pg_db_role_setting
) lines (line)
"""


class Lent:
    """A database that is lent to a test, and the connection over which it is swept."""

    def __init__(self, name: str, url: str, connection: asyncpg.Connection) -> None:
        """Remember how it was when it was new; see `look`."""
        self.name, self.url, self.connection = name, url, connection
        self.times = 0
        self.tables: list[str] = []
        self.filled: dict[str, str] = {}
        self.shape = ""

    async def look(self) -> None:
        """Note the schema, and which tables have rows that belong there."""
        self.shape = await self.connection.fetchval(_SHAPE)
        self.tables = [name for (name,) in await self.connection.fetch(_TABLES)]
        self.filled = {name: told for name in self.tables if (told := await self._content(name))}

    async def _content(self, table: str) -> str:
        told: str | None = await self.connection.fetchval(
            f"SELECT md5(string_agg(t::text, ' ' ORDER BY t::text)) FROM \"{table}\" t"
        )
        return told or ""

    async def sweep(self) -> bool:
        """Make it as it was when it was new; false where it must be thrown away."""
        self.times += 1
        if self.times >= MOST or self.connection.is_closed():
            return False
        await self.connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        if await self.connection.fetchval(_SHAPE) != self.shape:
            return False
        if any([await self._content(name) != told for name, told in self.filled.items()]):
            return False
        # Without the triggers that guard history, and those that follow references.
        emptied = "".join(f'DELETE FROM "{name}";' for name in self.tables if name not in self.filled)
        await self.connection.execute(f"SET session_replication_role = replica; {emptied} RESET ALL")
        return True


class Lending:
    """Lends databases that are copies of one template, where no event loop runs."""

    def __init__(self, server: Server, template: str) -> None:
        """Begin with none; one is made when all there are are lent."""
        self._server, self._template = server, template
        self._loop = asyncio.new_event_loop()
        self._free: list[Lent] = []

    def lend(self) -> Lent:
        return self._free.pop() if self._free else self._loop.run_until_complete(self._made())

    async def _made(self) -> Lent:
        name = f"lent_{uuid4().hex}"
        url = await asyncio.to_thread(self._server.create, name, self._template)
        lent = Lent(name, url, await asyncpg.connect(url))
        await lent.look()
        return lent

    def take_back(self, lent: Lent) -> None:
        """Sweep it for the next, or throw it away."""
        try:
            swept = self._loop.run_until_complete(lent.sweep())
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            swept = False
        if swept:
            self._free.append(lent)
        else:
            self._throw_away(lent)

    def _throw_away(self, lent: Lent) -> None:
        self._loop.run_until_complete(self._leave(lent))
        self._server.drop(lent.name)

    @staticmethod
    async def _leave(lent: Lent) -> None:
        with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            await lent.connection.close(timeout=5)
        await asyncio.sleep(0)  # where somebody else has ended it, the socket is closed only now

    def close(self) -> None:
        """Throw away all that came back."""
        for lent in self._free:
            self._throw_away(lent)
        self._loop.close()
