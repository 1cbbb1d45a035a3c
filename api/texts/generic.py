"""A gateway that is set up and not programmed: JSON or a form with its own names, and its own way to prove itself.

For gateways such as LINK Mobility, Telia, PSWinCom or Puzzel: name their fields, and say how they prove who they are.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from ipaddress import ip_address
from typing import Any, ClassVar, Final, Literal
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from api.texts.fortysixelks import comes_from
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
    number,
    prove,
    refused,
    same,
    text_of,
)
from loyalty_engine.messages.carrying import Leaving, Receipt
from rules import sms_parts

_SUCCESS: Final = range(200, 300)


class Proof(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How they prove who they are: a password (`basic`), a secret in a header, or an HMAC-SHA256 of the body in one."""

    by: Literal["basic", "header", "hmac"]
    username: str = ""
    secret: str
    header: str = "x-signature"
    encoding: Literal["hex", "base64"] = "hex"

    def __repr__(self) -> str:
        """Show no secret."""
        return f"Proof({self.by})"

    def __post_init__(self) -> None:
        """Refuse an empty secret, which anybody knows."""
        if not self.secret or (self.by == "basic" and not self.username):
            raise ValueError("a proof needs its secret, and a password its user")

    def verify(self, arrival: Arrival) -> None:
        """Raise ProofMissing or ProofWrong."""
        if self.by == "basic":
            prove(holds=same(needed(arrival.header("authorization")), basic(self.username, self.secret)))
            return
        given = needed(arrival.header(self.header.lower()))
        if self.by == "header":
            prove(holds=same(given, self.secret))
            return
        digest = hmac.digest(self.secret.encode(), arrival.body, "sha256")
        prove(holds=same(given, digest.hex() if self.encoding == "hex" else b64encode(digest).decode()))


class Inbound(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What their fields are called; a point leads into an object: `message.id`."""

    id: str = "id"
    sender: str = "from"
    to: str = "to"
    text: str = "text"


class Outbound(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How they want to be asked: the address, what the fields are called, what always stands there, the password."""

    url: str
    format: Literal["json", "form"] = "json"
    sender: str = "from"
    to: str = "to"
    text: str = "text"
    # The field that takes our own id, by which the delivery report comes where they answer with none.
    reference: str = ""
    report_url: str = ""
    always: dict[str, str | int | bool] = {}
    headers: dict[str, str] = {}
    username: str = ""
    password: str = ""
    # Where in their answer their id is.
    id: str = "id"


class Reports(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How they tell what became of a text."""

    id: str = "id"
    state: str = "status"
    delivered: tuple[str, ...] = ("delivered",)
    failed: tuple[str, ...] = ("failed", "rejected", "expired", "undeliverable")


class Generic(Gateway, frozen=True, kw_only=True):
    """A gateway by its settings."""

    name: ClassVar[str] = "generic"

    sender: str
    proof: Proof
    out: Outbound
    inbound: Inbound = Inbound()
    reports: Reports = Reports()
    addresses: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse an address that is none."""
        for address in self.addresses:
            ip_address(address)

    def verify(self, arrival: Arrival) -> None:
        """Check where it comes from, if that is set, and the proof."""
        prove(holds=not self.addresses or comes_from(arrival.remote, self.addresses))
        self.proof.verify(arrival)

    def _told(self, arrival: Arrival, names: tuple[str, ...]) -> dict[str, Any]:
        found: dict[str, Any] = arrival.json() if "json" in arrival.media_type else dict(arrival.fields())
        return {name: _at(found, name) for name in names}

    def read(self, arrival: Arrival) -> InboundText | None:
        """Read a text by the names of its fields."""
        names = self.inbound
        told = self._told(arrival, (names.id, names.sender, names.to, names.text))
        return InboundText(
            text_of(told, names.id), number(text_of(told, names.sender)), number(text_of(told, names.to, empty=True)),
            text_of(told, names.text, empty=True, most=TEXT_MOST),
        )  # fmt: skip

    def report(self, arrival: Arrival) -> Report | None:
        """Read a report by the names of its fields."""
        told = self._told(arrival, (self.reports.id, self.reports.state))
        word = text_of(told, self.reports.state).lower()
        if word in {each.lower() for each in self.reports.delivered}:
            return Report(text_of(told, self.reports.id), "delivered", word)
        failed = word in {each.lower() for each in self.reports.failed}
        return Report(text_of(told, self.reports.id), "failed" if failed else "on its way", word)

    def order(self, message: Leaving, report_url: str) -> Order:
        """Ask for a text to be sent, in their words."""
        out = self.out
        body: dict[str, Any] = out.always | {out.sender: self.sender, out.to: message.to, out.text: message.text}
        if out.reference:
            body[out.reference] = message.id
        if out.report_url:
            body[out.report_url] = report_url
        head = dict(out.headers)
        if out.username:
            head["authorization"] = basic(out.username, out.password)
        if out.format == "form":
            head["content-type"] = "application/x-www-form-urlencoded"
            return Order("POST", out.url, head, urlencode(body).encode())
        head["content-type"] = "application/json"
        return Order("POST", out.url, head, msgspec.json.encode(_nested(body)))

    def taken(self, message: Leaving, said: Said) -> Receipt:
        """Read their id of it; where they give none the report comes by ours."""
        if said.status not in _SUCCESS:
            raise refused(said, "generic")
        found = _at(said.json(), self.out.id)
        return Receipt(str(found) if isinstance(found, str | int) and found else message.id, sms_parts(message.text))


def _at(found: object, path: str) -> Any:
    """Give what stands at a path of names; a list is entered at its first."""
    for name in path.split("."):
        while isinstance(found, list) and found:
            found = found[0]
        found = found.get(name) if isinstance(found, dict) else None
    return "" if found is None else found


def _nested(flat: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for path, value in flat.items():
        *way, last = path.split(".")
        place = body
        for name in way:
            place = place.setdefault(name, {})
        place[last] = value
    return body
