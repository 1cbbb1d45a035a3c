"""Kannel, one's own gateway: it signs nothing, so it comes from an address on a list and knows the secret in ours.

Source: Kannel's user guide. Its sms-service fetches `...?id=%I&from=%p&to=%P&text=%b&coding=%c&charset=%C`; texts are
sent through its sendsms page, and their delivery reports come to the address we name with each.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any, ClassVar, Final
from urllib.parse import parse_qsl, urlencode

from api.texts.fortysixelks import comes_from
from api.texts.gateway import (
    FIELDS_MOST,
    TEXT_MOST,
    Arrival,
    Gateway,
    InboundText,
    Order,
    Report,
    Said,
    number,
    prove,
    refused,
    text_of,
    unreadable,
)
from loyalty_engine.messages.carrying import Leaving, Receipt
from rules import measure

_ACCEPTED: Final = 202
_UCS2: Final = "2"
_BYTES: Final = "8-BIT"
# Delivered, not delivered, accepted by the operator, refused by the operator: what a report may say, as Kannel's bits.
_DELIVERED: Final = "1"
_FAILED: Final = frozenset({"2", "16"})
_MASK: Final = 1 + 2 + 8 + 16
_CHARSETS: Final = frozenset({"UTF-8", "UTF8", "ISO-8859-1", "LATIN1", "UTF-16BE", "WINDOWS-1252", "US-ASCII"})


class Kannel(Gateway, frozen=True, kw_only=True):
    """A Kannel of one's own. `addresses` is where its smsbox speaks from."""

    name: ClassVar[str] = "kannel"

    sendsms_url: str
    username: str
    password: str
    sender: str
    smsc: str = ""
    addresses: tuple[str, ...] = ("127.0.0.1", "::1")

    def __post_init__(self) -> None:
        """Refuse a Kannel that anybody could speak for."""
        if not self.addresses:
            raise ValueError("Kannel does not sign: name the addresses it comes from")
        for address in self.addresses:
            ip_address(address)

    def verify(self, arrival: Arrival) -> None:
        """Check the address it comes from."""
        prove(holds=comes_from(arrival.remote, self.addresses))

    def read(self, arrival: Arrival) -> InboundText | None:
        """Read what the sms-service's address was filled in with; the text in its own character set."""
        fields: dict[str, Any] = arrival.fields()
        words = _words(arrival.url.partition("?")[2], fields)
        if len(words) > TEXT_MOST:
            unreadable("/text")
        return InboundText(
            text_of(fields, "id"), number(text_of(fields, "from")), text_of(fields, "to"), words.replace("\x00", "")
        )

    def report(self, arrival: Arrival) -> Report | None:
        """Read a delivery report: ours are known by the id that we sent along."""
        fields: dict[str, Any] = arrival.fields()
        state = text_of(fields, "state")
        reason = text_of(fields, "reason", empty=True, most=TEXT_MOST)[:80]
        if state == _DELIVERED:
            return Report(text_of(fields, "id"), "delivered", reason)
        return Report(text_of(fields, "id"), "failed" if state in _FAILED else "on its way", reason)

    def order(self, message: Leaving, report_url: str) -> Order:
        """Ask for a text to be sent."""
        joint = "&" if "?" in report_url else "?"
        asked = {
            "username": self.username, "password": self.password, "from": self.sender, "to": message.to,
            "text": message.text, "charset": "UTF-8",
            "coding": _UCS2 if measure(message.text).coding == "UCS-2" else "0",
            "dlr-mask": str(_MASK),
            # Kannel fills in what it finds after a %: the id has none, and the rest is for it.
            "dlr-url": f"{report_url}{joint}id={message.id}&state=%d&reason=%A",
        }  # fmt: skip
        if self.smsc:
            asked["smsc"] = self.smsc
        return Order("GET", f"{self.sendsms_url}?{urlencode(asked)}", {}, b"")

    def taken(self, message: Leaving, said: Said) -> Receipt:
        """Read the answer; Kannel names no id of its own, so the report comes by ours."""
        if said.status != _ACCEPTED:
            raise refused(said, "kannel")
        return Receipt(message.id, measure(message.text).parts)


def _words(query: str, fields: dict[str, Any]) -> str:
    """Decode the text from the bytes Kannel sent: UTF-16 where its coding says so, else the character set it names."""
    raw = dict(parse_qsl(query, keep_blank_values=True, max_num_fields=FIELDS_MOST, encoding="latin-1"))
    data = raw.get("text", "").encode("latin-1", "replace")
    charset = str(fields.get("charset") or "UTF-8").upper()
    if str(fields.get("coding", "")) == _UCS2:
        charset = "UTF-16BE"
    if charset == _BYTES:
        charset = "UTF-8"  # bytes that nobody has named: as handsets of today write, else as the old ones did
    if charset not in _CHARSETS:
        unreadable("/charset")
    try:
        return data.decode(charset)
    except UnicodeDecodeError:
        return data.decode("latin-1")
