"""What a person should look at: kept as a row, said in the log, and read at the door."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from loyalty_engine import ids
from loyalty_engine.identity.people import AlertAnswer
from loyalty_engine.instants import shown

if TYPE_CHECKING:
    from loyalty_engine.businesses import Caller
    from loyalty_engine.database import Transaction
    from loyalty_engine.house import House

_log = structlog.get_logger("loyalty.alerts")


async def put(transaction: Transaction, business_id: int, kind: str, says: str, *, key_id: str = "", at: int) -> None:
    """Raise an alert inside a transaction, and say it in the log; it names keys and figures, never a person."""
    alert_id = ids.new("alr", at // 1000)
    await transaction.fetch(
        "INSERT INTO alerts (business_id, id, kind, key_id, says, raised_at) VALUES ($1, $2, $3, $4, $5, $6)",
        business_id, alert_id, kind, key_id, says, at,
    )  # fmt: skip
    _log.warning("alert", kind=kind, business=business_id, key=key_id, alert=alert_id)


async def listed(house: House, caller: Caller, *, limit: int, cursor: str | None) -> tuple[AlertAnswer, ...]:
    """Give the alerts of a business, newest first, from before the one named by `cursor`."""
    found = await house.database.fetch(
        "SELECT id, kind, key_id, says, raised_at FROM alerts WHERE business_id = $1 AND id < $2 "
        "ORDER BY id DESC LIMIT $3",
        caller.business_id, cursor or "alr_~", limit,
    )  # fmt: skip
    return tuple(AlertAnswer(row[0], row[1], row[2], row[3], shown(row[4])) for row in found)
