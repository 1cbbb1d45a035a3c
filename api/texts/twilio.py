"""Twilio: signed by HMAC over the configured address and every field, in the order of their names.

Source: Twilio's page on webhook security. The signature has no instant in it, so what is sent again is known by its
MessageSid. Which algorithm is used is set here and never chosen by a header.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from typing import Any, ClassVar, Final, Literal
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from api.texts.gateway import (
    TEXT_MOST,
    Arrival,
    Gateway,
    InboundText,
    Order,
    Report,
    Said,
    basic,
    needed,
    prove,
    refused,
    same,
    sha256_hex,
    state_of,
    text_of,
)
from loyalty_engine.messages.carrying import Leaving, Receipt
from rules import sms_parts

_STOPPED: Final = 21610
_CREATED: Final = 201
_DELIVERED: Final = frozenset({"delivered", "read"})
_FAILED: Final = frozenset({"undelivered", "failed", "canceled"})
_PORTS: Final = {"https": 443, "http": 80}


class Twilio(Gateway, frozen=True, kw_only=True):
    """An account with Twilio. `sender` is a number, or the id of a messaging service (MG...)."""

    name: ClassVar[str] = "twilio"
    silence: ClassVar[tuple[int, bytes, bytes]] = (
        200, b"text/xml", b'<?xml version="1.0" encoding="UTF-8"?><Response />',
    )  # fmt: skip

    says_goodbye: ClassVar[bool] = True

    account_sid: str
    auth_token: str
    sender: str
    algorithm: Literal["sha1", "sha256"] = "sha1"
    # The shared key where Twilio signs with SHA-256; else the auth token signs.
    shared_key: str = ""
    api_url: str = "https://api.twilio.com"

    def __post_init__(self) -> None:
        """Refuse an account that could not be told from a stranger."""
        if not self._key:
            raise ValueError("Twilio signs with the auth_token, or with the shared_key where algorithm is sha256")

    @property
    def _key(self) -> str:
        return self.shared_key if self.algorithm == "sha256" else self.auth_token

    def verify(self, arrival: Arrival) -> None:
        """Compare the signature with ours, for the address with its port and without it."""
        given = needed(arrival.header("x-twilio-signature"))
        fields = arrival.form()
        bodies = [value for name, value in arrival.query() if name == "bodySHA256"]
        if bodies:
            prove(holds=len(bodies) == 1 and same(bodies[0].lower(), sha256_hex(arrival.body)))
            fields = []
        else:
            prove(holds=not arrival.body or arrival.media_type == "application/x-www-form-urlencoded")
        prove(holds=any(same(self.signature(url, fields), given) for url in _with_and_without_port(arrival.url)))
        prove(holds=all(same(value, self.account_sid) for name, value in fields if name == "AccountSid"))

    def signature(self, url: str, fields: list[tuple[str, str]]) -> str:
        """Sign an address and its fields: sorted by name, each value of a repeated name once, nothing between them."""
        told = url + "".join(name + value for name, value in sorted(set(fields)))
        digest = hmac.digest(self._key.encode(), told.encode("utf-8", "surrogateescape"), self.algorithm)
        return b64encode(digest).decode()

    def read(self, arrival: Arrival) -> InboundText | None:
        """Read the form of an incoming message."""
        fields: dict[str, Any] = arrival.fields()
        return InboundText(
            text_of(fields, "MessageSid"), text_of(fields, "From"), text_of(fields, "To"),
            text_of(fields, "Body", empty=True, most=TEXT_MOST),
        )  # fmt: skip

    def report(self, arrival: Arrival) -> Report | None:
        """Read a status callback."""
        fields: dict[str, Any] = arrival.fields()
        code = text_of(fields, "ErrorCode", empty=True)
        state = state_of(text_of(fields, "MessageStatus"), delivered=_DELIVERED, failed=_FAILED)
        to = text_of(fields, "To", empty=True)
        return Report(text_of(fields, "MessageSid"), state, code, stopped=code == str(_STOPPED), to=to)

    def order(self, message: Leaving, report_url: str) -> Order:
        """Ask for a text to be sent."""
        sender = "MessagingServiceSid" if self.sender.startswith("MG") else "From"
        form = {"To": message.to, sender: self.sender, "Body": message.text, "StatusCallback": report_url}
        return Order(
            "POST", f"{self.api_url}/2010-04-01/Accounts/{quote(self.account_sid, safe='')}/Messages.json",
            {"authorization": basic(self.account_sid, self.auth_token),
             "content-type": "application/x-www-form-urlencoded"},
            urlencode(form).encode(),
        )  # fmt: skip

    def taken(self, message: Leaving, said: Said) -> Receipt:
        """Read Twilio's answer; its code 21610 is a STOP that Twilio heard before us."""
        found = said.json()
        found = found if isinstance(found, dict) else {}
        if said.status != _CREATED or not isinstance(found.get("sid"), str):
            code = found.get("code", "")
            raise refused(said, f"twilio {code}", stopped=code == _STOPPED)
        return Receipt(found["sid"], _parts(found.get("num_segments"), message))


def _parts(said: object, message: Leaving) -> int:
    return (
        int(said)
        if isinstance(said, str) and said.isascii() and said.isdigit() and said != "0"
        else sms_parts(message.text)
    )


def _with_and_without_port(url: str) -> list[str]:
    """Give an address as it is, and with the usual port added or taken away: Twilio signs either."""
    parts = urlsplit(url)
    usual = _PORTS.get(parts.scheme)
    host = parts.hostname or ""
    if ":" in host:
        host = f"[{host}]"
    try:
        port = parts.port
    except ValueError:
        return [url]
    others = []
    if port is None and usual is not None:
        others = [f"{host}:{usual}"]
    elif port is not None:
        others = [host]
    return [url, *(urlunsplit(parts._replace(netloc=netloc)) for netloc in others)]
