"""The first schema: businesses with their doors, programmes, members, journal and ledger."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from loyalty_engine.piccolo_conf import DB
from loyalty_engine.schema import Schema

ID = "0001"
VERSION = "1.38.0"
DESCRIPTION = "businesses, programmes, members, journal and ledger"

# Every key begins with the business. Text is compared byte by byte: ids sort by creation and no locale has a say.
TABLES = (
    """
CREATE TABLE businesses (
    business_id {whole} NOT NULL,
    slug {text} NOT NULL,
    name {text} NOT NULL,
    created_at {whole} NOT NULL,
    version {whole} NOT NULL,
    vault {text} NOT NULL,
    PRIMARY KEY (business_id)
){options}
""",
    """
CREATE TABLE keys (
    business_id {whole} NOT NULL,
    id {text} NOT NULL,
    fingerprint {text} NOT NULL,
    name {text},
    scopes {text} NOT NULL,
    location {text},
    last4 {text} NOT NULL,
    created_at {whole} NOT NULL,
    expires_at {whole},
    revoked_at {whole},
    FOREIGN KEY (business_id) REFERENCES businesses (business_id),
    PRIMARY KEY (business_id, id)
){options}
""",
    """
CREATE TABLE locations (
    business_id {whole} NOT NULL,
    location {text} NOT NULL,
    name {text},
    created_at {whole} NOT NULL,
    FOREIGN KEY (business_id) REFERENCES businesses (business_id),
    PRIMARY KEY (business_id, location)
){options}
""",
    """
CREATE TABLE drafts (
    business_id {whole} NOT NULL,
    source {text} NOT NULL,
    format {text} NOT NULL,
    saved_at {whole} NOT NULL,
    FOREIGN KEY (business_id) REFERENCES businesses (business_id),
    PRIMARY KEY (business_id)
){options}
""",
    """
CREATE TABLE versions (
    business_id {whole} NOT NULL,
    version {whole} NOT NULL,
    source {text} NOT NULL,
    format {text} NOT NULL,
    valid_from {whole} NOT NULL,
    published_at {whole} NOT NULL,
    note {text} NOT NULL,
    by {text} NOT NULL,
    FOREIGN KEY (business_id) REFERENCES businesses (business_id),
    PRIMARY KEY (business_id, version)
){options}
""",
    """
CREATE TABLE members (
    business_id {whole} NOT NULL,
    id {text} NOT NULL,
    revision {whole} NOT NULL,
    joined_at {whole} NOT NULL,
    visits {whole} NOT NULL,
    spend_minor {whole} NOT NULL,
    first_purchase_at {whole},
    last_purchase_at {whole},
    language {text},
    tier {text},
    tags {text} NOT NULL,
    wrapped_key {text} NOT NULL,
    sealed_profile {text},
    FOREIGN KEY (business_id) REFERENCES businesses (business_id),
    PRIMARY KEY (business_id, id)
){options}
""",
    """
CREATE TABLE identifiers (
    business_id {whole} NOT NULL,
    blind_index {text} NOT NULL,
    member_id {text} NOT NULL,
    kind {text} NOT NULL,
    sealed {text} NOT NULL,
    added_at {whole} NOT NULL,
    FOREIGN KEY (business_id, member_id) REFERENCES members (business_id, id),
    PRIMARY KEY (business_id, blind_index)
){options}
""",
    """
CREATE TABLE journal (
    business_id {whole} NOT NULL,
    id {text} NOT NULL,
    revision {whole},
    kind {text} NOT NULL,
    key {text},
    "natural" {text},
    fingerprint {text} NOT NULL,
    member_id {text},
    subject {text},
    location {text},
    occurred_at {whole} NOT NULL,
    recorded_at {whole} NOT NULL,
    version {whole},
    amount_minor {whole},
    input {text},
    status {whole} NOT NULL,
    answer {text} NOT NULL,
    request_id {text} NOT NULL,
    PRIMARY KEY (business_id, id)
){options}
""",
    """
CREATE TABLE entries (
    business_id {whole} NOT NULL,
    id {text} NOT NULL,
    member_id {text} NOT NULL,
    revision {whole} NOT NULL,
    unit {text} NOT NULL,
    amount {whole} NOT NULL,
    counter {text} NOT NULL,
    kind {text} NOT NULL,
    balance_after {whole} NOT NULL,
    journal_id {text} NOT NULL,
    version {whole},
    rule {text},
    says {text} NOT NULL,
    reverses {text},
    occurred_at {whole} NOT NULL,
    recorded_at {whole} NOT NULL,
    CHECK (amount <> 0 AND amount BETWEEN -1000000000000000 AND 1000000000000000),
    CHECK (counter IN ('issued', 'redeemed', 'expired', 'adjusted')),
    PRIMARY KEY (business_id, id)
){options}
""",
    """
