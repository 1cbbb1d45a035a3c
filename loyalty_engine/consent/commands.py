"""What the counting house can be told of consent: what a member decided, and what proves it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from loyalty_engine.commands import ConsentGiven, Instant, Label, Language

Hash = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", max_length=64)]
Note = Annotated[str, Meta(min_length=1, max_length=1000)]


class Evidence(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Where a decision was taken and what proves it: who asked at which till, the message it came in, the page, the
    file it lies in. What names a person in it is kept sealed with the member's key.
    """

    source: Literal["till", "text", "page", "email", "phone", "paper", "staff"] = "till"
    location: Label | None = None
    till: Label | None = None
    staff: Label | None = None
    gateway: Label | None = None
    message: Label | None = None
    text: Note | None = None
    page: Note | None = None
    address: Label | None = None
    agent: Note | None = None
    file_sha256: Hash | None = None
    note: Note | None = None


class RecordConsent(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What a member decided: for one purpose on one channel, in the words of a wording of the programme.

    `confirmed` answers what was asked for twice; `withdrawn` needs no wording; `stopped` and `started` open and close
    a channel for every purpose, which is then written `*`.
    """

    purpose: Label
    channel: Label = "any"
    decision: Literal["given", "refused", "deferred", "confirmed", "withdrawn", "stopped", "started"]
    wording: Label | None = None
    language: Language | None = None
    occurred_at: Instant | None = None
    evidence: Evidence = Evidence()


def as_recorded(given: ConsentGiven, evidence: Evidence, happened: datetime) -> RecordConsent:
    """Read what a till sends along with a purchase or a new member as the decision it is."""
    language = given.language if isinstance(given.language, str) else None
    return RecordConsent(
        purpose=given.purpose, channel=given.channel, decision=given.decision, wording=given.wording,
        language=language, evidence=evidence, occurred_at=happened,
    )  # fmt: skip
