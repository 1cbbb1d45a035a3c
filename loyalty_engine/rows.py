"""One row of each ledger-side table as a frozen value, in the order of its columns.

What a room decides is handed to the database as these rows; tables.py names the same columns to Piccolo, and a test
holds the two against each other. `TABLE` is the table's name, `KEY` how many leading columns make its primary key.
"""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

import rules
from loyalty_engine.instants import to_micros


class MemberRow(Struct, frozen=True):
    """A member: opaque id, what the rules may know of them, and nothing that names a person in clear.

    `presence` is None for a member who is here; 'merged' sleeps in another, 'erased' is nobody any more, 'doubted' has
    a number that may have gone to somebody else. `referral` names the one they came by while a purchase may qualify it.
    """

    TABLE: ClassVar[str] = "members"
    KEY: ClassVar[int] = 2

    business_id: int
    id: str
    revision: int
    joined_at: int
    visits: int
    spend_minor: int
    first_purchase_at: int | None
    last_purchase_at: int | None
    language: str | None
    tier: str | None
    tags: str
    wrapped_key: str
    sealed_profile: str | None
    tier_until: int | None = None
    presence: str | None = None
    referral: str | None = None


class IdentifierRow(Struct, frozen=True):
    """A phone number or e-mail address: found by its keyed hash, readable only with the member's key."""

    TABLE: ClassVar[str] = "identifiers"
    KEY: ClassVar[int] = 2

    business_id: int
    blind_index: str
    member_id: str
    kind: str
    sealed: str
    added_at: int
    verified_at: int | None = None
    bounced_at: int | None = None
    home: str | None = None


class LocationRow(Struct, frozen=True):
    """A shop of the business."""

    TABLE: ClassVar[str] = "locations"
    KEY: ClassVar[int] = 2

    business_id: int
    location: str
    name: str | None
    created_at: int


class JournalLine(Struct, frozen=True):
    """One accepted command: its keys, what was told (without anything personal), and what was answered."""

    TABLE: ClassVar[str] = "journal"
    KEY: ClassVar[int] = 2

    business_id: int
    id: str
    revision: int | None
    kind: str
    key: str | None
    natural: str | None
    fingerprint: str
    member_id: str | None
    subject: str | None
    location: str | None
    occurred_at: int
    recorded_at: int
    version: int | None
    amount_minor: int | None
    input: str | None
    status: int
    answer: str
    request_id: str


class EntryRow(Struct, frozen=True):
    """A transfer between one of the business's own accounts (`counter`) and the member's, seen from the member."""

    TABLE: ClassVar[str] = "entries"
    KEY: ClassVar[int] = 2

    business_id: int
    id: str
    member_id: str
    revision: int
    unit: str
    amount: int
    counter: str
    kind: str
    balance_after: int
    journal_id: str
    version: int | None
    rule: str | None
    says: str
    reverses: str | None
    occurred_at: int
    recorded_at: int


class LotRow(Struct, frozen=True):
    """A parcel of units with one expiry; `remaining` is what has not been spent, expired or taken back."""

    TABLE: ClassVar[str] = "lots"
    KEY: ClassVar[int] = 2

    business_id: int
    id: str
    member_id: str
    unit: str
    amount: int
    remaining: int
    journal_id: str
    spendable_at: int
    expires_at: int | None
    recorded_at: int


class AllocationRow(Struct, frozen=True):
    """What one entry took out of one lot (or put back: negative)."""

    TABLE: ClassVar[str] = "allocations"
    KEY: ClassVar[int] = 3

    business_id: int
    lot_id: str
    entry_id: str
    amount: int


class AccountRow(Struct, frozen=True):
    """A member's account in one unit; `pending_until` and `next_expiry` say when its lots are worth looking at."""

    TABLE: ClassVar[str] = "accounts"
    KEY: ClassVar[int] = 3

    business_id: int
    member_id: str
    unit: str
    balance: int
    held: int
    pending_until: int
    next_expiry: int | None


class LimitUseRow(Struct, frozen=True):
    """How much of a rule's limit or a unit's cap a member has used up in one window."""

    TABLE: ClassVar[str] = "limit_uses"
    KEY: ClassVar[int] = 5

    business_id: int
    member_id: str
    ends_at: int
    subject: str
    window: str
    starts_at: int
    times: int
    amount: int


def limit_row(business_id: int, member_id: str, use: rules.Use, times: int, amount: int) -> LimitUseRow:
    """Give the row of a limit in one window, as it stands from now on."""
    starts_at, ends_at = to_micros(use.starts_at), to_micros(use.ends_at)
    return LimitUseRow(business_id, member_id, ends_at, use.subject, use.window, starts_at, times, amount)


class Stretch(Struct, frozen=True):
    """A lot's expiry as it is from now on, where units last as long as the member keeps buying."""

    STATEMENT: ClassVar[str] = (
        "UPDATE lots SET expires_at = $3 WHERE business_id = $1 AND id = $2 AND remaining > 0 AND expires_at < $3"
    )

    business_id: int
    id: str
    expires_at: int


class CohortAwardRow(Struct, frozen=True):
    """Units for many at once: what was asked, how far it has come, and how much has moved."""

    TABLE: ClassVar[str] = "cohort_awards"
    KEY: ClassVar[int] = 2
    CONFLICT: ClassVar[str] = (
        "ON CONFLICT (business_id, id) DO UPDATE SET state = excluded.state, reached = excluded.reached, "
        "done = excluded.done, amount = excluded.amount, changed_at = excluded.changed_at"
    )

    business_id: int
    id: str
    command: str
    state: str
    until: int
    reached: str
    members: int
    done: int
    amount: int
    version: int
    created_at: int
    changed_at: int


class ParkedRow(Struct, frozen=True):
    """A refund that came before its purchase, waiting under the purchase's natural key."""

    TABLE: ClassVar[str] = "parked_refunds"
    KEY: ClassVar[int] = 2

    business_id: int
    journal_id: str
    purchase_natural: str
    command: str
    parked_at: int
    settled_by: str | None


class Burn(Struct, frozen=True):
    """A lot's remaining amount as it is from now on."""

    business_id: int
    id: str
    remaining: int


class Posting(Struct, frozen=True, kw_only=True):
    """Everything one command writes, kept as a whole or not at all.

    `expected` is the revision the member had when the decision was taken; 0 enrols the member, None means that no
    member is touched. The rows are written only if the member still has that revision.

    `extra` are rows of tables that an ordinary purchase does not touch: structs with TABLE, and with CONFLICT (an
    "ON CONFLICT ..." clause) where such a row may stand already, or with a STATEMENT of their own. A posting that has
    any goes in a transaction of its own, and is kept only if every one of them was written.
    """

    business_id: int
    expected: int | None
    member: MemberRow | None
    journal: JournalLine
    identifiers: tuple[IdentifierRow, ...] = ()
    locations: tuple[LocationRow, ...] = ()
    entries: tuple[EntryRow, ...] = ()
    lots: tuple[LotRow, ...] = ()
    burns: tuple[Burn, ...] = ()
    allocations: tuple[AllocationRow, ...] = ()
    accounts: tuple[AccountRow, ...] = ()
    limit_uses: tuple[LimitUseRow, ...] = ()
    parked: tuple[ParkedRow, ...] = ()
    settled: tuple[str, ...] = ()
    extra: tuple[Struct, ...] = ()

    @property
    def goes_alone(self) -> bool:
        """Tell whether it is written by itself and not together with others."""
        return bool(self.settled or self.extra)
