"""Everything the counting house can be told to do, as frozen values: what a till, an import or a batch hands over.

The same types are decoded from the HTTP body, so a shape is written once. Sizes and ranges are judged while
decoding; what needs the programme or the member is judged by the room that carries the command out.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

# 10^12 minor units is ten thousand million kroner: the sum of any legal basket stays far below 2^63.
Money = Annotated[int, Meta(ge=1, le=10**12)]
MoneyOrNothing = Annotated[int, Meta(ge=0, le=10**12)]
Units = Annotated[int, Meta(ge=-(10**9), le=10**9)]
UnitsSpent = Annotated[int, Meta(ge=1, le=10**9)]
Quantity = Annotated[int, Meta(ge=1, le=10**6)]
Label = Annotated[str, Meta(min_length=1, max_length=100)]
Receipt = Annotated[str, Meta(min_length=1, max_length=200)]
Typed = Annotated[str, Meta(min_length=1, max_length=320)]
Instant = Annotated[datetime, Meta(tz=True)]
Language = Annotated[str, Meta(pattern="^[a-z]{2}$", max_length=2)]
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$", max_length=3)]
VersionNumber = Annotated[int, Meta(ge=1, le=10**9)]
Worth = Annotated[str, Meta(pattern="^[0-9]{1,9}([.][0-9]{1,6})?$", max_length=16)]
EventKind = Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9_-]{0,63}$", max_length=64)]
AttributeName = Annotated[str, Meta(min_length=1, max_length=120)]
AttributeText = Annotated[str, Meta(min_length=1, max_length=120)]
AttributeNumber = Annotated[int, Meta(ge=-(10**12), le=10**12)]
LineNumber = Annotated[str, Meta(min_length=1, max_length=50)]


class Ticket(Struct, frozen=True):
    """What accompanies every command that changes something.

    `key` is the caller's idempotency key, `request_id` names the request in problems and logs, `at` is the
    instant we received it (aware, UTC): the only clock reading the rooms below ever see.
    """

    key: str
    request_id: str
    at: datetime


class MemberRef(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Names a member by exactly one of phone, e-mail or id; a phone is read as typed, in the programme's country."""

    phone: Typed | UnsetType = UNSET
    email: Typed | UnsetType = UNSET
    id: Annotated[str, Meta(pattern="^mem_[0-9a-z]{26}$", max_length=30)] | UnsetType = UNSET


