"""Who members are, over the counter: two who are one person are merged, and parted again where that was a mistake."""

from __future__ import annotations

from litestar import post
from litestar.params import FromPath, JSONBody
from litestar.types import ASGIApp

from api.asking import Ask, reply_stored
from api.calls import MANAGE, promised
from loyalty_engine import ids, merging, unmerging
from loyalty_engine.errors import (
    BalanceTooLarge,
    HoldsInTheWay,
    IdempotencyKeyReused,
    MemberUnknown,
    MergeNotTheLast,
    MergeUnknown,
    ProgrammeMissing,
)
from loyalty_engine.people import MergeAnswer, MergeMembers


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


ROUTES = [merge_members, undo_merge]
