"""A receipt out of a file becomes the command a till would have sent, or is refused with its rows and a sentence.

What a shop's system writes and a loyalty programme has no use for is settled here, in this order:

1. A line of quantity 0 and amount 0 is left out: nothing was sold.
2. A line of quantity 0 that was paid for, or of a part of one (weighed goods), is one piece.
3. A line below zero is a return; it cannot be told which purchase it belongs to, so its receipt is refused.
4. A receipt that comes to nothing is refused: there is nothing to reward.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct

import rules
from loyalty_engine.commands import KnownElsewhere, MemberRef, PurchaseLine, RecordPurchase
from loyalty_engine.importing.cells import CellRefused, amounts, instants, lists
from loyalty_engine.importing.fields import Fields
from loyalty_engine.importing.files import Cells
from loyalty_engine.importing.gathering import UNREADABLE, Gathered
from loyalty_engine.importing.lines import LineReader
from loyalty_engine.importing.mapping import FIELDS, MEMBER_FIELDS, Mapping
from rules.money import EXPONENTS

_LONGEST_NAME = 320
# Rows further apart than this are two receipts under one number.
_ONE_RECEIPT = timedelta(hours=24)
# Where on the path of msgspec's complaint the line stands.
_LINE = re.compile(r"\$\.lines\[(\d+)\]")
# As many as a purchase may have; a receipt of more is refused like one a till would send.
_MOST_LINES = 500
Lines = list[PurchaseLine | dict[str, Any]]
_TEXTS_OF_A_RECEIPT = ("till", "staff", "channel")
ROW_UNREADABLE = (
    "row_unreadable",
    "A row has more or fewer cells than the header, or is not written in the encoding that the mapping names.",
)


class Problem(Struct, frozen=True):
    """Why rows of the file were not recorded."""

    rows: tuple[int, ...]
    receipt: str
    code: str
    says: str


class ReceiptRefused(Exception):
    """A receipt cannot become a purchase."""

    def __init__(self, problem: Problem) -> None:
        """Take the problem as it is reported."""
        super().__init__(problem.says)
        self.problem = problem


class Told(Struct, frozen=True):
    """A purchase as it was read, and the rows it was read from."""

    command: RecordPurchase
    rows: tuple[int, ...]

    def refused(self, code: str, says: str) -> Problem:
        """Say why this purchase was not recorded."""
        return Problem(self.rows, self.command.receipt, code, says)


class ReceiptReader:
    """Reads receipts of one file, by its mapping and the programme's currency and time zone."""

    def __init__(self, mapping: Mapping, programme: rules.Programme) -> None:
        """Prepare the readers of cells; each remembers what it has read."""
        fields = Fields(mapping)
        self.columns = fields.columns
        self._by_line = mapping.by_line
        self._listed = lists(mapping.form)
        self._currency = programme.currency
        self._of = {field: found for field in FIELDS if (found := fields.reader(field))}
        self._form = mapping.form
        self._constants = mapping.constants.keys() - mapping.columns.keys()
        self._amounts: dict[str, Callable[[str], int]] = {}
        self.instant = instants(mapping.form, programme.timezone)
        self._line = LineReader(fields, mapping)
        self._names = [(field, self._of[field]) for field in MEMBER_FIELDS if field in self._of]
        self.place = fields.cells("location", "receipt", "occurred_at")
        """Gives the cells that an address is read from."""

    def address(self, cells: Cells) -> tuple[str, str, str]:
        """Give the location, receipt and instant of a row as they are written."""
        location = self._of.get("location")
        return (
            location(cells) if location else "",
            self._of["receipt"](cells),
            self._of["occurred_at"](cells),
        )

    def member_told(self, rows: list[tuple[int, Cells]]) -> tuple[str, str]:
        """Give how rows name their member, and the name: the first that is filled in; empty where none is."""
        for field, read in self._names:
            for _, cells in rows:
                if cells != UNREADABLE and (name := read(cells)):
                    return field, name
        return "", ""

    def read(self, found: Gathered) -> Told | None:
        """Give a receipt as a command; None where it names no member. Raises ReceiptRefused."""
        rows = [cells for _, cells in found.rows]
        if UNREADABLE in rows:
            raise self._refused(found, *ROW_UNREADABLE)
        member = self._member(found, rows)
        if member is None:
            return None
        currency = self._same(found, rows, "currency") or self._currency
        amount = self._money(found, currency)
        told: dict[str, Any] = {
            "receipt": found.receipt, "currency": currency, "member": {},
            "occurred_at": self._occurred_at(found, rows),
        }  # fmt: skip
        if found.location:
            told["location"] = found.location
        for name in _TEXTS_OF_A_RECEIPT:
            if text := self._first(rows, name):
                told[name] = text
        if codes := self._listed(self._first(rows, "codes")):
            told["codes"] = codes
        lines, numbers = self._lines(found, amount) if self._by_line else (None, ())
        told["total_minor"] = self._total(found, rows, amount, lines)
        return Told(self._command(found, told, member, lines, numbers), found.numbers)

    def _money(self, found: Gathered, currency: str) -> Callable[[str], int]:
        known = self._amounts.get(currency)
        if known is None:
            if currency not in EXPONENTS:
                raise self._refused(found, "currency_unknown", "There is no such currency; it is written like NOK.")
            known = self._amounts[currency] = amounts(self._form, EXPONENTS[currency])
        return known

    def _command(
        self, found: Gathered, told: dict[str, Any], member: MemberRef, lines: Lines | None, numbers: Sequence[int]
    ) -> RecordPurchase:
        """Hold what was read against the sizes a till's purchase may have; lines that were held already are taken."""
        held = [line for line in lines or () if isinstance(line, PurchaseLine)]
        if lines is not None and not (0 < len(lines) == len(held) <= _MOST_LINES):
            told["lines"] = msgspec.to_builtins(lines)
        try:
            command = msgspec.convert(told, RecordPurchase)
        except msgspec.ValidationError as problem:
            says, _, path = str(problem).partition(" - at ")
            line = _LINE.search(path)
            rows = (numbers[int(line[1])],) if line else found.numbers
            place = path.strip("`").rsplit(".", 1)[-1] or "the purchase"
            raise ReceiptRefused(Problem(rows, found.receipt, "body_invalid", f"{place}: {says}.")) from problem
        return msgspec.structs.replace(command, member=member, lines=command.lines or tuple(held) or None)

    def _member(self, found: Gathered, rows: list[Cells]) -> MemberRef | None:
        for field in MEMBER_FIELDS:
            if name := self._same(found, rows, field):
                kind = field.removeprefix("member.")
                if len(name) > _LONGEST_NAME:
                    raise self._refused(found, "identifier_invalid", "What names the member is too long.")
                if kind == "external":
                    return KnownElsewhere(external=name)
                try:
                    return msgspec.convert({kind: name}, MemberRef)
                except msgspec.ValidationError:
                    raise self._refused(found, "identifier_invalid", f"This is no member's {kind}.") from None
        return None

    def _occurred_at(self, found: Gathered, rows: list[Cells]) -> datetime:
        """Give the instant of the first row; the others may differ by minutes, not by days."""
        read = self._of["occurred_at"]
        if len(set(map(read, rows))) == 1:
            at: datetime = self._cell(found, found.rows[0][0], self.instant, read(rows[0]))
            return at
        told = [(number, self._cell(found, number, self.instant, read(cells))) for number, cells in found.rows]
        first: datetime = told[0][1]
        for number, instant in told:
            if abs(instant - first) > _ONE_RECEIPT:
                says = "Rows of this receipt lie more than a day apart: map the receipt to date and number together."
                raise ReceiptRefused(Problem((told[0][0], number), found.receipt, "rows_disagree", says))
        return first

    def _lines(self, found: Gathered, amount: Callable[[str], int]) -> tuple[Lines, list[int]]:
        """Give the lines that were sold and the rows they stand on; a line that no till could send is left as it is."""
        lines: Lines = []
        numbers = []
        read = self._line.read
        for number, cells in found.rows:
            try:
                told = read(cells, amount)
            except CellRefused as refused:
                raise ReceiptRefused(Problem((number,), found.receipt, refused.code, str(refused))) from refused
            if not told:
                continue
            numbers.append(number)
            if isinstance(told, tuple):
                lines.append(PurchaseLine(str(len(numbers)), *told))
            else:
                lines.append(told | {"line": self._line.named(cells) or str(len(numbers))})
        return lines, numbers

    def _total(self, found: Gathered, rows: list[Cells], amount: Callable[[str], int], lines: Lines | None) -> int:
        said = self._same(found, rows, "total")
        if lines is None and len(rows) > 1:
            raise self._refused(found, "receipt_repeated", "This receipt stands in the file more than once.")
        if said or lines is None:
            total: int = self._cell(found, found.rows[0][0], amount, said)
        else:
            total = sum([one.amount_minor if isinstance(one, PurchaseLine) else one["amount_minor"] for one in lines])
        if total <= 0:
            raise self._refused(found, "nothing_paid", "This receipt comes to nothing, so there is nothing to reward.")
        return total

    def _first(self, rows: list[Cells], field: str) -> str:
        read = self._of.get(field)
        return next(filter(None, map(read, rows)), "") if read else ""

    def _same(self, found: Gathered, rows: list[Cells], field: str) -> str:
        """Give a field that all rows of a receipt share; a row may leave it empty, but not say something else."""
        read = self._of.get(field)
        if read is None:
            return ""
        if field in self._constants:
            return read(rows[0])
        said = set(map(read, rows)) - {""}
        if len(said) > 1:
            says = f"Rows of this receipt differ in {field}: map the receipt so that no two have one number."
            raise self._refused(found, "rows_disagree", says)
        return said.pop() if said else ""

    def _cell(self, found: Gathered, number: int, read: Callable[[str], Any], text: str) -> Any:
        try:
            return read(text)
        except CellRefused as refused:
            raise ReceiptRefused(Problem((number,), found.receipt, refused.code, str(refused))) from refused

    def _refused(self, found: Gathered, code: str, says: str) -> ReceiptRefused:
        return ReceiptRefused(Problem(found.numbers, found.receipt, code, says))
