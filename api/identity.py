"""Who members are, over the counter: two who are one person are merged, and parted again where that was a mistake."""

from __future__ import annotations

from litestar import patch, post
from litestar.params import FromPath, JSONBody
from litestar.types import ASGIApp

from api.asking import Ask, reply_stored
from api.calls import MANAGE, TILL, promised
from loyalty_engine import ids
from loyalty_engine.errors import (
    BalanceTooLarge,
    HoldsInTheWay,
    IdempotencyKeyReused,
    IdentifierInvalid,
    MemberUnknown,
    MergeNotTheLast,
    MergeUnknown,
    ProgrammeMissing,
)
from loyalty_engine.identity import changing, confirming, merging, unmerging
from loyalty_engine.identity.errors import (
    ConfirmationRefused,
    IdentifierTaken,
    SecondFactNeeded,
    VerificationNeeded,
)
from loyalty_engine.identity.people import (
    ChangeAnswer,
    ChangeMember,
    CodeSent,
    ConfirmCode,
    MergeAnswer,
    MergeMembers,
    VerifyMember,
)


@post(
    "/members/{member_id:str}/merge",
    **promised(
        scopes=MANAGE,
        answers={201: MergeAnswer},
        refusals=(IdempotencyKeyReused, MemberUnknown, HoldsInTheWay, BalanceTooLarge, ProgrammeMissing),
        changes=True,
    ),
)
async def merge_members(request: Ask, member_id: FromPath[str], data: JSONBody[MergeMembers]) -> ASGIApp:
    """Merge a member into another one: their numbers find the other, who has what both had. It can be undone."""
    ticket = request.ticket()
    if not ids.is_id(member_id, "mem"):
        raise MemberUnknown
    return reply_stored(await merging.merge(request.house, request.caller, member_id, data, ticket))


@post(
    "/merges/{merge_id:str}/undo",
    **promised(
        scopes=MANAGE,
        answers={201: MergeAnswer},
        refusals=(
            IdempotencyKeyReused, MergeUnknown, MergeNotTheLast, HoldsInTheWay, BalanceTooLarge, ProgrammeMissing,
        ),
        changes=True,
        body_required=False,
    ),
)  # fmt: skip
async def undo_merge(request: Ask, merge_id: FromPath[str]) -> ASGIApp:
    """Part two merged members again: each has what is left of their own."""
    ticket = request.ticket()
    if not ids.is_id(merge_id, "mrg"):
        raise MergeUnknown
    return reply_stored(await unmerging.undo(request.house, request.caller, merge_id, ticket))


@patch(
    "/members/{member_id:str}",
    **promised(
        scopes=TILL,
        answers={200: ChangeAnswer},
        refusals=(IdempotencyKeyReused, IdentifierInvalid, MemberUnknown, ProgrammeMissing, VerificationNeeded),
        changes=True,
    ),
)
async def change_member(request: Ask, member_id: FromPath[str], data: JSONBody[ChangeMember]) -> ASGIApp:
    """Change a name, language or birthday; a new number or address is sent a code first."""
    ticket = request.ticket()
    if not ids.is_id(member_id, "mem"):
        raise MemberUnknown
    return reply_stored(await changing.change(request.house, request.caller, member_id, data, ticket))


@post(
    "/members/{member_id:str}/verification",
    **promised(
        scopes=TILL,
        answers={202: CodeSent},
        refusals=(IdempotencyKeyReused, IdentifierInvalid, MemberUnknown, ProgrammeMissing),
        changes=True,
    ),
)
async def verify_member(request: Ask, member_id: FromPath[str], data: JSONBody[VerifyMember]) -> ASGIApp:
    """Send a code to a number or address of a member, so that they can show that it is still theirs."""
    ticket = request.ticket()
    if not ids.is_id(member_id, "mem"):
        raise MemberUnknown
    return reply_stored(await changing.verify(request.house, request.caller, member_id, data, ticket))


@post(
    "/members/{member_id:str}/confirmation",
    **promised(
        scopes=TILL,
        answers={200: ChangeAnswer},
        refusals=(
            IdempotencyKeyReused, IdentifierInvalid, MemberUnknown, ConfirmationRefused, SecondFactNeeded,
            IdentifierTaken, ProgrammeMissing,
        ),
        changes=True,
    ),
)  # fmt: skip
async def confirm_code(request: Ask, member_id: FromPath[str], data: JSONBody[ConfirmCode]) -> ASGIApp:
    """Take a code back that was sent to a number or address: from now on it is the member's, or is theirs again."""
    ticket = request.ticket()
    if not ids.is_id(member_id, "mem"):
        raise MemberUnknown
    return reply_stored(await confirming.confirm(request.house, request.caller, member_id, data, ticket))


ROUTES = [merge_members, undo_merge, change_member, verify_member, confirm_code]
