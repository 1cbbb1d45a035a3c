"""The logbook at the door: one JSON object a line, on standard error.

Ordinary lines wait for a moment, so that a busy morning costs one write for many of them; a warning or an error is
written at once, with everything that waited before it.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import sys
from collections.abc import Callable, MutableMapping
from datetime import UTC, datetime
from typing import Any, BinaryIO, Final

import msgspec
import structlog

_WAIT_SECONDS: Final = 0.1
_WAITING_MOST: Final = 200


def clock() -> datetime:
    """Read the clock."""
    return datetime.now(UTC)


class Passage(msgspec.Struct, frozen=True, kw_only=True):
    """The line of one request: who asked what, and how it went; never what was said."""

    event: str = "request"
    level: str = "info"
    at: datetime
    request_id: str
    method: str
    route: str
    status: int
    code: str | None
    ms: float
    business: str | None
    key: str | None


class Logbook:
    """Where lines are written; its methods have the names of the levels, as structlog wants it."""

    def __init__(self, file: BinaryIO) -> None:
        """Write to `file`, and see to it that nothing waits when the program ends."""
        self._file = file
        self._waiting: list[bytes] = []
        atexit.register(self._last)

    def info(self, line: bytes) -> None:
        """Write a line soon."""
        self._waiting.append(line)
        if len(self._waiting) == 1:
            self._flush_soon()
        elif len(self._waiting) >= _WAITING_MOST:
            self.flush()

    def error(self, line: bytes) -> None:
        """Write a line now."""
        self._waiting.append(line)
        self.flush()

    debug = info
    warning = critical = exception = error

    def flush(self) -> None:
        """Write what waits."""
        if self._waiting:
            lines, self._waiting = self._waiting, []
            self._file.write(b"\n".join(lines) + b"\n")
            self._file.flush()

    def _last(self) -> None:
        if not self._file.closed:
            self.flush()

    def _flush_soon(self) -> None:
        try:
            asyncio.get_running_loop().call_later(_WAIT_SECONDS, self.flush)
        except RuntimeError:  # nobody is there to remember it
            self.flush()


def configure_log(level: str) -> None:
    """Open the logbook for lines of this level and above, unless somebody has set up structlog already."""
    if structlog.is_configured():
        return
    book = Logbook(sys.stderr.buffer)
    least = logging.getLevelNamesMapping()[level.upper()]
    _open.append(book if least <= logging.INFO else None)
    structlog.configure(
        cache_logger_on_first_use=True,
        wrapper_class=structlog.make_filtering_bound_logger(least),
        processors=[
            structlog.processors.add_log_level,
            _in_full,
            structlog.processors.JSONRenderer(serializer=_as_json),
        ],
        logger_factory=lambda *_: book,
    )


# The book that configure_log has opened, or None in it where requests are not to be written down.
_open: Final[list[Logbook | None]] = []


def passages() -> Callable[[Passage], None]:
    """Give what writes the line of a request; there are many, so they go to our own book by the shortest way."""
    if not _open:
        log = structlog.get_logger("loyalty.door")
        return lambda passage: log.info(**msgspec.structs.asdict(passage))
    book, encode = _open[-1], msgspec.json.Encoder().encode
    if book is None:
        return lambda _: None
    return lambda passage: book.info(encode(passage))


def _in_full(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Add the time and, where there is one, the story of an exception; the doorstep has its own time at hand."""
    if "at" not in event:
        event["at"] = clock()
    if "exc_info" in event:
        structlog.processors.format_exc_info(None, "", event)
    return event


def _as_json(event: object, **_: object) -> bytes:
    return msgspec.json.encode(event, enc_hook=repr)
