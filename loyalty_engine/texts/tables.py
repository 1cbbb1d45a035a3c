"""The tables of texts that come in and of webhooks, in reading order; tables.py lists them with the others."""

from __future__ import annotations

from piccolo.columns import BigInt, Text
from piccolo.table import Table

from loyalty_engine.piccolo_conf import DB


class PhoneLine(Table, tablename="phone_lines", db=DB):
    """A business's account with a gateway: its settings sealed, its own words, and whether texts leave by it."""

    business_id = BigInt(default=0, null=False)
    gateway = Text(primary_key=True, default=None, null=False)
    wrapped_key = Text(default="", null=False)
    sealed = Text(default="", null=False)
    words = Text(default="", null=False)
    sends = BigInt(default=0, null=False)
    connected_at = BigInt(default=0, null=False)


class InboundText(Table, tablename="inbound_texts", db=DB):
    """A text that came in, once by its gateway's id: sealed, what it asked for, and what it was answered."""

    business_id = BigInt(default=0, null=False)
    gateway = Text(default="", null=False)
    message_id = Text(primary_key=True, default=None, null=False)
    received_at = BigInt(default=0, null=False)
    number_index = Text(default=None, null=True)
    member_id = Text(default=None, null=True)
    wish = Text(default="", null=False)
    asked = Text(default=None, null=True)
    wrapped_key = Text(default=None, null=True)
    sealed = Text(default="", null=False)
    review = BigInt(default=0, null=False)
    reviewed_at = BigInt(default=None, null=True)
    journal_id = Text(default="", null=False)
    answer_id = Text(default=None, null=True)


class Webhook(Table, tablename="webhooks", db=DB):
    """An address that is told what happens, with its secret sealed, and until where it has been told."""

    business_id = BigInt(default=0, null=False)
    id = Text(primary_key=True, default=None, null=False)
    url = Text(default="", null=False)
    kinds = Text(default="", null=False)
    wrapped_key = Text(default="", null=False)
    sealed = Text(default="", null=False)
    sealed_before = Text(default=None, null=True)
    before_until = BigInt(default=None, null=True)
    created_at = BigInt(default=0, null=False)
    seen_until = BigInt(default=0, null=False)
    failing_since = BigInt(default=None, null=True)
    disabled_at = BigInt(default=None, null=True)
    disabled_why = Text(default=None, null=True)


class WebhookDelivery(Table, tablename="webhook_deliveries", db=DB):
    """One event for one webhook: waiting, delivered, or given up."""

    business_id = BigInt(default=0, null=False)
    webhook_id = Text(primary_key=True, default=None, null=False)
    event_id = Text(default="", null=False)
    kind = Text(default="", null=False)
    state = Text(default="", null=False)
    tries = BigInt(default=0, null=False)
    queued_at = BigInt(default=0, null=False)
    due_at = BigInt(default=0, null=False)
    claimed_until = BigInt(default=0, null=False)
    answered = BigInt(default=None, null=True)
    reason = Text(default=None, null=True)
    ended_at = BigInt(default=None, null=True)
