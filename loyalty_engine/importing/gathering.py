"""The sorting table: rows of one receipt are brought together, and receipts put in the order they happened.

A file is read once from start to end onto a scratch file of SQLite's that has no name and is gone when it is closed;
memory stays bounded however long the history is. Only then is the first purchase recorded, so a file in any order
gives what the till would have given: a member's first purchase is their earliest, not the first in the file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, groupby
from operator import itemgetter
from typing import NamedTuple

import msgspec
from msgspec import Struct

from loyalty_engine.importing.files import Cells, Row

# Stands for the cells of a row that cannot be read.
UNREADABLE: Cells = ()

# In kibibytes, negative as SQLite wants it: what the table keeps in memory before it spills to its file.
_CACHE = -65_536
_TABLES = """
CREATE TABLE receipts (
    id INTEGER PRIMARY KEY, location TEXT, receipt TEXT, at INTEGER, row INTEGER, member TEXT,
    UNIQUE (location, receipt)
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
        return tuple([number for number, _ in self.rows])


class Parcel(NamedTuple):
    """Rows of one receipt that stand together in the file: location, receipt and instant as written, and the rows."""

    address: tuple[str, str, str]
    rows: list[tuple[int, Cells]]


def parcels(
    rows: Iterable[Row], address: Callable[[Cells], tuple[str, str, str]], place: Callable[[Cells], object]
) -> Iterator[Parcel]:
    """Give rows that follow each other and have one address together; `place` gives the cells an address is read from.

    A row that is not whole stands as unreadable in its parcel.
    """
    before: object = None
    told: tuple[str, str, str] | None = None
    kept: list[tuple[int, Cells]] = []
    for number, cells, whole in rows:
        here = place(cells)
        if here != before:
            before, said = here, address(cells)
            if said != told:
                if told is not None:
                    yield Parcel(told, kept)
                told, kept = said, []
        kept.append((number, cells if whole else UNREADABLE))
    if told is not None:
        yield Parcel(told, kept)


_Columns = list[str | tuple[str, ...]]
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[list[int], _Columns | None, list[Cells] | None]).decode


def pack(rows: Sequence[tuple[int, Cells]]) -> bytes:
    """Write rows down column by column: what all of them say, such as the receipt they are of, is written once."""
    numbers = [number for number, _ in rows]
    cells = [one for _, one in rows]
    if UNREADABLE in cells:
        return _encode((numbers, None, cells))
    columns = [column[0] if column.count(column[0]) == len(column) else column for column in zip(*cells, strict=True)]
    return _encode((numbers, columns, None))


def unpack(packed: bytes) -> Iterator[tuple[int, Cells]]:
    """Give the rows that were written down."""
    numbers, columns, cells = _decode(packed)
    if columns is None:
        return zip(numbers, cells or (), strict=True)
    many = len(numbers)
    return zip(
        numbers, zip(*[(one,) * many if isinstance(one, str) else one for one in columns], strict=True), strict=True
    )


class SortingTable:
    """Takes rows that follow each other in the file, gives receipts in order of time."""

    def __init__(self) -> None:
        """Make an empty scratch file."""
        self._scratch = sqlite3.connect("", isolation_level=None)
        self._scratch.executescript(
            f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = {_CACHE}; BEGIN; {_TABLES}"
        )

    def lay_down(
        self, location: str, receipt: str, at: int | None, rows: list[tuple[int, Cells]], member: str = ""
    ) -> None:
        """Put down rows of one receipt; the first rows put down say when it was, the first that name a member whose."""
        first = rows[0][0]
        [[known]] = self._scratch.execute(
            "INSERT INTO receipts (location, receipt, at, row, member) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET member = CASE member WHEN '' THEN excluded.member ELSE member END RETURNING id",
            (location, receipt, at, first, member),
        )
        self._scratch.execute("INSERT INTO parcels VALUES (?, ?, ?)", (known, first, pack(rows)))

    def __len__(self) -> int:
        """Count the receipts."""
        count: int = self._scratch.execute("SELECT count(*) FROM receipts").fetchone()[0]
        return count

    def in_order(self) -> Iterator[Gathered]:
        """Give every receipt, earliest first, and in the file's order where two happened at one instant."""
        return (gathered for _, gathered in self._sorted("at, row"))

    def by_member(self) -> Iterator[tuple[str, Iterator[Gathered]]]:
        """Give each member's receipts together, in the same order; first those that name no member, under no name."""
        found = groupby(self._sorted("member, at, row"), key=itemgetter(0))
        return ((member, (gathered for _, gathered in receipts)) for member, receipts in found)

    def _sorted(self, columns: str) -> Iterator[tuple[str, Gathered]]:
        self._scratch.execute(f"CREATE INDEX IF NOT EXISTS sorted ON receipts ({columns})")
        ordered = ", ".join(f"r.{column}" for column in columns.split(", "))
        found = self._scratch.execute(
            "SELECT r.id, r.location, r.receipt, r.member, p.cells FROM receipts r INDEXED BY sorted "
            f"CROSS JOIN parcels p ON p.receipt = r.id ORDER BY {ordered}, p.row"
        )
        for (_, location, receipt, member), parcels in groupby(found, key=itemgetter(0, 1, 2, 3)):
            yield (
                member,
                Gathered(location, receipt, tuple(chain.from_iterable([unpack(parcel[4]) for parcel in parcels]))),
            )

    def close(self) -> None:
        """Let go of the scratch file, which is gone with it."""
        self._scratch.close()
