"""The sorting table: rows of one receipt are brought together, and receipts put in the order they happened.

A file is read once from start to end onto a scratch file of SQLite's that has no name and is gone when it is closed;
memory stays bounded however long the history is. Only then is the first purchase recorded, so a file in any order
gives what the till would have given: a member's first purchase is their earliest, not the first in the file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from itertools import groupby

import msgspec
from msgspec import Struct

from loyalty_engine.importing.files import Cells

# Stands for the cells of a row that cannot be read.
UNREADABLE: Cells = ()

# In kibibytes, negative as SQLite wants it: what the table keeps in memory before it spills to its file.
_CACHE = -65_536
_TABLES = """
CREATE TABLE receipts (
    id INTEGER PRIMARY KEY, location TEXT, receipt TEXT, at INTEGER, row INTEGER, UNIQUE (location, receipt)
);
CREATE TABLE parcels (receipt INTEGER, row INTEGER, cells BLOB, PRIMARY KEY (receipt, row)) WITHOUT ROWID;
"""


class Gathered(Struct, frozen=True):
    """A receipt with all its rows: each row's number in the file, and its cells."""

    location: str
    receipt: str
    rows: tuple[tuple[int, Cells], ...]

    @property
    def numbers(self) -> tuple[int, ...]:
        """Give the numbers of its rows."""
        return tuple(number for number, _ in self.rows)


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[tuple[int, Cells]]).decode


class SortingTable:
    """Takes rows that follow each other in the file, gives receipts in order of time."""

    def __init__(self) -> None:
        """Make an empty scratch file."""
        self._scratch = sqlite3.connect("", isolation_level=None)
        self._scratch.executescript(
            f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = {_CACHE}; BEGIN; {_TABLES}"
        )

    def lay_down(self, location: str, receipt: str, at: int | None, rows: list[tuple[int, Cells]]) -> None:
        """Put down rows of one receipt; the first rows put down say when it was."""
        first = rows[0][0]
        cells = _encode(rows)
        found = self._scratch.execute(
            "SELECT id FROM receipts WHERE location = ? AND receipt = ?", (location, receipt)
        ).fetchone()
        known = found[0] if found else None
        if known is None:
            known = self._scratch.execute(
                "INSERT INTO receipts (location, receipt, at, row) VALUES (?, ?, ?, ?)",
                (location, receipt, at, first),
            ).lastrowid
        self._scratch.execute("INSERT INTO parcels VALUES (?, ?, ?)", (known, first, cells))

    def __len__(self) -> int:
        """Count the receipts."""
        count: int = self._scratch.execute("SELECT count(*) FROM receipts").fetchone()[0]
        return count

    def in_order(self) -> Iterator[Gathered]:
        """Give every receipt, earliest first, and in the file's order where two happened at one instant."""
        self._scratch.execute("CREATE INDEX by_time ON receipts (at, row)")
        found = self._scratch.execute(
            "SELECT r.id, r.location, r.receipt, p.cells FROM receipts r INDEXED BY by_time "
            "CROSS JOIN parcels p ON p.receipt = r.id ORDER BY r.at, r.row, p.row"
        )
        for (_, location, receipt), parcels in groupby(found, key=lambda row: row[:3]):
            yield Gathered(location, receipt, tuple(row for parcel in parcels for row in _decode(parcel[3])))

    def close(self) -> None:
        """Let go of the scratch file, which is gone with it."""
        self._scratch.close()
