"""A server that is broken on purpose, so that the fault suite can show it would notice.

`LOYALTY_FAULT` names what is wrong: `split` writes the journal line in a transaction of its own, after the entries;
`full` lets the SQLite file grow by a few pages and no more. Every worker of a server imports this module again, so
the fault is in each of them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import apsw
import asyncpg

from loyalty_engine.cli import main
from loyalty_engine.database import sqlite
from loyalty_engine.database.postgres import PostgresDatabase
from loyalty_engine.database.postings import statements
from loyalty_engine.database.sqlite import SqliteDatabase
from loyalty_engine.rows import Posting

_PAGES_LEFT = 30


class _Overtaken(Exception):
    """The member has moved on, or the key is taken."""


async def _keep_in_two(database: Any, posting: Posting) -> bool:
    """Keep a posting as one should not: first the entries and balances, then, in another transaction, its line."""
    try:
        for wanted in (False, True):
            await database.write_transaction(_writing(posting, journal=wanted))
    except (_Overtaken, apsw.ConstraintError, asyncpg.UniqueViolationError):
        return False
    return True


def _writing(posting: Posting, *, journal: bool) -> Callable[[Any], Any]:
    async def work(transaction: Any) -> None:
        for sql, found, must_touch in statements(posting):
            if sql.startswith("INSERT INTO journal") is not journal:
                continue
            for row in found:
                if not await transaction.fetch(sql + " RETURNING 1", *row) and must_touch:
                    raise _Overtaken

    return work


def _connect_small(connect: Callable[[str], apsw.Connection]) -> Callable[[str], apsw.Connection]:
    def small(path: str) -> apsw.Connection:
        connection = connect(path)
        pages: Any = connection.pragma("page_count")
        if pages > _PAGES_LEFT:  # it has been migrated
            connection.execute(f"PRAGMA max_page_count = {pages + _PAGES_LEFT}").fetchall()
        return connection

    return small


def break_it(fault: str) -> None:
    if fault == "split":
        SqliteDatabase.keep = _keep_in_two  # type: ignore[assignment, method-assign]
        PostgresDatabase.keep = _keep_in_two  # type: ignore[assignment, method-assign]
    elif fault == "full":
        sqlite._connect = _connect_small(sqlite._connect)  # type: ignore[assignment]
    else:
        raise ValueError(fault)


break_it(os.environ["LOYALTY_FAULT"])

if __name__ == "__main__":
    main()
