"""Who members are: identifiers with a history, merges that can be undone, and what is owed to a person."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from loyalty_engine.schema import Schema

ID = "0006"
VERSION = "1.38.0"
DESCRIPTION = "presence, verification, merges, erasures, requests, secrets and alerts"

COLUMNS = (
    ("members", "presence", "{text}"),
    ("identifiers", "verified_at", "{whole}"),
    ("identifiers", "bounced_at", "{whole}"),
    ("identifiers", "home", "{text}"),
)

TABLES = (
    """
CREATE TABLE merges (
    business_id {whole} NOT NULL,
    id {text} NOT NULL,
    member_id {text} NOT NULL,
    into_id {text} NOT NULL,
    merged_at {whole} NOT NULL,
    undone_at {whole},
    carried {text} NOT NULL,
    FOREIGN KEY (business_id, member_id) REFERENCES members (business_id, id),
    FOREIGN KEY (business_id, into_id) REFERENCES members (business_id, id),
    PRIMARY KEY (business_id, id)
){options}
""",
    """
CREATE TABLE confirmations (
    business_id {whole} NOT NULL,
    id {text} NOT NULL,
    member_id {text} NOT NULL,
    purpose {text} NOT NULL,
    kind {text} NOT NULL,
    sealed {text} NOT NULL,
    replaces {text},
    code_hash {text} NOT NULL,
    tries {whole} NOT NULL,
    created_at {whole} NOT NULL,
    expires_at {whole} NOT NULL,
    done_at {whole},
    CHECK (tries BETWEEN 0 AND 5),
    FOREIGN KEY (business_id, member_id) REFERENCES members (business_id, id),
    PRIMARY KEY (business_id, id)
){options}
""",
    """
CREATE TABLE tombstones (
    business_id {whole} NOT NULL,
    tombstone {text} NOT NULL,
    laid_at {whole} NOT NULL,
    FOREIGN KEY (business_id) REFERENCES businesses (business_id),
    PRIMARY KEY (business_id, tombstone)
){options}
""",
    """
CREATE TABLE secrets (
    business_id {whole} NOT NULL,
    name {text} NOT NULL,
    wrapped {text} NOT NULL,
    made_at {whole} NOT NULL,
    FOREIGN KEY (business_id) REFERENCES businesses (business_id),
    PRIMARY KEY (business_id, name)
){options}
""",
    """
CREATE TABLE erasures (
    business_id {whole} NOT NULL,
    member_id {text} NOT NULL,
    erased_at {whole} NOT NULL,
    by_key {text} NOT NULL,
    PRIMARY KEY (business_id, member_id)
){options}
""",
    """
CREATE TABLE requests (
    business_id {whole} NOT NULL,
    id {text} NOT NULL,
    member_id {text} NOT NULL,
    kind {text} NOT NULL,
    received_at {whole} NOT NULL,
    due_at {whole} NOT NULL,
    reminded_at {whole},
    answered_at {whole},
    CHECK (kind IN ('access', 'erasure', 'correction', 'objection', 'restriction', 'portability')),
    FOREIGN KEY (business_id, member_id) REFERENCES members (business_id, id),
    PRIMARY KEY (business_id, id)
){options}
""",
    """
CREATE TABLE viewings (
    business_id {whole} NOT NULL,
    id {text} NOT NULL,
    member_id {text} NOT NULL,
    what {text} NOT NULL,
    key_id {text} NOT NULL,
    staff {text},
    reason {text} NOT NULL,
    seen_at {whole} NOT NULL,
    FOREIGN KEY (business_id, member_id) REFERENCES members (business_id, id),
    PRIMARY KEY (business_id, id)
){options}
""",
    """
CREATE TABLE alerts (
    business_id {whole} NOT NULL,
    id {text} NOT NULL,
    kind {text} NOT NULL,
    key_id {text} NOT NULL,
    says {text} NOT NULL,
    raised_at {whole} NOT NULL,
    FOREIGN KEY (business_id) REFERENCES businesses (business_id),
    PRIMARY KEY (business_id, id)
){options}
""",
)

INDEXES = (
    "CREATE INDEX merges_member ON merges (business_id, member_id, undone_at)",
    "CREATE INDEX merges_into ON merges (business_id, into_id, undone_at)",
    "CREATE INDEX confirmations_member ON confirmations (business_id, member_id)",
    "CREATE INDEX requests_due ON requests (business_id, answered_at, due_at)",
    "CREATE INDEX viewings_member ON viewings (business_id, member_id)",
)

# Who looked at whom, who was erased, and of whom nothing but a tombstone is left: not to be tidied away by hand.
SCHEMA = Schema(
    tables=TABLES, columns=COLUMNS, indexes=INDEXES, unchanged=("viewings", "erasures", "tombstones"),
    long_rows=("merges",),
)  # fmt: skip


async def forwards() -> MigrationManager:
    """Make the tables of identity and privacy, and the columns that members and identifiers gain."""
    return SCHEMA.migration(ID, DESCRIPTION)
