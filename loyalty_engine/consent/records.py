"""One decision of one member as it is written down for ever, and the chain that shows when one was touched.

Invariant: a record's hash covers every other field of it, the hash of the record before it among them; records of a
member are numbered from 1 without gaps.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import ClassVar, Final, Literal

import msgspec
from msgspec import Struct

Decision = Literal["given", "refused", "withdrawn", "requested", "confirmed", "deferred", "stopped", "started"]
Source = Literal["till", "text", "page", "email", "phone", "paper", "import", "staff"]

# Stands for the record before the first one.
NOTHING_BEFORE: Final = "0" * 64
# A member who says STOP says it to a channel, whatever the purpose.
EVERY_PURPOSE: Final = "*"


class ConsentRow(Struct, frozen=True):
    """A consent record. `wording_version` is the version of the programme in which the words stand."""

    TABLE: ClassVar[str] = "consent_records"
    KEY: ClassVar[int] = 3

    business_id: int
    member_id: str
    number: int
    id: str
    purpose: str
    channel: str
    decision: str
    wording: str
    wording_version: int
    wording_sha256: str
    language: str
    source: str
    actor: str
    location: str | None
    evidence: str | None
    jurisdiction: str
    occurred_at: int
    recorded_at: int
    expires_at: int | None
    journal_id: str
    previous: str
    hash: str


class StateRow(Struct, frozen=True):
    """What a member's records come to for one purpose on one channel."""

    TABLE: ClassVar[str] = "consents"
    KEY: ClassVar[int] = 4
    CONFLICT: ClassVar[str] = (
        "ON CONFLICT (business_id, member_id, purpose, channel) DO UPDATE SET state = excluded.state, "
        "record_id = excluded.record_id, since = excluded.since, expires_at = excluded.expires_at"
    )

    business_id: int
    member_id: str
    purpose: str
    channel: str
    state: str
    record_id: str
    since: int
    expires_at: int | None


COLUMNS: Final = ", ".join(ConsentRow.__struct_fields__)


def digest(record: ConsentRow) -> str:
    """Give the hash a record should carry: SHA-256 over its other fields as one JSON list."""
    fields = [getattr(record, name) for name in ConsentRow.__struct_fields__ if name != "hash"]
    return hashlib.sha256(msgspec.json.encode(fields)).hexdigest()


def sealed(record: ConsentRow) -> ConsentRow:
    """Give the record with its hash."""
    return msgspec.structs.replace(record, hash=digest(record))


def tampered(records: Iterable[ConsentRow]) -> Iterator[str]:
    """Name what is wrong with one member's records, given by number: a gap, a broken link, a changed field."""
    number, previous = 0, NOTHING_BEFORE
    for record in records:
        number += 1
        if record.number != number:
            yield f"{record.id}: is number {record.number} where {number} is due"
            number = record.number
        if record.previous != previous:
            yield f"{record.id}: does not continue the record before it"
        if record.hash != digest(record):
            yield f"{record.id}: was changed after it was written"
        previous = record.hash
