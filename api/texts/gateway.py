"""A gateway as this house needs it: prove that it is you, say what somebody texted, and carry what we answer.

Invariant: what cannot prove where it comes from is refused with 401 (no proof) or 403 (a wrong one) before anything in
it is believed. A gateway that is set up without a way to prove itself cannot be set up at all.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from datetime import datetime
from typing import Any, ClassVar, Final, Literal, NoReturn
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct

from loyalty_engine.errors import BodyInvalid
from loyalty_engine.messages.carrying import Leaving, NotCarried, Receipt
from loyalty_engine.texts.errors import ProofMissing, ProofWrong

FIELDS_MOST: Final = 200
# How far the clock of a gateway may be from ours, in seconds, before its proof is taken for an old one.
WINDOW_SECONDS: Final = 300
TEXT_MOST: Final = 4000
_REASON_MOST: Final = 120
_SHORT: Final = 7
_TOO_MANY: Final = 429
_OURS: Final = 500
_REQUEST_TIMEOUT: Final = 408


class Arrival(Struct, frozen=True):
    """What came to the hatch: the address as it was configured with the gateway, headers, body, from where and when."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    remote: str
    at: datetime

    def header(self, name: str) -> str | None:
        """Give a header by its lower-case name. One that was sent twice with two values proves nothing."""
        found = {value for each, value in self.headers if each == name}
        if len(found) > 1:
            raise ProofWrong
        return next(iter(found), None)

    @property
    def media_type(self) -> str:
        """Give what the body says it is, in lower case."""
        return (self.header("content-type") or "").partition(";")[0].strip().lower()

    def query(self) -> list[tuple[str, str]]:
        """Give the parameters of the address."""
        return _pairs(self.url.partition("?")[2])

    def form(self) -> list[tuple[str, str]]:
        """Give the fields of a form; none where the body is something else."""
        if self.media_type != "application/x-www-form-urlencoded":
            return []
        return _pairs(self.body.decode("latin-1"))

    def fields(self) -> dict[str, str]:
        """Give what was told, from the address and the form; a form's field wins."""
        return dict([*self.query(), *self.form()])

    def json(self) -> dict[str, Any]:
        """Give the body's JSON object; raise BodyInvalid where it is none."""
        try:
            found = msgspec.json.decode(self.body)
        except (ValueError, RecursionError):
            unreadable()
        return found if isinstance(found, dict) else unreadable()


class InboundText(Struct, frozen=True):
    """What somebody texted: the gateway's own id of it, from which number to which, and the words.

    `part` and `parts` where a gateway hands long texts over in pieces, with the `series` they belong to.
    """

    id: str
    sender: str
    to: str
    text: str
    part: int = 1
    parts: int = 1
    series: str = ""

    def __repr__(self) -> str:
        """Show neither number nor words."""
        return f"InboundText({self.id})"


class Report(Struct, frozen=True):
    """What became of a text that was sent, by the gateway's own id of it; `stopped` where its receiver, whose number is
    `to`, said STOP.
    """

    gateway_id: str
    state: Literal["delivered", "failed", "on its way"]
    reason: str = ""
    stopped: bool = False
    to: str = ""

    def __repr__(self) -> str:
        """Show no number."""
        return f"Report({self.gateway_id}, {self.state})"


class Order(Struct, frozen=True):
    """A request that asks a gateway to send something."""

    method: str
    url: str
    headers: dict[str, str]
    content: bytes


class Said(Struct, frozen=True):
    """What a gateway answered to an order."""

    status: int
    content: bytes
    retry_after: str = ""

    def json(self) -> Any:
        """Give the answer's JSON; None where it is none."""
        try:
            return msgspec.json.decode(self.content)
        except (ValueError, RecursionError):
            return None


