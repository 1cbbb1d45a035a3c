"""The business's line with its gateway, every text that came in, and webhooks with what was delivered to them."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from loyalty_engine.schema import Schema

ID = "0007"
VERSION = "1.38.0"
DESCRIPTION = "texts that come in, the gateways they come by, and webhooks"

TABLES = (
    """
CREATE TABLE phone_lines (
    business_id {whole} NOT NULL,
    gateway {text} NOT NULL,
    wrapped_key {text} NOT NULL,
    sealed {text} NOT NULL,
    words {text} NOT NULL,
    sends {whole} NOT NULL,
    connected_at {whole} NOT NULL,
    FOREIGN KEY (business_id) REFERENCES businesses (business_id),
    PRIMARY KEY (business_id, gateway)
){options}
""",
    """
CREATE TABLE inbound_texts (
    business_id {whole} NOT NULL,
    gateway {text} NOT NULL,
    message_id {text} NOT NULL,
    received_at {whole} NOT NULL,
    number_index {text},
    member_id {text},
    wish {text} NOT NULL,
    asked {text},
    wrapped_key {text},
    sealed {text} NOT NULL,
    review {whole} NOT NULL,
    reviewed_at {whole},
    journal_id {text} NOT NULL,
    answer_id {text},
    PRIMARY KEY (business_id, gateway, message_id)
){options}
""",
    """
CREATE TABLE webhooks (
    business_id {whole} NOT NULL,
    id {text} NOT NULL,
    url {text} NOT NULL,
    kinds {text} NOT NULL,
    wrapped_key {text} NOT NULL,
    sealed {text} NOT NULL,
    sealed_before {text},
    before_until {whole},
    created_at {whole} NOT NULL,
    seen_until {whole} NOT NULL,
    failing_since {whole},
    disabled_at {whole},
    disabled_why {text},
    FOREIGN KEY (business_id) REFERENCES businesses (business_id),
    PRIMARY KEY (business_id, id)
){options}
""",
    """
CREATE TABLE webhook_deliveries (
    business_id {whole} NOT NULL,
    webhook_id {text} NOT NULL,
    event_id {text} NOT NULL,
    kind {text} NOT NULL,
    state {text} NOT NULL,
    tries {whole} NOT NULL,
    queued_at {whole} NOT NULL,
    due_at {whole} NOT NULL,
    claimed_until {whole} NOT NULL,
    answered {whole},
    reason {text},
    ended_at {whole},
    CHECK (state IN ('queued', 'delivered', 'dead')),
    PRIMARY KEY (business_id, webhook_id, event_id)
){options}
""",
)

INDEXES = (
    "CREATE INDEX inbound_texts_number ON inbound_texts (business_id, number_index, received_at)",
    "CREATE INDEX inbound_texts_review ON inbound_texts (business_id, received_at) "
    "WHERE review = 1 AND reviewed_at IS NULL",
    "CREATE INDEX webhook_deliveries_due ON webhook_deliveries (due_at, claimed_until) WHERE state = 'queued'",
)

SCHEMA = Schema(
    tables=TABLES, indexes=INDEXES, long_rows=("phone_lines", "inbound_texts", "webhooks"),
    figures={"webhook_deliveries_due": "50 20 1"},
)  # fmt: skip


async def forwards() -> MigrationManager:
    """Make the tables of texts and webhooks."""
    return SCHEMA.migration(ID, DESCRIPTION)
