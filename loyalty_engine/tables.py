"""Every table, in reading order: the business and its doors, its programme, its members, and the ledger.

Each row belongs to a business: `business_id` comes first in every table, every key and every unique index, so that the
tables can be spread over machines by business. Piccolo knows one key column a table; the real keys are made by the
migrations. Instants are microseconds since 1970, UTC; amounts are whole units or minor units of money.
"""

from __future__ import annotations

from piccolo.columns import BigInt, Text
from piccolo.table import Table

from loyalty_engine.consent.tables import ConsentRecord, ConsentState, Message, MessageCount
from loyalty_engine.identity.tables import (
    Alert,
    Confirmation,
    Erasure,
    Merge,
    Request,
    Secret,
    Tombstone,
    Viewing,
)
from loyalty_engine.pages.tables import DoorCode, PageLink
from loyalty_engine.piccolo_conf import DB
from loyalty_engine.redemption.tables import Hold, PerkCount, Voucher, VoucherStep
from loyalty_engine.referrals.tables import Referral, ReferralCode, ReferralMark, ReferralStep
from loyalty_engine.texts.tables import InboundText, PhoneLine, Webhook, WebhookDelivery


class Business(Table, tablename="businesses", db=DB):
    """A business: everything else belongs to exactly one. Its id is made from its slug."""

    business_id = BigInt(primary_key=True, default=None, null=False)
    slug = Text(default="", null=False)
    name = Text(default="", null=False)
    created_at = BigInt(default=0, null=False)
    version = BigInt(default=0, null=False)
    vault = Text(default="", null=False)


class Key(Table, tablename="keys", db=DB):
    """An API key: its hash, what it may do, and where; never the key itself."""

    business_id = BigInt(default=0, null=False)
    id = Text(primary_key=True, default=None, null=False)
    fingerprint = Text(default="", null=False)
    name = Text(default=None, null=True)
    scopes = Text(default="", null=False)
    location = Text(default=None, null=True)
    last4 = Text(default="", null=False)
    created_at = BigInt(default=0, null=False)
    expires_at = BigInt(default=None, null=True)
    revoked_at = BigInt(default=None, null=True)


class Location(Table, tablename="locations", db=DB):
    """A shop of the business."""

    business_id = BigInt(default=0, null=False)
    location = Text(primary_key=True, default=None, null=False)
    name = Text(default=None, null=True)
    created_at = BigInt(default=0, null=False)


class Draft(Table, tablename="drafts", db=DB):
    """The programme as it is being written."""

    business_id = BigInt(primary_key=True, default=None, null=False)
    source = Text(default="", null=False)
    format = Text(default="", null=False)
    saved_at = BigInt(default=0, null=False)


class Version(Table, tablename="versions", db=DB):
    """One published state of the programme; never changed afterwards."""

    business_id = BigInt(default=0, null=False)
    version = BigInt(primary_key=True, default=None, null=False)
    source = Text(default="", null=False)
    format = Text(default="", null=False)
    valid_from = BigInt(default=0, null=False)
    published_at = BigInt(default=0, null=False)
    note = Text(default="", null=False)
    by = Text(default="", null=False)


class Member(Table, tablename="members", db=DB):
    """A member: opaque id, facts for the rules, and the key to what is personal, wrapped."""

    business_id = BigInt(default=0, null=False)
    id = Text(primary_key=True, default=None, null=False)
    revision = BigInt(default=0, null=False)
    joined_at = BigInt(default=0, null=False)
    visits = BigInt(default=0, null=False)
    spend_minor = BigInt(default=0, null=False)
    first_purchase_at = BigInt(default=None, null=True)
    last_purchase_at = BigInt(default=None, null=True)
    language = Text(default=None, null=True)
    tier = Text(default=None, null=True)
    tags = Text(default="", null=False)
    wrapped_key = Text(default="", null=False)
    sealed_profile = Text(default=None, null=True)
    tier_until = BigInt(default=None, null=True)
    presence = Text(default=None, null=True)
    referral = Text(default=None, null=True)


class Identifier(Table, tablename="identifiers", db=DB):
    """A phone number or e-mail address that finds a member."""

    business_id = BigInt(default=0, null=False)
    blind_index = Text(primary_key=True, default=None, null=False)
    member_id = Text(default="", null=False)
    kind = Text(default="", null=False)
    sealed = Text(default="", null=False)
    added_at = BigInt(default=0, null=False)
    verified_at = BigInt(default=None, null=True)
    bounced_at = BigInt(default=None, null=True)
    home = Text(default=None, null=True)


class Journal(Table, tablename="journal", db=DB):
    """Every accepted command, once, with its keys and its outcome."""

    business_id = BigInt(default=0, null=False)
    id = Text(primary_key=True, default=None, null=False)
    revision = BigInt(default=None, null=True)
    kind = Text(default="", null=False)
    key = Text(default=None, null=True)
    natural = Text(default=None, null=True)
    fingerprint = Text(default="", null=False)
    member_id = Text(default=None, null=True)
    subject = Text(default=None, null=True)
    location = Text(default=None, null=True)
    occurred_at = BigInt(default=0, null=False)
    recorded_at = BigInt(default=0, null=False)
    version = BigInt(default=None, null=True)
    amount_minor = BigInt(default=None, null=True)
    input = Text(default=None, null=True)
    status = BigInt(default=0, null=False)
    answer = Text(default="", null=False)
    request_id = Text(default="", null=False)


