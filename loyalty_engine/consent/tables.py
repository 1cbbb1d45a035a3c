"""The tables of consent and messages, in reading order; tables.py lists them with the others."""

from __future__ import annotations

from piccolo.columns import BigInt, Text
from piccolo.table import Table

from loyalty_engine.piccolo_conf import DB


class ConsentRecord(Table, tablename="consent_records", db=DB):
    """What a member decided, in which words, told by whom; never changed, each chained to the one before it."""

    business_id = BigInt(default=0, null=False)
    member_id = Text(default="", null=False)
    number = BigInt(default=0, null=False)
    id = Text(primary_key=True, default=None, null=False)
    purpose = Text(default="", null=False)
    channel = Text(default="", null=False)
    decision = Text(default="", null=False)
    wording = Text(default="", null=False)
    wording_version = BigInt(default=0, null=False)
    wording_sha256 = Text(default="", null=False)
    language = Text(default="", null=False)
    source = Text(default="", null=False)
    actor = Text(default="", null=False)
    location = Text(default=None, null=True)
    evidence = Text(default=None, null=True)
    jurisdiction = Text(default="", null=False)
    occurred_at = BigInt(default=0, null=False)
    recorded_at = BigInt(default=0, null=False)
    expires_at = BigInt(default=None, null=True)
    journal_id = Text(default="", null=False)
    previous = Text(default="", null=False)
    hash = Text(default="", null=False)


class ConsentState(Table, tablename="consents", db=DB):
    """What a member's records come to for one purpose on one channel; made anew from them at any time."""

    business_id = BigInt(default=0, null=False)
    member_id = Text(primary_key=True, default=None, null=False)
    purpose = Text(default="", null=False)
    channel = Text(default="", null=False)
    state = Text(default="", null=False)
    record_id = Text(default="", null=False)
    since = BigInt(default=0, null=False)
    expires_at = BigInt(default=None, null=True)


class Message(Table, tablename="messages", db=DB):
    """A message to a member: sealed, waiting, sent, or refused with the reason."""

    business_id = BigInt(default=0, null=False)
    id = Text(primary_key=True, default=None, null=False)
    once = Text(default=None, null=True)
    member_id = Text(default=None, null=True)
    channel = Text(default="", null=False)
    purpose = Text(default="", null=False)
    language = Text(default="", null=False)
    sealed = Text(default="", null=False)
    wrapped_key = Text(default=None, null=True)
    journal_id = Text(default=None, null=True)
    queued_at = BigInt(default=0, null=False)
    expires_at = BigInt(default=None, null=True)
    due_at = BigInt(default=0, null=False)
    state = Text(default="", null=False)
    reason = Text(default=None, null=True)
    tries = BigInt(default=0, null=False)
    claimed_until = BigInt(default=0, null=False)
    left_at = BigInt(default=None, null=True)
    consent_id = Text(default=None, null=True)
    country = Text(default=None, null=True)
    number_index = Text(default=None, null=True)
    gateway = Text(default=None, null=True)
    gateway_id = Text(default=None, null=True)
    parts = BigInt(default=None, null=True)
    ended_at = BigInt(default=None, null=True)


class MessageCount(Table, tablename="message_counts", db=DB):
    """How many messages of a channel went to a country on a day of the business."""

    business_id = BigInt(default=0, null=False)
    day = Text(primary_key=True, default=None, null=False)
    channel = Text(default="", null=False)
    country = Text(default="", null=False)
    sent = BigInt(default=0, null=False)
