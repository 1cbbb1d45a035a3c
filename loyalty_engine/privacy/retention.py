"""How long each kind of data is kept: what has reached its end is deleted on the next round, and said in the log.

The ledger, the journal and consent records are kept for as long as the business is: they are the books and the proof,
and name nobody once a member is erased.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from loyalty_engine.businesses import owner
from loyalty_engine.errors import HoldsInTheWay, MemberUnknown
from loyalty_engine.instants import from_micros, to_micros
from loyalty_engine.privacy import erasing

if TYPE_CHECKING:
    from loyalty_engine.database import Transaction
    from loyalty_engine.house import House

_DAY: Final = 24 * 3600 * 1_000_000
_CODES_DAYS: Final = 7
_AT_ONCE: Final = 100


class Kept(Struct, frozen=True):
    """Rows of one table, and until when: `since` is the column the days are counted from, `only` which rows."""

    table: str
    since: str
    setting: str | None
    only: str = "1 = 1"


KEPT: Final = (
    Kept("messages", "ended_at", "keep_messages_days"),
    Kept("viewings", "seen_at", "keep_viewings_days"),
    Kept("requests", "answered_at", "keep_requests_days"),
    Kept("alerts", "raised_at", "keep_alerts_days"),
    Kept("confirmations", "expires_at", None),
    Kept("inbound_texts", "received_at", "keep_strangers_texts_days", "member_id IS NULL"),
    Kept("page_links", "expires_at", None),
    Kept("door_codes", "expires_at", None),
)


async def tidy(house: House, *, at: datetime) -> int:
    """Delete whatever has been kept for long enough; tell how many rows that were."""
    now = to_micros(at)
    gone = 0
    for one in KEPT:
        days = _CODES_DAYS if one.setting is None else getattr(house.settings, one.setting)
        gone += await _tidy(house, one, now - days * _DAY)
    return gone + await _forget_the_inactive(house, now)


async def _tidy(house: House, one: Kept, before: int) -> int:
    due = await house.database.fetch(f"SELECT 1 FROM {one.table} WHERE {one.since} < $1 AND {one.only} LIMIT 1", before)
    if not due:
        return 0

    async def work(transaction: Transaction) -> int:
        found = await transaction.fetch(
            f"DELETE FROM {one.table} WHERE {one.since} < $1 AND {one.only} RETURNING 1", before
        )
        return len(found)

    return await house.database.write_transaction(work)


async def _forget_the_inactive(house: House, now: int) -> int:
    """Erase, some at a time, who has not bought or changed anything for as long as members are kept at all."""
    days = house.settings.keep_inactive_days
    if not days:
        return 0
    found = await house.database.fetch(
        "SELECT b.slug, m.business_id, m.id FROM members m JOIN businesses b ON b.business_id = m.business_id "
        "WHERE m.presence IS NULL AND coalesce(m.last_purchase_at, m.joined_at) < $1 AND m.joined_at < $1 "
        "AND NOT EXISTS (SELECT 1 FROM journal j WHERE j.business_id = m.business_id AND j.member_id = m.id "
        "AND j.recorded_at >= $1) LIMIT $2",
        now - days * _DAY, _AT_ONCE,
    )  # fmt: skip
    gone = 0
    for slug, business_id, member_id in found:
        try:
            await erasing.erase(house, owner(business_id, slug), member_id, at=from_micros(now))
        except (MemberUnknown, HoldsInTheWay):
            continue
        gone += 1
    return gone
