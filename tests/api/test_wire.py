"""Bodies are taken literally or refused with their place."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import wire
from api.complaints import NAMES_ONCE
from loyalty_engine.commands import RecordPurchase
from loyalty_engine.errors import BodyInvalid, BodyTooLarge, LoyaltyError, MalformedBody, NotJson

FLAT_WHITE = '{"receipt":"r-1","currency":"NOK","total_minor":4900,"member":{"phone":"999 00 123"}%s}'


def with_field(field: str) -> bytes:
    return (FLAT_WHITE % f",{field}").encode()


def nested(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


def refused(body: bytes) -> LoyaltyError:
    with pytest.raises(LoyaltyError) as caught:
        wire.read_json(body, RecordPurchase)
    return caught.value


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"  ", id="only spaces"),
        pytest.param(b"{", id="cut off"),
        pytest.param(FLAT_WHITE.encode() + b"x", id="bytes after the end"),
        pytest.param((FLAT_WHITE % "").encode() + b" {}", id="two bodies"),
        pytest.param(b"\xef\xbb\xbf" + (FLAT_WHITE % "").encode(), id="byte order mark"),
        pytest.param((FLAT_WHITE % "").encode("utf-16"), id="UTF-16"),
        pytest.param(with_field('"till":"x"').replace(b"x", b"\xff"), id="not UTF-8"),
        pytest.param(with_field('"till":"x"').replace(b"x", b"\xed\xa0\x80"), id="surrogate in UTF-8"),
        pytest.param(with_field('"till":"x"').replace(b"x", b"\x00"), id="NUL as it is"),
        pytest.param(with_field('"total_minor":4900'), id="a name twice"),
        pytest.param(with_field('"lines":[{"line":"1","line":"2","amount_minor":1}]'), id="a name twice inside"),
        pytest.param(with_field('"x":{"a":1,"a":1}'), id="a name twice in what is unknown"),
        pytest.param(b'{"total_minor":NaN}', id="NaN"),
        pytest.param(b'{"total_minor":-Infinity}', id="Infinity"),
        pytest.param(b'{"total_minor":01}', id="leading zero"),
        pytest.param(b"{'total_minor':1}", id="single quotes"),
        pytest.param(nested(33), id="33 deep"),
        pytest.param(nested(64), id="64 deep"),
        pytest.param(nested(30_000), id="30 000 deep"),
        pytest.param(b"[" * 60_000, id="60 000 opened"),
        pytest.param(b'{"a":' * 10_000, id="10 000 objects opened"),
    ],
)
def test_what_is_not_json_is_malformed(body: bytes) -> None:
    assert type(refused(body)) is MalformedBody


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        (b"{}", "/currency", "required"),
        (b"[]", "", "wrong_type"),
        (b"null", "", "wrong_type"),
        (b'"text"', "", "wrong_type"),
        (nested(32), "", "wrong_type"),
        (with_field('"points":5'), "/points", "unknown_field"),
        (with_field('"a/b~c":5'), "/a~1b~0c", "unknown_field"),
        (
            with_field('"lines":[{"line":"1","amount_minor":1,"points":2}]'),
            "/lines/0/points",
            "unknown_field",
        ),
        (with_field('"lines":[{"line":"1"}]'), "/lines/0/amount_minor", "required"),
        (with_field('"lines":[]'), "/lines", "too_short"),
        (with_field('"codes":["A",""]'), "/codes/1", "too_short"),
        (with_field('"till":5'), "/till", "wrong_type"),
        (with_field('"occurred_at":"2026-11-22T09:41:00"'), "/occurred_at", "zone_missing"),
        (with_field('"occurred_at":"2026-02-30T09:41:00Z"'), "/occurred_at", "not_a_time"),
        (with_field('"occurred_at":"2026-06-30T23:59:60Z"'), "/occurred_at", "not_a_time"),
        (with_field('"occurred_at":"10000-01-01T00:00:00Z"'), "/occurred_at", "not_a_time"),
        (with_field('"occurred_at":1763800860000'), "/occurred_at", "wrong_type"),
        (with_field('"till":"a\\u0000"'), "/till", "not_text"),
        (with_field('"codes":["\\ud800"]'), "/codes/0", "not_text"),
        (with_field('"\\udc00":1'), "", "not_text"),
    ],
)
def test_what_is_json_of_the_wrong_shape_is_refused_with_its_place(body: bytes, pointer: str, code: str) -> None:
    error = refused(body)

    assert type(error) is BodyInvalid
    assert [(detail.pointer, detail.code) for detail in error.details] == [(pointer, code)]
    assert error.details[0].detail.endswith(".")
    assert "`" not in error.details[0].detail


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("-1", "out_of_range"),
        ("0", "out_of_range"),
        ("-0", "out_of_range"),
        ("0.1", "wrong_type"),
        ("1.0", "wrong_type"),
        ("1e2", "wrong_type"),
        ('"100"', "wrong_type"),
        ("true", "wrong_type"),
        ("null", "wrong_type"),
        ("1e400", "out_of_range"),
        (str(10**12 + 1), "out_of_range"),
        (str(2**53 + 1), "out_of_range"),
        (str(2**63 - 1), "out_of_range"),
        (str(2**63), "out_of_range"),
        (str(2**64), "out_of_range"),
        (str(10**30), "out_of_range"),
        ("9" * 5000, "out_of_range"),
        ("-" + "9" * 5000, "out_of_range"),
    ],
)
def test_an_amount_is_a_whole_number_between_1_and_a_million_million(number: str, code: str) -> None:
    error = refused((FLAT_WHITE % "").replace("4900", number).encode())

    assert [(detail.pointer, detail.code) for detail in error.details] == [("/total_minor", code)]


def test_a_backslash_before_u0000_is_a_text_like_any_other() -> None:
    assert wire.read_json(with_field(r'"till":"\\u0000"'), RecordPurchase).till == r"\u0000"


def test_a_purchase_of_500_lines_is_read() -> None:
    lines = [{"line": str(n), "amount_minor": 10} for n in range(500)]
    body = json.dumps(
        {
            "receipt": "r",
            "currency": "NOK",
            "total_minor": 5000,
            "member": {"id": f"mem_{'0' * 26}"},
            "lines": lines,
        }
    )

    read = wire.read_json(body.encode(), RecordPurchase).lines

    assert read is not None
    assert len(read) == 500


@given(st.one_of(st.binary(max_size=200), st.text(max_size=100).map(lambda text: text.encode("utf-8", "ignore"))))
def test_no_bytes_make_the_reader_stumble(body: bytes) -> None:
    assert isinstance(refused(body), MalformedBody | BodyInvalid)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.sampled_from(sorted(RecordPurchase.__struct_fields__)), JSON)
def test_no_value_in_any_field_makes_the_reader_stumble(field: str, value: Any) -> None:
    purchase = json.loads(FLAT_WHITE % "") | {field: value}
    try:
        read = wire.read_json(json.dumps(purchase).encode(), RecordPurchase)
    except (MalformedBody, BodyInvalid):
        return

    assert msgspec.convert(purchase, RecordPurchase) == read


NAMES = st.text('ab:\\" é', max_size=2)
PAIRS = st.recursive(
    st.sampled_from(["1", '":"', '"a:b"', r'"\u003a"', r'"\":"', '"é"', "null", "1e5", "[]"]),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda values: "[" + ",".join(values) + "]")
        | st.lists(st.tuples(NAMES, inner), max_size=4).map(
            lambda pairs: "{" + " , ".join(f"{json.dumps(name)} :{value}" for name, value in pairs) + "}"
        )
    ),
    max_leaves=12,
)


@given(PAIRS)
def test_the_quick_look_for_names_given_twice_is_never_wrong(document: str) -> None:
    try:
        NAMES_ONCE.decode(document)
    except ValueError:
        assert not wire._keeps_every_name(document.encode())


# --- what kind of body ---


@pytest.mark.parametrize(
    "content_type",
    [
        b"application/json",
        b"application/json; charset=utf-8",
        b'Application/JSON;charset="UTF-8"',
        b"application/json;",
    ],
)
def test_json_in_utf8_is_taken(content_type: bytes) -> None:
    assert wire.kind_of(content_type, "json") == "json"


@pytest.mark.parametrize(
    "content_type",
    [
        None, b"", b"text/plain", b"application/x-www-form-urlencoded", b"multipart/form-data; boundary=x",
        b"application/json; charset=utf-16", b"application/json; charset=latin-1", b"application/jsonp",
        b"application/problem+json", b"text/json", b"application/toml", b"application/msgpack",
    ],
)  # fmt: skip
def test_nothing_else_is_taken_for_json(content_type: bytes | None) -> None:
    with pytest.raises(NotJson):
        wire.kind_of(content_type, "json")


# --- how much of it ---


class Sender:
    """A caller who sends these pieces and counts how many were taken."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self.pieces = list(pieces)
        self.taken = 0

    async def __call__(self) -> Any:
        piece = self.pieces[self.taken]
        self.taken += 1
        return {"type": "http.request", "body": piece, "more_body": self.taken < len(self.pieces)}


