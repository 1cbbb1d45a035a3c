"""What members agreed to, over the counter: a decision is written down with its proof, and shown with its history."""

from __future__ import annotations

from typing import Any

from litestar import get, post
from litestar.params import FromPath, JSONBody
from litestar.types import ASGIApp

from api.asking import Ask, Reply, encode, reply, reply_stored
from api.calls import CONSENT, READ, TILL, promised
from loyalty_engine import ids
from loyalty_engine.consent import consenting
from loyalty_engine.consent.answers import ConsentAnswer, ConsentsAnswer
from loyalty_engine.consent.commands import RecordConsent
from loyalty_engine.errors import (
    ConsentNotAskedFor,
    IdempotencyKeyReused,
    LocationNotYours,
    MemberUnknown,
    OccurredInFuture,
    OccurredTooLongAgo,
    ProgrammeMissing,
)


@get(
    "/members/{member_id:str}/consents",
    **promised(scopes=READ, answers={200: ConsentsAnswer}, refusals=(MemberUnknown,)),
)
async def read_consents(request: Ask, member_id: FromPath[str]) -> ASGIApp:
    """Show what a member agrees to now, and every record of how it came to, newest first."""
    if not ids.is_id(member_id, "mem"):
        raise MemberUnknown
    return reply(await consenting.consents_of(request.house, request.caller, member_id, at=request.received_at))


@get(
    "/members/{member_id:str}/consents/export",
    **promised(scopes=READ, answers={200: dict[str, Any]}, refusals=(MemberUnknown, ProgrammeMissing)),
)
async def export_consents(request: Ask, member_id: FromPath[str]) -> ASGIApp:
    """Give a member's consent records to another system: ISO/IEC TS 27560 fields in DPV JSON-LD."""
    if not ids.is_id(member_id, "mem"):
        raise MemberUnknown
    told = await consenting.exported(request.house, request.caller, member_id, at=request.received_at)
    return Reply(200, encode(told))


@post(
    "/members/{member_id:str}/consents",
    **promised(
        scopes=TILL,
        answers={201: ConsentAnswer},
        refusals=(
            IdempotencyKeyReused, MemberUnknown, *CONSENT, ConsentNotAskedFor, OccurredInFuture,
            OccurredTooLongAgo, LocationNotYours, ProgrammeMissing,
        ),
        changes=True,
    ),
)  # fmt: skip
async def record_consent(request: Ask, member_id: FromPath[str], data: JSONBody[RecordConsent]) -> ASGIApp:
    """Write down what a member decided, in which words; a no takes effect at once, also on what waits to be sent."""
    ticket = request.ticket()
    if not ids.is_id(member_id, "mem"):
        raise MemberUnknown
    return reply_stored(await consenting.record_consent(request.house, request.caller, member_id, data, ticket))


ROUTES = [read_consents, export_consents, record_consent]
