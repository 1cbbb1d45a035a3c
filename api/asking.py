"""One question at the door and the reply to it: who asks, with which ticket, what they brought along."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import parse_qsl

import msgspec
from litestar import Request
from litestar.datastructures import State
from litestar.types import Receive, Scope, Send

from api import wire
from api.wire import Kind
from loyalty_engine.businesses import Caller
from loyalty_engine.commands import Ticket
from loyalty_engine.errors import (
    CursorMalformed,
    IdempotencyKeyMalformed,
    IdempotencyKeyMissing,
    MalformedBody,
    ParameterMalformed,
)

if TYPE_CHECKING:
    from api.calls import Call
    from loyalty_engine.answers import Answer
    from loyalty_engine.house import House

PAGE_USUAL: Final = 25
PAGE_MOST: Final = 100

_KEY: Final = re.compile(r"[\x20-\x7e]{1,255}")
_QUOTED: Final = re.compile(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"')
_CURSOR: Final = re.compile(r"[0-9A-Za-z._-]{1,80}")
JSON: Final = b"application/json"
_HIT: Final = (b"idempotency-hit", b"true")

encode = msgspec.json.Encoder().encode


def header(scope: Scope, name: bytes) -> bytes | None:
    """Give the value of a header by its lower-case name; the first, where it was sent twice."""
    for each, value in scope["headers"]:
        if each == name:
            return value
    return None


def key_of(text: str) -> str:
    """Read an idempotency key, bare or quoted (RFC 8941); raises IdempotencyKeyMalformed."""
    if text.startswith('"'):
        quoted = _QUOTED.fullmatch(text)
        if quoted is None:
            raise IdempotencyKeyMalformed
        text = re.sub(r"\\(.)", r"\1", quoted[1])
    if _KEY.fullmatch(text) is None:
        raise IdempotencyKeyMalformed
    return text


class Ask(Request[None, Caller, State]):
    """A request that reads its body strictly and knows its caller, its ticket and the house."""

    __slots__ = ()

    @property
    def house(self) -> House:
        """The counting house behind this door."""
        return cast("House", self.app.state.house)

    @property
    def caller(self) -> Caller:
        """Who asks; known once access.signed_in has let them in."""
        return cast("Caller", self.scope["auth"])

    @property
    def call(self) -> Call:
        """What the route that answers has promised."""
        return cast("Call", self.route_handler.opt["call"])

    @property
    def request_id(self) -> str:
        """The name of this request in answers and logs."""
        return cast("str", self.scope["state"]["request_id"])

    @property
    def received_at(self) -> datetime:
        """The instant this request came in: the only clock reading the rooms below ever see."""
        return cast("datetime", self.scope["state"]["received_at"])

    def ticket(self) -> Ticket:
        """Give the ticket of a command; raises IdempotencyKeyMissing or IdempotencyKeyMalformed."""
        keys = [value for name, value in self.scope["headers"] if name == b"idempotency-key"]
        if not keys:
            raise IdempotencyKeyMissing
        if len(keys) > 1:
            raise IdempotencyKeyMalformed("One Idempotency-Key is enough.")
        return Ticket(key_of(keys[0].decode("latin-1").strip()), self.request_id, self.received_at)

    async def body(self) -> bytes:
        """Take in the body, once, within the limit of the call; raises MalformedBody when it needs one."""
        state = self._connection_state
        if not isinstance(state.body, bytes):
            state.body = await wire.read_body(self.receive, header(self.scope, b"content-length"), self.call.limit)
        if not state.body and self.call.body_required:
            raise MalformedBody("The body is empty.")
        return state.body

    async def json(self) -> Any:  # whatever the route declares
        """Read the body as the type the route declares for it; see wire.read_json."""
        wire.kind_of(header(self.scope, b"content-type"), "json")
        wanted = self.route_handler.parsed_fn_signature.parameters["data"].annotation
        return wire.read_json(await self.body(), wanted)

    async def document(self) -> tuple[bytes, Kind]:
        """Give the body as it came, and what it says it is."""
        kind = wire.kind_of(header(self.scope, b"content-type"), *self.call.takes)
        return await self.body(), kind

    def asked(self) -> dict[str, str]:
        """Give what stands in the address after the question mark; raises ParameterMalformed."""
        try:
            given = dict(parse_qsl(self.scope["query_string"].decode(), keep_blank_values=True, errors="strict"))
        except ValueError:
            raise ParameterMalformed("The address is not UTF-8.") from None
        for name, pattern in self.call.asks.items():
            if name in given and not re.fullmatch(pattern, given[name], re.ASCII):
                raise ParameterMalformed(f"{name} is not what this call takes.")
        return given

    def page(self) -> tuple[int, str | None]:
        """Read `?limit=&cursor=`; raises ParameterMalformed or CursorMalformed."""
        given = self.asked()
        limit = given.get("limit", str(PAGE_USUAL))
        if not re.fullmatch(r"[1-9][0-9]{0,2}", limit, re.ASCII) or int(limit) > PAGE_MOST:
            raise ParameterMalformed(f"limit is a number from 1 to {PAGE_MOST}.")
        cursor = given.get("cursor")
        if cursor is not None and not _CURSOR.fullmatch(cursor):
            raise CursorMalformed
        return int(limit), cursor


class Reply:
    """Bytes that go out as they are: the smallest thing that answers."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, body: bytes = b"", *headers: tuple[bytes, bytes], media_type: bytes = JSON) -> None:
        """Prepare an answer with these further headers; without a body (204) it has no type and no length."""
        self.status = status
        self.body = body
        self.headers = [*headers]
        if body:
            self.headers += [(b"content-type", media_type), (b"content-length", b"%d" % len(body))]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  # the ASGI shape
        """Send it."""
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": False})


def reply(value: msgspec.Struct, status: int = 200) -> Reply:
    """Answer with a value."""
    return Reply(status, encode(value))


def reply_stored(answer: Answer) -> Reply:
    """Answer with an outcome as it was stored, and say so where an earlier request had brought it about."""
    if answer.hit:
        return Reply(answer.status, answer.body, _HIT)
    return Reply(answer.status, answer.body)
