"""The postman's bag: carries a business's texts by the gateway it has chosen, asked for anew with each text."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Final

import httpx
import structlog

from api.texts.gateway import Gateway, Said
from api.texts.logged import LoggedTexts
from api.texts.registry import set_up
from api.texts.smtp import Smtp
from loyalty_engine.errors import LoyaltyError
from loyalty_engine.messages import gate, leaving_letters
from loyalty_engine.messages.carrying import Carrier, Leaving, NotCarried, Receipt
from loyalty_engine.texts import inbound, lines

if TYPE_CHECKING:
    from loyalty_engine.house import House

SECONDS: Final = 15.0
ANSWER_MOST: Final = 64 * 1024
_log = structlog.get_logger("loyalty.texts")


class Texts:
    """One business's way out for texts and letters."""

    def __init__(
        self, house: House, client: httpx.AsyncClient, business_id: int, channel: str, now: Callable[[], datetime]
    ) -> None:
        """Look nothing up yet: the line may be set up, or anew, before the next text."""
        self._house, self._client, self._now = house, client, now
        self._business_id, self._channel = business_id, channel
        self.name = "logged"

    async def send(self, message: Leaving) -> Receipt:
        """Hand a text over; raises NotCarried."""
        line = await lines.sending_line(self._house, self._business_id, letters=self._channel == "email")
        if line is None:
            return LoggedTexts().taken(message, Said(200, b""))
        self.name = line.gateway
        slug = await self._slug()
        address = f"{self._house.settings.public_url}/sms/{line.gateway}/{slug}/{line.secret}/reports"
        try:
            gateway = set_up(line.gateway, line.settings)
        except LoyaltyError as problem:
            raise NotCarried(f"{line.gateway} is not set up") from problem
        try:
            if isinstance(gateway, Smtp):
                way = self._way_out(message, slug)
                return await asyncio.to_thread(gateway.post, message, way)
            return gateway.taken(message, await self._ask(gateway, message, address))
        except NotCarried as refused:
            if refused.stopped:
                at = self._now()
                await inbound.heard_stop(self._house, self._business_id, slug, message.to, message.id, at=at)
            raise

    async def _ask(self, gateway: Gateway, message: Leaving, report_url: str) -> Said:
        order = gateway.order(message, report_url)
        if not order.url:
            return Said(200, b"")
        try:
            answer = await self._client.request(order.method, order.url, headers=order.headers, content=order.content)
        except httpx.HTTPError as problem:
            raise NotCarried(type(problem).__name__) from problem
        return Said(answer.status_code, answer.content[:ANSWER_MOST], answer.headers.get("retry-after", ""))

    def _way_out(self, message: Leaving, slug: str) -> str:
        """Give the way out of advertising; what somebody has just asked for has none."""
        if not gate.needs_consent(message.purpose):
            return ""
        return leaving_letters.way_out(self._house, self._business_id, slug, message.id)

    async def _slug(self) -> str:
        found = await self._house.database.fetch(
            "SELECT slug FROM businesses WHERE business_id = $1", self._business_id
        )
        slug: str = found[0][0]
        return slug


def new_client() -> httpx.AsyncClient:
    """Open the one client all gateways are spoken to with: it follows nobody elsewhere and waits for nobody long."""
    return httpx.AsyncClient(timeout=SECONDS, follow_redirects=False, trust_env=False)


def carriers(house: House, client: httpx.AsyncClient, now: Callable[[], datetime]) -> Callable[[int, str], Carrier]:
    """Give the chooser of carriers that the outbox asks."""
    return lambda business_id, channel: Texts(house, client, business_id, channel, now)
