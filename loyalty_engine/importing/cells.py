"""What stands in one cell: an amount of money, a quantity or an instant, read exactly or refused.

Invariant: money is never a binary fraction; what does not come to whole minor units is refused, not rounded.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from loyalty_engine.importing.mapping import FileForm

# Cells repeat: a price comes again and again, and all lines of a receipt carry one instant.
_REMEMBERED = 65_536


class CellRefused(ValueError):
    """A cell cannot be read; `code` is for programs, and the message never repeats the cell."""

    def __init__(self, code: str, says: str) -> None:
        """Take the stable code and the sentence."""
        super().__init__(says)
        self.code = code


def _number(decimal: str) -> re.Pattern[str]:
    """Match a number with this decimal mark; three digits may be set off by a space, a quote or the other mark."""
    other = "," if decimal == "." else "."
    whole = rf"\d+|\d{{1,3}}(?:[ \u00a0\u202f'\u2019{other}]\d{{3}})+"
    return re.compile(rf"([+-]?)({whole})(?:{re.escape(decimal)}(\d*))?(?:[eE]([+-]?\d{{1,2}}))?")


def _reader(form: FileForm) -> Callable[[str], Decimal | None]:
    pattern = _number(form.decimal)

    def read(text: str) -> Decimal | None:
        match = pattern.fullmatch(text.strip().replace("\u2212", "-"))
        if match is None:
            return None
        sign, whole, part, exponent = match.groups()
        digits = "".join(filter(str.isdigit, whole))
        return Decimal(f"{sign}{digits}.{part or '0'}e{exponent or 0}")

    return read


def amounts(form: FileForm, exponent: int) -> Callable[[str], int]:
    """Give the reader of money: minor units as they stand, or major units times the currency's power of ten."""
    number = _reader(form)
    places = 0 if form.money == "minor" else exponent

    @lru_cache(maxsize=_REMEMBERED)
    def read(cell: str) -> int:
        value = number(cell)
        if value is None:
            raise CellRefused("amount_malformed", "This is not an amount of money.")
        minor = value.scaleb(places)
        if minor != minor.to_integral_value():
            raise CellRefused("amount_inexact", f"An amount has at most {places} decimals here.")
        return int(minor)

    return read


def quantities(form: FileForm) -> Callable[[str], int]:
    """Give the reader of quantities: whole pieces; what was weighed or measured (1.534 kg) is one piece."""
    number = _reader(form)

    @lru_cache(maxsize=_REMEMBERED)
    def read(cell: str) -> int:
        value = number(cell)
        if value is None:
            raise CellRefused("quantity_malformed", "This is not a quantity.")
        if value == value.to_integral_value():
            return int(value)
        return 1 if value > 0 else -1

    return read


def lists(form: FileForm) -> Callable[[str], tuple[str, ...]]:
    """Give the reader of cells that hold several tags or codes."""

    @lru_cache(maxsize=_REMEMBERED)
    def read(cell: str) -> tuple[str, ...]:
        return tuple(filter(None, (part.strip() for part in cell.split(form.separator))))

    return read


@lru_cache(maxsize=_REMEMBERED)
def shared(fact: Any) -> Any:
    """Give the same text for equal texts: a history has few categories and a million lines."""
    return fact


def instants(form: FileForm, programme_zone: str) -> Callable[[str], datetime]:
    """Give the reader of dates: as ISO 8601 or as the mapping says, in UTC.

    A time without an offset is read in the mapping's zone, else the programme's; where the clocks show an hour twice,
    it is the first one. A date without a time is that day's first instant.
    """
    zone = ZoneInfo(form.timezone or programme_zone)

    @lru_cache(maxsize=_REMEMBERED)
    def read(cell: str) -> datetime:
        found = _dated(cell.strip(), form.dates)
        if found is None:
            wanted = " or ".join(form.dates) or "ISO 8601, such as 2026-11-22 09:41"
            raise CellRefused("date_malformed", f"This is not a date and time as the mapping says: {wanted}.")
        aware = found if found.tzinfo is not None else found.replace(tzinfo=zone)
        try:
            return aware.astimezone(UTC)
        except OverflowError:
            raise CellRefused("date_malformed", "This date lies outside every calendar.") from None

    return read


def _dated(text: str, formats: tuple[str, ...]) -> datetime | None:
    """Read a date by the first format that fits; without formats, as ISO 8601."""
    for one in formats:
        try:
            return datetime.strptime(text, one)  # noqa: DTZ007  # the zone is given by whoever asked
        except ValueError:
            continue
    if formats:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
