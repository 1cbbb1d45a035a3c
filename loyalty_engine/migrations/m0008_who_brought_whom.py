"""Who brought whom: codes, referrals with every step they took, and marks that nobody is a new friend twice."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from loyalty_engine.piccolo_conf import DB

ID = "0008"
VERSION = "1.38.0"
DESCRIPTION = "ambassadors' codes, referrals, their steps, and marks that credit a friend once"

TABLES = (
    """
CREATE TABLE referral_codes (
    business_id {whole} NOT NULL,
    code {text} NOT NULL,
    member_id {text} NOT NULL,
    made_at {whole} NOT NULL,
    FOREIGN KEY (business_id, member_id) REFERENCES members (business_id, id),
    PRIMARY KEY (business_id, code)
){options}
""",
    """
CREATE TABLE referrals (
    business_id {whole} NOT NULL,
    id {text} NOT NULL,
    ambassador_id {text} NOT NULL,
    friend_id {text},
    friend_hash {text},
    how {text} NOT NULL,
    state {text} NOT NULL,
    reason {text},
    review {text},
    steps {whole} NOT NULL,
    named_at {whole} NOT NULL,
    joined_at {whole},
    qualified_at {whole},
    due_at {whole},
    ended_at {whole},
    purchase_id {text},
    version {whole},
    ambassador_unit {text},
    ambassador_amount {whole},
    friend_unit {text},
    friend_amount {whole},
    CHECK (state IN ('named', 'joined', 'held', 'credited', 'returning', 'clawed_back', 'refused', 'lapsed')),
    CHECK (friend_id IS NULL OR friend_id <> ambassador_id OR state = 'refused'),
    FOREIGN KEY (business_id, ambassador_id) REFERENCES members (business_id, id),
    FOREIGN KEY (business_id, friend_id) REFERENCES members (business_id, id),
    PRIMARY KEY (business_id, id)
){options}
""",
    """
CREATE TABLE referral_steps (
    business_id {whole} NOT NULL,
    referral_id {text} NOT NULL,
    number {whole} NOT NULL,
    state {text} NOT NULL,
    reason {text},
    by {text} NOT NULL,
    journal_id {text},
    at {whole} NOT NULL,
    FOREIGN KEY (business_id, referral_id) REFERENCES referrals (business_id, id),
    PRIMARY KEY (business_id, referral_id, number)
){options}
""",
    """
CREATE TABLE referral_marks (
    business_id {whole} NOT NULL,
    mark {text} NOT NULL,
    referral_id {text} NOT NULL,
    laid_at {whole} NOT NULL,
    PRIMARY KEY (business_id, mark)
){options}
""",
)

INDEXES = (
    "CREATE UNIQUE INDEX referral_codes_member ON referral_codes (business_id, member_id)",
    "CREATE INDEX referral_codes_code ON referral_codes (code)",
    "CREATE INDEX referrals_ambassador ON referrals (business_id, ambassador_id, named_at)",
    "CREATE INDEX referrals_friend ON referrals (business_id, friend_id) WHERE friend_id IS NOT NULL",
    "CREATE INDEX referrals_named ON referrals (business_id, friend_hash) WHERE friend_hash IS NOT NULL",
    "CREATE INDEX referrals_due ON referrals (due_at) WHERE state = 'held'",
    "CREATE INDEX referrals_open ON referrals (state, named_at) WHERE state IN ('named', 'returning')",
    "CREATE INDEX referral_marks_referral ON referral_marks (business_id, referral_id)",
)

# A step that was taken and a mark that was laid stay for ever.
APPEND_ONLY = ("referral_steps", "referral_marks")
OPTIONS = {"sqlite": " STRICT, WITHOUT ROWID", "postgres": "", "cockroach": ""}
LONG_ROWS = ("referrals",)
WHOLE = {"sqlite": "INTEGER", "postgres": "BIGINT", "cockroach": "BIGINT"}
TEXT = {"sqlite": "TEXT", "postgres": 'TEXT COLLATE "C"', "cockroach": "TEXT"}


def _guards(dialect: str) -> list[str]:
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER {table}_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} are never changed'); END"
            for table in APPEND_ONLY
            for verb in ("UPDATE", "DELETE")
        ]
    if dialect == "cockroach":
        return []
    return [
        f"CREATE TRIGGER {table}_history BEFORE UPDATE OR DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        for table in APPEND_ONLY
    ]


async def _tell_sizes() -> None:
    """Tell SQLite's planner that a business is large and a member small, as the first schema does of its tables."""
    for table in TABLES:
        name = table.split()[2]
        for index in await DB.run_ddl(f"PRAGMA index_list('{name}')"):
            columns = await DB.run_ddl(f"PRAGMA index_info('{index['name']}')")
            rows = ["1000000", "1000000", *["50"] * (len(columns) - 1)]
            if index["unique"]:
                rows[-1] = "1"
            if index["name"] in {"referrals_due", "referrals_open"}:
                rows = ["50", *["20"] * len(columns)]
            if index["name"] == "referral_codes_code":
                rows = ["1000000", "1"]
            known_as = name if index["origin"] == "pk" and name not in LONG_ROWS else index["name"]
            await DB.run_ddl(f"INSERT INTO sqlite_stat1 VALUES ('{name}', '{known_as}', '{' '.join(rows)}')")


async def _forwards() -> None:
    dialect = DB.engine_type
    await DB.run_ddl(f"ALTER TABLE members ADD COLUMN referral {TEXT[dialect]}")
    for table in TABLES:
        options = OPTIONS[dialect]
        if table.split()[2] in LONG_ROWS:
            options = options.replace(", WITHOUT ROWID", "")
        words = {"{whole}": WHOLE[dialect], "{text}": TEXT[dialect], "{options}": options}
        for placeholder, word in words.items():
            table = table.replace(placeholder, word)
        await DB.run_ddl(table)
    for statement in (*INDEXES, *_guards(dialect)):
        await DB.run_ddl(statement)
    if dialect == "sqlite":
        await _tell_sizes()


async def _backwards() -> None:
    for table in reversed(TABLES):
        name = table.split()[2]
        await DB.run_ddl(f"DROP TABLE {name}")
        if DB.engine_type == "sqlite":
            await DB.run_ddl(f"DELETE FROM sqlite_stat1 WHERE tbl = '{name}'")
    await DB.run_ddl("ALTER TABLE members DROP COLUMN referral")


async def forwards() -> MigrationManager:
    """Make the tables of referrals, and the place on a member's row that names a referral still open."""
    manager = MigrationManager(migration_id=ID, app_name="loyalty_engine", description=DESCRIPTION)
    manager.add_raw(_forwards)
    manager.add_raw_backwards(_backwards)
    return manager
