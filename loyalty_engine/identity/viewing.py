"""Who of the staff saw a member's number in full, and why: nobody does without its being written down."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from loyalty_engine import ids, journal
from loyalty_engine.answers import Answer
from loyalty_engine.database import Opening
from loyalty_engine.errors import BusinessUnknown
from loyalty_engine.identity.people import ShowInFull, ShownInFull, ShownNumber
from loyalty_engine.instants import shown, shown_or_none, to_micros
from loyalty_engine.members import profile_of, state_of
from loyalty_engine.rows import Posting

if TYPE_CHECKING:
    from loyalty_engine.businesses import Caller
    from loyalty_engine.commands import Ticket
    from loyalty_engine.database import MemberState, Transaction
    from loyalty_engine.house import House


async def note(
    transaction: Transaction, caller: Caller, member_id: str, *, what: str, staff: str | None, reason: str, at: int
) -> str:
    """Write down that somebody sees what is personal; give the name of the record."""
    viewing_id = ids.new("viw", at // 1000)
    await transaction.fetch(
        "INSERT INTO viewings (business_id, id, member_id, what, key_id, staff, reason, seen_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        caller.business_id, viewing_id, member_id, what, caller.key_id, staff, reason, at,
    )  # fmt: skip
    return viewing_id


async def show_in_full(house: House, caller: Caller, member_id: str, command: ShowInFull, ticket: Ticket) -> Answer:
    """Show a member's numbers and name in full, and write down who saw them. Answers 201 with ShownInFull.

    The journal keeps that it was shown and not what: a retry is shown what is there by then.
    """
    at = to_micros(ticket.at)
    state = await state_of(house, caller.business_id, member_id, at)
    opening = Opening(business_id=caller.business_id, key=ticket.key, occurred_at=at, now=at)
    told = journal.Told(
        kind="viewing", ticket=ticket, opening=opening,
        fingerprint=journal.fingerprint(house, caller.business_id, "viewing", command, member_id),
    )  # fmt: skip

    async def work(transaction: Transaction) -> Answer:
        page = await transaction.open(opening)
        if page is None:
            raise BusinessUnknown
        if (seen := journal.answered(told, page)) is not None:
            return seen
        viewing_id = await note(
            transaction, caller, state.id, what="number", staff=command.staff, reason=command.reason, at=at
        )
        kept = ShownInFull(viewing_id, state.id, None, None, (), shown(at))
        line = journal.line(told, ids.new("jnl", at // 1000), status=201, answer=msgspec.json.encode(kept))
        line = msgspec.structs.replace(line, member_id=state.id)
        await transaction.keep(Posting(business_id=caller.business_id, expected=None, member=None, journal=line))
        return Answer(201, line.answer.encode())

    answer = await house.database.write_transaction(work)
    kept = msgspec.json.decode(answer.body, type=ShownInFull)
    return msgspec.structs.replace(answer, body=msgspec.json.encode(await _filled(house, caller, state, kept)))


async def _filled(house: House, caller: Caller, state: MemberState, kept: ShownInFull) -> ShownInFull:
    found = await house.database.fetch(
        "SELECT kind, sealed, added_at, verified_at, bounced_at FROM identifiers WHERE business_id = $1 "
        "AND member_id = $2 ORDER BY added_at, blind_index",
        caller.business_id, state.id,
    )  # fmt: skip
    numbers = tuple(
        ShownNumber(
            kind, house.vault.open(caller.business_id, state.id, state.wrapped_key, "identifier", sealed),
            shown(added_at), shown_or_none(verified_at), shown_or_none(bounced_at),
        )
        for kind, sealed, added_at, verified_at, bounced_at in found
    )  # fmt: skip
    profile = profile_of(house, caller.business_id, state)
    return msgspec.structs.replace(
        kept, name=profile.get("name"), birthday=profile.get("birthday"), identifiers=numbers
    )
