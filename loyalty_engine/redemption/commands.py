"""What the counting house can be told about spending: holds, and vouchers given or bought."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from loyalty_engine.commands import Label, MemberRef, Receipt, UnitsSpent

Code = Annotated[str, Meta(pattern="^[0-9]{6}$", max_length=6)]
# Half a minute to a day: longer than anybody stands at a till, shorter than anybody forgets.
Seconds = Annotated[int, Meta(ge=30, le=86_400)]


class PlaceHold(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Set something aside at the till: exactly one of a perk, a voucher, or units with an amount."""

    member: MemberRef
    perk: Label | UnsetType = UNSET
    voucher: Label | UnsetType = UNSET
    unit: Label | UnsetType = UNSET
    amount: UnitsSpent | UnsetType = UNSET
    receipt: Receipt | None = None
    location: Label | None = None
    ttl_seconds: Seconds = 900


class CaptureHold(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Spend what a hold set aside; of units also a part. `code` is what was sent to the member, where it is wanted."""

    amount: UnitsSpent | None = None
    receipt: Receipt | None = None
    code: Code | None = None


class ReleaseHold(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Let go of what a hold set aside."""

    reason: Annotated[str, Meta(max_length=200)] = ""


class UndoHold(Struct, frozen=True, forbid_unknown_fields=True):
    """That was not me: the member's own word, with the token of the notice they were sent."""

    token: Annotated[str, Meta(pattern="^[0-9A-Za-z_-]{22}$", max_length=22)]


class IssueVoucher(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Give a member a voucher for a perk, for nothing and with a reason; or let them buy one with units."""

    perk: Label
    by: Literal["granted", "bought"] = "granted"
    reason: Annotated[str, Meta(max_length=200)] = ""
    staff: Label | None = None
