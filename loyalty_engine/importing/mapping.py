"""Which column of a shop's file means what, and how that file writes its dates and its money."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping as Table
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta, Struct

MEMBER_FIELDS = ("member.id", "member.phone", "member.email", "member.external")
RECEIPT_FIELDS = (
    "receipt", "location", "till", "staff", "channel", "occurred_at", *MEMBER_FIELDS, "currency", "total", "codes",
)  # fmt: skip
LINE_FIELDS = ("line", "sku", "category", "quantity", "amount", "discount", "tax", "tags")
FIELDS = RECEIPT_FIELDS + LINE_FIELDS


class ImportRefused(ValueError):
    """The file or its mapping cannot be used at all; the message says what to put right."""


class FileForm(Struct, frozen=True, forbid_unknown_fields=True):
    """How the file is written: the [file] table of a mapping."""

    # The character between two cells of a CSV file; found by itself when left out.
    delimiter: Annotated[str, Meta(min_length=1, max_length=1)] | None = None
    encoding: str = "utf-8-sig"
    # The decimal mark of amounts and quantities.
    decimal: Literal[".", ","] = "."
    # "minor": 1280 is 12.80; "major": 12.80 is written as 12.80.
    money: Literal["minor", "major"] = "minor"
    # The zone of times without an offset; the programme's when left out.
    timezone: str | None = None
    # How dates are written, such as "%d.%m.%Y %H:%M"; ISO 8601 when left out. The first that fits counts.
    dates: tuple[str, ...] = ()
    # What stands between several tags or codes in one cell.
    separator: Annotated[str, Meta(min_length=1)] = "|"


class Mapping(Struct, frozen=True):
    """A mapping: for each field the columns it is read from (joined by a space), or the constant it always is."""

    form: FileForm
    columns: dict[str, tuple[str, ...]]
    constants: dict[str, str]

    @property
    def by_line(self) -> bool:
        """Tell whether a row is a line of a receipt; else it is a whole purchase, and only its total is known."""
        return "amount" in self.columns

    def resolved(self, header: Sequence[str]) -> Mapping:
        """Hold the mapping against a file's header; a mapping without columns takes those named like our fields."""
        columns = self.columns or {name: (name,) for name in FIELDS if name in header}
        for field, sources in columns.items():
            for source in sources:
                if source not in header:
                    raise ImportRefused(_no_column(field, source, header))
        found = Mapping(self.form, columns, self.constants)
        found.check()
        return found

    def check(self) -> None:
        """Refuse a mapping that leaves out what every purchase needs."""
        known = self.columns.keys() | self.constants.keys()
        for field in ("receipt", "occurred_at"):
            if field not in self.columns:
                raise ImportRefused(
                    f'no column is mapped to "{field}": say --column {field}=NAME or map it in the file'
                )
        if not known & set(MEMBER_FIELDS):
            raise ImportRefused(f"no column names the member: map one of {', '.join(MEMBER_FIELDS)}")
        if "amount" not in known and "total" not in known:
            raise ImportRefused('map "amount" (of a line) or "total" (of a purchase without lines)')
        if not self.by_line and (stray := [field for field in LINE_FIELDS if field in self.columns]):
            raise ImportRefused(f'"{stray[0]}" belongs to a line, and a file of lines needs a column for "amount"')


def read_mapping(text: str | None, columns: Sequence[str] = ()) -> Mapping:
    """Read a mapping's TOML and the `field=column` pairs of the command line, which win. Raises ImportRefused."""
    try:
        document = tomllib.loads(text or "")
        form = msgspec.convert(document.pop("file", {}), FileForm)
    except tomllib.TOMLDecodeError as problem:
        raise ImportRefused(f"the mapping is no TOML: {problem}") from problem
    except msgspec.ValidationError as problem:
        raise ImportRefused(f"the mapping's [file] table: {problem}") from problem
    said = _flat(document.pop("columns", {}))
    constants = _flat(document.pop("constants", {}))
    if document:
        raise ImportRefused(f"a mapping has the tables file, columns and constants, not {', '.join(document)}")
    for pair in columns:
        field, equals, column = pair.partition("=")
        if not equals:
            raise ImportRefused(f"--column takes FIELD=COLUMN, not {pair!r}")
        said[field.strip()] = column.strip()
    for field in (*said, *constants):
        if field not in FIELDS:
            raise ImportRefused(_no_field(field))
    if form.timezone is not None:
        _zone(form.timezone)
    return Mapping(
        form, {field: _columns(field, value) for field, value in said.items()},
        {field: str(value) for field, value in constants.items()},
    )  # fmt: skip


def _flat(table: Any) -> dict[str, Any]:
    """Give `member.external` as one name, whether it was written with quotes or as a table."""
    if not isinstance(table, Table):
        raise ImportRefused("columns and constants are tables")
    flat: dict[str, Any] = {}
    for name, value in table.items():
        if isinstance(value, Table):
            flat |= {f"{name}.{inner}": one for inner, one in value.items()}
        else:
            flat[name] = value
    return flat


def _columns(field: str, value: Any) -> tuple[str, ...]:
    names = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else ()
    if not names or not all(isinstance(name, str) for name in names):
        raise ImportRefused(f'"{field}" is mapped to a column\'s name, or to a list of them')
    return names


def _zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as problem:
        raise ImportRefused(f"there is no time zone {name!r}; it is written like Europe/Oslo") from problem


def _no_field(field: str) -> str:
    near = get_close_matches(field, FIELDS, 1)
    return f'there is no field "{field}"; ' + (f'is it "{near[0]}"?' if near else f"there are {', '.join(FIELDS)}")


def _no_column(field: str, column: str, header: Sequence[str]) -> str:
    near = get_close_matches(column, header, 1)
    hint = f'is it "{near[0]}"?' if near else f"it has {', '.join(header)}"
    return f'the file has no column "{column}" (mapped to "{field}"); {hint}'
