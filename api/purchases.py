"""The till's own counter: what would this basket earn, here is a purchase, here is what came back."""

from __future__ import annotations

from litestar import get, post
from litestar.params import FromPath, JSONBody
from litestar.types import ASGIApp

from api.asking import Ask, reply, reply_stored
from api.calls import CONSENT, TILL, TILL_OR_READ, promised
from loyalty_engine import earning, ids, purchases, quoting, refunding
from loyalty_engine.answers import PurchaseAnswer, PurchaseRead, QuoteAnswer, RefundAnswer
from loyalty_engine.commands import QuotePurchase, RecordPurchase, RefundByReceipt, RefundPurchase
from loyalty_engine.errors import (
    CurrencyMismatch,
    IdempotencyKeyReused,
    IdentifierInvalid,
    LinesDoNotAddUp,
    LineUnknown,
    LocationNotYours,
    LocationUndeclared,
    MemberNotFoundByNumber,
    MemberUnknown,
    NothingLeftToRefund,
    NotInThisEdition,
    OccurredInFuture,
    OccurredTooLongAgo,
    ProgrammeMissing,
    PurchaseUnknown,
    ReceiptConflict,
    RefundExceedsPurchase,
)
from loyalty_engine.identity.errors import VerificationNeeded

_BASKET = (
    LocationNotYours, MemberUnknown, IdentifierInvalid, OccurredInFuture, OccurredTooLongAgo,
    CurrencyMismatch, LinesDoNotAddUp, ProgrammeMissing, LocationUndeclared,
    MemberNotFoundByNumber, NotInThisEdition,
)  # fmt: skip
_GOODS_BACK = (
    LocationNotYours, IdempotencyKeyReused, ReceiptConflict, OccurredInFuture, OccurredTooLongAgo,
    LineUnknown, RefundExceedsPurchase, NothingLeftToRefund,
)  # fmt: skip


@post("/quotes", **promised(scopes=TILL, answers={200: QuoteAnswer}, refusals=_BASKET))
async def quote_purchase(request: Ask, data: JSONBody[QuotePurchase]) -> ASGIApp:
    """Tell what a basket would earn if it were paid now. Nothing is kept."""
    return reply(await quoting.quote(request.house, request.caller, data, at=request.received_at))


@post(
    "/purchases",
    **promised(
        scopes=TILL,
        answers={201: PurchaseAnswer},
        refusals=(*_BASKET, IdempotencyKeyReused, ReceiptConflict, VerificationNeeded, *CONSENT),
        changes=True,
    ),
)
async def record_purchase(request: Ask, data: JSONBody[RecordPurchase]) -> ASGIApp:
    """Record a purchase that the till has closed, and award what the programme gives for it, once."""
    return reply_stored(await earning.record_purchase(request.house, request.caller, data, request.ticket()))


@get(
    "/purchases/{purchase_id:str}",
    **promised(scopes=TILL_OR_READ, answers={200: PurchaseRead}, refusals=(PurchaseUnknown,)),
)
async def read_purchase(request: Ask, purchase_id: FromPath[str]) -> ASGIApp:
    """Show a purchase as it was answered, and what has been given back since."""
    if not ids.is_id(purchase_id, "pur"):
        raise PurchaseUnknown
    return reply(await purchases.read_purchase(request.house, request.caller, purchase_id))


@post(
    "/purchases/{purchase_id:str}/refunds",
    **promised(scopes=TILL, answers={201: RefundAnswer}, refusals=(PurchaseUnknown, *_GOODS_BACK), changes=True),
)
async def refund_purchase(request: Ask, purchase_id: FromPath[str], data: JSONBody[RefundPurchase]) -> ASGIApp:
    """Take back what a purchase gave, for the goods or the money that were returned."""
    ticket = request.ticket()
    if not ids.is_id(purchase_id, "pur"):
        raise PurchaseUnknown
    return reply_stored(await refunding.record_refund(request.house, request.caller, purchase_id, data, ticket))


@post(
    "/refunds",
    **promised(
        scopes=TILL,
        answers={201: RefundAnswer, 202: RefundAnswer},
        refusals=_GOODS_BACK,
        changes=True,
    ),
)
async def refund_by_receipt(request: Ask, data: JSONBody[RefundByReceipt]) -> ASGIApp:
    """Take back what a purchase gave, named by its receipt; a refund that comes first waits for it (202)."""
    ticket = request.ticket()
    return reply_stored(await refunding.record_refund_by_receipt(request.house, request.caller, data, ticket))


ROUTES = [quote_purchase, record_purchase, read_purchase, refund_purchase, refund_by_receipt]
