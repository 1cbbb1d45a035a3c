"""Links that open a member's own page, and codes that let somebody in at the join page."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from loyalty_engine.piccolo_conf import DB

ID = "0009"
VERSION = "1.38.0"
DESCRIPTION = "links to members' pages, and codes at the door"

TABLES = (
    """
CREATE TABLE page_links (
    business_id {whole} NOT NULL,
    token_hash {text} NOT NULL,
    member_id {text} NOT NULL,
    reach {text} NOT NULL,
    origin {text} NOT NULL,
    made_at {whole} NOT NULL,
    expires_at {whole} NOT NULL,
    ended_at {whole},
    CHECK (reach IN ('all', 'read')),
    FOREIGN KEY (business_id, member_id) REFERENCES members (business_id, id),
    PRIMARY KEY (business_id, token_hash)
){options}
""",
    """
CREATE TABLE door_codes (
    business_id {whole} NOT NULL,
    id {text} NOT NULL,
    number_index {text} NOT NULL,
    block_index {text} NOT NULL,
    wrapped_key {text},
    sealed {text} NOT NULL,
    code_hash {text} NOT NULL,
    tries {whole} NOT NULL,
    asked_at {whole} NOT NULL,
    expires_at {whole} NOT NULL,
    done_at {whole},
    CHECK (tries BETWEEN 0 AND 5),
    FOREIGN KEY (business_id) REFERENCES businesses (business_id),
    PRIMARY KEY (business_id, id)
){options}
""",
)

INDEXES = (
    "CREATE INDEX page_links_member ON page_links (business_id, member_id)",
    "CREATE INDEX door_codes_number ON door_codes (business_id, number_index, asked_at)",
    "CREATE INDEX door_codes_block ON door_codes (business_id, block_index, asked_at)",
    "CREATE INDEX door_codes_asked ON door_codes (business_id, asked_at)",
)

OPTIONS = {"sqlite": " STRICT, WITHOUT ROWID", "postgres": "", "cockroach": ""}
LONG_ROWS = ("door_codes",)
WHOLE = {"sqlite": "INTEGER", "postgres": "BIGINT", "cockroach": "BIGINT"}
TEXT = {"sqlite": "TEXT", "postgres": 'TEXT COLLATE "C"', "cockroach": "TEXT"}


async def _tell_sizes() -> None:
    """Tell SQLite's planner that a business is large and a number small, as the first schema does of its tables."""
    for table in TABLES:
        name = table.split()[2]
        for index in await DB.run_ddl(f"PRAGMA index_list('{name}')"):
            columns = await DB.run_ddl(f"PRAGMA index_info('{index['name']}')")
            rows = ["1000000", "1000000", *["50"] * (len(columns) - 1)]
            if index["unique"]:
                rows[-1] = "1"
            known_as = name if index["origin"] == "pk" and name not in LONG_ROWS else index["name"]
            await DB.run_ddl(f"INSERT INTO sqlite_stat1 VALUES ('{name}', '{known_as}', '{' '.join(rows)}')")


async def _forwards() -> None:
    dialect = DB.engine_type
    for table in TABLES:
        options = OPTIONS[dialect]
        if table.split()[2] in LONG_ROWS:
            options = options.replace(", WITHOUT ROWID", "")
        words = {"{whole}": WHOLE[dialect], "{text}": TEXT[dialect], "{options}": options}
        for placeholder, word in words.items():
            table = table.replace(placeholder, word)
        await DB.run_ddl(table)
    for statement in INDEXES:
        await DB.run_ddl(statement)
    if dialect == "sqlite":
        await _tell_sizes()


async def _backwards() -> None:
    for table in reversed(TABLES):
        name = table.split()[2]
        await DB.run_ddl(f"DROP TABLE {name}")
        if DB.engine_type == "sqlite":
            await DB.run_ddl(f"DELETE FROM sqlite_stat1 WHERE tbl = '{name}'")


async def forwards() -> MigrationManager:
    """Make the tables of links and of codes at the door."""
    manager = MigrationManager(migration_id=ID, app_name="loyalty_engine", description=DESCRIPTION)
    manager.add_raw(_forwards)
    manager.add_raw_backwards(_backwards)
    return manager
