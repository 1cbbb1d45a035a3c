"""The rows of what members spend; they ride in a posting as `extra`, as no ordinary purchase has any."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct


class VoucherRow(Struct, frozen=True):
    """One issued copy of a perk, with a code of its own; redeemed at most once."""

    TABLE: ClassVar[str] = "vouchers"
    KEY: ClassVar[int] = 2
    CONFLICT: ClassVar[str] = (
        "ON CONFLICT (business_id, id) DO UPDATE SET state = excluded.state, redeemed_in = excluded.redeemed_in"
    )

    business_id: int
    id: str
    member_id: str
    code: str
    perk: str
    state: str
    origin: str
    says: str
    version: int
    issued_in: str
    issued_at: int
    expires_at: int | None
    redeemed_in: str | None


class VoucherStepRow(Struct, frozen=True):
    """What happened to a voucher, and by which journal line; never changed."""

    TABLE: ClassVar[str] = "voucher_steps"
    KEY: ClassVar[int] = 3

    business_id: int
    voucher_id: str
    journal_id: str
    state: str
    says: str
    at: int


class PerkCountRow(Struct, frozen=True):
    """How many copies of a perk everybody together has had, of a perk that has such a limit."""

    TABLE: ClassVar[str] = "perk_counts"
    KEY: ClassVar[int] = 2
    # Everybody who has a copy writes this one row, so the limit is the condition of writing it.
    CONFLICT: ClassVar[str] = (
        "ON CONFLICT (business_id, perk) DO UPDATE SET issued = perk_counts.issued + excluded.issued, "
        "most = excluded.most WHERE perk_counts.issued + excluded.issued BETWEEN 0 AND excluded.most"
    )

    business_id: int
    perk: str
    issued: int
    most: int


class HoldRow(Struct, frozen=True):
    """Units, a perk or a voucher set aside at the till, until captured, released or lapsed."""

    TABLE: ClassVar[str] = "holds"
    KEY: ClassVar[int] = 2
    CONFLICT: ClassVar[str] = (
        "ON CONFLICT (business_id, id) DO UPDATE SET status = excluded.status, captured = excluded.captured, "
        "closed_in = excluded.closed_in, closed_at = excluded.closed_at, step_up = excluded.step_up, "
        "code_hash = excluded.code_hash, code_until = excluded.code_until, "
        "undo_hash = excluded.undo_hash"
    )

    business_id: int
    id: str
    member_id: str
    perk: str | None
    voucher_id: str | None
    unit: str | None
    amount: int
    location: str | None
    receipt: str | None
    version: int
    status: str
    captured: int
    held_at: int
    expires_at: int
    closed_in: str | None
    closed_at: int | None
    step_up: str | None
    code_hash: str | None
    code_until: int | None
    tries: int
    undo_hash: str | None


class HoldTryRow(HoldRow, frozen=True):
    """A hold with one more try of its code, counted where it stands: tries at the same moment are all counted."""

    CONFLICT: ClassVar[str] = (
        "ON CONFLICT (business_id, id) DO UPDATE SET tries = holds.tries + 1 "
        "WHERE holds.tries < 5 AND holds.status = 'active'"
    )
