"""The round of the messenger boys: what the journal holds and an address has not been told is queued, and delivered.

The journal is the outbox of webhooks: each line is committed with what it tells of, so a round that finds the lines
since the last one, and a little before, finds every event, and no purchase pays for a subscriber. What a crash left
half way is told again under the same id when its lease is over.
"""

from __future__ import annotations

import asyncio
import hashlib
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from loyalty_engine import ids
from loyalty_engine.deeds import NOTICE
from loyalty_engine.instants import to_micros
from loyalty_engine.webhooks import posting, signing
from loyalty_engine.webhooks.posting import AddressRefused, Answered, Poster
from loyalty_engine.webhooks.subscriptions import KINDS, TEST, body_of, queue, subscription

if TYPE_CHECKING:
    from loyalty_engine.database import Transaction
    from loyalty_engine.house import House

_SECOND: Final = 1_000_000
_MINUTE: Final = 60 * _SECOND
_HOUR: Final = 60 * _MINUTE
# A line may be committed so long after the instant in its id.
LATE: Final = 2 * _MINUTE
_LEASE: Final = 60 * _SECOND
_AT_ONCE: Final = 8
_MOST: Final = 500
# How long to wait after each try that failed; after the last of them the event is given up.
PAUSES: Final = (
    5 * _SECOND, 5 * _MINUTE, 30 * _MINUTE, 2 * _HOUR, 5 * _HOUR, 10 * _HOUR, 14 * _HOUR, 20 * _HOUR, 24 * _HOUR,
)  # fmt: skip
# What the journal lines that are told of are called.
_PREFIXES: Final = ("pur", "rfd", "adj", "jnl", "evt")
_GONE: Final = 410
_SUCCESS: Final = range(200, 300)


async def tell(house: House, at: datetime, *, post: Poster = posting.post) -> int:
    """Queue what is new and deliver what is due; tells how many events were dealt with."""
    now = to_micros(at)
    webhooks = await house.database.fetch(
        "SELECT business_id, id, kinds, created_at, seen_until FROM webhooks WHERE disabled_at IS NULL"
    )
    for row in webhooks:
        await _queue_new(house, now, *row)
    return await _deliver_due(house, now, post)


