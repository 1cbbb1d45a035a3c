"""A shop's file, CSV or Parquet, read row after row: every cell as text, and never the whole file in memory.

Rows are numbered as a spreadsheet shows them: the header is row 1.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from importlib import import_module
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal, Protocol

from loyalty_engine.importing.mapping import FileForm, ImportRefused

Format = Literal["csv", "parquet"]
Cells = tuple[str, ...]
Row = tuple[int, Cells, bool]
"""A row's number, its cells, and whether it is as wide as the header; of one that is not, what stands left is given."""

_DELIMITERS = ",;\t|"
_BATCH = 8192


class Source(Protocol):
    """A file of purchases that is open for reading."""

    @property
    def header(self) -> tuple[str, ...]:
        """Give the names of its columns."""

    def rows(self, columns: Sequence[str]) -> Iterator[Row]:
        """Read the file from its start, these columns only."""


def open_source(file: Path, form: FileForm, kind: Format | None = None) -> Source:
    """Open a file of purchases; without a format said, its name decides. Raises ImportRefused."""
    if kind is None:
        kind = "parquet" if file.suffix.lower() in {".parquet", ".pq"} else "csv"
    return ParquetSource(file, form) if kind == "parquet" else CsvSource(file, form)


class CsvSource:
    """A CSV file with a header."""

    def __init__(self, file: Path, form: FileForm) -> None:
        """Read the header, and find the delimiter when it is not said."""
        self._file = file
        self._form = form
        first = self._first_line()
        self._delimiter = form.delimiter or max(_DELIMITERS, key=lambda one: len(_split(first, one)))
        self.header = tuple(name.strip() for name in _split(first, self._delimiter))

    def _first_line(self) -> str:
        try:
            with self._file.open(encoding=self._form.encoding, errors="surrogateescape", newline="") as opened:
                first = opened.readline()
            first.encode()
        except (UnicodeError, LookupError) as problem:
            raise ImportRefused(
                f'{self._file} is not written in {self._form.encoding}: say `encoding = "cp1252"` in [file]'
            ) from problem
        if not first.strip():
            raise ImportRefused(f"{self._file} is empty; its first line must name the columns")
        return first

    def rows(self, columns: Sequence[str]) -> Iterator[Row]:
        """Read every row; a line without anything on it is passed over, but counted."""
        width = len(self.header)
        pick = _picker([self.header.index(name) for name in columns])
        # What is not in the said encoding becomes surrogates, which whoever keeps the row finds.
        with self._file.open(encoding=self._form.encoding, errors="surrogateescape", newline="") as opened:
            reader = csv.reader(opened, delimiter=self._delimiter)
            next(reader)
            number = 1
            while True:
                number += 1
                try:
                    row = next(reader)
                except StopIteration:
                    return
                except csv.Error:
                    yield number, pick([""] * width), False
                    continue
                if len(row) == width:
                    yield number, pick(row), True
                elif row:
                    yield number, pick(row + [""] * width), len(row) > width and not any(row[width:])


class ParquetSource:
    """A Parquet file, read by row groups; needs the extra `parquet`."""

    def __init__(self, file: Path, form: FileForm) -> None:
        """Read the schema."""
        self._form = form
        try:
            self._arrow: Any = import_module("pyarrow")
            self._compute: Any = import_module("pyarrow.compute")
            parquet: Any = import_module("pyarrow.parquet")
        except ImportError as problem:
            raise ImportRefused(
                "reading Parquet needs pyarrow: pip install 'loyalty-engine[parquet]', or export the file as CSV"
            ) from problem
        try:
            self._file: Any = parquet.ParquetFile(file)
        except self._arrow.ArrowException as problem:
            raise ImportRefused(f"{file} is no Parquet file: {problem}") from problem
        self.header: tuple[str, ...] = tuple(self._file.schema_arrow.names)

    def rows(self, columns: Sequence[str]) -> Iterator[Row]:
        """Read every row of these columns."""
        number = 1
        distinct = list(dict.fromkeys(columns))
        pick = _picker([distinct.index(name) for name in columns])
        for batch in self._file.iter_batches(batch_size=_BATCH, columns=distinct):
            texts = [self._texts(batch.column(name)) for name in distinct]
            for row in zip(*texts, strict=True):
                number += 1
                yield number, pick(row), True

    def _texts(self, column: Any) -> list[str]:
        """Give a column as text: numbers by their shortest decimal form, so that nothing passes through binary."""
        arrow, compute = self._arrow, self._compute
        kind = column.type
        if arrow.types.is_timestamp(kind):
            column = compute.cast(column, arrow.timestamp("us", kind.tz), safe=False)
        if arrow.types.is_list(kind) or arrow.types.is_large_list(kind):
            column = compute.binary_join(compute.cast(column, arrow.list_(arrow.string())), self._form.separator)
        texts = compute.cast(column, arrow.string())
        if self._form.decimal == "," and (arrow.types.is_floating(kind) or arrow.types.is_decimal(kind)):
            texts = compute.replace_substring(texts, ".", ",")
        found: list[str] = compute.fill_null(texts, "").to_pylist()
        return found


def _split(line: str, delimiter: str) -> list[str]:
    return next(csv.reader([line], delimiter=delimiter))


def _picker(places: Sequence[int]) -> Any:
    """Give a function that picks these cells of a row as a tuple; itemgetter alone gives a bare cell for one."""
    if len(places) == 1:
        place = places[0]
        return lambda row: (row[place],)
    return itemgetter(*places)