class ReferredBy(MemberRef, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Names who brought a friend: as a member is named, or by their code, alone or in its link."""

    code: Annotated[str, Meta(min_length=1, max_length=200)] | UnsetType = UNSET


class KnownElsewhere(MemberRef, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Names a member by what another system calls them; only an import says this, no call of the API takes it."""

    external: Typed = ""


class PurchaseLine(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One line of a receipt; `amount_minor` is what was paid for it after `discount_minor`, tax included."""

    line: LineNumber
    amount_minor: MoneyOrNothing
    sku: Label | None = None
    category: Label | None = None
    quantity: Quantity = 1
    discount_minor: MoneyOrNothing = 0
    tax_minor: MoneyOrNothing = 0
    tags: Annotated[tuple[Label, ...], Meta(max_length=20)] = ()


class Redeem(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Something the member wants to spend in this purchase: a perk, a voucher, a hold, or units that pay like money.

    `code` goes with a hold that wants one; `amount` with `unit`: at most so many.
    """

    perk: Label | UnsetType = UNSET
    voucher: Label | UnsetType = UNSET
    hold: Label | UnsetType = UNSET
    unit: Label | UnsetType = UNSET
    amount: UnitsSpent | UnsetType = UNSET
    code: Label | UnsetType = UNSET


class ConsentGiven(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A decision the member took at the till, with the wording they were read."""

    purpose: Label
    channel: Label
    decision: Literal["given", "refused", "withdrawn"]
    wording: Label
    language: Language | UnsetType = UNSET


class QuotePurchase(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """A basket before it is paid: what would it earn? The same fields as a purchase, with an optional receipt."""

    currency: Currency
    total_minor: Money
    member: MemberRef
    receipt: Receipt | None = None
    location: Label | None = None
    till: Label | None = None
    staff: Label | None = None
    channel: Label | None = None
    occurred_at: Instant | None = None
    lines: Annotated[tuple[PurchaseLine, ...], Meta(min_length=1, max_length=500)] | None = None
    redeem: Annotated[tuple[Redeem, ...], Meta(max_length=20)] = ()
    codes: Annotated[tuple[Label, ...], Meta(max_length=20)] = ()
    referred_by: ReferredBy | None = None
    consents: Annotated[tuple[ConsentGiven, ...], Meta(max_length=20)] = ()


class RecordPurchase(QuotePurchase, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """A closed purchase. `receipt` is the till's own number: with location and kind it is the natural key.

    `paid_with` is the terminal's own opaque token of the card, never its number; it is kept as a keyed hash.
    """

    receipt: Receipt
    paid_with: Label | None = None


class ReturnedLine(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A line that came back: all that is left of it, some pieces, or an amount in minor units."""

    line: LineNumber
    quantity: Quantity | None = None
    amount_minor: Money | None = None


class RefundPurchase(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Goods or money given back: exactly one of `lines`, `amount_minor` or `full`. `receipt` is the refund's own."""

    receipt: Receipt
    lines: Annotated[tuple[ReturnedLine, ...], Meta(min_length=1, max_length=500)] | None = None
    amount_minor: Money | None = None
    full: bool = False
    occurred_at: Instant | None = None
    location: Label | None = None
    till: Label | None = None
    staff: Label | None = None


class PurchaseAddress(Struct, frozen=True, forbid_unknown_fields=True):
    """Finds a purchase as the till knows it: where it was made, and its receipt number."""

    receipt: Receipt
    location: Label | None = None


class RefundByReceipt(RefundPurchase, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """A refund that names its purchase by receipt; it waits when that purchase is not here yet."""

    purchase: PurchaseAddress


class EnrolMember(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Somebody joins by saying a number or an address."""

    member: MemberRef
    name: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    language: Language | None = None
    birthday: date | None = None
    location: Label | None = None
    referred_by: ReferredBy | None = None
    consents: Annotated[tuple[ConsentGiven, ...], Meta(max_length=20)] = ()


class RecordEvent(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Something that happened to a member other than a purchase: a course done, a delivery that failed.

    `reference` is the caller's own name of it: with the kind it is the natural key. `attributes` are what rules may ask
    about it: numbers, true or false, and short texts that name nobody.
    """

    kind: EventKind
    member: MemberRef
    reference: Receipt
    occurred_at: Instant | None = None
    attributes: Annotated[dict[AttributeName, AttributeText | AttributeNumber | bool], Meta(max_length=30)] = {}
    location: Label | None = None
    staff: Label | None = None


class AdjustBalance(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Units given or taken by hand; the reason is kept with the entry and shown to the member, `by` says who did it.

    With `staff` it is goodwill: given at the counter, out of what that member of staff may give away in a day.
    """

    unit: Label
    amount: Units
    reason: Annotated[str, Meta(min_length=1, max_length=500)]
    by: Label | None = None
    staff: Label | None = None


class CreateKey(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """A new API key; without `location` it serves every location of the business."""

    scopes: Annotated[tuple[Literal["till", "manage", "events", "read"], ...], Meta(min_length=1, max_length=4)]
    name: Label | None = None
    location: Label | None = None
    expires_at: Instant | None = None


class DeclareLocation(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A shop of the business, under the short name its tills send."""

    location: Label
    name: Label | None = None


class PublishProgramme(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Publish the draft; `note` says why and is kept with the version."""

    note: Annotated[str, Meta(max_length=500)] = ""
    by: Annotated[str, Meta(max_length=100)] = ""


class RollBack(PublishProgramme, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Publish once more what an older version said: version `to`, or the one before the current. Say why, and who."""

    note: Annotated[str, Meta(min_length=1, max_length=500)]
    by: Annotated[str, Meta(min_length=1, max_length=100)]
    to: VersionNumber | None = None


class BacktestProgramme(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Try a programme on the journal: one sent along as a JSON document or as `toml`, or else the draft.

    `since` and `until` bound what is counted; all that happened before is known to the rules. Beside it is shown what
    `against` gives: a version judging everything, or "published", each version in its own days. `worth` says what a
    unit is worth in minor units of money; what it leaves out is worth the best perk it buys.
    """

    programme: msgspec.Raw | UnsetType = UNSET
    toml: str | UnsetType = UNSET
    since: Instant | None = None
    until: Instant | None = None
    against: VersionNumber | Literal["current", "published"] = "current"
    worth: dict[Label, Worth] = {}


def fingerprint_text(command: Struct) -> bytes:
    """Give the canonical bytes of a command: the same for every body that means the same."""
    return msgspec.json.encode(command, order="deterministic")
