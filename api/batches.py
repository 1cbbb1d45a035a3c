"""What a till kept while it was offline: many commands in one request, each carried out as if it came alone.

Invariant: one row's failure is that row's answer and nobody else's. Rows are carried out in the order given,
so a refund may follow its purchase in the same batch.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

from litestar import post
from litestar.types import ASGIApp
from msgspec import Meta, Raw, Struct

from api import complaints, wire
from api.asking import Ask, key_of, reply
from api.calls import TILL, promised
from api.problems import language_of, problem, read_exception
from loyalty_engine import earning, happenings, ids, refunding
from loyalty_engine.answers import Answer
from loyalty_engine.commands import (
    PurchaseAddress,
    RecordEvent,
    RecordPurchase,
    RefundByReceipt,
    RefundPurchase,
    Ticket,
)
from loyalty_engine.errors import BodyInvalid, DatabaseAway, Detail, PurchaseUnknown
from loyalty_engine.redemption import holds
from loyalty_engine.redemption.commands import CaptureHold
from loyalty_engine.redemption.errors import HoldUnknown

ROWS_MOST: Final = 1000


class Row(Struct, frozen=True, forbid_unknown_fields=True):
    """One command of a batch: what it is, its own idempotency key, and the body it would have had alone."""

    op: str
    key: str
    body: Raw


class RefundRow(RefundPurchase, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """A refund in a batch: `purchase` is the purchase's id, or its receipt and location."""

    purchase: PurchaseAddress | str


class CaptureRow(CaptureHold, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """The capture of a hold in a batch: `hold` is its id."""

    hold: str


class CaptureByRow(Struct, frozen=True, forbid_unknown_fields=True, tag="capture", tag_field="op"):
    """The capture of a hold in a batch, under its own idempotency key."""

    key: str
    body: CaptureRow


class PurchaseRow(Struct, frozen=True, forbid_unknown_fields=True, tag="purchase", tag_field="op"):
    """A purchase in a batch, under its own idempotency key."""

    key: str
    body: RecordPurchase


class RefundByRow(Struct, frozen=True, forbid_unknown_fields=True, tag="refund", tag_field="op"):
    """A refund in a batch, under its own idempotency key."""

    key: str
    body: RefundRow


class EventRow(Struct, frozen=True, forbid_unknown_fields=True, tag="event", tag_field="op"):
    """An event in a batch, under its own idempotency key."""

    key: str
    body: RecordEvent


class RowResult(Struct, frozen=True, omit_defaults=True):
    """What became of a row: `body` as the call alone would have answered, or `problem`."""

    key: str | None
    status: int
    body: Raw | None = None
    problem: dict[str, Any] | None = None


class BatchAnswer(Struct, frozen=True):
    """One result for each row, in the order of the rows."""

    results: tuple[RowResult, ...]


@post(
    "/batches",
    **promised(
        scopes=TILL,
        answers={200: BatchAnswer},
        takes=("json", "ndjson"),
        limit=wire.BATCH_LIMIT,
        body=Annotated[list[PurchaseRow | RefundByRow | EventRow | CaptureByRow], Meta(max_length=ROWS_MOST)],
    ),
)
async def carry_out(request: Ask) -> ASGIApp:
    """Carry out up to 1000 purchases, refunds and events, each under its own key; every row has its result."""
    rows = await _rows(request)
    language = await language_of(request.app, request.caller.business_id)
    results: list[RowResult] = []
    away: DatabaseAway | None = None
    for row in rows:
        result, away = await _result(request, row, language, away)
        results.append(result)
    return reply(BatchAnswer(tuple(results)))


async def _rows(request: Ask) -> list[bytes]:
    """Take the batch apart; each row is read later, by itself."""
    body, kind = await request.document()
    if kind == "ndjson":
        rows = [line for line in body.split(b"\n") if line.strip()]
    else:
        rows = [bytes(row) for row in wire.read_envelope(body)]
    if len(rows) > ROWS_MOST:
        raise complaints.whole("too_long", f"A batch has at most {ROWS_MOST} rows.")
    return rows


async def _result(
    request: Ask, row: bytes, language: str, away: DatabaseAway | None
) -> tuple[RowResult, DatabaseAway | None]:
    """Carry out one row. Once the database is away, the rest is not tried: the till sends it again."""
    key = None
    try:
        read = wire.read_json(row, Row)
        key = key_of(read.key)
        answer = await _carried_out(request, read, Ticket(key, request.request_id, request.received_at), away)
    except Exception as stumble:  # noqa: BLE001  # one row's failure, whatever it is, is that row's answer
        error = read_exception(stumble, request.request_id)
        said = problem(error, request.request_id, language)
        return RowResult(key, error.status, problem=said), error if isinstance(error, DatabaseAway) else away
    return RowResult(key, answer.status, body=Raw(answer.body)), None


async def _carried_out(request: Ask, row: Row, ticket: Ticket, away: DatabaseAway | None) -> Answer:
    if away is not None:
        raise away
    carry = _OPERATIONS.get(row.op)
    if carry is None:
        raise BodyInvalid(
            f"A batch knows the operations {', '.join(sorted(_OPERATIONS))}.",
            details=(Detail("/op", "not_one_of", "There is no such operation in a batch."),),
        )
    return await carry(request, bytes(row.body), ticket)


async def _purchase(request: Ask, body: bytes, ticket: Ticket) -> Answer:
    command = wire.read_json(body, RecordPurchase)
    return await earning.record_purchase(request.house, request.caller, command, ticket)


async def _event(request: Ask, body: bytes, ticket: Ticket) -> Answer:
    command = wire.read_json(body, RecordEvent)
    return await happenings.record_event(request.house, request.caller, command, ticket)


async def _refund(request: Ask, body: bytes, ticket: Ticket) -> Answer:
    told = wire.read_json(body, RefundRow)
    fields = {name: getattr(told, name) for name in RefundPurchase.__struct_fields__}
    if isinstance(told.purchase, PurchaseAddress):
        addressed = RefundByReceipt(**fields, purchase=told.purchase)
        return await refunding.record_refund_by_receipt(request.house, request.caller, addressed, ticket)
    if not ids.is_id(told.purchase, "pur"):
        raise PurchaseUnknown
    return await refunding.record_refund(request.house, request.caller, told.purchase, RefundPurchase(**fields), ticket)


async def _capture(request: Ask, body: bytes, ticket: Ticket) -> Answer:
    told = wire.read_json(body, CaptureRow)
    if not ids.is_id(told.hold, "hld"):
        raise HoldUnknown
    fields = {name: getattr(told, name) for name in CaptureHold.__struct_fields__}
    return await holds.capture(request.house, request.caller, told.hold, CaptureHold(**fields), ticket)


_OPERATIONS: Final[dict[str, Callable[[Ask, bytes, Ticket], Awaitable[Answer]]]] = {
    "purchase": _purchase,
    "refund": _refund,
    "event": _event,
    "capture": _capture,
}

ROUTES = [carry_out]
