"""What the business may tell of referrals: who brings whom, and whether one that raised doubts may pass."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from loyalty_engine.commands import Label, MemberRef, ReferredBy


class NameFriend(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """An ambassador names a friend who is not a member yet: by the number or address the friend will join with."""

    ambassador: ReferredBy
    friend: MemberRef


class ReviewReferral(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """A person has looked at a referral: let it pass, or let it end. Say who, and why."""

    decision: Literal["approve", "refuse"]
    by: Label
    note: Annotated[str, Meta(max_length=500)] = ""
