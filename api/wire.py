"""Reads what a till sends: JSON taken literally, or refused with its place; nothing is guessed or mended.

Invariant: whatever the bytes, the caller gets a value of the asked type or one of four refusals (400
MalformedBody, 413 BodyTooLarge, 415 NotJson, 422 BodyInvalid), and no more than the limit is ever kept.

A good body is read twice only: into the type asked for, and once more to see that no name was given twice. What
is wrong with a bad one is found out in complaints.py.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Hashable
from functools import lru_cache
from typing import Any, Final, Literal, TypeVar, cast

import msgspec
from litestar.types import Receive

from api.complaints import NAMES_ONCE, check_text, parse, say_why, whole
from loyalty_engine.errors import BodyTooLarge, MalformedBody, NotJson

T = TypeVar("T")

BODY_LIMIT: Final = 64 * 1024
BATCH_LIMIT: Final = 1024 * 1024

_decode: Final = msgspec.json.Decoder().decode
_encode: Final = msgspec.json.Encoder().encode

Kind = Literal["json", "toml", "ndjson"]

_KINDS: Final[dict[bytes, Kind]] = {
    b"application/json": "json",
    b"application/toml": "toml",
    b"text/toml": "toml",
    b"application/x-ndjson": "ndjson",
}
# More digits than any length needs; Python would refuse to read some thousands of them.
_ANNOUNCED_DIGITS: Final = 18
_UTF8: Final = re.compile(rb'\s*charset\s*=\s*"?utf-?8"?\s*', re.IGNORECASE)


class Away(Exception):
    """The caller hung up before the body was complete; there is nobody left to answer."""


# --- the bytes ---


def kind_of(content_type: bytes | None, *takes: Kind) -> Kind:
    """Say what a Content-Type means; raises NotJson when this call does not take it, or it is not UTF-8."""
    if content_type == b"application/json" and "json" in takes:
        return "json"
    name, _, parameters = (content_type or b"").partition(b";")
    kind = _KINDS.get(name.strip().lower())
    if kind is None or kind not in takes:
        raise NotJson(f"Send the body as {_sentence(takes)}.")
    if parameters.strip() and not all(_UTF8.fullmatch(part) for part in parameters.split(b";") if part.strip()):
        raise NotJson("A body is UTF-8; no other charset and no further parameter is taken.")
    return kind


def _sentence(takes: tuple[Kind, ...]) -> str:
    return " or ".join(name.decode() for name, kind in _KINDS.items() if kind in takes)


async def read_body(receive: Receive, announced: bytes | None, limit: int, *, seconds: float = 30) -> bytes:
    """Take in at most `limit` bytes within `seconds`; a Content-Length is believed only when it is too much."""
    if announced is not None and announced.isdigit() and int(announced[:_ANNOUNCED_DIGITS]) > limit:
        raise BodyTooLarge(limit_bytes=limit)
    deadline = _Deadline(seconds)
    try:
        return await _read_on(receive, limit)
    except asyncio.CancelledError:
        if deadline.was_it():
            raise MalformedBody("The body was too long on its way.") from None
        raise
    finally:
        deadline.done()


class _Deadline:
    """Ends the wait of the task it is made in; asyncio.timeout does the same at four times the price."""

    __slots__ = ("_handle", "_passed", "_task")

    def __init__(self, seconds: float) -> None:
        task = asyncio.current_task()
        assert task is not None, "a body is read inside a task"
        self._task = task
        self._passed = False
        self._handle = task.get_loop().call_later(seconds, self._end)

    def _end(self) -> None:
        self._passed = True
        self._task.cancel()

    def was_it(self) -> bool:
        """Tell whether the deadline alone ended the wait, and take its cancellation back."""
        return self._passed and self._task.uncancel() == 0

    def done(self) -> None:
        self._handle.cancel()


async def _read_on(receive: Receive, limit: int) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise Away
        body += message.get("body", b"")
        if len(body) > limit:
            raise BodyTooLarge(limit_bytes=limit)
        if not message.get("more_body", False):
            return bytes(body)


# --- the value ---


@lru_cache(maxsize=256)
def decoder_for(wanted: Hashable) -> msgspec.json.Decoder[Any]:
    """Give the decoder of a type; made once, since making one takes longer than a hundred bodies."""
    return msgspec.json.Decoder(cast("Any", wanted))


def read_json(body: bytes, wanted: type[T]) -> T:
    """Read a JSON body as `wanted`; raises MalformedBody or BodyInvalid."""
    try:
        value = decoder_for(cast("Hashable", wanted)).decode(body)
        if not _keeps_every_name(body):
            NAMES_ONCE.decode(body.decode())
    except (ValueError, RecursionError) as problem:  # every complaint of either reader is one of these two
        say_why(body, problem)
    if b"\\u0000" in body:
        check_text(parse(body))
    return cast("T", value)


def _keeps_every_name(body: bytes) -> bool:
    """Say that no object gives a name twice; False means only that it takes a closer look.

    Reading a document into dicts and writing it again drops all but the last of the same name, and with each its
    colon. Without a backslash every text is written as it was read, so the colons are as many only if none was
    dropped. Twice as fast as a scanner that shows us each object.
    """
    return b"\\" not in body and body.count(b":") == _encode(_decode(body)).count(b":")


def read_text(body: bytes) -> str:
    """Read a body that is a document of its own, such as TOML; raises MalformedBody or BodyInvalid."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise MalformedBody("The body is not UTF-8.") from None
    if text.startswith("\ufeff"):
        raise MalformedBody("The body begins with a byte order mark; send it without.")
    if "\x00" in text:
        raise whole("not_text", "A text holds the character NUL.")
    return text


def read_envelope(body: bytes) -> list[msgspec.Raw]:
    """Take a JSON array apart without looking into its elements; raises MalformedBody or BodyInvalid."""
    try:
        return decoder_for(_ROWS).decode(body)  # type: ignore[no-any-return]
    except (ValueError, RecursionError) as problem:
        say_why(body, problem)


_ROWS: Final[Any] = list[msgspec.Raw]
