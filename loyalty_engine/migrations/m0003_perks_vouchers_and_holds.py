"""What members spend: vouchers with their history, holds, how often a perk was issued, and notices to members."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from loyalty_engine.schema import Schema

ID = "0003"
VERSION = "1.38.0"
DESCRIPTION = "perks, vouchers and holds"

TABLES = (
    """
CREATE TABLE vouchers (
    business_id {whole} NOT NULL,
    id {text} NOT NULL,
    member_id {text} NOT NULL,
    code {text} NOT NULL,
    perk {text} NOT NULL,
    state {text} NOT NULL,
    origin {text} NOT NULL,
    says {text} NOT NULL,
    version {whole} NOT NULL,
    issued_in {text} NOT NULL,
    issued_at {whole} NOT NULL,
    expires_at {whole},
    redeemed_in {text},
    CHECK (state IN ('issued', 'held', 'redeemed', 'cancelled')),
    CHECK ((state = 'redeemed') = (redeemed_in IS NOT NULL)),
    FOREIGN KEY (business_id, member_id) REFERENCES members (business_id, id),
    PRIMARY KEY (business_id, id)
){options}
""",
    """
CREATE TABLE voucher_steps (
    business_id {whole} NOT NULL,
    voucher_id {text} NOT NULL,
    journal_id {text} NOT NULL,
    state {text} NOT NULL,
    says {text} NOT NULL,
    at {whole} NOT NULL,
    PRIMARY KEY (business_id, voucher_id, journal_id)
){options}
""",
    """
CREATE TABLE perk_counts (
    business_id {whole} NOT NULL,
    perk {text} NOT NULL,
    issued {whole} NOT NULL,
    most {whole} NOT NULL,
    CHECK (issued <= most),
    PRIMARY KEY (business_id, perk)
){options}
""",
    """
CREATE TABLE holds (
    business_id {whole} NOT NULL,
    id {text} NOT NULL,
    member_id {text} NOT NULL,
    perk {text},
    voucher_id {text},
    unit {text},
    amount {whole} NOT NULL,
    location {text},
    receipt {text},
    version {whole} NOT NULL,
    status {text} NOT NULL,
    captured {whole} NOT NULL,
    held_at {whole} NOT NULL,
    expires_at {whole} NOT NULL,
    closed_in {text},
    closed_at {whole},
    step_up {text},
    code_hash {text},
    code_until {whole},
    tries {whole} NOT NULL,
    undo_hash {text},
    CHECK (status IN ('active', 'captured', 'released', 'lapsed')),
    CHECK ((status = 'active') = (closed_at IS NULL)),
    CHECK (captured BETWEEN 0 AND amount),
    FOREIGN KEY (business_id, member_id) REFERENCES members (business_id, id),
    PRIMARY KEY (business_id, id)
){options}
""",
)

INDEXES = (
    "CREATE UNIQUE INDEX vouchers_code ON vouchers (business_id, code)",
    "CREATE INDEX vouchers_member ON vouchers (business_id, member_id, state)",
    "CREATE INDEX vouchers_redeemed ON vouchers (business_id, redeemed_in) WHERE redeemed_in IS NOT NULL",
    "CREATE INDEX vouchers_issued ON vouchers (business_id, issued_in)",
    "CREATE INDEX holds_member ON holds (business_id, member_id, unit, expires_at, amount) WHERE status = 'active'",
    "CREATE INDEX holds_due ON holds (expires_at) WHERE status = 'active'",
)

SCHEMA = Schema(tables=TABLES, indexes=INDEXES, append_only=("voucher_steps",))


async def forwards() -> MigrationManager:
    """Make the tables of what members spend."""
    return SCHEMA.migration(ID, DESCRIPTION)
