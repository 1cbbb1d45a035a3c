"""Links that open a member's own page, and codes that let somebody in at the join page."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from loyalty_engine.schema import Schema

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

SCHEMA = Schema(tables=TABLES, indexes=INDEXES, long_rows=("door_codes",))


async def forwards() -> MigrationManager:
    """Make the tables of links and of codes at the door."""
    return SCHEMA.migration(ID, DESCRIPTION)
