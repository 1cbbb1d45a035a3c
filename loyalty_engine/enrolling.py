"""Somebody joins by saying a number or an address; who is a member already is answered as they are.

Invariant: a name and a birthday are sealed with the member's own key; the journal keeps the answer without them.
"""

from __future__ import annotations

import msgspec

from loyalty_engine import ids, journal
from loyalty_engine.answers import Answer, MemberAnswer
from loyalty_engine.businesses import Caller, location_rows, place_of
from loyalty_engine.commands import EnrolMember, Ticket
from loyalty_engine.database import Opening, Page
from loyalty_engine.errors import MemberUnknown, NotInThisEdition
from loyalty_engine.house import House
from loyalty_engine.identifiers import mask
from loyalty_engine.instants import shown, to_micros
from loyalty_engine.members import as_shown, balances, enrol_rows, named
from loyalty_engine.rows import Posting


async def enrol(house: House, caller: Caller, command: EnrolMember, ticket: Ticket) -> Answer:
    """Let somebody join by number or address; who is a member already is answered as they are (200)."""
    edition = await house.shelf.current(caller.business_id)
    if command.referred_by is not None or command.consents:
        raise NotInThisEdition(pointer="/referred_by" if command.referred_by is not None else "/consents")
    who = named(house, caller.business_id, command.member, edition.programme.about.country)
    at = to_micros(ticket.at)
    location = place_of(caller, command.location)
    opening = Opening(
        business_id=caller.business_id, key=ticket.key, blind_index=who.blind_index, member_id=who.member_id,
        location=location, occurred_at=at, now=at,
    )  # fmt: skip
    told = journal.Told(
        kind="enrolment",
        ticket=ticket,
        opening=opening,
        fingerprint=journal.fingerprint(house, caller.business_id, "enrolment", command),
    )

    async def decide(page: Page, reader: journal.Reader) -> Posting:
        line_id = ids.new("jnl", at // 1000)
        if page.member is not None:
            # Who asks with somebody's number is not told their name.
            answer = await as_shown(house, caller.business_id, page.member, edition.programme, reader)
            answer = msgspec.structs.replace(answer, name=None, birthday=None)
            line = journal.line(told, line_id, status=200, answer=msgspec.json.encode(answer), member_id=page.member.id)
            return Posting(business_id=caller.business_id, expected=None, member=None, journal=line)
        if who.identifier is None:
            raise MemberUnknown(pointer="/member/id")
        birthday = command.birthday.isoformat() if command.birthday else None
        said = {name: value for name, value in (("name", command.name), ("birthday", birthday)) if value}
        new = enrol_rows(house, caller.business_id, who.identifier, at=at, language=command.language, profile=said)
        answer = MemberAnswer(
            new.member.id, (mask(who.identifier),), command.language, None, None, shown(at), 0,
            0, balances(edition.programme, {}), new=True,
        )  # fmt: skip
        line = journal.line(
            told, line_id, status=201, answer=msgspec.json.encode(answer), member_id=new.member.id, revision=1
        )
        places = location_rows(caller.business_id, location, page, edition.programme, at) if command.location else ()
        return Posting(
            business_id=caller.business_id, expected=0, member=new.member, identifiers=(new.identifier,), journal=line,
            locations=places,
        )  # fmt: skip

    answer = await journal.once(house, told, decide)
    return _with_name(answer, command)


def _with_name(answer: Answer, command: EnrolMember) -> Answer:
    """Give a newcomer's name back as it was told: the journal keeps the answer without it."""
    kept = msgspec.json.decode(answer.body, type=MemberAnswer)
    if not kept.new:
        return answer
    birthday = command.birthday.isoformat() if command.birthday else None
    told = msgspec.structs.replace(kept, name=command.name, birthday=birthday)
    return msgspec.structs.replace(answer, body=msgspec.json.encode(told))
