"""A file of purchases as histories: read as an import reads it, sorted by member on a scratch file, nothing stored.

Invariant: whoever reads one part of the members reads the file like whoever reads another, so that the parts together
are the whole; a receipt that an import would refuse is refused here, by the same code.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import cast
from zlib import crc32

from msgspec import Struct

import rules
from loyalty_engine.backtest.history import Bought, Happened, History
from loyalty_engine.businesses import ONLY_LOCATION
from loyalty_engine.commands import RecordPurchase
from loyalty_engine.errors import CurrencyMismatch, IdentifierInvalid, LinesDoNotAddUp
from loyalty_engine.identifiers import Identifier, IdentifierRefused, mask, parse_email, parse_phone
from loyalty_engine.importing.files import Format, open_source
from loyalty_engine.importing.gathering import Gathered, SortingTable, parcels
from loyalty_engine.importing.mapping import Mapping
from loyalty_engine.importing.receipts import ReceiptReader, ReceiptRefused
from loyalty_engine.importing.running import lay_down

_REMEMBERED = 65_536
# Members by the kind of name they are told by; one whose name cannot be read is known by what was written.
_KINDS = {"member.phone": "phone", "member.email": "email", "member.external": "external", "member.id": "id"}
_UNREADABLE = "unreadable"


class Filed(Struct, frozen=True):
    """A file of purchases and how it is written; `part` of `parts` says whose purchases are read of it."""

    file: Path
    mapping: Mapping
    kind: Format | None = None
    part: int = 0
    parts: int = 1


class Reading:
    """What was read of a file so far, and what was not."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.rows = 0
        self.memberless = 0
        self.refused: Counter[str] = Counter()

    def join(self, other: Reading) -> None:
        """Take over what was counted of another part; the rows are the whole file's for each."""
        self.rows = max(self.rows, other.rows)
        self.memberless += other.memberless
        self.refused += other.refused


def histories(filed: Filed, programme: rules.Programme, reading: Reading) -> Iterator[History]:
    """Give the history of every member of this part, oldest purchase first; no more than one member is in memory."""
    reader = ReceiptReader(filed.mapping, programme)
    table = SortingTable()
    try:
        _gather(filed, reader, programme.country, table, reading)
        for member, receipts in table.by_member():
            if not member:
                reading.memberless += sum(1 for _ in receipts) if filed.part == 0 else 0
                continue
            happened = list[Happened](_bought(receipts, member, reader, programme, reading))
            if happened:
                yield History(member, happened)
    finally:
        table.close()


def _gather(filed: Filed, reader: ReceiptReader, country: str, table: SortingTable, reading: Reading) -> None:
    """Put the rows of this part's members on the table; rows that name nobody go to every part, as others may."""
    source = open_source(filed.file, filed.mapping.form, filed.kind)
    named = _names(country)
    for parcel in parcels(source.rows(reader.columns), reader.address, reader.place):
        reading.rows += len(parcel.rows)
        member = named(*reader.member_told(parcel.rows))
        if member and crc32(member.encode(errors="replace")) % filed.parts != filed.part:
            continue
        problem = lay_down(table, reader, parcel, member)
        if problem is not None and (member or filed.part == 0):
            reading.refused[problem.code] += 1


def _names(country: str) -> Callable[[str, str], str]:
    """Give the function that knows a member by what a file calls them; one person may be written in several ways."""

    @lru_cache(maxsize=_REMEMBERED)
    def named(field: str, name: str) -> str:
        kind = _KINDS.get(field, "")
        try:
            if kind == "phone":
                name = parse_phone(name, country).value
            elif kind == "email":
                name = parse_email(name).value
        except IdentifierRefused:
            kind = _UNREADABLE
        return f"{kind}:{name}" if kind else ""

    return named


def _bought(
    receipts: Iterator[Gathered], member: str, reader: ReceiptReader, programme: rules.Programme, reading: Reading
) -> Iterator[Bought]:
    """Give what an import would have recorded of one member."""
    for number, gathered in enumerate(receipts):
        try:
            told = reader.read(gathered)
        except ReceiptRefused as refused:
            reading.refused[refused.problem.code] += 1
            continue
        if told is None:
            reading.memberless += 1
        elif code := _refused(told.command, member, programme):
            reading.refused[code] += 1
        else:
            purchase = _purchase(told.command)
            yield Bought(str(number), purchase, purchase.occurred_at)


def _refused(command: RecordPurchase, member: str, programme: rules.Programme) -> str | None:
    """Tell what the engine would refuse a purchase for."""
    if command.currency != programme.currency:
        return CurrencyMismatch.code
    if command.lines is not None and sum([line.amount_minor for line in command.lines]) != command.total_minor:
        return LinesDoNotAddUp.code
    return IdentifierInvalid.code if member.startswith(_UNREADABLE) else None


def _purchase(command: RecordPurchase) -> rules.Purchase:
    assert command.occurred_at is not None, "a file always says when"
    # A line of a command has the fields of a line of a purchase: a million need not be copied to be judged.
    lines = cast("tuple[rules.Line, ...] | None", command.lines)
    return rules.Purchase(
        occurred_at=command.occurred_at, total_minor=command.total_minor, location=command.location or ONLY_LOCATION,
        till=command.till, staff=command.staff, channel=command.channel, codes=command.codes, lines=lines,
    )  # fmt: skip


def masked(member: str) -> str:
    """Give what may be shown of a member of a file."""
    kind, _, value = member.partition(":")
    return mask(Identifier(kind if kind in {"phone", "email"} else "external", value))  # type: ignore[arg-type]  # those
