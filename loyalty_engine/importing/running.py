"""An import from its first row to its last: read, put in order, and recorded through the door a till uses.

Invariant: one member's purchases are recorded one after the other, in the order they happened; different members' side
by side, so that they share commits. Whatever is refused is reported and the rest goes on; stopped at any point, the
same import goes on where it stopped, because the journal knows every receipt.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import islice
from typing import Protocol

import msgspec
from msgspec import Struct

from loyalty_engine import earning, ids, journal, quoting
from loyalty_engine.answers import Answer
from loyalty_engine.businesses import Caller, place_of
from loyalty_engine.commands import RecordPurchase, Ticket
from loyalty_engine.errors import Busy, DatabaseAway, LoyaltyError, ReceiptConflict
from loyalty_engine.house import House
from loyalty_engine.importing.cells import CellRefused
from loyalty_engine.importing.files import Source
from loyalty_engine.importing.gathering import UNREADABLE, Parcel, SortingTable, parcels
from loyalty_engine.importing.mapping import Mapping
from loyalty_engine.importing.receipts import (
    ROW_UNREADABLE,
    Problem,
    ReceiptReader,
    ReceiptRefused,
    Told,
)
from loyalty_engine.importing.report import Report
from loyalty_engine.instants import to_micros

# A till hands in what is a month old at most; a shop's history may be as old as the shop.
_AS_OLD_AS_A_SHOP = 36_500
# Members served side by side: while one group of 64 is on its way to the disk, the next is decided.
IN_FLIGHT = 128
_WAITING_PER_LANE = 16
_ASKED_AT_ONCE = 500
_TRIES = 5
_ROWS_TOLD = 100_000


class Progress(Protocol):
    """Whoever watches an import."""

    def reading(self, rows: int) -> None:
        """Hear how many rows have been read."""

    def recording(self, settled: int, of: int) -> None:
        """Hear how many purchases are settled, of how many."""


class _Award(Struct, frozen=True):
    unit: str
    amount: int


class _Seen(Struct, frozen=True):
    new: bool


class _Given(Struct, frozen=True):
    """The part of a purchase's answer that is counted."""

    member: _Seen
    awards: tuple[_Award, ...]


_given = msgspec.json.Decoder(_Given).decode


class Import(Struct, frozen=True, kw_only=True):
    """One import: where to, out of what, watched by whom. `now` tells the instant a purchase is recorded at."""

    house: House
    caller: Caller
    source: Source
    mapping: Mapping
    report: Report
    progress: Progress
    now: Callable[[], datetime]
    dry_run: bool = False


async def carry_out(work: Import) -> None:
    """Import a whole file; the report tells what came of it. Raises ProgrammeMissing and DatabaseAway."""
    settings = msgspec.structs.replace(work.house.settings, backdate_days=_AS_OLD_AS_A_SHOP)
    house = House(settings, work.house.database, work.house.vault)
    programme = (await house.shelf.current(work.caller.business_id)).programme
    reader = ReceiptReader(work.mapping, programme)
    table = SortingTable()
    try:
        _gather(work, reader, table)
        work.report.read = len(table)
        await _Lanes(work, house).record(_read(work, reader, table))
    finally:
        table.close()


def _gather(work: Import, reader: ReceiptReader, table: SortingTable) -> None:
    """Read the file onto the sorting table; rows of one receipt that stand together go there together."""
    for parcel in parcels(work.source.rows(reader.columns), reader.address, reader.place):
        before = work.report.rows
        work.report.rows += len(parcel.rows)
        if work.report.rows // _ROWS_TOLD > before // _ROWS_TOLD:
            work.progress.reading(work.report.rows)
        if problem := lay_down(table, reader, parcel):
            work.report.problem(problem)


def lay_down(table: SortingTable, reader: ReceiptReader, parcel: Parcel, member: str = "") -> Problem | None:
    """Put rows on the table; one that cannot be read goes there too, so that its receipt is refused as a whole."""
    (location, receipt, told), rows = parcel
    numbers = tuple([number for number, _ in rows])
    if not receipt:
        return Problem(numbers, "", "receipt_missing", "The row names no receipt.")
    try:
        at = to_micros(reader.instant(told))
    except CellRefused:
        at = None  # refused, with all its rows, when its turn comes
    try:
        table.lay_down(location, receipt, at, rows, member)
    except UnicodeEncodeError:
        unreadable = [(number, UNREADABLE) for number in numbers]
        with suppress(UnicodeEncodeError):
            table.lay_down(location, receipt, at, unreadable)
            return None
        return Problem(numbers, "", *ROW_UNREADABLE)
    return None


