"""Events of a member are counted: an index over the journal lines of events, and of them alone.

A purchase does not touch it: whatever is no event stands outside.
"""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from loyalty_engine.piccolo_conf import DB

ID = "0002"
VERSION = "1.38.0"
DESCRIPTION = "an index by which the events of a member are counted"

INDEX = "CREATE INDEX journal_events ON journal (business_id, member_id, subject, occurred_at) WHERE kind = 'event'"


async def _forwards() -> None:
    await DB.run_ddl(INDEX)
    if DB.engine_type == "sqlite":
        # As in the first schema: a business is large, a member is small, and an empty file does not tell.
        await DB.run_ddl("INSERT INTO sqlite_stat1 VALUES ('journal', 'journal_events', '1000000 1000000 50 10 1')")


async def _backwards() -> None:
    await DB.run_ddl("DROP INDEX journal_events")


async def forwards() -> MigrationManager:
    """Make the index."""
    manager = MigrationManager(migration_id=ID, app_name="loyalty_engine", description=DESCRIPTION)
    manager.add_raw(_forwards)
    manager.add_raw_backwards(_backwards)
    return manager
