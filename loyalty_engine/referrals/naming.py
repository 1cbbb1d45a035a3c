"""A member names a friend: kept as a keyed hash of the friend's number, and nothing else, until the friend joins.

Invariant: naming tells nobody's number to anybody: what is kept finds the friend when they come, and cannot be read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from loyalty_engine import ids, journal, tombstones
from loyalty_engine.database import Opening, Page
from loyalty_engine.errors import MemberNotFoundByNumber
from loyalty_engine.identity import looking_up, presence
from loyalty_engine.instants import to_micros
from loyalty_engine.members import named
from loyalty_engine.referrals import course, people, reading
from loyalty_engine.referrals.course import COLUMNS, Course, Moment, ReferralRow
from loyalty_engine.referrals.errors import ReferralsNotOffered
from loyalty_engine.rows import Posting

if TYPE_CHECKING:
    from loyalty_engine.answers import Answer
    from loyalty_engine.businesses import Caller
    from loyalty_engine.commands import Ticket
    from loyalty_engine.database import MemberState
    from loyalty_engine.house import House
    from loyalty_engine.identifiers import Identifier
    from loyalty_engine.journal import Reader
    from loyalty_engine.referrals.told import NameFriend

# So many friends who have not joined may wait for one ambassador.
WAITING_MOST: Final = 50


class Naming(Struct, frozen=True, kw_only=True):
    """An ambassador who names a friend: who they are, how the friend was named, and who that is if a member."""

    house: House
    reader: Reader
    business_id: int
    ambassador: MemberState
    friend: MemberState | None
    identifier: Identifier | None
    how: str
    moment: Moment


async def name(naming: Naming) -> tuple[Course, tuple[Struct, ...]]:
    """Tell what comes of naming a friend, and the rows that keep it; a friend who waits already is not named again."""
    known = await tombstones.hashing_now(naming.house, naming.reader, naming.business_id, naming.moment.at)
    hashed = known.of(naming.identifier) if naming.identifier is not None else None
    if naming.friend is None and hashed is not None:
        waiting = await _waiting(naming, hashed)
        if waiting is not None:
            return waiting, ()
    reason = await _why_not(naming, hashed)
    whose, moment = naming.ambassador.id, naming.moment
    if reason is not None:
        friend_id = naming.friend.id if naming.friend is not None else None
        one = course.begun(naming.business_id, whose, naming.how, moment, friend_id=friend_id)
        one.step("refused", moment, reason=reason)
        return one, one.rows()
    one = course.begun(naming.business_id, whose, naming.how, moment, friend_hash=hashed)
    one.step("named", moment)
    return one, (*one.rows(), *((known.new,) if known.new is not None else ()))


async def _waiting(naming: Naming, hashed: str) -> Course | None:
    found = await naming.reader.fetch(
        f"SELECT {COLUMNS} FROM referrals WHERE business_id = $1 AND friend_hash = $2 AND ambassador_id = $3 "
        "AND state = 'named'",
        naming.business_id, hashed, naming.ambassador.id,
    )  # fmt: skip
    return Course(ReferralRow(*found[0])) if found else None


async def _why_not(naming: Naming, hashed: str | None) -> str | None:
    house, reader, business_id, identifier = naming.house, naming.reader, naming.business_id, naming.identifier
    ambassador = naming.ambassador
    if naming.friend is not None:
        return "self" if naming.friend.id == ambassador.id else "already_member"
    assert identifier is not None, "whoever is not a member is named by number or address"
    if await people.shares_mailbox(house, reader, ambassador, business_id, (identifier,)):
        return "self"
    if await tombstones.was_here(house, reader, business_id, identifier):
        return "was_member"
    if await reader.fetch(
        "SELECT 1 FROM referral_marks WHERE business_id = $1 AND mark = $2", business_id, hashed
    ):  # fmt: skip
        return "already_credited"
    waiting = await reader.fetch(
        "SELECT count(*) FROM referrals WHERE business_id = $1 AND ambassador_id = $2 AND state = 'named'",
        business_id, ambassador.id,
    )  # fmt: skip
    return "velocity" if waiting[0][0] >= WAITING_MOST else None


async def friend_by(house: House, business_id: int, blind_index: str) -> MemberState | None:
    """Find who has a number already; None where nobody does."""
    page = await presence.page_of(house.database, Opening(business_id=business_id, blind_index=blind_index))
    return page.member if page is not None else None


async def name_friend(house: House, caller: Caller, command: NameFriend, ticket: Ticket) -> Answer:
    """Let a member name a friend, once. Answers 201 with ReferralAnswer, also where it does not count and why.

    Raises ReferralsNotOffered, and MemberNotFoundByNumber where nobody is the ambassador.
    """
    edition = await house.shelf.current(caller.business_id)
    at, programme = to_micros(ticket.at), edition.programme
    by = people.read(house, caller.business_id, command.ambassador, programme.country, "/ambassador")
    friend = named(house, caller.business_id, command.friend, programme.country, pointer="/friend")
    # Whoever asks learns whether the friend is a member: it is counted as any look-up.
    share = await looking_up.count(house, caller, friend.identifier, at)
    opening = Opening(
        business_id=caller.business_id, key=ticket.key, blind_index=friend.blind_index, member_id=friend.member_id,
        occurred_at=at, now=at,
    )  # fmt: skip
    told = journal.Told(
        kind="referral", ticket=ticket, opening=opening,
        fingerprint=journal.fingerprint(house, caller.business_id, "referral", command),
    )  # fmt: skip

    async def decide(page: Page, reader: journal.Reader) -> Posting:
        valid = await house.shelf.valid_at(caller.business_id, at, published=page.version)
        if valid.programme.referral is None:
            raise ReferralsNotOffered
        ambassador = await people.ambassador(house, reader, caller.business_id, by)
        if ambassador is None or (page.member is None and friend.identifier is None):
            raise MemberNotFoundByNumber(pointer="/ambassador" if ambassador is None else "/friend")
        line_id = ids.new("jnl", at // 1000)
        one, rows = await name(
            Naming(
                house=house, reader=reader, business_id=caller.business_id, ambassador=ambassador, friend=page.member,
                identifier=friend.identifier, how="api", moment=Moment(at, f"key {caller.key_id}", line_id),
            )
        )  # fmt: skip
        if page.member is None:
            await looking_up.found_nobody(house, caller, share, at)
        answer = await reading.shown(house, reader, one.row, steps=one.steps)
        line = journal.line(
            told, line_id, status=201, answer=msgspec.json.encode(answer), member_id=ambassador.id, subject=one.row.id,
            version=valid.version,
        )  # fmt: skip
        return Posting(business_id=caller.business_id, expected=None, member=None, journal=line, extra=rows)

    return await journal.once(house, told, decide)
