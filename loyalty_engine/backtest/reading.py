"""A business's own journal as histories: member after member, page after page, and nothing of it is ever written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from loyalty_engine.backtest.history import Bought, Corrected, Happened, History, Joined, Returned, Told
from loyalty_engine.evidence import EnrolmentEvidence, EventEvidence, PurchaseEvidence, RefundEvidence
from loyalty_engine.instants import from_micros

if TYPE_CHECKING:
    from loyalty_engine.database import Database

_PAGE = 2000
# So many lines are read before others have their turn.
_SLICE = 64
# What is written after this instant is left alone: a history ends where the backtest began.
_LINES = (
    "SELECT member_id, revision, id, kind, occurred_at, recorded_at, subject, amount_minor, input, version, location "
    "FROM journal WHERE business_id = $1 AND status = 201 AND (member_id, revision) > ($2, $3) AND recorded_at <= $4 "
    "ORDER BY member_id, revision LIMIT $5"
)
# What a purchase gave and a refund took is judged again; whatever else moved units is carried over.
_ENTRIES = (
    "SELECT member_id, revision, kind, unit, amount FROM entries WHERE business_id = $1 "
    "AND (member_id, revision) > ($2, $3) AND (member_id, revision) <= ($4, $5) "
    "AND kind <> 'accrual' AND NOT (kind = 'reversal' AND rule IS NOT NULL) ORDER BY member_id, revision, id"
)
_purchase = msgspec.json.Decoder(PurchaseEvidence).decode
_event = msgspec.json.Decoder(EventEvidence).decode
_enrolment = msgspec.json.Decoder(EnrolmentEvidence).decode
_refund = msgspec.json.Decoder(RefundEvidence).decode
_Place = tuple[str, int]


async def histories(database: Database, business_id: int, *, at: int) -> AsyncIterator[History]:
    """Give every member's history up to an instant; no more than a page and one member is in memory."""
    member, happened = "", list[Happened]()
    async for line, corrections in _lines(database, business_id, at):
        if line[0] != member:
            if happened:
                yield History(member, happened)
            member, happened = line[0], []
        happened.extend(_told(line, corrections))
    if happened:
        yield History(member, happened)


async def _lines(database: Database, business_id: int, at: int) -> AsyncIterator[tuple[Sequence[Any], list[Any]]]:
    """Give journal lines in the order a member's life was recorded, each with what it moved by hand."""
    after: _Place = ("", 0)
    while lines := await database.study(_LINES, business_id, *after, at, _PAGE):
        until = (lines[-1][0], lines[-1][1])
        moved: dict[_Place, list[Any]] = {}
        for entry in await database.study(_ENTRIES, business_id, *after, *until):
            moved.setdefault((entry[0], entry[1]), []).append(entry)
        for number, line in enumerate(lines):
            if number % _SLICE == 0:
                await asyncio.sleep(0)
            yield line, moved.get((line[0], line[1]), [])
        after = until


def _told(line: Sequence[Any], corrections: list[Any]) -> list[Happened]:
    _, _, line_id, kind, occurred_at, recorded_at, subject, amount_minor, told, version, location = line
    at = from_micros(recorded_at)
    found: list[Happened] = []
    if kind == "purchase":
        evidence = _purchase(told)
        found.append(Bought(line_id, evidence.purchase, at, evidence.facts))
    elif kind == "refund":
        found.append(Returned(subject, _refund(told), amount_minor, from_micros(occurred_at), at))
    elif kind == "enrolment":
        raised = _enrolment(told).raised if told else ()
        found.append(Joined(at, location, raised[0].facts if raised else None))
    elif kind == "event":
        happening = _event(told)
        found.append(Told(happening.event, at, happening.facts))
    found.extend(Corrected(entry[2], entry[3], entry[4], at, version) for entry in corrections)
    return found


async def trade(database: Database, business_id: int, *, at: int) -> tuple[int, int]:
    """Give how many purchases there are up to an instant, and what was paid for them."""
    [[purchases, paid]] = await database.study(
        "SELECT count(*), CAST(coalesce(sum(amount_minor), 0) AS BIGINT) FROM journal WHERE business_id = $1 "
        "AND kind = 'purchase' AND status = 201 AND recorded_at <= $2",
        business_id, at,
    )  # fmt: skip
    return purchases, paid