def _read(work: Import, reader: ReceiptReader, table: SortingTable) -> Iterator[Told]:
    """Give every receipt that can be a purchase, earliest first."""
    for gathered in table.in_order():
        try:
            told = reader.read(gathered)
        except ReceiptRefused as refused:
            work.report.problem(refused.problem)
            continue
        if told is None:
            work.report.memberless += 1
        else:
            yield told


class _Lanes:
    """Members side by side, each member's purchases in one lane and so one after the other."""

    def __init__(self, work: Import, house: House) -> None:
        self._work = work
        self._house = house
        self._run = ids.new("req", to_micros(work.now()) // 1000)
        self._lanes: list[asyncio.Queue[Told | None]] = [asyncio.Queue(_WAITING_PER_LANE) for _ in range(IN_FLIGHT)]

    async def record(self, purchases: Iterator[Told]) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for lane in self._lanes:
                    group.create_task(self._serve(lane))
                while some := list(islice(purchases, _ASKED_AT_ONCE)):
                    for told in await self._not_there_yet(some):
                        await self._lanes[hash(told.command.member) % IN_FLIGHT].put(told)
                    self._work.progress.recording(self._work.report.settled(), self._work.report.read)
                for lane in self._lanes:
                    await lane.put(None)
        except* LoyaltyError as stopped:
            raise stopped.exceptions[0] from None
        self._work.progress.recording(self._work.report.settled(), self._work.report.read)

    async def _not_there_yet(self, some: Sequence[Told]) -> list[Told]:
        """Leave out what the journal holds already: asked by the hundreds, so that an import goes on at once."""
        work, database = self._work, self._house.database
        keys = [
            journal.natural_key("purchase", place_of(work.caller, told.command.location), told.command.receipt)
            for told in some
        ]
        places = ", ".join(f"(${n})" for n in range(2, len(keys) + 2))
        # Joined one by one: of a list of keys SQLite thinks that reading the whole journal is quicker.
        found = await database.fetch(
            'SELECT j."natural", j.amount_minor '
            f'FROM (VALUES {places}) q JOIN journal j ON j.business_id = $1 AND j."natural" = q.column1',
            work.caller.business_id, *keys,
        )  # fmt: skip
        recorded = {row[0]: row[1] for row in found}
        missing = []
        for key, told in zip(keys, some, strict=True):
            if key not in recorded:
                missing.append(told)
            elif recorded[key] == told.command.total_minor:
                work.report.already += 1
            else:
                work.report.problem(told.refused(ReceiptConflict.code, ReceiptConflict.title))
        return missing

    async def _serve(self, lane: asyncio.Queue[Told | None]) -> None:
        while (told := await lane.get()) is not None:
            try:
                await self._record(told)
            except DatabaseAway:
                raise
            except LoyaltyError as refused:
                self._work.report.problem(told.refused(refused.code, refused.detail))

    async def _record(self, told: Told) -> None:
        work, command = self._work, told.command
        at = work.now()
        if work.dry_run:
            await quoting.quote(self._house, work.caller, command, at=at)
            work.report.recorded += 1
            return
        ticket = Ticket(key=f"import:{self._run}:{told.rows[0]}", request_id=self._run, at=at)
        answer = await self._carried_out(command, ticket)
        if answer.hit:
            work.report.already += 1
            return
        given = _given(answer.body)
        work.report.recorded += 1
        work.report.joined += given.member.new
        for award in given.awards:
            work.report.issued[award.unit] += award.amount

    async def _carried_out(self, command: RecordPurchase, ticket: Ticket) -> Answer:
        for _ in range(_TRIES):
            with suppress(Busy):
                return await earning.record_purchase(self._house, self._work.caller, command, ticket)
        return await earning.record_purchase(self._house, self._work.caller, command, ticket)
