"""Events of a member are counted: an index over the journal lines of events, and of them alone.

A purchase does not touch it: whatever is no event stands outside.
"""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from loyalty_engine.schema import Older, Schema

ID = "0002"
VERSION = "1.38.0"
DESCRIPTION = "an index by which the events of a member are counted"

SCHEMA = Schema(
    older=(
        Older(
            "CREATE INDEX journal_events ON journal (business_id, member_id, subject, occurred_at) "
            "WHERE kind = 'event'",
            "1000000 1000000 50 10 1",
        ),
    )
)


async def forwards() -> MigrationManager:
    """Make the index."""
    return SCHEMA.migration(ID, DESCRIPTION)
