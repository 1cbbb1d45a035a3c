"""What is asked and answered about who members are: merging, numbers confirmed by a code, requests under the law."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from loyalty_engine.answers import Balance
from loyalty_engine.commands import Instant

MemberId = Annotated[str, Meta(pattern="^mem_[0-9a-z]{26}$", max_length=30)]


class MergeMembers(Struct, frozen=True, forbid_unknown_fields=True):
    """Two members are one person: the one in the address goes to sleep in `into`."""

    into: MemberId


class MergeAnswer(Struct, frozen=True):
    """A merge as it stands: who sleeps in whom, and what the one who is here has now."""

    id: str
    status: Literal["merged", "undone"]
    member: str
    into: str
    at: str
    balances: tuple[Balance, ...]


class MemberExport(Struct, frozen=True):
    """Everything we have about a member, table by table; `includes` are the ids of members merged into this one."""

    member: str
    includes: tuple[str, ...]
    exported_at: str
    tables: dict[str, tuple[dict[str, Any], ...]]


class ShowInFull(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Ask to see a member's numbers and name in full: who of the staff, and why. That is kept."""

    reason: Annotated[str, Meta(min_length=3, max_length=500)]
    staff: Annotated[str, Meta(min_length=1, max_length=100)] | None = None


class ShownNumber(Struct, frozen=True):
    """A number or address in full."""

    kind: str
    value: str
    added_at: str
    verified_at: str | None
    bounced_at: str | None


class ShownInFull(Struct, frozen=True):
    """A member's numbers and name in full; the viewing is on record."""

    id: str
    member: str
    name: str | None
    birthday: str | None
    identifiers: tuple[ShownNumber, ...]
    seen_at: str


RequestKind = Literal["access", "erasure", "correction", "objection", "restriction", "portability"]


class NoteRequest(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A member has asked for something the law gives them; the clock starts when they asked."""

    kind: RequestKind
    received_at: Instant | None = None


class RequestAnswer(Struct, frozen=True):
    """A member's request: by when it must be answered, and when it was."""

    id: str
    member: str
    kind: str
    received_at: str
    due_at: str
    answered_at: str | None


class RequestPage(Struct, frozen=True):
    """The requests that wait for an answer, the most urgent first."""

    items: tuple[RequestAnswer, ...]
    next_cursor: str | None = None


class AlertAnswer(Struct, frozen=True):
    """Something a person should look at."""

    id: str
    kind: str
    key_id: str
    says: str
    raised_at: str


class AlertPage(Struct, frozen=True):
    """What a person should look at, newest first."""

    items: tuple[AlertAnswer, ...]
    next_cursor: str | None = None