async def hung_up() -> Any:
    return {"type": "http.disconnect"}


async def test_a_body_in_pieces_is_put_together() -> None:
    assert await wire.read_body(Sender([b"ab", b"", b"cd"]), None, 4) == b"abcd"


async def test_an_announced_length_over_the_limit_is_refused_before_a_byte_is_taken() -> None:
    sender = Sender([b"x"])

    with pytest.raises(BodyTooLarge):
        await wire.read_body(sender, b"65537", 65536)

    assert sender.taken == 0


@pytest.mark.parametrize("announced", [None, b"10", b"-1", b"nonsense", b"0" * 5000])
async def test_a_length_that_lies_does_not_help(announced: bytes | None) -> None:
    sender = Sender([b"x" * 40] * 1000)

    with pytest.raises(BodyTooLarge):
        await wire.read_body(sender, announced, 100)

    assert sender.taken == 3, "nothing is taken past the limit"


async def test_a_length_of_5000_digits_is_only_a_length() -> None:
    with pytest.raises(BodyTooLarge):
        await wire.read_body(Sender([b"x"]), b"9" * 5000, 100)


@pytest.mark.parametrize("pieces", [[b"x" * 100], [b"x" * 60, b"x" * 40]])
async def test_a_body_of_just_the_limit_is_taken(pieces: list[bytes]) -> None:
    assert len(await wire.read_body(Sender(pieces), None, 100)) == 100


@pytest.mark.parametrize("pieces", [[b"x" * 101], [b"x" * 60, b"x" * 41]])
async def test_one_byte_more_is_refused(pieces: list[bytes]) -> None:
    with pytest.raises(BodyTooLarge):
        await wire.read_body(Sender(pieces), None, 100)


async def never() -> Any:
    await asyncio.Event().wait()


async def test_a_body_that_never_comes_is_not_waited_for() -> None:
    with pytest.raises(MalformedBody, match="too long on its way"):
        await wire.read_body(never, None, 100, seconds=0)


async def test_a_caller_who_hangs_up_is_nobody_to_answer() -> None:
    with pytest.raises(wire.Away):
        await wire.read_body(hung_up, None, 100)
