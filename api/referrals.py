"""Members bring friends, over the counter: who brings whom, what became of it and why, and an ambassador's own link."""

from __future__ import annotations

from litestar import get, post
from litestar.params import FromPath, JSONBody
from litestar.types import ASGIApp

from api.asking import Ask, reply, reply_stored
from api.calls import MANAGE, READ, TILL, TILL_OR_READ, promised
from loyalty_engine import ids
from loyalty_engine.errors import (
    CursorMalformed,
    IdempotencyKeyReused,
    IdentifierInvalid,
    MemberNotFoundByNumber,
    MemberUnknown,
    ParameterMalformed,
    ProgrammeMissing,
)
from loyalty_engine.referrals import deciding, naming, reading
from loyalty_engine.referrals.answers import Ambassador, ReferralAnswer, ReferralPage
from loyalty_engine.referrals.errors import ReferralOver, ReferralsNotOffered, ReferralUnknown
from loyalty_engine.referrals.told import NameFriend, ReviewReferral

_STATES = "named|joined|held|credited|returning|clawed_back|refused|lapsed|review"


@post(
    "/referrals",
    **promised(
        scopes=TILL,
        answers={201: ReferralAnswer},
        refusals=(
            IdempotencyKeyReused, IdentifierInvalid, MemberUnknown, MemberNotFoundByNumber, ReferralsNotOffered,
            ProgrammeMissing,
        ),
        changes=True,
    ),
)  # fmt: skip
async def name_friend(request: Ask, data: JSONBody[NameFriend]) -> ASGIApp:
    """Let a member name a friend; what does not count is kept too, with its reason. The number is kept as a hash."""
    return reply_stored(await naming.name_friend(request.house, request.caller, data, request.ticket()))


@get(
    "/referrals",
    **promised(
        scopes=READ,
        answers={200: ReferralPage},
        refusals=(CursorMalformed, ParameterMalformed),
        pages=True,
        asks={"state": _STATES},
    ),
)
async def list_referrals(request: Ask) -> ASGIApp:
    """List referrals, newest first; `state=review` are those a person should look at before anybody is credited."""
    limit, cursor = request.page()
    state = request.asked().get("state")
    return reply(await reading.page(request.house, request.caller, state=state, limit=limit, cursor=cursor))


@get(
    "/referrals/{referral_id:str}",
    **promised(scopes=READ, answers={200: ReferralAnswer}, refusals=(ReferralUnknown,)),
)
async def read_referral(request: Ask, referral_id: FromPath[str]) -> ASGIApp:
    """Show a referral with every step it took, when, by whom and why."""
    return reply(await reading.referral(request.house, request.caller, _known(referral_id)))


@post(
    "/referrals/{referral_id:str}/review",
    **promised(
        scopes=MANAGE,
        answers={201: ReferralAnswer},
        refusals=(IdempotencyKeyReused, ReferralUnknown, ReferralOver),
        changes=True,
    ),
)
async def review_referral(request: Ask, referral_id: FromPath[str], data: JSONBody[ReviewReferral]) -> ASGIApp:
    """Let a referral pass that raised doubts, or let one end that is still open."""
    ticket = request.ticket()
    return reply_stored(await deciding.decide_about(request.house, request.caller, _known(referral_id), data, ticket))


@get(
    "/members/{member_id:str}/referral",
    **promised(scopes=TILL_OR_READ, answers={200: Ambassador}, refusals=(MemberUnknown, ProgrammeMissing)),
)
async def read_ambassador(request: Ask, member_id: FromPath[str]) -> ASGIApp:
    """Show a member as an ambassador: code, link and QR picture, whom they named, and what it gave them."""
    if not ids.is_id(member_id, "mem"):
        raise MemberUnknown
    return reply(await reading.ambassador(request.house, request.caller, member_id, at=request.received_at))


def _known(referral_id: str) -> str:
    if not ids.is_id(referral_id, "ref"):
        raise ReferralUnknown
    return referral_id


ROUTES = [name_friend, list_referrals, read_referral, review_referral, read_ambassador]
