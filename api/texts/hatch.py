"""The hatch at which gateways knock: proved, read, told to the counting house, and answered in the gateway's own way.

Refused in this order: a way in that nobody has (the same answer for an unknown business, gateway or secret), what
proves nothing, and what cannot be read.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Final, Literal

from litestar import route
from litestar.params import FromPath
from litestar.types import ASGIApp

from api import wire
from api.asking import Ask, Reply, header
from api.texts.gateway import Arrival, Gateway, same
from api.texts.registry import set_up
from loyalty_engine.businesses import business_id_of
from loyalty_engine.errors import LoyaltyError
from loyalty_engine.instants import to_micros
from loyalty_engine.messages import sending
from loyalty_engine.texts import inbound, lines
from loyalty_engine.texts.asking import Incoming
from loyalty_engine.texts.errors import ProofWrong

if TYPE_CHECKING:
    from loyalty_engine.texts.lines import Line

_SLUG: Final = re.compile("[a-z0-9-]{1,60}")
# For how long a report's message may still be under way, in seconds between the looks.
_OVERTAKEN: Final = (0.2, 0.5, 1.0, 0)
_NAME: Final = re.compile("[a-z0-9_]{1,30}")


@route("/sms/{gateway:str}/{business:str}/{secret:str}", http_method=["GET", "POST"], status_code=200)
async def receive_text(request: Ask, gateway: FromPath[str], business: FromPath[str], secret: FromPath[str]) -> ASGIApp:
    """Take a text in."""
    line, opened = await _let_in(request, gateway, business, secret)
    arrival = await _arrival(request)
    opened.verify(arrival)
    text = opened.read(arrival)
    if text is not None:
        incoming = Incoming(
            gateway=gateway, id=text.id, sender=text.sender, to=text.to, text=text.text, part=text.part,
            parts=text.parts, series=text.series, words=line.words, says_goodbye=opened.says_goodbye,
        )  # fmt: skip
        await inbound.receive(request.house, line.business_id, business, incoming, at=request.received_at)
    return _silent(opened)


@route("/sms/{gateway:str}/{business:str}/{secret:str}/reports", http_method=["GET", "POST"], status_code=200)
async def receive_report(
    request: Ask, gateway: FromPath[str], business: FromPath[str], secret: FromPath[str]
) -> ASGIApp:
    """Take a delivery report in."""
    line, opened = await _let_in(request, gateway, business, secret)
    arrival = await _arrival(request)
    opened.verify(arrival)
    report = opened.report(arrival)
    if report is not None and report.stopped and report.to:
        # The gateway has heard a STOP before us: it stands here from now on, too.
        house, at = request.house, request.received_at
        await inbound.heard_stop(house, line.business_id, business, report.to, report.gateway_id, at=at)
    if report is not None and report.state != "on its way":
        await _reported(request, line.business_id, report.gateway_id, report.state)
    return _silent(opened)


async def _reported(request: Ask, business_id: int, gateway_id: str, state: Literal["delivered", "failed"]) -> None:
    """Keep a report; one that overtook the gateway's own answer is waited for, so that its message is known."""
    at = to_micros(request.received_at)
    for pause in _OVERTAKEN:
        if await sending.reported(request.house, business_id, gateway_id, state, at=at):
            return
        await asyncio.sleep(pause)


async def _let_in(request: Ask, gateway: str, business: str, secret: str) -> tuple[Line, Gateway]:
    """Find the line a way in leads to; raise ProofWrong for each that leads nowhere."""
    if not (_NAME.fullmatch(gateway) and _SLUG.fullmatch(business)):
        raise ProofWrong
    line = await lines.line_of(request.house, business_id_of(business), gateway)
    if line is None or not same(line.secret, secret):
        raise ProofWrong
    try:
        return line, set_up(gateway, line.settings)
    except LoyaltyError:
        # Settings of an older release that this one cannot read prove nothing.
        raise ProofWrong from None


async def _arrival(request: Ask) -> Arrival:
    """Give what came, with the address as it was configured with the gateway: never by what the caller says of it."""
    scope = request.scope
    body = await wire.read_body(request.receive, header(scope, b"content-length"), wire.BODY_LIMIT)
    raw = scope.get("raw_path") or scope["path"].encode()
    query = scope["query_string"]
    path = raw.split(b"?")[0].decode("latin-1")
    url = request.house.settings.public_url + path + (f"?{query.decode('latin-1')}" if query else "")
    headers = tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"])
    client = scope.get("client")
    return Arrival(request.method, url, headers, body, client[0] if client else "", request.received_at)


def _silent(gateway: Gateway) -> Reply:
    status, media_type, body = gateway.silence
    return Reply(status, body, media_type=media_type)


ROUTES = [receive_text, receive_report]
