"""Somebody joins: did a member bring them, and does it count?

Whom the friend names themselves counts before who has named the friend, and of these the first. Refused in this order:
an ambassador who has left, ambassador and friend in one person, a number that was a member's before or is one's now, a
friend who was credited once. Invariant: whoever is a member already is nobody's new friend.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

import rules
from loyalty_engine import tombstones
from loyalty_engine.database import Opening
from loyalty_engine.identifiers import Identifier
from loyalty_engine.instants import from_micros, to_micros
from loyalty_engine.referrals import course, people
from loyalty_engine.referrals.course import COLUMNS, Course, Moment, ReferralRow

if TYPE_CHECKING:
    from loyalty_engine.database import MemberState
    from loyalty_engine.house import House
    from loyalty_engine.journal import Reader
    from loyalty_engine.members import Named
    from loyalty_engine.referrals.answers import ReferralSeen
    from loyalty_engine.tombstones import Hashing


class Coming(Struct, frozen=True, kw_only=True):
    """A friend as they come: who they are, whom they name as their ambassador, and how that was said."""

    house: House
    business_id: int
    programme: rules.Programme
    member_id: str
    identifier: Identifier | None
    by: Named | str | None
    how: str
    moment: Moment
    reader: Reader

    @property
    def number(self) -> Identifier:
        """Give the number or address they joined by."""
        assert self.identifier is not None, "whoever joins says a number or an address"
        return self.identifier


class Brought(Struct, frozen=True):
    """What comes of it: the courses of all referrals it moves, the one that counts first, and what a till hears."""

    courses: tuple[Course, ...] = ()
    seen: ReferralSeen | None = None

    def rows(self) -> tuple[Struct, ...]:
        """Give the rows that ride with the newcomer."""
        return tuple(row for one in self.courses for row in one.rows())

    @property
    def waits(self) -> str | None:
        """Name the referral that a purchase may qualify from now on."""
        rows = [one.row for one in self.courses if one.row.state == "joined"]
        return rows[0].id if rows else None


NOBODY = Brought()


async def arrive(coming: Coming) -> Brought:
    """Tell what comes of a newcomer's referral; nothing where nobody brought them."""
    if coming.programme.referral is None:
        return Brought(seen=course.refused_unseen("not_offered")) if coming.by is not None else NOBODY
    known = await tombstones.hashing(coming.house, coming.reader, coming.business_id)
    named = await _named(coming, known)
    chosen: Course | None = None
    state: MemberState | None = None
    if coming.by is not None:
        state = await people.ambassador(coming.house, coming.reader, coming.business_id, coming.by)
        if state is None and not named:
            return Brought(seen=course.refused_unseen("ambassador_unknown"))
    if state is not None:
        chosen = next((one for one in named if one.row.ambassador_id == state.id), None)
        chosen = chosen or course.begun(coming.business_id, state.id, coming.how, coming.moment)
    elif named:
        chosen = named[0]
        state = await people.person(coming.house, coming.business_id, chosen.row.ambassador_id)
    if chosen is None:
        return NOBODY
    await _take(coming, chosen, state, known)
    for other in named:
        if other is not chosen:
            other.step("refused", coming.moment, reason="came_by_another")
    rest = tuple(one for one in named if one is not chosen)
    return Brought((chosen, *rest), course.seen(chosen.row))


async def _named(coming: Coming, known: Hashing | None) -> list[Course]:
    """Give the referrals that name this very number, the first one first."""
    if known is None:
        return []
    found = await coming.reader.fetch(
        f"SELECT {COLUMNS} FROM referrals WHERE business_id = $1 AND friend_hash = $2 AND state = 'named' "
        "ORDER BY named_at, id",
        coming.business_id, known.of(coming.number),
    )  # fmt: skip
    return [Course(ReferralRow(*row)) for row in found]


async def _take(coming: Coming, chosen: Course, state: MemberState | None, known: Hashing | None) -> None:
    """Let the referral that counts go on with the friend who has come, or end."""
    friend: dict[str, Any] = {"friend_id": coming.member_id, "friend_hash": None, "joined_at": coming.moment.at}
    reason = "ambassador_left"
    if state is not None:
        reason = await _why_not(coming, state, known) or ""
    if reason:
        chosen.step("refused", coming.moment, reason=reason, **friend)
        return
    assert state is not None, "nobody would have left"
    review = "velocity" if await _hurries(coming, state.id) else None
    chosen.step("joined", coming.moment, review=review, **friend)


async def _why_not(coming: Coming, state: MemberState, known: Hashing | None) -> str | None:
    house, reader, business_id = coming.house, coming.reader, coming.business_id
    if await people.shares_mailbox(house, reader, state, business_id, (coming.number,)):
        return "self"
    if await tombstones.was_here(house, reader, business_id, coming.number):
        return "was_member"
    if await _is_here(coming):
        return "already_member"
    marked = known is not None and await reader.fetch(
        "SELECT 1 FROM referral_marks WHERE business_id = $1 AND mark = $2", business_id, known.of(coming.number)
    )
    return "already_credited" if marked else None


async def _is_here(coming: Coming) -> bool:
    """Tell whether the mailbox behind the address is a member's already, by its plain address."""
    for mailbox in people.mailboxes((coming.number,)) - {coming.number.value}:
        index = coming.house.vault.blind_index(coming.business_id, Identifier("email", mailbox))
        page = await coming.house.database.open(Opening(business_id=coming.business_id, blind_index=index))
        if page is not None and page.member is not None:
            return True
    return False


async def _hurries(coming: Coming, ambassador_id: str) -> bool:
    """Tell whether this friend is one more than an ambassador brings in a period without anybody wondering."""
    referral, zone = coming.programme.referral, coming.programme.zone
    assert referral is not None, "it was asked before"
    day = from_micros(coming.moment.at).astimezone(zone).date()
    for limit in referral.review:
        if limit.times is None or limit.per == "purchase":
            continue
        window = rules.window(limit.per, day, zone)
        found = await coming.reader.fetch(
            "SELECT count(*) FROM referrals WHERE business_id = $1 AND ambassador_id = $2 AND joined_at >= $3 "
            "AND joined_at < $4 AND state <> 'refused'",
            coming.business_id, ambassador_id, to_micros(window.starts_at), to_micros(window.ends_at),
        )  # fmt: skip
        if found[0][0] >= limit.times:
            return True
    return False


async def known_already(coming: Coming) -> Brought:
    """Write down that somebody was named who is a member: it does not count, and the business can read why."""
    if coming.programme.referral is None:
        return Brought(seen=course.refused_unseen("not_offered"))
    assert coming.by is not None, "nobody is named without an ambassador"
    state = await people.ambassador(coming.house, coming.reader, coming.business_id, coming.by)
    if state is None:
        return Brought(seen=course.refused_unseen("ambassador_unknown"))
    again = await coming.reader.fetch(
        f"SELECT {COLUMNS} FROM referrals WHERE business_id = $1 AND friend_id = $2 AND ambassador_id = $3 "
        "ORDER BY named_at, id LIMIT 1",
        coming.business_id, coming.member_id, state.id,
    )  # fmt: skip
    if again:  # a till that says it with every purchase says nothing new
        return Brought(seen=course.seen(ReferralRow(*again[0])))
    one = course.begun(coming.business_id, state.id, coming.how, coming.moment, friend_id=coming.member_id)
    one.step("refused", coming.moment, reason="self" if state.id == coming.member_id else "already_member")
    return Brought((one,), course.seen(one.row))
