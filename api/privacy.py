"""What we owe a member over the counter: everything about them, being forgotten, and an answer within a month."""

from __future__ import annotations

from litestar import delete, get, post
from litestar.params import FromPath, JSONBody
from litestar.types import ASGIApp

from api.asking import Ask, reply, reply_stored
from api.calls import MANAGE, READ, promised
from loyalty_engine import ids
from loyalty_engine.errors import (
    CursorMalformed,
    HoldsInTheWay,
    IdempotencyKeyReused,
    MemberUnknown,
    OccurredInFuture,
    OccurredTooLongAgo,
    ParameterMalformed,
    ProgrammeMissing,
    RequestUnknown,
)
from loyalty_engine.identity import alerts, viewing
from loyalty_engine.identity.people import (
    AlertPage,
    MemberExport,
    NoteRequest,
    RequestAnswer,
    RequestPage,
    ShowInFull,
    ShownInFull,
)
from loyalty_engine.privacy import erasing, exporting, requests


@get(
    "/members/{member_id:str}/export",
    **promised(
        scopes=MANAGE,
        answers={200: MemberExport},
        refusals=(MemberUnknown, ParameterMalformed),
        asks={"staff": ".{1,100}", "reason": ".{3,500}"},
    ),
)
async def export_member(request: Ask, member_id: FromPath[str]) -> ASGIApp:
    """Give everything there is about a member, numbers in full; who asked, and why, is written down."""
    said = request.asked()
    if not ids.is_id(member_id, "mem"):
        raise MemberUnknown
    return reply(
        await exporting.export(
            request.house, request.caller, member_id, at=request.received_at, staff=said.get("staff"),
            reason=said.get("reason", ""),
        )
    )  # fmt: skip


@delete(
    "/members/{member_id:str}",
    **promised(scopes=MANAGE, answers={204: None}, refusals=(MemberUnknown, HoldsInTheWay)),
)
async def erase_member(request: Ask, member_id: FromPath[str]) -> None:
    """Erase a member: their key and all that names them is destroyed, what they bought stays under an opaque id."""
    if not ids.is_id(member_id, "mem"):
        raise MemberUnknown
    await erasing.erase(request.house, request.caller, member_id, at=request.received_at)


@post(
    "/members/{member_id:str}/viewings",
    **promised(
        scopes=MANAGE,
        answers={201: ShownInFull},
        refusals=(IdempotencyKeyReused, MemberUnknown),
        changes=True,
    ),
)
async def show_in_full(request: Ask, member_id: FromPath[str], data: JSONBody[ShowInFull]) -> ASGIApp:
    """Show a member's numbers and name in full; who of the staff saw them, and why, is written down."""
    ticket = request.ticket()
    if not ids.is_id(member_id, "mem"):
        raise MemberUnknown
    return reply_stored(await viewing.show_in_full(request.house, request.caller, member_id, data, ticket))


@post(
    "/members/{member_id:str}/requests",
    **promised(
        scopes=MANAGE,
        answers={201: RequestAnswer},
        refusals=(IdempotencyKeyReused, MemberUnknown, OccurredInFuture, OccurredTooLongAgo, ProgrammeMissing),
        changes=True,
    ),
)
async def note_request(request: Ask, member_id: FromPath[str], data: JSONBody[NoteRequest]) -> ASGIApp:
    """Write down what a member asks for under the law; it must be answered within one month."""
    ticket = request.ticket()
    if not ids.is_id(member_id, "mem"):
        raise MemberUnknown
    return reply_stored(await requests.take(request.house, request.caller, member_id, data, ticket))


@get(
    "/requests",
    **promised(scopes=READ, answers={200: RequestPage}, refusals=(CursorMalformed, ParameterMalformed), pages=True),
)
async def list_requests(request: Ask) -> ASGIApp:
    """List the requests that wait for an answer, the most urgent first."""
    limit, cursor = request.page()
    if cursor is not None and not ids.is_id(cursor, "rqs"):
        raise CursorMalformed
    found = await requests.waiting(request.house, request.caller, limit=limit + 1, cursor=cursor)
    return reply(RequestPage(found[:limit], found[limit - 1].id if len(found) > limit else None))


@post(
    "/requests/{request_id:str}/answer",
    **promised(
        scopes=MANAGE,
        answers={200: RequestAnswer},
        refusals=(IdempotencyKeyReused, RequestUnknown),
        changes=True,
        body_required=False,
    ),
)
async def answer_request(request: Ask, request_id: FromPath[str]) -> ASGIApp:
    """Write down that a request has been answered."""
    ticket = request.ticket()
    if not ids.is_id(request_id, "rqs"):
        raise RequestUnknown
    return reply_stored(await requests.close(request.house, request.caller, request_id, ticket))


@get(
    "/alerts",
    **promised(scopes=READ, answers={200: AlertPage}, refusals=(CursorMalformed, ParameterMalformed), pages=True),
)
async def list_alerts(request: Ask) -> ASGIApp:
    """List what a person should look at, newest first: keys that ask for too many numbers, requests that are due."""
    limit, cursor = request.page()
    if cursor is not None and not ids.is_id(cursor, "alr"):
        raise CursorMalformed
    found = await alerts.listed(request.house, request.caller, limit=limit + 1, cursor=cursor)
    return reply(AlertPage(found[:limit], found[limit - 1].id if len(found) > limit else None))


ROUTES = [
    export_member, erase_member, show_in_full, note_request, list_requests, answer_request, list_alerts,
]  # fmt: skip
