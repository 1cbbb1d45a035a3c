"""The tables of what members spend: vouchers with their history, how often a perk was had, and holds."""

from __future__ import annotations

from piccolo.columns import BigInt, Text
from piccolo.table import Table

from loyalty_engine.piccolo_conf import DB


class Voucher(Table, tablename="vouchers", db=DB):
    """One issued copy of a perk, with a code of its own; redeemed at most once."""

    business_id = BigInt(default=0, null=False)
    id = Text(primary_key=True, default=None, null=False)
    member_id = Text(default="", null=False)
    code = Text(default="", null=False)
    perk = Text(default="", null=False)
    state = Text(default="", null=False)
    origin = Text(default="", null=False)
    says = Text(default="", null=False)
    version = BigInt(default=0, null=False)
    issued_in = Text(default="", null=False)
    issued_at = BigInt(default=0, null=False)
    expires_at = BigInt(default=None, null=True)
    redeemed_in = Text(default=None, null=True)


class VoucherStep(Table, tablename="voucher_steps", db=DB):
    """What happened to a voucher, and by which journal line; never changed."""

    business_id = BigInt(default=0, null=False)
    voucher_id = Text(primary_key=True, default=None, null=False)
    journal_id = Text(default="", null=False)
    state = Text(default="", null=False)
    says = Text(default="", null=False)
    at = BigInt(default=0, null=False)


class PerkCount(Table, tablename="perk_counts", db=DB):
    """How many copies of a perk everybody together has had, of a perk that has such a limit."""

    business_id = BigInt(default=0, null=False)
    perk = Text(primary_key=True, default=None, null=False)
    issued = BigInt(default=0, null=False)
    most = BigInt(default=0, null=False)


class Hold(Table, tablename="holds", db=DB):
    """Units, a perk or a voucher set aside at the till, until captured, released or lapsed."""

    business_id = BigInt(default=0, null=False)
    id = Text(primary_key=True, default=None, null=False)
    member_id = Text(default="", null=False)
    perk = Text(default=None, null=True)
    voucher_id = Text(default=None, null=True)
    unit = Text(default=None, null=True)
    amount = BigInt(default=0, null=False)
    location = Text(default=None, null=True)
    receipt = Text(default=None, null=True)
    version = BigInt(default=0, null=False)
    status = Text(default="", null=False)
    captured = BigInt(default=0, null=False)
    held_at = BigInt(default=0, null=False)
    expires_at = BigInt(default=0, null=False)
    closed_in = Text(default=None, null=True)
    closed_at = BigInt(default=None, null=True)
    step_up = Text(default=None, null=True)
    code_hash = Text(default=None, null=True)
    code_until = BigInt(default=None, null=True)
    tries = BigInt(default=0, null=False)
    undo_hash = Text(default=None, null=True)
