"""What the counting house answers about spending: what was redeemed, what could be, vouchers and holds."""

from __future__ import annotations

from msgspec import Struct


class LineOff(Struct, frozen=True):
    """What is taken off one line; `line` is null for a purchase without lines."""

    line: str | None
    amount_minor: int


class Redeemed(Struct, frozen=True):
    """Something that was spent in a purchase: what it cost in units, and what it took off which line."""

    says: str
    discount_minor: int
    lines: tuple[LineOff, ...]
    perk: str | None
    voucher: str | None
    hold: str | None
    unit: str | None
    amount: int
    entry: str | None


class VoucherShown(Struct, frozen=True):
    """A voucher as its member and a till see it."""

    id: str
    code: str
    perk: str
    says: str
    state: str  # issued, held, redeemed, cancelled or expired
    expires_at: str | None


class VoucherStepShown(Struct, frozen=True):
    """One step of a voucher's history, and what it was caused by."""

    state: str
    says: str
    caused_by: str
    at: str


class VoucherAnswer(Struct, frozen=True):
    """A voucher with its picture for a scanner and its history, oldest first."""

    voucher: VoucherShown
    member: str
    origin: str
    issued_at: str
    redeemed_in: str | None
    qr_svg: str
    history: tuple[VoucherStepShown, ...]


class VoucherPage(Struct, frozen=True):
    """A member's vouchers, newest first."""

    items: tuple[VoucherShown, ...]
    next_cursor: str | None


class PerkOffer(Struct, frozen=True):
    """A perk the member could have: its price, whether they have enough, and what it would take off this basket."""

    perk: str
    says: str
    unit: str | None
    amount: int
    affordable: bool
    discount_minor: int | None
    lines: tuple[LineOff, ...] = ()


class Nudge(Struct, frozen=True):
    """The nearest thing not yet reached: "2 stamps to a free coffee"."""

    perk: str
    unit: str
    missing: int
    text: str


class HoldAnswer(Struct, frozen=True):
    """What is set aside, until when, and what has become of it; `step_up` is "required" where a code is wanted."""

    id: str
    status: str  # active, captured, released or lapsed
    expires_at: str
    step_up: str | None
    member: str
    says: str
    perk: str | None
    voucher: str | None
    unit: str | None
    amount: int
    captured: int


class GivenBack(Struct, frozen=True):
    """What a refund gave back of something that was redeemed: units into the lots they came from, or a voucher."""

    entry: str | None
    perk: str | None
    voucher: str | None
    unit: str | None
    amount: int
