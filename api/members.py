"""Members over the counter: is this number one of ours, let them join, what do they have, and why."""

from __future__ import annotations

from litestar import get, post
from litestar.params import FromPath, JSONBody
from litestar.types import ASGIApp
from msgspec import Struct

from api.asking import Ask, reply, reply_stored
from api.calls import CONSENT, READ, TILL, promised
from loyalty_engine import enrolling, ids, members
from loyalty_engine.answers import AdjustmentAnswer, LedgerPage, LookupAnswer, MemberAnswer
from loyalty_engine.commands import AdjustBalance, EnrolMember, MemberRef
from loyalty_engine.errors import (
    CursorMalformed,
    IdempotencyKeyReused,
    IdentifierInvalid,
    InsufficientBalance,
    LocationNotYours,
    LocationUndeclared,
    MemberUnknown,
    ParameterMalformed,
    ProgrammeMissing,
    ScopeMissing,
    UnitUnknown,
)
from loyalty_engine.mending import adjusting
from loyalty_engine.mending.errors import GoodwillSpent
from loyalty_engine.redemption import greeting


class Lookup(Struct, frozen=True, forbid_unknown_fields=True):
    """Asks for a member by the number or address they say, or by id."""

    member: MemberRef


@post(
    "/members/lookup",
    **promised(
        scopes=TILL,
        answers={200: LookupAnswer},
        refusals=(IdentifierInvalid, MemberUnknown, ProgrammeMissing),
    ),
)
async def lookup_member(request: Ask, data: JSONBody[Lookup]) -> ASGIApp:
    """Tell what a number has here; one that is not a member's is answered `known: false`."""
    return reply(await greeting.lookup(request.house, request.caller, data.member, at=request.received_at))


@post(
    "/members",
    **promised(
        scopes=TILL,
        answers={200: MemberAnswer, 201: MemberAnswer},
        refusals=(
            IdempotencyKeyReused, IdentifierInvalid, MemberUnknown, LocationNotYours, LocationUndeclared,
            ProgrammeMissing, *CONSENT,
        ),
        changes=True,
    ),
)  # fmt: skip
async def enrol_member(request: Ask, data: JSONBody[EnrolMember]) -> ASGIApp:
    """Let somebody join by saying a number or an address (201); who is a member already stays one (200)."""
    return reply_stored(await enrolling.enrol(request.house, request.caller, data, request.ticket()))


@get(
    "/members/{member_id:str}",
    **promised(scopes=READ, answers={200: MemberAnswer}, refusals=(MemberUnknown, ProgrammeMissing)),
)
async def read_member(request: Ask, member_id: FromPath[str]) -> ASGIApp:
    """Show one member; numbers and addresses stay masked."""
    if not ids.is_id(member_id, "mem"):
        raise MemberUnknown
    return reply(await members.read_member(request.house, request.caller, member_id, at=request.received_at))


@get(
    "/members/{member_id:str}/ledger",
    **promised(
        scopes=READ,
        answers={200: LedgerPage},
        refusals=(MemberUnknown, CursorMalformed, ParameterMalformed),
        pages=True,
    ),
)
async def read_ledger(request: Ask, member_id: FromPath[str]) -> ASGIApp:
    """Show every movement on a member's accounts, newest first, each with the sentence that explains it."""
    limit, cursor = request.page()
    if not ids.is_id(member_id, "mem"):
        raise MemberUnknown
    return reply(await members.ledger_page(request.house, request.caller, member_id, limit=limit, cursor=cursor))


@post(
    "/members/{member_id:str}/adjustments",
    **promised(
        scopes=TILL,
        answers={201: AdjustmentAnswer},
        refusals=(
            IdempotencyKeyReused,
            MemberUnknown,
            UnitUnknown,
            GoodwillSpent,
            InsufficientBalance,
            ProgrammeMissing,
        ),
        changes=True,
    ),
)
async def adjust_balance(request: Ask, member_id: FromPath[str], data: JSONBody[AdjustBalance]) -> ASGIApp:
    """Give or take units by hand, with the reason that the member will read.

    That takes the scope manage, except for goodwill: `staff` gives out of what the programme lets them give in a day.
    """
    ticket = request.ticket()
    if data.staff is None and "manage" not in request.caller.scopes:
        raise ScopeMissing("An adjustment needs a key with the scope manage; a till gives goodwill by naming staff.")
    if not ids.is_id(member_id, "mem"):
        raise MemberUnknown
    return reply_stored(await adjusting.adjust(request.house, request.caller, member_id, data, ticket))


ROUTES = [lookup_member, enrol_member, read_member, read_ledger, adjust_balance]
