"""What the clock needs to find: accounts with units due, members whose tier is due, and awards to many at once."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from loyalty_engine.schema import Older, Schema

ID = "0005"
VERSION = "1.38.0"
DESCRIPTION = "expiry, tiers and awards to many"

TABLES = (
    """
CREATE TABLE expiry_notices (
    business_id {whole} NOT NULL,
    member_id {text} NOT NULL,
    unit {text} NOT NULL,
    expires_at {whole} NOT NULL,
    amount {whole} NOT NULL,
    noticed_at {whole} NOT NULL,
    PRIMARY KEY (business_id, member_id, unit, expires_at)
){options}
""",
    """
CREATE TABLE cohort_awards (
    business_id {whole} NOT NULL,
    id {text} NOT NULL,
    command {text} NOT NULL,
    state {text} NOT NULL,
    until {whole} NOT NULL,
    reached {text} NOT NULL,
    members {whole} NOT NULL,
    done {whole} NOT NULL,
    amount {whole} NOT NULL,
    version {whole} NOT NULL,
    created_at {whole} NOT NULL,
    changed_at {whole} NOT NULL,
    CHECK (state IN ('giving', 'given', 'undoing', 'undone')),
    PRIMARY KEY (business_id, id)
){options}
""",
)
# An account stands in the first index only while something of it expires, a member in the second only while a tier
# of theirs is due: what has neither costs nothing.
SCHEMA = Schema(
    tables=TABLES,
    columns=(("members", "tier_until", "{whole}"),),
    older=(
        Older(
            "CREATE INDEX accounts_due ON accounts (business_id, next_expiry, member_id, unit) "
            "WHERE next_expiry IS NOT NULL",
            "1000000 1000000 50 2 1",
        ),
        Older(
            "CREATE INDEX members_due ON members (business_id, tier_until, id) WHERE tier_until IS NOT NULL",
            "1000000 1000000 50 1",
        ),
    ),
    figures={"cohort_awards": "1000 1000 1"},
)


async def forwards() -> MigrationManager:
    """Make the tables and the indexes that what is done by the clock goes by."""
    return SCHEMA.migration(ID, DESCRIPTION)
