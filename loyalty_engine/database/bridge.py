"""Piccolo's way into our databases: its queries and migrations run on whatever database is being spoken to.

Tables belong to the program and not to one database, so they are bound to this bridge; `speaking_to` says for the
running task which database, or which open transaction, is meant. Piccolo's own transactions are never opened.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol, Self

from piccolo.engine.base import BaseTransaction, Engine

if TYPE_CHECKING:
    from piccolo.query.base import Query
    from piccolo.querystring import QueryString

    from loyalty_engine.database.pages import Dialect


class Speaker(Protocol):
    """A database or an open transaction."""

    @property
    def dialect(self) -> Dialect:
        """Which SQL it speaks."""

    async def fetch_named(self, sql: str, args: Sequence[Any]) -> list[dict[str, Any]]:
        """Run one statement and give its rows by column name."""


_spoken_to: ContextVar[Speaker] = ContextVar("spoken_to")


class _Within(BaseTransaction):
    """Stands where Piccolo wants a transaction of its own: the one that is open already."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> bool:
        return False


class Bridge(Engine[_Within]):
    """The engine every table is bound to."""

    def __init__(self) -> None:
        """Stay unconnected: Piccolo's engines ask a server for its version here, and there is none to ask yet."""
        self.log_queries = False
        self.log_responses = False
        self.query_id = 0
        self.min_version_number = 0

    @property
    def engine_type(self) -> str:  # type: ignore[override]  # a slot there, asked for anew each time here
        """Name the dialect of the database spoken to."""
        return _spoken_to.get().dialect

    async def get_version(self) -> float:
        return 0

    def get_version_sync(self) -> float:
        """Give a version past every switch Piccolo has for old releases."""
        return 999

    async def prep_database(self) -> None:
        """Need nothing."""

    async def run_querystring(self, querystring: QueryString, in_pool: bool = True) -> list[dict[str, Any]]:  # noqa: ARG002, FBT001, FBT002
        """Run a query on the database spoken to."""
        sql, args = querystring.compile_string(engine_type=self.engine_type)
        return await _spoken_to.get().fetch_named(sql, args)

    async def run_ddl(self, ddl: str, in_pool: bool = True) -> list[dict[str, Any]]:  # noqa: ARG002, FBT001, FBT002
        """Run a statement that changes the schema."""
        return await _spoken_to.get().fetch_named(ddl, ())

    async def batch(self, query: Any, batch_size: int = 100, node: str | None = None) -> Any:
        """Refuse: long readings go by key, page after page."""
        raise NotImplementedError

    def transaction(self, *_: Any, **__: Any) -> _Within:
        """Join the transaction that is open; database.write_transaction() is the only one that opens any."""
        return _Within()

    def atomic(self) -> Any:
        """Refuse: database.write_transaction() is the only way to write."""
        raise NotImplementedError


@contextmanager
def speaking_to(speaker: Speaker) -> Iterator[None]:
    """Let Piccolo's queries inside the block run on this database or transaction."""
    token = _spoken_to.set(speaker)
    try:
        yield
    finally:
        _spoken_to.reset(token)


async def ask(speaker: Speaker, query: Query[Any, Any]) -> Any:
    """Run one Piccolo query on a database or inside a transaction."""
    with speaking_to(speaker):
        return await query.run()
