"""What the counting house answers, as frozen values that go to the caller as they are.

They are encoded once, kept in the journal as bytes, and given again byte for byte on a retry.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from loyalty_engine.consent.questions import ConsentPrompt
from loyalty_engine.redemption.answers import GivenBack, Nudge, PerkOffer, Redeemed, VoucherShown
from loyalty_engine.referrals.answers import ReferralSeen
from rules import Because


class Answer(Struct, frozen=True):
    """An outcome as it was stored: HTTP status and JSON bytes; `hit` when it had been stored by an earlier request."""

    status: int
    body: bytes
    hit: bool = False


class MemberSeen(Struct, frozen=True):
    """The member as a till may see them."""

    id: str
    masked: str
    new: bool


class MemberLookedUp(MemberSeen, frozen=True):
    """The member as a till sees them before they have bought: last digits, and how their name begins."""

    initial: str | None = None


class Awarded(Struct, frozen=True):
    """Units given by one rule: the ledger entry that proves it, and why."""

    entry: str
    rule: str
    unit: str
    amount: int
    reason: str
    spendable_at: str
    expires_at: str | None


class WouldAward(Struct, frozen=True):
    """Units a basket would earn by one rule."""

    rule: str
    unit: str
    amount: int
    reason: str


class Total(Struct, frozen=True):
    """The sum of a quote's awards in one unit."""

    unit: str
    amount: int


class Balance(Struct, frozen=True):
    """What a member has of one unit: spendable now, set aside, and not spendable yet."""

    unit: str
    available: int
    held: int
    pending: int


class NextTier(Struct, frozen=True):
    """What the next tier takes: so much of a measure, of which the member has so much."""

    id: str
    name: str
    measure: str  # "earned", "spend_minor" or "visits"
    unit: str | None
    needs: int
    have: int
    missing: int


class TierSeen(Struct, frozen=True):
    """The tier a member has, if any, until when it is kept (null: for good), and the next one up."""

    id: str | None
    name: str | None
    until: str | None
    next: NextTier | None


class PurchaseAnswer(Struct, frozen=True):
    """A purchase as it was recorded, once and for all."""

    id: str
    member: MemberSeen
    awards: tuple[Awarded, ...]
    redeemed: tuple[Redeemed, ...]
    vouchers: tuple[VoucherShown, ...]
    tier: TierSeen | None
    balances: tuple[Balance, ...]
    explanation: tuple[Because, ...]
    receipt_text: tuple[str, ...]
    programme_version: int
    refunds: tuple[str, ...] = ()
    to_pay_minor: int | None = None
    referral: ReferralSeen | None = None


class EventAnswer(PurchaseAnswer, frozen=True):
    """An event as it was recorded, once and for all: in the shape of a purchase's answer."""


class PurchaseRead(Struct, frozen=True):
    """A purchase looked up afterwards: the first answer, and what has been given back since."""

    id: str
    receipt: str
    location: str
    occurred_at: str
    recorded_at: str
    currency: str
    total_minor: int
    refunded_minor: int
    member: str
    outcome: PurchaseAnswer
    refunds: tuple[str, ...]


class QuoteAnswer(Struct, frozen=True):
    """What a basket would earn now; nothing is kept."""

    member: dict[str, Any]
    awards: tuple[WouldAward, ...]
    totals: tuple[Total, ...]
    perks: tuple[PerkOffer, ...]
    balances: tuple[Balance, ...]
    explanation: tuple[Because, ...]
    programme_version: int
    redeemed: tuple[Redeemed, ...] = ()
    to_pay_minor: int | None = None
    nudges: tuple[Nudge, ...] = ()


class TakenBack(Struct, frozen=True):
    """Units a refund took back from what one rule had given; `shortfall` is what could not be taken."""

    entry: str | None
    rule: str
    unit: str
    amount: int
    shortfall: int


class RefundAnswer(Struct, frozen=True):
    """A refund as it was recorded, or parked until its purchase arrives."""

    id: str
    status: str  # "recorded" or "parked"
    purchase: str | None
    refunded_minor: int
    left_minor: int | None
    taken_back: tuple[TakenBack, ...]
    balances: tuple[Balance, ...]
    receipt_text: tuple[str, ...]
    given_back: tuple[GivenBack, ...] = ()


class AdjustmentAnswer(Struct, frozen=True):
    """Units given or taken by hand."""

    id: str
    entry: str
    unit: str
    amount: int
    reason: str
    balances: tuple[Balance, ...]


class MemberAnswer(Struct, frozen=True):
    """One member, as `manage` may see them; the number stays masked. `awards` is what joining gave, when it was now."""

    id: str
    masked: tuple[str, ...]
    language: str | None
    name: str | None
    birthday: str | None
    joined_at: str
    visits: int
    spend_minor: int
    balances: tuple[Balance, ...]
    new: bool = False
    awards: tuple[Awarded, ...] = ()
    explanation: tuple[Because, ...] = ()
    receipt_text: tuple[str, ...] = ()
    tier: TierSeen | None = None
    vouchers: tuple[VoucherShown, ...] = ()
    referral: ReferralSeen | None = None


class LookupAnswer(Struct, frozen=True):
    """What a till needs to know about a number: are they a member, and what do they have."""

    known: bool
    member: MemberLookedUp | None
    balances: tuple[Balance, ...]
    tier: TierSeen | None
    vouchers: tuple[VoucherShown, ...]
    perks: tuple[PerkOffer, ...]
    nudges: tuple[Nudge, ...]
    hint: str | None
    consent_prompts: tuple[ConsentPrompt, ...]


class LedgerEntry(Struct, frozen=True):
    """One movement on a member's account, with the sentence that explains it."""

    id: str
    kind: str
    unit: str
    amount: int
    balance_after: int
    rule: str | None
    reason: str
    programme_version: int | None
    purchase: str | None
    caused_by: str
    occurred_at: str
    recorded_at: str
    event: str | None = None


class LedgerPage(Struct, frozen=True):
    """A page of entries, newest first; `next_cursor` is null on the last."""

    items: tuple[LedgerEntry, ...]
    next_cursor: str | None


class Finding(Struct, frozen=True):
    """One thing the check of a programme found."""

    severity: str
    place: str
    rule: str | None
    says: str
    would_be: str | None


class CheckAnswer(Struct, frozen=True):
    """What the check of a programme says; `ok` when nothing is refused."""

    ok: bool
    findings: tuple[Finding, ...]


class DraftAnswer(Struct, frozen=True):
    """The draft as it stands: the programme as a JSON document, and its source when it was written as TOML."""

    programme: dict[str, Any]
    toml: str
    saved_at: str
    findings: tuple[Finding, ...]


class VersionAnswer(Struct, frozen=True):
    """One published state of the programme."""

    version: int
    published_at: str
    note: str
    by: str
    current: bool
    programme: dict[str, Any] | None = None
    toml: str | None = None
