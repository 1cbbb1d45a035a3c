"""What a manager does by hand: a floor under a member's tier, and units for many at once."""

from __future__ import annotations

from litestar import get, post
from litestar.params import FromPath, JSONBody
from litestar.types import ASGIApp

from api.asking import Ask, reply, reply_stored
from api.calls import MANAGE, promised
from loyalty_engine import ids
from loyalty_engine.errors import IdempotencyKeyReused, MemberUnknown, OccurredTooLongAgo, ProgrammeMissing, UnitUnknown
from loyalty_engine.mending import cohorts
from loyalty_engine.mending.asked import AwardMany, ManyAnswer, PlaceMember, PlacementAnswer, UndoMany
from loyalty_engine.mending.errors import AwardUnknown, TierUnknown
from loyalty_engine.standing import placing


@post(
    "/members/{member_id:str}/tier",
    **promised(
        scopes=MANAGE, answers={201: PlacementAnswer},
        refusals=(OccurredTooLongAgo, IdempotencyKeyReused, MemberUnknown, TierUnknown, ProgrammeMissing),
        changes=True,
    ),
)  # fmt: skip
async def place_member(request: Ask, member_id: FromPath[str], data: JSONBody[PlaceMember]) -> ASGIApp:
    """Put a floor under a member's tier until a day, with the reason; `tier: null` takes every floor away."""
    ticket = request.ticket()
    if not ids.is_id(member_id, "mem"):
        raise MemberUnknown
    return reply_stored(await placing.place(request.house, request.caller, member_id, data, ticket))


@post(
    "/awards",
    **promised(
        scopes=MANAGE, answers={200: ManyAnswer, 202: ManyAnswer},
        refusals=(IdempotencyKeyReused, UnitUnknown, ProgrammeMissing), changes=True,
    ),
)  # fmt: skip
async def award_many(request: Ask, data: JSONBody[AwardMany]) -> ASGIApp:
    """Give each member of a cohort units, once (202: it is under way); with `dry_run` count them only (200)."""
    return reply_stored(await cohorts.award(request.house, request.caller, data, request.ticket()))


@get("/awards/{award_id:str}", **promised(scopes=MANAGE, answers={200: ManyAnswer}, refusals=(AwardUnknown,)))
async def read_award(request: Ask, award_id: FromPath[str]) -> ASGIApp:
    """Tell how far an award to many has come."""
    if not ids.is_id(award_id, "awd"):
        raise AwardUnknown
    return reply(await cohorts.progress(request.house, request.caller, award_id))


@post(
    "/awards/{award_id:str}/undo",
    **promised(scopes=MANAGE, answers={202: ManyAnswer}, refusals=(IdempotencyKeyReused, AwardUnknown), changes=True),
)
async def undo_award(request: Ask, award_id: FromPath[str], data: JSONBody[UndoMany]) -> ASGIApp:
    """Take an award to many back, as far as members have it still."""
    ticket = request.ticket()
    if not ids.is_id(award_id, "awd"):
        raise AwardUnknown
    return reply_stored(await cohorts.undo(request.house, request.caller, award_id, data, ticket))


ROUTES = [place_member, award_many, read_award, undo_award]
