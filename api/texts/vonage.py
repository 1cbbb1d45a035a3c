"""Vonage: a signature over the sorted parameters (SMS API), or a signed token over the body's hash (Messages API).

Source: Vonage's pages on signing messages and on signed webhooks. Their old default, an MD5 of parameters and secret,
and HMAC with MD5 or SHA-1 are not taken: have them switch to SHA-256 or SHA-512.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode
from typing import Any, ClassVar, Final, Literal
from urllib.parse import urlencode

import msgspec

from api.texts.gateway import (
    TEXT_MOST,
    WINDOW_SECONDS,
    Arrival,
    Gateway,
    InboundText,
    Order,
    Report,
    Said,
    in_time,
    needed,
    number,
    prove,
    refused,
    same,
    sha256_hex,
    state_of,
    text_of,
    unreadable,
)
from loyalty_engine.messages.carrying import Leaving, Receipt
from loyalty_engine.texts.errors import ProofWrong
from rules import measure

_BEARER: Final = "Bearer "
_TOKEN_PARTS: Final = 3
_DELIVERED: Final = frozenset({"delivered", "read"})
_FAILED: Final = frozenset({"failed", "rejected", "expired", "undeliverable"})
_THROTTLED: Final = "1"
_PARTS_MOST: Final = 255


class Vonage(Gateway, frozen=True, kw_only=True):
    """An account with Vonage."""

    name: ClassVar[str] = "vonage"

    api_key: str
    api_secret: str
    signature_secret: str
    sender: str
    algorithm: Literal["sha256", "sha512"] = "sha256"
    api_url: str = "https://rest.nexmo.com"

    def __post_init__(self) -> None:
        """Refuse an account that anybody could speak for: ask Vonage's support to switch signing on."""
        if not self.signature_secret:
            raise ValueError("Vonage signs once its support has switched signing on; give the signature_secret")

    def verify(self, arrival: Arrival) -> None:
        """Check the signed token where there is one, else the signature among the parameters; and their age."""
        token = arrival.header("authorization")
        if token is not None:
            self._verify_token(token, arrival)
            return
        found = self._parameters(arrival)
        given = [value for name, value in found if name == "sig"]
        names = [name for name, _ in found]
        needed(given[0] if given else None)
        prove(holds=len(names) == len(set(names)))
        fields = dict(found)
        prove(holds=same(self.signature(fields), given[0].lower()))
        prove(holds=in_time(fields.get("timestamp", ""), arrival.at))

    def signature(self, fields: dict[str, str]) -> str:
        """Sign parameters: sorted, each as &name=value, with & and = inside a value written as _."""
        told = "".join(
            f"&{name}={value.replace('&', '_').replace('=', '_')}"
            for name, value in sorted(fields.items())
            if name != "sig"
        )
        secret = self.signature_secret.encode()
        return hmac.digest(secret, told.encode("utf-8", "surrogateescape"), self.algorithm).hex()

    def _verify_token(self, header: str, arrival: Arrival) -> None:
        """Check a token: its algorithm is HS256 and no other, its account is ours, it is fresh, of this body."""
        prove(holds=header.startswith(_BEARER))
        parts = header.removeprefix(_BEARER).split(".")
        prove(holds=len(parts) == _TOKEN_PARTS and header.isascii())
        told = f"{parts[0]}.{parts[1]}".encode()
        prove(holds=same(_decoded(parts[2]), hmac.digest(self.signature_secret.encode(), told, "sha256")))
        head, claims = _object(_decoded(parts[0])), _object(_decoded(parts[1]))
        issued = claims.get("iat")
        prove(
            holds=head.get("alg") == "HS256"
            and claims.get("api_key") == self.api_key
            and isinstance(claims.get("jti"), str)
            and isinstance(issued, int)
            and abs(issued - int(arrival.at.timestamp())) <= WINDOW_SECONDS
            and same(str(claims.get("payload_hash")), sha256_hex(arrival.body))
        )

    def _parameters(self, arrival: Arrival) -> list[tuple[str, str]]:
        if arrival.media_type != "application/json":
            return [*arrival.query(), *arrival.form()]
        told = _object(arrival.body)
        return [*arrival.query(), *((name, str(value)) for name, value in told.items())]

    def _fields(self, arrival: Arrival) -> dict[str, Any]:
        if arrival.media_type == "application/json":
            return arrival.json()
        return dict(arrival.fields())

    def read(self, arrival: Arrival) -> InboundText | None:
        """Read a message of either API; a binary one or a picture is none."""
        fields = self._fields(arrival)
        if "message_uuid" in fields:
            if fields.get("message_type", "text") != "text":
                return None
            words = text_of(fields, "text", empty=True, most=TEXT_MOST)
            return InboundText(
                text_of(fields, "message_uuid"), number(text_of(fields, "from")), number(text_of(fields, "to")), words
            )
        if fields.get("type", "text") not in {"text", "unicode"}:
            return None
        words = text_of(fields, "text", empty=True, most=TEXT_MOST)
        sender, to = number(text_of(fields, "msisdn")), number(text_of(fields, "to"))
        part, parts = _count(fields.get("concat-part")), _count(fields.get("concat-total"))
        series = text_of(fields, "concat-ref", empty=True)
        return InboundText(text_of(fields, "messageId"), sender, to, words, min(part, parts), parts, series)

    def report(self, arrival: Arrival) -> Report | None:
        """Read a delivery receipt of either API."""
        fields = self._fields(arrival)
        name = "message_uuid" if "message_uuid" in fields else "messageId"
        state = state_of(text_of(fields, "status"), delivered=_DELIVERED, failed=_FAILED)
        return Report(text_of(fields, name), state, text_of(fields, "err-code", empty=True))

    def order(self, message: Leaving, report_url: str) -> Order:
        """Ask for a text to be sent."""
        coding = "unicode" if measure(message.text).coding == "UCS-2" else "text"
        form = {
            "api_key": self.api_key, "api_secret": self.api_secret, "from": self.sender, "to": message.to.lstrip("+"),
            "text": message.text, "type": coding, "callback": report_url, "client-ref": message.id[:100],
            "status-report-req": "1",
        }  # fmt: skip
        head = {"content-type": "application/x-www-form-urlencoded"}
        return Order("POST", f"{self.api_url}/sms/json", head, urlencode(form).encode())

    def taken(self, message: Leaving, said: Said) -> Receipt:
        """Read the answer: one line for each part; a status of 0 is success."""
        found = said.json()
        lines = found.get("messages") if isinstance(found, dict) else None
        if not isinstance(lines, list) or not lines or not isinstance(lines[0], dict):
            raise refused(said, "vonage")
        status, sent = str(lines[0].get("status")), lines[0].get("message-id")
        if status != "0" or not isinstance(sent, str):
            problem = refused(said, f"vonage {status}")
            problem.again = problem.again or status in {_THROTTLED, "5"}
            raise problem
        return Receipt(sent, len(lines))


def _decoded(part: str) -> bytes:
    try:
        return urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError:
        raise ProofWrong from None


def _object(data: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(data)
    except (ValueError, RecursionError):
        raise ProofWrong from None
    if not isinstance(found, dict):
        raise ProofWrong
    return found


def _count(given: object) -> int:
    if given in {None, ""}:
        return 1
    text = str(given)
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:4]) <= _PARTS_MOST):
        unreadable("/concat-part")
    return int(text)
