"""What members spend: vouchers with their history, holds, how often a perk was issued, and notices to members."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from loyalty_engine.piccolo_conf import DB

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
OPTIONS = {"sqlite": " STRICT, WITHOUT ROWID", "postgres": "", "cockroach": ""}
WHOLE = {"sqlite": "INTEGER", "postgres": "BIGINT", "cockroach": "BIGINT"}
TEXT = {"sqlite": "TEXT", "postgres": 'TEXT COLLATE "C"', "cockroach": "TEXT"}


def _guards(dialect: str) -> list[str]:
    """Give the triggers that keep a voucher's history as it was."""
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER voucher_steps_{verb.lower()} BEFORE {verb} ON voucher_steps "
            "BEGIN SELECT RAISE(ABORT, 'voucher_steps are never changed'); END"
            for verb in ("UPDATE", "DELETE")
        ]
    if dialect == "cockroach":
        return []
    return [
        "CREATE TRIGGER voucher_steps_history BEFORE UPDATE OR DELETE ON voucher_steps "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    ]


async def _tell_sizes() -> None:
    """Tell SQLite's planner that a member has few vouchers and holds, as the first schema does for its tables."""
    for table in TABLES:
        name = table.split()[2]
        for index in await DB.run_ddl(f"PRAGMA index_list('{name}')"):
            columns = await DB.run_ddl(f"PRAGMA index_info('{index['name']}')")
            sizes = ["1000000", "1000000", *["50"] * (len(columns) - 1)]
            if index["unique"]:
                sizes[-1] = "1"
            known_as = name if index["origin"] == "pk" else index["name"]
            await DB.run_ddl(f"INSERT INTO sqlite_stat1 VALUES ('{name}', '{known_as}', '{' '.join(sizes)}')")


async def _forwards() -> None:
    dialect = DB.engine_type
    for table in TABLES:
        words = {"{whole}": WHOLE[dialect], "{text}": TEXT[dialect], "{options}": OPTIONS[dialect]}
        for placeholder, word in words.items():
            table = table.replace(placeholder, word)  # noqa: PLW2901  # the same table, in this engine's words
        await DB.run_ddl(table)
    for statement in (*INDEXES, *_guards(dialect)):
        await DB.run_ddl(statement)
    if dialect == "sqlite":
        await _tell_sizes()


async def _backwards() -> None:
    for table in reversed(TABLES):
        await DB.run_ddl(f"DROP TABLE {table.split()[2]}")


async def forwards() -> MigrationManager:
    """Make the tables of what members spend."""
    manager = MigrationManager(migration_id=ID, app_name="loyalty_engine", description=DESCRIPTION)
    manager.add_raw(_forwards)
    manager.add_raw_backwards(_backwards)
    return manager
