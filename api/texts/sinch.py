"""Sinch: an HMAC over the body, a nonce and an instant, or a password, as their account manager has set it up.

Source: Sinch's pages on SMS webhooks and on the callbacks' HMAC. What their library does not check, the instant, is
checked here; what is sent twice is known by its id.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from typing import ClassVar, Final
from urllib.parse import quote

import msgspec

from api.texts.gateway import (
    TEXT_MOST,
    Arrival,
    Gateway,
    InboundText,
    Order,
    Report,
    Said,
    basic,
    in_time,
    needed,
    number,
    prove,
    refused,
    same,
    state_of,
    text_of,
)
from loyalty_engine.messages.carrying import Leaving, Receipt
from rules import sms_parts

_DELIVERED: Final = frozenset({"delivered"})
_FAILED: Final = frozenset({"failed", "aborted", "rejected", "deleted", "expired", "cancelled"})
_CREATED: Final = 201
_TEXT: Final = "mo_text"


class Sinch(Gateway, frozen=True, kw_only=True):
    """A service plan with Sinch. Either `webhook_secret` (HMAC), or `username` and `password` (Basic)."""

    name: ClassVar[str] = "sinch"

    service_plan_id: str
    api_token: str
    sender: str
    webhook_secret: str = ""
    username: str = ""
    password: str = ""
    api_url: str = "https://eu.sms.api.sinch.com"

    def __post_init__(self) -> None:
        """Refuse a plan whose callbacks prove nothing, which is how Sinch begins them."""
        if not self.webhook_secret and not (self.username and self.password):
            raise ValueError("Sinch proves nothing until asked to: give the webhook_secret, or username and password")

    def verify(self, arrival: Arrival) -> None:
        """Check the HMAC and its age, or the password."""
        if not self.webhook_secret:
            prove(holds=same(needed(arrival.header("authorization")), basic(self.username, self.password)))
            return
        given = needed(arrival.header("x-sinch-webhook-signature"))
        nonce = needed(arrival.header("x-sinch-webhook-signature-nonce"))
        instant = needed(arrival.header("x-sinch-webhook-signature-timestamp"))
        prove(holds=arrival.header("x-sinch-webhook-signature-algorithm") == "HmacSHA256")
        prove(holds=same(self.signature(arrival.body, nonce, instant), given))
        prove(holds=in_time(instant, arrival.at))

    def signature(self, body: bytes, nonce: str, instant: str) -> str:
        """Sign a body: itself, the nonce and the instant, with points between them."""
        told = body + f".{nonce}.{instant}".encode("utf-8", "surrogatepass")
        return b64encode(hmac.digest(self.webhook_secret.encode(), told, "sha256")).decode()

    def read(self, arrival: Arrival) -> InboundText | None:
        """Read an incoming message; a binary one or a picture is none."""
        fields = arrival.json()
        if fields.get("type") != _TEXT:
            return None
        return InboundText(
            text_of(fields, "id"), number(text_of(fields, "from")), number(text_of(fields, "to")),
            text_of(fields, "body", empty=True, most=TEXT_MOST),
        )  # fmt: skip

    def report(self, arrival: Arrival) -> Report | None:
        """Read a recipient's delivery report."""
        fields = arrival.json()
        if fields.get("type") != "recipient_delivery_report_sms":
            return None
        state = state_of(text_of(fields, "status"), delivered=_DELIVERED, failed=_FAILED)
        return Report(text_of(fields, "batch_id"), state, text_of(fields, "code", empty=True))

    def order(self, message: Leaving, report_url: str) -> Order:
        """Ask for a text to be sent."""
        body = {
            "from": self.sender, "to": [message.to], "body": message.text, "delivery_report": "per_recipient",
            "callback_url": report_url, "client_reference": message.id,
        }  # fmt: skip
        return Order(
            "POST", f"{self.api_url}/xms/v1/{quote(self.service_plan_id, safe='')}/batches",
            {"authorization": f"Bearer {self.api_token}", "content-type": "application/json"},
            msgspec.json.encode(body),
        )  # fmt: skip

    def taken(self, message: Leaving, said: Said) -> Receipt:
        """Read the answer: the id of a batch of one."""
        found = said.json()
        if said.status != _CREATED or not isinstance(found, dict) or not isinstance(found.get("id"), str):
            raise refused(said, "sinch")
        return Receipt(found["id"], sms_parts(message.text))
