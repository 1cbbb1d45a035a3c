"""What the counting house answers of consent: what holds, and every record of how it came to."""

from __future__ import annotations

from msgspec import Struct


class ConsentStanding(Struct, frozen=True):
    """Where a member stands for one purpose on one channel: `holds` says whether it is a consent that counts now."""

    purpose: str
    channel: str
    state: str
    holds: bool
    since: str
    expires_at: str | None
    record: str


class ConsentWords(Struct, frozen=True):
    """The exact words a decision was about: their id, the version of the programme they stand in, and their hash."""

    id: str
    version: int
    language: str
    sha256: str
    says: str | None


class ConsentRecord(Struct, frozen=True):
    """One decision as it was written down, with the hash that chains it to the one before."""

    id: str
    number: int
    purpose: str
    channel: str
    decision: str
    wording: ConsentWords
    source: str
    actor: str
    location: str | None
    jurisdiction: str
    occurred_at: str
    recorded_at: str
    expires_at: str | None
    previous: str
    hash: str


class ConsentAnswer(Struct, frozen=True):
    """A decision that was written down, and where the member stands now."""

    record: ConsentRecord
    current: tuple[ConsentStanding, ...]


class ConsentsAnswer(Struct, frozen=True):
    """Where a member stands, and every record of theirs, newest first."""

    member: str
    current: tuple[ConsentStanding, ...]
    items: tuple[ConsentRecord, ...]
