"""The gateway 46elks: no signature, so where they come from, the secret in our address, and a password where set.

Source: 46elks' pages on receiving SMS and on the origin of their callbacks.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any, ClassVar, Final
from urllib.parse import urlencode

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
    state_of,
    text_of,
)
from loyalty_engine.messages.carrying import Leaving, Receipt
from rules import sms_parts

_ORIGINS: Final = ("176.10.154.199", "85.24.146.132", "185.39.146.243", "2001:9b0:2:902::199")
_OK: Final = 200
_DELIVERED: Final = frozenset({"delivered"})
_FAILED: Final = frozenset({"failed"})


class FortySixElks(Gateway, frozen=True, kw_only=True):
    """An account with 46elks. `addresses` is where their callbacks come from."""

    name: ClassVar[str] = "fortysixelks"

    api_username: str
    api_password: str
    sender: str
    addresses: tuple[str, ...] = _ORIGINS
    # Set when the address given to 46elks has a user and a password in it.
    username: str = ""
    password: str = ""
    api_url: str = "https://api.46elks.com/a1"

    def __post_init__(self) -> None:
        """Refuse an account that anybody could speak for."""
        if not self.addresses and not (self.username and self.password):
            raise ValueError("46elks does not sign: name the addresses it comes from, or a username and a password")
        for address in self.addresses:
            ip_address(address)

    def verify(self, arrival: Arrival) -> None:
        """Check the address it comes from, and the password where there is one."""
        if self.username:
            prove(holds=same(needed(arrival.header("authorization")), basic(self.username, self.password)))
        prove(holds=not self.addresses or comes_from(arrival.remote, self.addresses))

    def read(self, arrival: Arrival) -> InboundText | None:
        """Read the form of an incoming message."""
        fields: dict[str, Any] = arrival.fields()
        if fields.get("direction", "incoming") != "incoming":
            return None
        return InboundText(
            text_of(fields, "id"), text_of(fields, "from"), text_of(fields, "to"),
            text_of(fields, "message", empty=True, most=TEXT_MOST),
        )  # fmt: skip

    def report(self, arrival: Arrival) -> Report | None:
        """Read a delivery report."""
        fields: dict[str, Any] = arrival.fields()
        word = text_of(fields, "status")
        return Report(text_of(fields, "id"), state_of(word, delivered=_DELIVERED, failed=_FAILED))

    def order(self, message: Leaving, report_url: str) -> Order:
        """Ask for a text to be sent."""
        form = {"from": self.sender, "to": message.to, "message": message.text, "whendelivered": report_url}
        return Order(
            "POST", f"{self.api_url}/sms",
            {"authorization": basic(self.api_username, self.api_password),
             "content-type": "application/x-www-form-urlencoded"},
            urlencode(form).encode(),
        )  # fmt: skip

    def taken(self, message: Leaving, said: Said) -> Receipt:
        """Read the answer; its id is the one the delivery report comes by."""
        found = said.json()
        if said.status != _OK or not isinstance(found, dict) or not isinstance(found.get("id"), str):
            raise refused(said, "46elks")
        parts = found.get("parts")
        return Receipt(found["id"], parts if isinstance(parts, int) and parts > 0 else sms_parts(message.text))


def comes_from(remote: str, addresses: tuple[str, ...]) -> bool:
    """Tell whether an address is on a list, however it is written."""
    try:
        came = ip_address(remote)
    except ValueError:
        return False
    mapped = getattr(came, "ipv4_mapped", None)
    return any(ip_address(address) in {came, mapped} for address in addresses)