class Gateway(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One business's account with a gateway. The fields are what it takes to set it up."""

    name: ClassVar[str] = ""
    # What to say when there is nothing to say, in the gateway's own words: answers leave through the outbox.
    silence: ClassVar[tuple[int, bytes, bytes]] = (200, b"", b"")
    # Whether the gateway itself confirms a STOP to whoever sent it.
    says_goodbye: ClassVar[bool] = False

    def __repr__(self) -> str:
        """Show no secret."""
        return f"{type(self).__name__}(...)"

    def verify(self, arrival: Arrival) -> None:
        """Raise ProofMissing or ProofWrong unless the gateway itself has sent this."""
        raise NotImplementedError

    def read(self, arrival: Arrival) -> InboundText | None:
        """Give the text in it; None where it holds none, such as a picture. Raises BodyInvalid."""
        raise NotImplementedError

    def report(self, arrival: Arrival) -> Report | None:
        """Give the delivery report in it; None where it says nothing yet. Raises BodyInvalid."""
        raise NotImplementedError

    def order(self, message: Leaving, report_url: str) -> Order:
        """Give the request that sends a text."""
        raise NotImplementedError

    def taken(self, message: Leaving, said: Said) -> Receipt:
        """Read the answer to an order; raise NotCarried where the text was not taken."""
        raise NotImplementedError


# --- what every gateway's proof is made of ---


def same(one: str | bytes, other: str | bytes) -> bool:
    """Compare two secrets in a time that tells nothing of where they differ."""
    first = one if isinstance(one, bytes) else one.encode("utf-8", "surrogatepass")
    second = other if isinstance(other, bytes) else other.encode("utf-8", "surrogatepass")
    return hmac.compare_digest(first, second)


def needed(value: str | None) -> str:
    """Give a proof that must be there; raise ProofMissing."""
    if not value:
        raise ProofMissing
    return value


def prove(*, holds: bool) -> None:
    """Raise ProofWrong unless it holds."""
    if not holds:
        raise ProofWrong


def in_time(seconds: str, at: datetime) -> bool:
    """Tell whether a proof was made within five minutes of now."""
    return seconds.isascii() and seconds.isdigit() and abs(int(seconds[:12]) - int(at.timestamp())) <= WINDOW_SECONDS


def sha256_hex(data: bytes) -> str:
    """Give a body's fingerprint as the gateways write it."""
    return hashlib.sha256(data).hexdigest()


def basic(username: str, password: str) -> str:
    """Give the value of an Authorization header."""
    return "Basic " + b64encode(f"{username}:{password}".encode()).decode()


def _pairs(text: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS_MOST, errors="surrogateescape")
    except ValueError:
        raise ProofWrong from None


# --- reading, and refusals of what was sent ---


def unreadable(pointer: str = "") -> NoReturn:
    """Refuse what is proved but cannot be read."""
    raise BodyInvalid("This is not a text as this gateway sends them.", pointer=pointer)


def text_of(fields: dict[str, Any], name: str, *, empty: bool = False, most: int = 200) -> str:
    """Give one field as text; raise BodyInvalid where it is missing, too long, or no text at all."""
    value = fields.get(name, "")
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or (not value and not empty) or len(value) > most:
        unreadable(f"/{name}")
    # Half a character cannot be kept: what does not decode becomes the mark for that.
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace").replace("\x00", "")


def number(typed: str) -> str:
    """Give a number with its plus sign, which some gateways leave out; a short or lettered sender stays as it is."""
    digits = typed.removeprefix("+")
    return f"+{digits.removeprefix('00')}" if digits.isascii() and digits.isdigit() and len(digits) > _SHORT else typed


def refused(said: Said, reason: str, *, stopped: bool = False) -> NotCarried:
    """Give what an answer that is no success amounts to: again later, or never."""
    again = said.status >= _OURS or said.status in {_TOO_MANY, _REQUEST_TIMEOUT}
    after = int(said.retry_after) if said.retry_after.isascii() and said.retry_after.isdigit() else 0
    return NotCarried(
        f"{said.status} {reason}"[:_REASON_MOST].strip(), again=again, after_seconds=after, stopped=stopped
    )


def state_of(
    word: str, *, delivered: frozenset[str], failed: frozenset[str]
) -> Literal["delivered", "failed", "on its way"]:
    """Read a gateway's word for what became of a text."""
    lowered = word.lower()
    return "delivered" if lowered in delivered else "failed" if lowered in failed else "on its way"


__all__ = ["Arrival", "Gateway", "InboundText", "Order", "Report", "Said"]