CREATE TABLE lots (
    business_id {whole} NOT NULL,
    id {text} NOT NULL,
    member_id {text} NOT NULL,
    unit {text} NOT NULL,
    amount {whole} NOT NULL,
    remaining {whole} NOT NULL,
    journal_id {text} NOT NULL,
    spendable_at {whole} NOT NULL,
    expires_at {whole},
    recorded_at {whole} NOT NULL,
    CHECK (remaining BETWEEN 0 AND amount AND amount BETWEEN 1 AND 1000000000000000),
    PRIMARY KEY (business_id, id)
){options}
""",
    """
CREATE TABLE allocations (
    business_id {whole} NOT NULL,
    lot_id {text} NOT NULL,
    entry_id {text} NOT NULL,
    amount {whole} NOT NULL,
    PRIMARY KEY (business_id, lot_id, entry_id)
){options}
""",
    """
CREATE TABLE accounts (
    business_id {whole} NOT NULL,
    member_id {text} NOT NULL,
    unit {text} NOT NULL,
    balance {whole} NOT NULL,
    held {whole} NOT NULL,
    pending_until {whole} NOT NULL,
    next_expiry {whole},
    CHECK (held >= 0),
    PRIMARY KEY (business_id, member_id, unit)
){options}
""",
    """
CREATE TABLE limit_uses (
    business_id {whole} NOT NULL,
    member_id {text} NOT NULL,
    ends_at {whole} NOT NULL,
    subject {text} NOT NULL,
    "window" {text} NOT NULL,
    starts_at {whole} NOT NULL,
    times {whole} NOT NULL,
    amount {whole} NOT NULL,
    CHECK (times >= 0 AND amount >= 0),
    PRIMARY KEY (business_id, member_id, ends_at, subject, "window")
){options}
""",
    """
CREATE TABLE parked_refunds (
    business_id {whole} NOT NULL,
    journal_id {text} NOT NULL,
    purchase_natural {text} NOT NULL,
    command {text} NOT NULL,
    parked_at {whole} NOT NULL,
    settled_by {text},
    PRIMARY KEY (business_id, journal_id)
){options}
""",
)

INDEXES = (
    "CREATE UNIQUE INDEX journal_key ON journal (business_id, key)",
    'CREATE UNIQUE INDEX journal_natural ON journal (business_id, "natural")',
    "CREATE INDEX journal_member ON journal (business_id, member_id, revision)",
    "CREATE INDEX journal_subject ON journal (business_id, subject) WHERE subject IS NOT NULL",
    "CREATE INDEX keys_id ON keys (id)",
    "CREATE INDEX identifiers_member ON identifiers (business_id, member_id)",
    "CREATE INDEX entries_member ON entries (business_id, member_id, revision)",
    # What a page asks of lots and parked refunds stands in the index itself, so that no row of theirs is read for it.
    "CREATE INDEX lots_member ON lots (business_id, member_id, unit, expires_at, spendable_at, remaining) "
    "WHERE remaining > 0",
    "CREATE INDEX parked_purchase ON parked_refunds (business_id, purchase_natural, settled_by)",
)

# What is written in these tables is history: a correction is another row that points to the first.
SCHEMA = Schema(
    tables=TABLES, indexes=INDEXES, append_only=("entries", "allocations", "versions"),
    long_rows=("journal", "versions", "drafts", "parked_refunds"),
)  # fmt: skip
REFUSE_CHANGE = (
    "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
    "$$BEGIN RAISE EXCEPTION '% are never changed', TG_TABLE_NAME; END$$"
)


async def _forwards() -> None:
    if DB.engine_type == "postgres":
        await DB.run_ddl(REFUSE_CHANGE)
    if DB.engine_type == "sqlite":
        await DB.run_ddl("ANALYZE")  # makes the table in which its planner is told of sizes
        await DB.run_ddl("DELETE FROM sqlite_stat1")
    await SCHEMA.forwards()


async def _backwards() -> None:
    await SCHEMA.backwards()
    if DB.engine_type == "postgres":
        await DB.run_ddl("DROP FUNCTION refuse_change()")


async def forwards() -> MigrationManager:
    """Make the tables, their indexes, and the triggers that keep history as it was."""
    manager = MigrationManager(migration_id=ID, app_name="loyalty_engine", description=DESCRIPTION)
    manager.add_raw(_forwards)
    manager.add_raw_backwards(_backwards)
    return manager