async def _queue_new(
    house: House, now: int, business_id: int, webhook_id: str, kinds: str, created_at: int, seen_until: int
) -> None:
    """Queue the events of one webhook since it was last looked at."""
    since = max(created_at, seen_until - LATE)
    wanted = frozenset(kinds.split()) or frozenset(KINDS.values())
    seen = now
    events: list[tuple[str, str]] = []
    for prefix in _PREFIXES:
        found = await house.database.fetch(
            "SELECT id, kind, recorded_at FROM journal WHERE business_id = $1 AND id >= $2 AND id < $3 "
            "AND status < 300 ORDER BY id LIMIT $4",
            business_id, ids.earliest(prefix, since // 1000), f"{prefix}_~", _MOST,
        )  # fmt: skip
        if len(found) == _MOST:
            seen = min(seen, found[-1][2])  # there are more: the next round goes on from here
        events += [(line, KINDS[kind]) for line, kind, _ in found if KINDS.get(kind) in wanted]

    async def work(transaction: Transaction) -> None:
        for line, kind in events:
            await queue(transaction, business_id, webhook_id, line, kind, now)
        await transaction.fetch(
            "UPDATE webhooks SET seen_until = $3 WHERE business_id = $1 AND id = $2 AND seen_until < $3",
            business_id, webhook_id, seen + (LATE if seen < now else 0),
        )  # fmt: skip

    if events or seen_until < now - LATE:
        await house.database.write_transaction(work)


async def _deliver_due(house: House, now: int, post: Poster) -> int:
    found = await house.database.fetch(
        "SELECT business_id, webhook_id, event_id FROM webhook_deliveries WHERE state = 'queued' AND due_at <= $1 "
        "AND claimed_until <= $1 ORDER BY due_at LIMIT $2",
        now, _MOST,
    )  # fmt: skip
    room = asyncio.Semaphore(_AT_ONCE)

    async def one(business_id: int, webhook_id: str, event: str) -> None:
        async with room:
            await _deliver(house, business_id, webhook_id, event, now, post)

    await asyncio.gather(*(one(*row) for row in found))
    return len(found)


async def _deliver(house: House, business_id: int, webhook_id: str, event: str, now: int, post: Poster) -> None:
    claimed = await _write(
        house,
        "UPDATE webhook_deliveries SET claimed_until = $4, tries = tries + 1 WHERE business_id = $1 "
        "AND webhook_id = $2 AND event_id = $3 AND state = 'queued' AND claimed_until <= $5 AND due_at <= $5 "
        "RETURNING kind, tries, queued_at",
        business_id, webhook_id, event, now + _LEASE, now,
    )  # fmt: skip
    told = await subscription(house, business_id, webhook_id, now) if claimed else None
    if told is None:
        return
    kind, tries, queued_at = claimed[0]
    body = await _body(house, business_id, event, kind, queued_at)
    head = signing.headers(told.secrets, event, now // _SECOND, body)
    try:
        answered = await post(told.url, head, body)
    except AddressRefused as refused:
        await _failed(house, (business_id, webhook_id, event), Answered(0), str(refused), tries, now)
    except OSError as problem:
        await _failed(house, (business_id, webhook_id, event), Answered(0), str(problem)[:100], tries, now)
    else:
        await _answered(house, (business_id, webhook_id, event), answered, tries, now)


async def _body(house: House, business_id: int, event: str, kind: str, queued_at: int) -> bytes:
    if kind == TEST:
        return body_of(kind, queued_at, {"id": event})
    [[member, location, subject, occurred_at, told]] = await house.database.fetch(
        "SELECT member_id, location, subject, occurred_at, input FROM journal WHERE business_id = $1 AND id = $2",
        business_id, event,
    )  # fmt: skip
    data: dict[str, Any] = {"id": event, "member": member, "location": location}
    if kind == KINDS[NOTICE]:
        # A rule's own notice is called as the rule calls it; ours have a dot in their names, and these have none.
        return body_of(subject, occurred_at, data | msgspec.json.decode(told))
    return body_of(kind, occurred_at, data | ({"purchase": subject} if kind == "refund.recorded" else {}))


Place = tuple[int, str, str]


async def _answered(house: House, place: Place, answered: Answered, tries: int, now: int) -> None:
    if answered.status in _SUCCESS:
        await _write(
            house,
            "UPDATE webhook_deliveries SET state = 'delivered', answered = $4, ended_at = $5, reason = NULL "
            "WHERE business_id = $1 AND webhook_id = $2 AND event_id = $3",
            *place, answered.status, now,
        )  # fmt: skip
        return
    await _failed(house, place, answered, f"answered {answered.status}", tries, now)


async def _failed(house: House, place: Place, answered: Answered, why: str, tries: int, now: int) -> None:
    """Try again later, a little later each time; or give the event up, and the webhook with it."""
    given_up = tries > len(PAUSES) or answered.status == _GONE
    pause = 0 if given_up else max(PAUSES[tries - 1], answered.after_seconds * _SECOND)
    # Events that failed together do not come back together.
    pause += pause * hashlib.sha256(place[2].encode()).digest()[0] // 2560
    await _write(
        house,
        "UPDATE webhook_deliveries SET state = $4, answered = $5, reason = $6, due_at = $7, claimed_until = 0, "
        "ended_at = $8 WHERE business_id = $1 AND webhook_id = $2 AND event_id = $3",
        *place, "dead" if given_up else "queued", answered.status or None, why, now + pause, now if given_up else None,
    )  # fmt: skip
    if given_up:
        gone = answered.status == _GONE
        await _disable(house, place, "it answered 410: gone" if gone else f"it was tried for three days: {why}", now)


async def _disable(house: House, place: Place, why: str, now: int) -> None:
    await _write(
        house,
        "UPDATE webhooks SET disabled_at = $3, disabled_why = $4 WHERE business_id = $1 AND id = $2 "
        "AND disabled_at IS NULL",
        place[0], place[1], now, why,
    )  # fmt: skip


async def _write(house: House, statement: str, *values: Any) -> list[Any]:
    found: list[Any] = await house.database.write_transaction(lambda transaction: transaction.fetch(statement, *values))
    return found