class Entry(Table, tablename="entries", db=DB):
    """A transfer between one of the business's own accounts and a member's; never changed."""

    business_id = BigInt(default=0, null=False)
    id = Text(primary_key=True, default=None, null=False)
    member_id = Text(default="", null=False)
    revision = BigInt(default=0, null=False)
    unit = Text(default="", null=False)
    amount = BigInt(default=0, null=False)
    counter = Text(default="", null=False)
    kind = Text(default="", null=False)
    balance_after = BigInt(default=0, null=False)
    journal_id = Text(default="", null=False)
    version = BigInt(default=None, null=True)
    rule = Text(default=None, null=True)
    says = Text(default="", null=False)
    reverses = Text(default=None, null=True)
    occurred_at = BigInt(default=0, null=False)
    recorded_at = BigInt(default=0, null=False)


class Lot(Table, tablename="lots", db=DB):
    """A parcel of units with one expiry."""

    business_id = BigInt(default=0, null=False)
    id = Text(primary_key=True, default=None, null=False)
    member_id = Text(default="", null=False)
    unit = Text(default="", null=False)
    amount = BigInt(default=0, null=False)
    remaining = BigInt(default=0, null=False)
    journal_id = Text(default="", null=False)
    spendable_at = BigInt(default=0, null=False)
    expires_at = BigInt(default=None, null=True)
    recorded_at = BigInt(default=0, null=False)


class Allocation(Table, tablename="allocations", db=DB):
    """What one entry took out of one lot."""

    business_id = BigInt(default=0, null=False)
    lot_id = Text(primary_key=True, default=None, null=False)
    entry_id = Text(default="", null=False)
    amount = BigInt(default=0, null=False)


class Account(Table, tablename="accounts", db=DB):
    """A member's account in one unit."""

    business_id = BigInt(default=0, null=False)
    member_id = Text(primary_key=True, default=None, null=False)
    unit = Text(default="", null=False)
    balance = BigInt(default=0, null=False)
    held = BigInt(default=0, null=False)
    pending_until = BigInt(default=0, null=False)
    next_expiry = BigInt(default=None, null=True)


class LimitUse(Table, tablename="limit_uses", db=DB):
    """How much of a limit or cap a member has used in one window."""

    business_id = BigInt(default=0, null=False)
    member_id = Text(primary_key=True, default=None, null=False)
    ends_at = BigInt(default=0, null=False)
    subject = Text(default="", null=False)
    window = Text(default="", null=False)
    starts_at = BigInt(default=0, null=False)
    times = BigInt(default=0, null=False)
    amount = BigInt(default=0, null=False)


class ParkedRefund(Table, tablename="parked_refunds", db=DB):
    """A refund that came before its purchase."""

    business_id = BigInt(default=0, null=False)
    journal_id = Text(primary_key=True, default=None, null=False)
    purchase_natural = Text(default="", null=False)
    command = Text(default="", null=False)
    parked_at = BigInt(default=0, null=False)
    settled_by = Text(default=None, null=True)


class ExpiryNotice(Table, tablename="expiry_notices", db=DB):
    """A member has been told that units of theirs run out."""

    business_id = BigInt(default=0, null=False)
    member_id = Text(primary_key=True, default=None, null=False)
    unit = Text(default="", null=False)
    expires_at = BigInt(default=0, null=False)
    amount = BigInt(default=0, null=False)
    noticed_at = BigInt(default=0, null=False)


class CohortAward(Table, tablename="cohort_awards", db=DB):
    """Units given to many members at once, and how far that has come."""

    business_id = BigInt(default=0, null=False)
    id = Text(primary_key=True, default=None, null=False)
    command = Text(default="", null=False)
    state = Text(default="", null=False)
    until = BigInt(default=0, null=False)
    reached = Text(default="", null=False)
    members = BigInt(default=0, null=False)
    done = BigInt(default=0, null=False)
    amount = BigInt(default=0, null=False)
    version = BigInt(default=0, null=False)
    created_at = BigInt(default=0, null=False)
    changed_at = BigInt(default=0, null=False)


TABLES: tuple[type[Table], ...] = (
    Business,
    Key,
    Location,
    Draft,
    Version,
    Member,
    Identifier,
    Journal,
    Entry,
    Lot,
    Allocation,
    Account,
    LimitUse,
    ParkedRefund,
    ExpiryNotice,
    CohortAward,
    ConsentRecord,
    ConsentState,
    Message,
    MessageCount,
    Merge,
    Confirmation,
    Tombstone,
    Secret,
    Erasure,
    Request,
    Viewing,
    Alert,
    Voucher,
    VoucherStep,
    PerkCount,
    Hold,
    PhoneLine,
    InboundText,
    Webhook,
    WebhookDelivery,
    PageLink,
    DoorCode,
    ReferralCode,
    Referral,
    ReferralStep,
    ReferralMark,
)
