"""What the clock needs to find: accounts with units due, members whose tier is due, and awards to many at once."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from loyalty_engine.migrations.m0001_the_first_schema import OPTIONS, TEXT, WHOLE
from loyalty_engine.piccolo_conf import DB

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
STATEMENTS = (
    "ALTER TABLE members ADD COLUMN tier_until {whole}",
    "CREATE INDEX accounts_due ON accounts (business_id, next_expiry, member_id, unit) WHERE next_expiry IS NOT NULL",
    "CREATE INDEX members_due ON members (business_id, tier_until, id) WHERE tier_until IS NOT NULL",
)
BACKWARDS = (
    "DROP INDEX members_due",
    "DROP INDEX accounts_due",
    "ALTER TABLE members DROP COLUMN tier_until",
    "DROP TABLE cohort_awards",
    "DROP TABLE expiry_notices",
)
# How selective the new indexes are, for SQLite's planner: see the first schema.
SIZES = (
    ("accounts", "accounts_due", "1000000 1000000 50 2 1"),
    ("members", "members_due", "1000000 1000000 50 1"),
    ("expiry_notices", "expiry_notices", "1000000 1000000 50 50 1"),
    ("cohort_awards", "cohort_awards", "1000 1000 1"),
)


async def _forwards() -> None:
    dialect = DB.engine_type
    words = {"{whole}": WHOLE[dialect], "{text}": TEXT[dialect], "{options}": OPTIONS[dialect]}
    for statement in (*TABLES, *STATEMENTS):
        for placeholder, word in words.items():
            statement = statement.replace(placeholder, word)  # noqa: PLW2901  # the same, in this engine's words
        await DB.run_ddl(statement)
    if dialect == "sqlite":
        for table, index, sizes in SIZES:
            await DB.run_ddl(f"INSERT INTO sqlite_stat1 VALUES ('{table}', '{index}', '{sizes}')")


async def _backwards() -> None:
    for statement in BACKWARDS:
        await DB.run_ddl(statement)


async def forwards() -> MigrationManager:
    """Make the tables and the indexes that what is done by the clock goes by."""
    manager = MigrationManager(migration_id=ID, app_name="loyalty_engine", description=DESCRIPTION)
    manager.add_raw(_forwards)
    manager.add_raw_backwards(_backwards)
    return manager
