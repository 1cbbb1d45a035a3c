"""A member is put into a tier by hand: a floor that nothing falls through until its day, with a reason that stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from loyalty_engine import ids, journal
from loyalty_engine.database import Opening, Page
from loyalty_engine.errors import OccurredTooLongAgo
from loyalty_engine.identity import presence
from loyalty_engine.instants import shown_or_none, to_micros
from loyalty_engine.members import moved
from loyalty_engine.mending.asked import PlaceMember, PlacementAnswer
from loyalty_engine.mending.errors import TierUnknown
from loyalty_engine.rows import Posting
from loyalty_engine.standing import tiers
from loyalty_engine.standing.ladder import FLOOR, FOREVER, Held, Mark

if TYPE_CHECKING:
    from loyalty_engine.answers import Answer
    from loyalty_engine.businesses import Caller
    from loyalty_engine.commands import Ticket
    from loyalty_engine.house import House


async def place(house: House, caller: Caller, member_id: str, command: PlaceMember, ticket: Ticket) -> Answer:
    """Put a floor under a member, or take every floor away; once. Answers 201 with PlacementAnswer.

    Refused in this order: an instant that is past, an unknown member, a tier the programme lacks.
    """
    at, business_id = to_micros(ticket.at), caller.business_id
    until = None if command.until is None else to_micros(command.until)
    if until is not None and until <= at:
        raise OccurredTooLongAgo("A floor ends after now.", pointer="/until")
    told = journal.Told(
        kind="tier_floor", ticket=ticket,
        opening=Opening(business_id=business_id, key=ticket.key, member_id=member_id, occurred_at=at, now=at),
        fingerprint=journal.fingerprint(house, business_id, "tier_floor", command, member_id),
    )  # fmt: skip

    async def decide(page: Page, reader: journal.Reader) -> Posting:
        state = presence.here(page.member)
        edition = await house.shelf.valid_at(business_id, at, published=page.version)
        ladder = edition.ladder
        if ladder is None or (command.tier is not None and ladder.place(command.tier) < 0):
            raise TierUnknown(pointer="/tier", tiers=[tier.id for tier in edition.programme.tiers])
        before = await tiers.marks_of(reader, business_id, state.id)
        changed = [mark._replace(amount=0) for mark in before if mark.subject == FLOOR]
        if command.tier is not None:
            changed.append(Mark(FLOOR, command.tier, at, FOREVER if until is None else until, 1))
        marks = tiers.with_these(before, changed)
        was = await tiers.standing(reader, business_id, edition, state, at)
        held = ladder.floored(_without_floors(before, was, at, ladder.lived(marks, at)), marks, at)
        stands = tiers.Standing(held, tiers.counting(state))
        answer = PlacementAnswer(
            ids.new("jnl", at // 1000), command.tier, shown_or_none(until), command.reason, command.by,
            tiers.seen(edition, stands, state.language),
        )  # fmt: skip
        line = journal.line(
            told, answer.id, status=201, answer=msgspec.json.encode(answer), member_id=state.id,
            revision=state.revision + 1, version=edition.version, input=msgspec.json.encode(command).decode(),
        )  # fmt: skip
        return Posting(
            business_id=business_id, expected=state.revision, journal=line,
            member=tiers.moved_to(moved(business_id, state), edition, stands),
            limit_uses=tuple(tiers.as_row(business_id, state.id, mark) for mark in changed),
        )  # fmt: skip

    return await journal.once(house, told, decide)


def _without_floors(before: tuple[Mark, ...], was: Held, at: int, lived: Held) -> Held:
    """Give what is held but for floors: as it was, unless a floor that is taken away held it up."""
    floored = any(mark.subject == FLOOR and mark.amount and mark.starts_at <= at < mark.ends_at for mark in before)
    return lived if floored else was
