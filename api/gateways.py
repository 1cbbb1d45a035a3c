"""The telephone book: which gateways carry the business's texts, and which texts a person should read."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from litestar import delete, get, post, put
from litestar.params import FromPath, JSONBody
from litestar.types import ASGIApp
from msgspec import Meta, Struct

from api.asking import Ask, reply, reply_stored
from api.calls import MANAGE, READ, promised
from api.texts.registry import gateways, set_up
from loyalty_engine import ids
from loyalty_engine.errors import IdempotencyKeyReused
from loyalty_engine.texts import lines, reviewing
from loyalty_engine.texts.errors import GatewayRefused, GatewayUnknown, TextUnknown
from loyalty_engine.texts.lexicon import Kind
from loyalty_engine.texts.lines import LineSeen
from loyalty_engine.texts.reviewing import ReviewPage, TextReviewed

_NAME: Final = re.compile("[a-z0-9_]{1,30}")

Word = Annotated[str, Meta(min_length=1, max_length=40, pattern="^[^\\s\\x00-\\x1f]+( [^\\s\\x00-\\x1f]+){0,3}$")]


class ConnectGateway(Struct, frozen=True, forbid_unknown_fields=True):
    """How a gateway is set up: its settings, the business's own words, and whether texts leave by it."""

    settings: dict[str, Any]
    words: dict[Word, Kind] = {}
    sends: bool = True


class GatewayConnected(Struct, frozen=True):
    """The addresses to give to the gateway. They hold a secret and are shown this once."""

    gateway: str
    texts_url: str
    reports_url: str


class GatewayPage(Struct, frozen=True):
    """The gateways of a business."""

    items: tuple[LineSeen, ...]
    next_cursor: str | None = None


@get("/gateways", **promised(scopes=READ, answers={200: GatewayPage}))
async def list_gateways(request: Ask) -> ASGIApp:
    """List the gateways of the business, without their settings."""
    return reply(GatewayPage(await lines.lines_of(request.house, request.caller.business_id)))


@put(
    "/gateways/{gateway:str}",
    **promised(scopes=MANAGE, answers={200: GatewayConnected}, refusals=(GatewayRefused, GatewayUnknown)),
)
async def connect_gateway(request: Ask, gateway: FromPath[str], data: JSONBody[ConnectGateway]) -> ASGIApp:
    """Set a gateway up, or anew: its settings are kept sealed, and the addresses in the answer are new each time."""
    if gateway not in gateways():
        raise GatewayUnknown(f"There is no gateway of this name; there are {', '.join(sorted(gateways()))}.")
    set_up(gateway, data.settings)
    caller = request.caller
    line = await lines.connect(
        request.house, caller.business_id, gateway, data.settings, data.words, sends=data.sends,
        at=request.received_at,
    )  # fmt: skip
    way = f"{request.house.settings.public_url}/sms/{gateway}/{caller.slug}/{line.secret}"
    return reply(GatewayConnected(gateway, way, f"{way}/reports"))


@delete("/gateways/{gateway:str}", **promised(scopes=MANAGE, answers={204: None}, refusals=(GatewayUnknown,)))
async def disconnect_gateway(request: Ask, gateway: FromPath[str]) -> None:
    """Take a gateway down; its secrets are gone, and its address leads nowhere."""
    known = _NAME.fullmatch(gateway) is not None
    if not known or not await lines.disconnect(request.house, request.caller.business_id, gateway):
        raise GatewayUnknown


@get("/texts/review", **promised(scopes=MANAGE, answers={200: ReviewPage}))
async def list_texts_to_review(request: Ask) -> ASGIApp:
    """List the texts that a person should read, oldest first: what was not understood, and complaints."""
    return reply(await reviewing.waiting(request.house, request.caller.business_id))


@post(
    "/texts/{text_id:str}/reviewed",
    **promised(scopes=MANAGE, answers={200: TextReviewed}, refusals=(TextUnknown, IdempotencyKeyReused), changes=True),
)
async def text_reviewed(request: Ask, text_id: FromPath[str]) -> ASGIApp:
    """Take a text off the list of those to read."""
    ticket = request.ticket()
    if not ids.is_id(text_id, "jnl"):
        raise TextUnknown
    return reply_stored(await reviewing.reviewed(request.house, request.caller, text_id, ticket))


ROUTES = [list_gateways, connect_gateway, disconnect_gateway, list_texts_to_review, text_reviewed]
