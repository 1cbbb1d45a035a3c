"""Spending over the counter: set something aside, spend it or let go of it; and vouchers with their pictures."""

from __future__ import annotations

from litestar import get, post
from litestar.params import FromPath, JSONBody
from litestar.types import ASGIApp

from api.asking import Ask, reply, reply_stored
from api.calls import MANAGE, TILL, TILL_OR_READ, promised
from loyalty_engine import ids
from loyalty_engine.errors import (
    BodyInvalid,
    IdempotencyKeyReused,
    IdentifierInvalid,
    InsufficientBalance,
    LocationNotYours,
    MemberNotFoundByNumber,
    MemberUnknown,
    ProgrammeMissing,
    UnitUnknown,
)
from loyalty_engine.identity.errors import VerificationNeeded
from loyalty_engine.redemption import handing_out, holding, holds
from loyalty_engine.redemption.answers import VoucherAnswer, VoucherPage
from loyalty_engine.redemption.commands import CaptureHold, IssueVoucher, PlaceHold, ReleaseHold, UndoHold
from loyalty_engine.redemption.errors import (
    CodeUsedUp,
    CodeWrong,
    HoldClosed,
    HoldUnknown,
    PerkAllGone,
    PerkNotForTier,
    PerkNotNow,
    PerkOnlyGranted,
    PerkUnknown,
    PerkUsedUp,
    StepUpRequired,
    VoucherExpired,
    VoucherUnknown,
    VoucherUsed,
)
from loyalty_engine.redemption.hold_answers import HoldShown

_MAY_HAVE = (PerkUnknown, PerkNotNow, PerkNotForTier, PerkUsedUp, PerkAllGone, InsufficientBalance)


@post(
    "/holds",
    **promised(
        scopes=TILL,
        answers={201: HoldShown},
        refusals=(
            IdempotencyKeyReused, LocationNotYours, IdentifierInvalid, MemberUnknown, MemberNotFoundByNumber,
            ProgrammeMissing, PerkOnlyGranted, *_MAY_HAVE, VoucherUnknown, VoucherUsed, VoucherExpired, UnitUnknown,
            VerificationNeeded,
        ),
        changes=True,
    ),
)  # fmt: skip
async def place_hold(request: Ask, data: JSONBody[PlaceHold]) -> ASGIApp:
    """Set aside a perk, a voucher or units, until captured, released, or the time is up."""
    return reply_stored(await holds.place(request.house, request.caller, data, request.ticket()))


@get("/holds/{hold_id:str}", **promised(scopes=TILL_OR_READ, answers={200: HoldShown}, refusals=(HoldUnknown,)))
async def read_hold(request: Ask, hold_id: FromPath[str]) -> ASGIApp:
    """Show a hold as it stands now."""
    if not ids.is_id(hold_id, "hld"):
        raise HoldUnknown
    return reply(await holding.read_hold(request.house, request.caller, hold_id, at=request.received_at))


@post(
    "/holds/{hold_id:str}/capture",
    **promised(
        scopes=TILL,
        answers={200: HoldShown},
        refusals=(IdempotencyKeyReused, HoldUnknown, HoldClosed, StepUpRequired, CodeUsedUp, CodeWrong,
                  InsufficientBalance, VerificationNeeded),
        changes=True,
    ),
)  # fmt: skip
async def capture_hold(request: Ask, hold_id: FromPath[str], data: JSONBody[CaptureHold]) -> ASGIApp:
    """Spend what was set aside, of units also a part; the rest is free again."""
    ticket = request.ticket()
    if not ids.is_id(hold_id, "hld"):
        raise HoldUnknown
    return reply_stored(await holds.capture(request.house, request.caller, hold_id, data, ticket))


@post(
    "/holds/{hold_id:str}/release",
    **promised(
        scopes=TILL, answers={200: HoldShown}, refusals=(IdempotencyKeyReused, HoldUnknown, HoldClosed), changes=True
    ),
)
async def release_hold(request: Ask, hold_id: FromPath[str], data: JSONBody[ReleaseHold]) -> ASGIApp:
    """Let go of what was set aside."""
    ticket = request.ticket()
    if not ids.is_id(hold_id, "hld"):
        raise HoldUnknown
    return reply_stored(await holds.release(request.house, request.caller.business_id, hold_id, data, ticket))


@post(
    "/holds/{hold_id:str}/undo",
    **promised(
        scopes=TILL, answers={200: HoldShown}, refusals=(IdempotencyKeyReused, HoldUnknown, HoldClosed), changes=True
    ),
)
async def undo_hold(request: Ask, hold_id: FromPath[str], data: JSONBody[UndoHold]) -> ASGIApp:
    """Let go of what was set aside because the member says that it was not them, with the token they were sent."""
    ticket = request.ticket()
    if not ids.is_id(hold_id, "hld"):
        raise HoldUnknown
    house, business_id = request.house, request.caller.business_id
    return reply_stored(await holds.release(house, business_id, hold_id, data, ticket, token=data.token))


@post(
    "/members/{member_id:str}/vouchers",
    **promised(
        scopes=MANAGE,
        answers={201: VoucherAnswer},
        refusals=(
            IdempotencyKeyReused,
            MemberUnknown,
            ProgrammeMissing,
            BodyInvalid,
            PerkOnlyGranted,
            *_MAY_HAVE,
            VerificationNeeded,
        ),
        changes=True,
    ),
)
async def issue_voucher(request: Ask, member_id: FromPath[str], data: JSONBody[IssueVoucher]) -> ASGIApp:
    """Give a member a voucher, with a reason, or let them buy one with units."""
    ticket = request.ticket()
    if not ids.is_id(member_id, "mem"):
        raise MemberUnknown
    return reply_stored(await handing_out.issue(request.house, request.caller, member_id, data, ticket))


@get(
    "/members/{member_id:str}/vouchers",
    **promised(scopes=TILL_OR_READ, answers={200: VoucherPage}, refusals=(MemberUnknown, VerificationNeeded)),
)
async def list_vouchers(request: Ask, member_id: FromPath[str]) -> ASGIApp:
    """Show a member's vouchers, newest first, used ones too."""
    if not ids.is_id(member_id, "mem"):
        raise MemberUnknown
    return reply(await handing_out.list_vouchers(request.house, request.caller, member_id, at=request.received_at))


@get(
    "/vouchers/{voucher_id:str}",
    **promised(scopes=TILL_OR_READ, answers={200: VoucherAnswer}, refusals=(VoucherUnknown, VerificationNeeded)),
)
async def read_voucher(request: Ask, voucher_id: FromPath[str]) -> ASGIApp:
    """Show a voucher with its QR picture and its history."""
    if not ids.is_id(voucher_id, "vch"):
        raise VoucherUnknown
    return reply(await handing_out.read_voucher(request.house, request.caller, voucher_id, at=request.received_at))


ROUTES = [
    place_hold, read_hold, capture_hold, release_hold, undo_hold, issue_voucher, list_vouchers, read_voucher,
]  # fmt: skip
