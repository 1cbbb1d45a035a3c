"""What is asked and answered about who members are: merging, numbers confirmed by a code, requests under the law."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from loyalty_engine.answers import Balance
from loyalty_engine.commands import Instant, Language, MemberRef, Typed

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


class ChangeMember(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Change what is known of a member; what is left out stays, null takes it away.

    A `phone` or `email` is taken over only when the code sent to it has been said back; `replaces` is the one it stands
    in for from then on.
    """

    name: Annotated[str, Meta(min_length=1, max_length=200)] | UnsetType | None = UNSET
    language: Language | UnsetType | None = UNSET
    birthday: date | UnsetType | None = UNSET
    phone: Typed | UnsetType = UNSET
    email: Typed | UnsetType = UNSET
    replaces: MemberRef | UnsetType = UNSET


class VerifyMember(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Send a code to a number or address of the member; without one named, to the newest."""

    identifier: MemberRef | UnsetType = UNSET


class ConfirmCode(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Say a code back. Where the number may have gone to somebody else, one more thing that only the member knows."""

    code: Annotated[str, Meta(pattern="^[0-9]{6}$", max_length=6)]
    name: Annotated[str, Meta(min_length=1, max_length=200)] | UnsetType = UNSET
    birthday: date | UnsetType = UNSET
    identifier: MemberRef | UnsetType = UNSET


class CodeSent(Struct, frozen=True):
    """A code is on its way: where to (masked), and until when it can be said back."""

    id: str
    masked: str
    expires_at: str


class ChangeAnswer(Struct, frozen=True):
    """A member after a change; `code` where a number or address waits to be confirmed."""

    id: str
    masked: tuple[str, ...]
    language: str | None
    name: str | None
    birthday: str | None
    code: CodeSent | None = None
