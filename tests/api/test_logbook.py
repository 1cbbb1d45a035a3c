"""Ordinary lines are written together, bad news at once."""

from __future__ import annotations

import asyncio
import io
import json
from datetime import UTC, datetime

import pytest
import structlog

from api import logbook
from api.logbook import Logbook


class Noticed(io.BytesIO):
    """A file that lets one know when it has been flushed."""

    def __init__(self) -> None:
        super().__init__()
        self.flushed = asyncio.Event()

    def flush(self) -> None:
        self.flushed.set()


async def test_ordinary_lines_wait_for_each_other() -> None:
    file = io.BytesIO()
    book = Logbook(file)

    book.info(b"one")
    book.info(b"two")
    assert file.getvalue() == b""

    book.flush()
    assert file.getvalue() == b"one\ntwo\n"


async def test_lines_that_wait_are_written_without_being_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logbook, "_WAIT_SECONDS", 0)
    file = Noticed()
    Logbook(file).info(b"one")

    await file.flushed.wait()

    assert file.getvalue() == b"one\n"


async def test_an_error_is_written_at_once_after_what_waited() -> None:
    file = io.BytesIO()
    book = Logbook(file)
    book.info(b"one")

    book.error(b"two")

    assert file.getvalue() == b"one\ntwo\n"


async def test_not_too_many_lines_wait() -> None:
    file = io.BytesIO()
    book = Logbook(file)

    for _ in range(1000):
        book.info(b"x")

    assert file.getvalue().count(b"\n") == 1000


def test_without_a_loop_nothing_waits() -> None:
    file = io.BytesIO()

    Logbook(file).info(b"one")

    assert file.getvalue() == b"one\n"


def test_a_line_is_one_json_object_with_its_time_and_level() -> None:
    event = logbook._in_full(None, "", {"event": "unhandled", "exc_info": ValueError("five\nlines"), "x": object()})

    told = json.loads(structlog.processors.JSONRenderer(serializer=logbook._as_json)(None, "", event))

    assert told["event"] == "unhandled"
    assert "ValueError: five\nlines" in told["exception"]
    assert told["at"].endswith("Z")


def test_the_line_of_a_request_goes_to_the_open_book_and_says_who_asked_what(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.BytesIO()
    monkeypatch.setattr(logbook, "_open", [Logbook(file)])
    at = datetime(2026, 11, 22, 9, 41, tzinfo=UTC)

    logbook.passages()(
        logbook.Passage(
            at=at, request_id="req-1", method="POST", route="/v1/quotes", status=200, code=None, ms=1.5,
            business="corner-cafe", key="Ab12Cd34",
        )
    )  # fmt: skip

    told = json.loads(file.getvalue())
    assert (told["event"], told["level"], told["at"]) == ("request", "info", "2026-11-22T09:41:00Z")
    assert (told["route"], told["status"], told["business"], told["key"]) == (
        "/v1/quotes", 200, "corner-cafe", "Ab12Cd34"
    )  # fmt: skip
