"""The doorstep: names every request, times it, dresses its answer in headers and writes one line in the log.

Invariant: the log never holds a body, an address with its parameters, or a path that was typed by a caller.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import datetime
from typing import Final

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPResponseStartEvent, Message, Receive, Scope, Send

from api.asking import header
from api.logbook import Passage, clock, passages
from loyalty_engine import ids

_SANE: Final = re.compile(rb"[A-Za-z0-9._-]{8,64}")
_ALWAYS: Final = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
]
# What a browser may do with an answer; pages bring a policy of their own.
_POLICY: Final = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")


class Front:
    """Everything passes here first and last, also what no route takes."""

    def __init__(self, app: ASGIApp, now: Callable[[], datetime] = clock) -> None:
        """Stand in front of `app`."""
        self._app = app
        self._now = now
        self._names = ids.Series("req", int(now().timestamp() * 1000))
        self._write = passages()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through and its answer out."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        began = time.perf_counter_ns()
        state = scope["state"]
        state["received_at"] = self._now()
        state["request_id"] = request_id = self._request_id(scope)
        status = 0

        async def leave(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _dress(message, request_id, began)
            await send(message)

        try:
            await self._app(scope, receive, leave)
        finally:
            if (done := state.get("done")) is not None:
                done()
            self._note(scope, status, began)

    def _request_id(self, scope: Scope) -> str:
        given = header(scope, b"x-request-id")
        if given is not None and _SANE.fullmatch(given):
            return given.decode()
        return self._names.new()

    def _note(self, scope: Scope, status: int, began: int) -> None:
        caller = scope.get("auth")
        state = scope["state"]
        passage = Passage(
            at=state["received_at"],
            request_id=state["request_id"],
            method=scope["method"],  # type: ignore[typeddict-item]  # only HTTP comes here
            route=scope.get("path_template", "-"),
            status=status,
            code=state.get("code"),
            ms=round((time.perf_counter_ns() - began) / 1_000_000, 2),
            business=caller.slug if caller else None,
            key=caller.key_id if caller else None,
        )
        self._write(passage)


def _dress(message: HTTPResponseStartEvent, request_id: str, began: int) -> None:
    took = (time.perf_counter_ns() - began) / 1_000_000
    headers = [
        *message["headers"],
        *_ALWAYS,
        (b"x-request-id", request_id.encode()),
        (b"server-timing", b"app;dur=%.2f" % took),
    ]
    if _POLICY[0] not in dict(message["headers"]):
        headers.append(_POLICY)
    message["headers"] = headers
