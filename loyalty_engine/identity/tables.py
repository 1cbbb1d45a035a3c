"""The tables of identity and privacy, in reading order; tables.py lists them with the others."""

from __future__ import annotations

from piccolo.columns import BigInt, Text
from piccolo.table import Table

from loyalty_engine.piccolo_conf import DB


class Merge(Table, tablename="merges", db=DB):
    """Two members found to be one person: who sleeps, in whom, and what was carried over, so that it can be undone."""

    business_id = BigInt(default=0, null=False)
    id = Text(primary_key=True, default=None, null=False)
    member_id = Text(default="", null=False)
    into_id = Text(default="", null=False)
    merged_at = BigInt(default=0, null=False)
    undone_at = BigInt(default=None, null=True)
    carried = Text(default="", null=False)


class Confirmation(Table, tablename="confirmations", db=DB):
    """A code sent to a number or address, waiting to be said back: hashed, and the number sealed."""

    business_id = BigInt(default=0, null=False)
    id = Text(primary_key=True, default=None, null=False)
    member_id = Text(default="", null=False)
    purpose = Text(default="", null=False)
    kind = Text(default="", null=False)
    sealed = Text(default="", null=False)
    replaces = Text(default=None, null=True)
    code_hash = Text(default="", null=False)
    tries = BigInt(default=0, null=False)
    created_at = BigInt(default=0, null=False)
    expires_at = BigInt(default=0, null=False)
    done_at = BigInt(default=None, null=True)


class Tombstone(Table, tablename="tombstones", db=DB):
    """That somebody was once here: a keyed hash kept after erasure, so that nobody is a new friend twice."""

    business_id = BigInt(default=0, null=False)
    tombstone = Text(primary_key=True, default=None, null=False)
    laid_at = BigInt(default=0, null=False)


class Secret(Table, tablename="secrets", db=DB):
    """A secret of the business that outlives a change of the master key: wrapped under it."""

    business_id = BigInt(default=0, null=False)
    name = Text(primary_key=True, default=None, null=False)
    wrapped = Text(default="", null=False)
    made_at = BigInt(default=0, null=False)


class Erasure(Table, tablename="erasures", db=DB):
    """Who has been erased, by opaque id: what a restored backup is held against."""

    business_id = BigInt(default=0, null=False)
    member_id = Text(primary_key=True, default=None, null=False)
    erased_at = BigInt(default=0, null=False)
    by_key = Text(default="", null=False)


class Request(Table, tablename="requests", db=DB):
    """What a member has asked of us under the law, and by when it must be answered."""

    business_id = BigInt(default=0, null=False)
    id = Text(primary_key=True, default=None, null=False)
    member_id = Text(default="", null=False)
    kind = Text(default="", null=False)
    received_at = BigInt(default=0, null=False)
    due_at = BigInt(default=0, null=False)
    reminded_at = BigInt(default=None, null=True)
    answered_at = BigInt(default=None, null=True)


class Viewing(Table, tablename="viewings", db=DB):
    """Somebody of the staff looked at a full number or name: who, whose, when and why."""

    business_id = BigInt(default=0, null=False)
    id = Text(primary_key=True, default=None, null=False)
    member_id = Text(default="", null=False)
    what = Text(default="", null=False)
    key_id = Text(default="", null=False)
    staff = Text(default=None, null=True)
    reason = Text(default="", null=False)
    seen_at = BigInt(default=0, null=False)


class Alert(Table, tablename="alerts", db=DB):
    """Something a person should look at: a key that asks for far too many numbers."""

    business_id = BigInt(default=0, null=False)
    id = Text(primary_key=True, default=None, null=False)
    kind = Text(default="", null=False)
    key_id = Text(default="", null=False)
    says = Text(default="", null=False)
    raised_at = BigInt(default=0, null=False)
