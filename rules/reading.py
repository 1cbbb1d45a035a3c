"""From a file or a document to a programme: strict, exact, and with every mistake named at once.

Nothing becomes a float on the way: numbers with a point are read as decimals.
"""

import json
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final, Literal, NoReturn

from rules.findings import Finding, ProgrammeInvalid
from rules.programme import Programme
from rules.schema import schema
from rules.shapes import MISSING, Reader, Taken, Written
from rules.writing import document, write_toml

__all__ = ["misread", "read", "schema", "write_toml"]

_LONGEST_NUMBER: Final = 30
LARGEST: Final = 1_000_000
"""The largest document, in characters: some thousand rules."""


def read(source: str | bytes, format: Literal["toml", "json"]) -> Programme:
    """The programme that a TOML file or a JSON document holds. Raises ProgrammeInvalid with every mistake at
    once.
    """
    written = parsed(source, format)
    reader = Reader()
    for place in _twice(written, ""):
        reader.refuse(place, "this name is written twice in one object", "each name once")
    programme = typed(reader, written)
    if reader.findings:
        raise ProgrammeInvalid(tuple(reader.findings))
    assert isinstance(programme, Programme)
    return programme


def misread(programme: Programme) -> tuple[Finding, ...]:
    """What reading would refuse in a programme that was put together without being read."""
    reader = Reader()
    typed(reader, document(programme))
    return tuple(reader.findings)


def typed(reader: Reader, written: Written) -> Taken:
    programme = reader.record(Programme, written, "")
    reader.settle_names()
    return programme if not reader.findings else MISSING


def parsed(source: str | bytes, format: Literal["toml", "json"]) -> Taken:
    try:
        text = source if isinstance(source, str) else source.decode("utf-8")
        return _toml(text) if format == "toml" else _json(text)
    except RecursionError:
        wrong = "the document nests too deep"
    except ValueError as error:
        wrong = str(error)
    raise ProgrammeInvalid((Finding("refused", "", None, f"this is no {format.upper()}: {wrong}"),))


def _toml(text: str) -> Written:
    return tomllib.loads(_short(text), parse_float=_decimal)


def _json(text: str) -> Written:
    return json.loads(_short(text), parse_float=_decimal, parse_constant=_refuse_constant, object_pairs_hook=_Object)


def _short(text: str) -> str:
    if len(text) > LARGEST:
        raise ValueError(f"it is longer than {LARGEST} characters")
    return text


class _Object(dict[str, Any]):
    """A JSON object that remembers the names that were written twice."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        names = [name for name, _ in pairs]
        self.twice = sorted({name for name in names if names.count(name) > 1}) if len(names) > len(self) else []


def _twice(value: Written, place: str) -> Iterator[str]:
    """The places of names that were written twice, with all objects within."""
    if isinstance(value, dict):
        yield from (f"{place}.{name}".lstrip(".") for name in getattr(value, "twice", ()))
        for name, item in value.items():
            yield from _twice(item, f"{place}.{name}".lstrip("."))
    elif isinstance(value, list):
        for n, item in enumerate(value):
            yield from _twice(item, f"{place}[{n}]")


def _decimal(text: str) -> Decimal:
    number = Decimal(text)
    if not number.is_finite() or abs(number.adjusted()) > _LONGEST_NUMBER:
        raise ValueError(f"{text[:40]} is no number a programme can use")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
