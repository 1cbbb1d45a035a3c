"""The key cabinet: which tills may speak for the business, and which shops it has."""

from __future__ import annotations

import re
from typing import Final

from litestar import delete, get, post
from litestar.params import FromPath, JSONBody
from litestar.types import ASGIApp
from msgspec import Struct

from api.asking import Ask, reply, reply_stored
from api.calls import MANAGE, READ, promised
from loyalty_engine import businesses
from loyalty_engine.answers_of_doors import KeyAnswer, LocationAnswer
from loyalty_engine.commands import CreateKey, DeclareLocation
from loyalty_engine.errors import IdempotencyKeyReused, KeyIdUnknown, LocationUnknown

_LABEL_MOST: Final = 100
_KEY_ID: Final = re.compile(r"[0-9A-Za-z]{8}", re.ASCII)


class KeyPage(Struct, frozen=True):
    """The API keys of a business."""

    items: tuple[KeyAnswer, ...]
    next_cursor: str | None = None


class LocationPage(Struct, frozen=True):
    """The shops of a business."""

    items: tuple[LocationAnswer, ...]
    next_cursor: str | None = None


@get("/keys", **promised(scopes=READ, answers={200: KeyPage}))
async def list_keys(request: Ask) -> ASGIApp:
    """List the API keys of the business, without their text."""
    return reply(KeyPage(await businesses.list_keys(request.house, request.caller)))


@post(
    "/keys",
    **promised(scopes=MANAGE, answers={201: KeyAnswer}, refusals=(IdempotencyKeyReused,), changes=True),
)
async def create_key(request: Ask, data: JSONBody[CreateKey]) -> ASGIApp:
    """Make an API key; its text is in this answer and nowhere else."""
    return reply_stored(await businesses.create_key(request.house, request.caller, data, request.ticket()))


@delete("/keys/{key_id:str}", **promised(scopes=MANAGE, answers={204: None}, refusals=(KeyIdUnknown,)))
async def revoke_key(request: Ask, key_id: FromPath[str]) -> None:
    """Make a key worthless from now on; doing it twice is no mistake."""
    if not _KEY_ID.fullmatch(key_id):
        raise KeyIdUnknown
    await businesses.revoke_key(request.house, request.caller, key_id, at=request.received_at)


@get("/locations", **promised(scopes=READ, answers={200: LocationPage}))
async def list_locations(request: Ask) -> ASGIApp:
    """List the shops of the business."""
    return reply(LocationPage(await businesses.list_locations(request.house, request.caller)))


@post(
    "/locations",
    **promised(
        scopes=MANAGE,
        answers={200: LocationAnswer, 201: LocationAnswer},
        refusals=(IdempotencyKeyReused,),
        changes=True,
    ),
)
async def declare_location(request: Ask, data: JSONBody[DeclareLocation]) -> ASGIApp:
    """Declare a shop under the short name its tills send; one that is there already gets the name given."""
    return reply_stored(await businesses.declare_location(request.house, request.caller, data, request.ticket()))


@delete(
    "/locations/{location:str}",
    **promised(scopes=MANAGE, answers={204: None}, refusals=(LocationUnknown,)),
)
async def remove_location(request: Ask, location: FromPath[str]) -> None:
    """Take a shop off the list; what happened there stays as it was told."""
    if len(location) > _LABEL_MOST or "\x00" in location:
        raise LocationUnknown
    await businesses.remove_location(request.house, request.caller, location)


ROUTES = [list_keys, create_key, revoke_key, list_locations, declare_location, remove_location]
