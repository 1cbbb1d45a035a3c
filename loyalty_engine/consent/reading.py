"""Reads what is written down of consent: a member's records in their order, and what they came to."""

from __future__ import annotations

from typing import Any, Protocol

from loyalty_engine.consent.fold import Place, Standing
from loyalty_engine.consent.records import COLUMNS, ConsentRow


class Reader(Protocol):
    """A database, or a transaction."""

    async def fetch(self, sql: str, *args: Any) -> Any:
        """Run a reading statement and give its rows."""


async def records_of(reader: Reader, business_id: int, member_id: str) -> tuple[ConsentRow, ...]:
    """Give a member's consent records, oldest first."""
    found = await reader.fetch(
        f"SELECT {COLUMNS} FROM consent_records WHERE business_id = $1 AND member_id = $2 ORDER BY number",
        business_id, member_id,
    )  # fmt: skip
    return tuple(ConsentRow(*row) for row in found)


async def states_of(reader: Reader, business_id: int, member_id: str) -> dict[Place, Standing]:
    """Give what a member's records come to, from the table that is kept of it."""
    found = await reader.fetch(
        "SELECT purpose, channel, state, record_id, since, expires_at FROM consents WHERE business_id = $1 "
        "AND member_id = $2",
        business_id, member_id,
    )  # fmt: skip
    return {(purpose, channel): Standing(*rest) for purpose, channel, *rest in found}
