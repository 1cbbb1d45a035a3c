"""The tables of who brought whom, in reading order; tables.py lists them with the others."""

from __future__ import annotations

from piccolo.columns import BigInt, Text
from piccolo.table import Table

from loyalty_engine.piccolo_conf import DB


class ReferralCode(Table, tablename="referral_codes", db=DB):
    """The code by which a member brings friends."""

    business_id = BigInt(default=0, null=False)
    code = Text(primary_key=True, default=None, null=False)
    member_id = Text(default="", null=False)
    made_at = BigInt(default=0, null=False)


class Referral(Table, tablename="referrals", db=DB):
    """An ambassador named a friend: who they are, as a keyed hash until they join, and how far it has come."""

    business_id = BigInt(default=0, null=False)
    id = Text(primary_key=True, default=None, null=False)
    ambassador_id = Text(default="", null=False)
    friend_id = Text(default=None, null=True)
    friend_hash = Text(default=None, null=True)
    how = Text(default="", null=False)
    state = Text(default="", null=False)
    reason = Text(default=None, null=True)
    review = Text(default=None, null=True)
    steps = BigInt(default=0, null=False)
    named_at = BigInt(default=0, null=False)
    joined_at = BigInt(default=None, null=True)
    qualified_at = BigInt(default=None, null=True)
    due_at = BigInt(default=None, null=True)
    ended_at = BigInt(default=None, null=True)
    purchase_id = Text(default=None, null=True)
    version = BigInt(default=None, null=True)
    ambassador_unit = Text(default=None, null=True)
    ambassador_amount = BigInt(default=None, null=True)
    friend_unit = Text(default=None, null=True)
    friend_amount = BigInt(default=None, null=True)


class ReferralStep(Table, tablename="referral_steps", db=DB):
    """A step a referral took, with its reason and who took it; never changed."""

    business_id = BigInt(default=0, null=False)
    referral_id = Text(primary_key=True, default=None, null=False)
    number = BigInt(default=0, null=False)
    state = Text(default="", null=False)
    reason = Text(default=None, null=True)
    by = Text(default="", null=False)
    journal_id = Text(default=None, null=True)
    at = BigInt(default=0, null=False)


class ReferralMark(Table, tablename="referral_marks", db=DB):
    """That a friend was credited: a keyed hash of each of their numbers, kept for ever; never changed."""

    business_id = BigInt(default=0, null=False)
    mark = Text(primary_key=True, default=None, null=False)
    referral_id = Text(default="", null=False)
    laid_at = BigInt(default=0, null=False)
