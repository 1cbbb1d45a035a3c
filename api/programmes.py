"""The programme over the counter: hand in the draft as a file, have it checked, publish it, look back."""

from __future__ import annotations

import re
from typing import Any, Final, Literal

from litestar import get, post, put
from litestar.params import FromPath, JSONBody
from litestar.types import ASGIApp
from msgspec import Struct

from api import complaints, wire
from api.asking import Ask, header, reply, reply_stored
from api.calls import MANAGE, READ, promised
from loyalty_engine import planning, programmes
from loyalty_engine.answers import CheckAnswer, DraftAnswer, VersionAnswer
from loyalty_engine.backtest.answer import BacktestAnswer
from loyalty_engine.commands import BacktestProgramme, PublishProgramme, RollBack
from loyalty_engine.errors import (
    BacktestRunning,
    CursorMalformed,
    DraftMissing,
    IdempotencyKeyReused,
    ParameterMalformed,
    ProgrammeMissing,
    ProgrammeRefused,
    VersionUnknown,
)
from loyalty_engine.planning import Difference

_NUMBER: Final = re.compile("^[1-9][0-9]{0,8}$", re.ASCII)


class VersionPage(Struct, frozen=True):
    """A page of published versions, newest first; `next_cursor` is null on the last."""

    items: tuple[VersionAnswer, ...]
    next_cursor: str | None


async def _source(request: Ask) -> tuple[str, Literal["toml", "json"]]:
    """Read a programme as it was written, TOML or JSON; its shape is for the rule book to judge."""
    body, kind = await request.document()
    text = wire.read_text(body)
    if kind == "toml":
        return text, "toml"
    document = complaints.parse(body)
    complaints.check_text(document)
    if not isinstance(document, dict):
        raise complaints.whole("wrong_type", "A programme is an object.")
    return text, "json"


@get("/programme/draft", **promised(scopes=READ, answers={200: DraftAnswer}, refusals=(DraftMissing,)))
async def read_draft(request: Ask) -> ASGIApp:
    """Show the draft as it stands, and what the check says of it."""
    return reply(await programmes.read_draft(request.house, request.caller))


@put(
    "/programme/draft",
    **promised(
        scopes=MANAGE,
        answers={200: DraftAnswer},
        refusals=(ProgrammeRefused,),
        takes=("json", "toml"),
        body=dict[str, Any],
    ),
)
async def save_draft(request: Ask) -> ASGIApp:
    """Make a programme the draft; one that cannot be read is refused, with every place that is wrong."""
    source, written = await _source(request)
    return reply(await programmes.save_draft(request.house, request.caller, source, written, at=request.received_at))


@post(
    "/programme/check",
    **promised(
        scopes=MANAGE,
        answers={200: CheckAnswer},
        refusals=(DraftMissing, ProgrammeRefused),
        takes=("json", "toml"),
        body=dict[str, Any],
        body_required=False,
    ),
)
async def check_programme(request: Ask) -> ASGIApp:
    """Check the programme that is sent along, or the draft when nothing is; nothing is kept."""
    if header(request.scope, b"content-type") is None and not await request.body():
        return reply(await programmes.check_source(request.house, request.caller, None, "toml"))
    source, written = await _source(request)
    return reply(await programmes.check_source(request.house, request.caller, source, written))


@post(
    "/programme/publish",
    **promised(
        scopes=MANAGE,
        answers={200: VersionAnswer, 201: VersionAnswer},
        refusals=(DraftMissing, ProgrammeRefused, IdempotencyKeyReused),
        changes=True,
    ),
)
async def publish_programme(request: Ask, data: JSONBody[PublishProgramme]) -> ASGIApp:
    """Publish the draft: from now on it judges what happens from now on."""
    return reply_stored(await programmes.publish(request.house, request.caller, data, request.ticket()))


@post(
    "/programme/rollback",
    **promised(
        scopes=MANAGE,
        answers={200: VersionAnswer, 201: VersionAnswer},
        refusals=(VersionUnknown, ProgrammeMissing, ProgrammeRefused, IdempotencyKeyReused),
        changes=True,
    ),
)
async def roll_back_programme(request: Ask, data: JSONBody[RollBack]) -> ASGIApp:
    """Publish once more what an older version said; 200 when that is what is current already."""
    return reply_stored(await planning.roll_back(request.house, request.caller, data, request.ticket()))


@post(
    "/programme/backtest",
    **promised(
        scopes=READ,
        answers={200: BacktestAnswer},
        refusals=(DraftMissing, ProgrammeRefused, ProgrammeMissing, VersionUnknown, BacktestRunning),
    ),
)
async def backtest_programme(request: Ask, data: JSONBody[BacktestProgramme]) -> ASGIApp:
    """Try a programme, or the draft, on all that is in the journal: what would it have given? Nothing is kept."""
    return reply(await planning.try_out(request.house, request.caller, data, at=request.received_at))


@get(
    "/programme/diff",
    **promised(
        scopes=READ,
        answers={200: Difference},
        refusals=(DraftMissing, ProgrammeRefused, ProgrammeMissing, VersionUnknown, ParameterMalformed),
        asks=dict.fromkeys(("from", "to"), _NUMBER.pattern),
    ),
)
async def compare_programmes(request: Ask) -> ASGIApp:
    """Tell in sentences what differs between the versions `from` and `to`; left out, the current one and the draft."""
    given = request.asked()
    before, after = (int(given[name]) if name in given else None for name in ("from", "to"))
    return reply(await planning.difference(request.house, request.caller, before, after))


@get(
    "/programme/versions",
    **promised(scopes=READ, answers={200: VersionPage}, refusals=(CursorMalformed, ParameterMalformed), pages=True),
)
async def list_versions(request: Ask) -> ASGIApp:
    """List what has been published, newest first."""
    limit, cursor = request.page()
    found, more = await programmes.versions(request.house, request.caller, limit=limit, cursor=cursor)
    return reply(VersionPage(found, more))


@get(
    "/programme/versions/{number:str}",
    **promised(scopes=READ, answers={200: VersionAnswer}, refusals=(VersionUnknown,)),
)
async def read_version(request: Ask, number: FromPath[str]) -> ASGIApp:
    """Show one published version with its rules."""
    if not _NUMBER.fullmatch(number):
        raise VersionUnknown
    return reply(await programmes.version(request.house, request.caller, int(number)))


ROUTES = [
    read_draft,
    save_draft,
    check_programme,
    publish_programme,
    roll_back_programme,
    backtest_programme,
    compare_programmes,
    list_versions,
    read_version,
]
