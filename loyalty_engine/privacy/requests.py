"""What members ask of us under the law, and the clock that runs: one month, with a reminder a week before."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

import msgspec

from loyalty_engine import ids, journal
from loyalty_engine.database import Opening
from loyalty_engine.errors import BusinessUnknown, RequestUnknown
from loyalty_engine.identity import alerts
from loyalty_engine.identity.people import NoteRequest, RequestAnswer
from loyalty_engine.instants import shown, shown_or_none, to_micros
from loyalty_engine.members import state_of
from loyalty_engine.rows import Posting
from rules import Period

if TYPE_CHECKING:
    from loyalty_engine.answers import Answer
    from loyalty_engine.businesses import Caller
    from loyalty_engine.commands import Ticket
    from loyalty_engine.database import Transaction
    from loyalty_engine.house import House

# Article 12(3) of the GDPR: without undue delay and within one month of receipt.
MONTH: Final = Period(1, "month")
_WEEK: Final = 7 * 24 * 3600 * 1_000_000
_COLUMNS: Final = "id, member_id, kind, received_at, due_at, answered_at"


async def take(house: House, caller: Caller, member_id: str, command: NoteRequest, ticket: Ticket) -> Answer:
    """Write down what a member asks for; the clock starts when they asked. Answers 201 with RequestAnswer."""
    at = to_micros(ticket.at)
    state = await state_of(house, caller.business_id, member_id, at)
    zone = (await house.shelf.current(caller.business_id)).programme.timezone
    received = journal.happened_at(house.settings, command.received_at, ticket.at)
    due_at = to_micros(MONTH.after(received, zone))
    told = _told(house, caller, "request", ticket, command, member_id)

    async def work(transaction: Transaction) -> Answer | Posting:
        page = await transaction.open(told.opening)
        if page is None:
            raise BusinessUnknown
        if (seen := journal.answered(told, page)) is not None:
            return seen
        request_id = ids.new("rqs", at // 1000)
        await transaction.fetch(
            "INSERT INTO requests (business_id, id, member_id, kind, received_at, due_at) "
            "VALUES ($1, $2, $3, $4, $5, $6)",
            caller.business_id, request_id, state.id, command.kind, to_micros(received), due_at,
        )  # fmt: skip
        row = (request_id, state.id, command.kind, to_micros(received), due_at, None)
        return await _kept(transaction, told, 201, _shown(row))

    return journal.given(await house.database.write_transaction(work))


async def close(house: House, caller: Caller, request_id: str, ticket: Ticket) -> Answer:
    """Write down that a request was answered. Answers 200 with RequestAnswer; RequestUnknown where there is none."""
    at = to_micros(ticket.at)
    told = _told(house, caller, "request_answered", ticket, NoteRequest("access"), request_id)

    async def work(transaction: Transaction) -> Answer | Posting:
        page = await transaction.open(told.opening)
        if page is None:
            raise BusinessUnknown
        if (seen := journal.answered(told, page)) is not None:
            return seen
        found = await transaction.fetch(
            "UPDATE requests SET answered_at = coalesce(answered_at, $3) WHERE business_id = $1 AND id = $2 "
            f"RETURNING {_COLUMNS}",
            caller.business_id, request_id, at,
        )  # fmt: skip
        if not found:
            raise RequestUnknown
        return await _kept(transaction, told, 200, _shown(tuple(found[0])))

    return journal.given(await house.database.write_transaction(work))


async def waiting(house: House, caller: Caller, *, limit: int, cursor: str | None) -> tuple[RequestAnswer, ...]:
    """Give the requests that wait for an answer, the most urgent first, after the one named by `cursor`."""
    after: tuple[int, str] = (0, "")
    if cursor is not None:
        place = await house.database.fetch(
            "SELECT due_at, id FROM requests WHERE business_id = $1 AND id = $2", caller.business_id, cursor
        )
        after = (place[0][0], place[0][1]) if place else after
    found = await house.database.fetch(
        f"SELECT {_COLUMNS} FROM requests WHERE business_id = $1 AND answered_at IS NULL "
        "AND (due_at, id) > ($2, $3) ORDER BY due_at, id LIMIT $4",
        caller.business_id, *after, limit,
    )  # fmt: skip
    return tuple(_shown(tuple(row)) for row in found)


async def remind(house: House, *, at: datetime) -> int:
    """Raise an alert for every request that is due within a week and not answered; once each."""
    now = to_micros(at)

    async def work(transaction: Transaction) -> int:
        found = await transaction.fetch(
            "UPDATE requests SET reminded_at = $1 WHERE answered_at IS NULL AND reminded_at IS NULL AND due_at < $2 "
            "RETURNING business_id, id, kind, due_at",
            now, now + _WEEK,
        )  # fmt: skip
        for business_id, request_id, kind, due_at in found:
            says = f"the request {request_id} ({kind}) must be answered by {shown(due_at)}"
            await alerts.put(transaction, business_id, "request_due", says, at=now)
        return len(found)

    due = await house.database.fetch(
        "SELECT 1 FROM requests WHERE answered_at IS NULL AND reminded_at IS NULL AND due_at < $1 LIMIT 1", now + _WEEK
    )
    return await house.database.write_transaction(work) if due else 0


def _told(house: House, caller: Caller, kind: str, ticket: Ticket, command: NoteRequest, path: str) -> journal.Told:
    at = to_micros(ticket.at)
    return journal.Told(
        kind=kind, ticket=ticket,
        opening=Opening(business_id=caller.business_id, key=ticket.key, occurred_at=at, now=at),
        fingerprint=journal.fingerprint(house, caller.business_id, kind, command, path),
    )  # fmt: skip


async def _kept(transaction: Transaction, told: journal.Told, status: int, answer: RequestAnswer) -> Posting:
    line_id = ids.new("jnl", told.opening.now // 1000)
    line = journal.line(
        told, line_id, status=status, answer=msgspec.json.encode(answer), member_id=answer.member, subject=answer.id
    )
    posting = Posting(business_id=told.opening.business_id, expected=None, member=None, journal=line)
    await transaction.keep(posting)
    return posting


def _shown(row: tuple[str, str, str, int, int, int | None] | tuple[object, ...]) -> RequestAnswer:
    request_id, member, kind, received_at, due_at, answered_at = row
    return RequestAnswer(
        str(request_id), str(member), str(kind), shown(int(str(received_at))), shown(int(str(due_at))),
        shown_or_none(None if answered_at is None else int(str(answered_at))),
    )  # fmt: skip
