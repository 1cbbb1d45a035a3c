"""Consent records with what they come to, and the messages that wait, leave and are refused."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from loyalty_engine.schema import Schema

ID = "0004"
VERSION = "1.38.0"
DESCRIPTION = "consent records, what they come to, and messages"

TABLES = (
    """
CREATE TABLE consent_records (
    business_id {whole} NOT NULL,
    member_id {text} NOT NULL,
    number {whole} NOT NULL,
    id {text} NOT NULL,
    purpose {text} NOT NULL,
    channel {text} NOT NULL,
    decision {text} NOT NULL,
    wording {text} NOT NULL,
    wording_version {whole} NOT NULL,
    wording_sha256 {text} NOT NULL,
    language {text} NOT NULL,
    source {text} NOT NULL,
    actor {text} NOT NULL,
    location {text},
    evidence {text},
    jurisdiction {text} NOT NULL,
    occurred_at {whole} NOT NULL,
    recorded_at {whole} NOT NULL,
    expires_at {whole},
    journal_id {text} NOT NULL,
    previous {text} NOT NULL,
    hash {text} NOT NULL,
    FOREIGN KEY (business_id, member_id) REFERENCES members (business_id, id),
    PRIMARY KEY (business_id, member_id, number)
){options}
""",
    """
CREATE TABLE consents (
    business_id {whole} NOT NULL,
    member_id {text} NOT NULL,
    purpose {text} NOT NULL,
    channel {text} NOT NULL,
    state {text} NOT NULL,
    record_id {text} NOT NULL,
    since {whole} NOT NULL,
    expires_at {whole},
    PRIMARY KEY (business_id, member_id, purpose, channel)
){options}
""",
    """
CREATE TABLE messages (
    business_id {whole} NOT NULL,
    id {text} NOT NULL,
    once {text},
    member_id {text},
    channel {text} NOT NULL,
    purpose {text} NOT NULL,
    language {text} NOT NULL,
    sealed {text} NOT NULL,
    wrapped_key {text},
    journal_id {text},
    queued_at {whole} NOT NULL,
    expires_at {whole},
    due_at {whole} NOT NULL,
    state {text} NOT NULL,
    reason {text},
    tries {whole} NOT NULL,
    claimed_until {whole} NOT NULL,
    left_at {whole},
    consent_id {text},
    country {text},
    number_index {text},
    gateway {text},
    gateway_id {text},
    parts {whole},
    ended_at {whole},
    CHECK (state IN ('queued', 'leaving', 'sent', 'delivered', 'failed', 'refused', 'dead', 'withdrawn')),
    PRIMARY KEY (business_id, id)
){options}
""",
    """
CREATE TABLE message_counts (
    business_id {whole} NOT NULL,
    day {text} NOT NULL,
    channel {text} NOT NULL,
    country {text} NOT NULL,
    sent {whole} NOT NULL,
    PRIMARY KEY (business_id, day, channel, country)
){options}
""",
)

INDEXES = (
    "CREATE UNIQUE INDEX consent_records_id ON consent_records (business_id, id)",
    "CREATE UNIQUE INDEX messages_once ON messages (business_id, once)",
    "CREATE INDEX messages_due ON messages (due_at, claimed_until) WHERE state IN ('queued', 'leaving')",
    "CREATE INDEX messages_member ON messages (business_id, member_id, left_at)",
    "CREATE INDEX messages_number ON messages (business_id, number_index, left_at) WHERE number_index IS NOT NULL",
    "CREATE INDEX messages_gateway ON messages (business_id, gateway_id) WHERE gateway_id IS NOT NULL",
)

# What was agreed to is history: a change of mind is another record.
SCHEMA = Schema(
    tables=TABLES, indexes=INDEXES, append_only=("consent_records",), long_rows=("consent_records", "messages"),
    figures={"messages_due": "50 20 1"},
)  # fmt: skip


async def forwards() -> MigrationManager:
    """Make the tables of consent and of messages, and keep consent records as they were written."""
    return SCHEMA.migration(ID, DESCRIPTION)
