"""Both ends of a referral, claimed together, and what is written down for either of them.

Invariant: both are claimed in one fixed order and read afterwards, so that what is decided of them holds until it is
kept; what happens to one end is known by a natural key and happens once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import msgspec
from msgspec import Struct

from loyalty_engine import ids, journal, ledger
from loyalty_engine.commands import Ticket
from loyalty_engine.database import Opening
from loyalty_engine.database.pages import Moved
from loyalty_engine.instants import from_micros
from loyalty_engine.members import accounts_of, moved
from loyalty_engine.referrals import course, people
from loyalty_engine.referrals.course import Course, Moment, ReferralRow
from loyalty_engine.rows import Posting

if TYPE_CHECKING:
    from loyalty_engine.database import MemberState, Transaction
    from loyalty_engine.house import House
    from loyalty_engine.shelf import Edition

Side = Literal["ambassador", "friend"]
BY: Final = "upkeep"


class Ends(Struct, frozen=True, kw_only=True):
    """A referral with both its people as they are now, claimed, and the transaction that claims them."""

    house: House
    transaction: Transaction
    row: ReferralRow
    edition: Edition
    ambassador: MemberState | None
    friend: MemberState | None
    at: int

    @property
    def moment(self) -> Moment:
        """Say when the next step is taken."""
        return Moment(self.at, BY)


async def claimed(house: House, transaction: Transaction, row: ReferralRow, at: int) -> Ends:
    """Claim whoever stands at either end by now, in one fixed order, and read them as they are then."""
    assert row.version is not None, "what is held was judged by a version"
    assert row.friend_id is not None, "what is held has a friend"
    whom = [await people.person(house, row.business_id, one, transaction) for one in (row.ambassador_id, row.friend_id)]
    for one in sorted({state.id for state in whom if state is not None}):
        await house.database.lock_member(transaction, row.business_id, one)
    found = []
    for before, member_id in zip(whom, (row.ambassador_id, row.friend_id), strict=True):
        now = await people.person(house, row.business_id, member_id, transaction, at=at)
        if (before and before.id) != (now and now.id):
            raise Moved  # merged or erased between reading and claiming
        found.append(now)
    edition = await house.shelf.numbered(row.business_id, row.version)
    return Ends(
        house=house, transaction=transaction, row=row, edition=edition, ambassador=found[0], friend=found[1], at=at
    )


async def keep(transaction: Transaction, one: Course, at: int) -> None:
    """Keep a step that moves nobody's units, with a journal line of its own."""
    line = journal.alone(one.row.business_id, "referral_step", one.row.ambassador_id, 0, at)
    line = msgspec.structs.replace(line, revision=None, subject=one.row.id)
    await transaction.keep(
        Posting(business_id=one.row.business_id, expected=None, member=None, journal=line, extra=one.rows())
    )


def told(ends: Ends, kind: str, side: Side, state: MemberState, what: str) -> journal.Told:
    at = from_micros(ends.at)
    known_as = natural(ends.row.id, side, what)
    opening = Opening(
        business_id=ends.row.business_id, natural=known_as, member_id=state.id, occurred_at=ends.at, now=ends.at
    )
    ticket = Ticket(key="", request_id=BY, at=at)
    return journal.Told(kind=kind, ticket=ticket, opening=opening, fingerprint=journal.hashed(known_as))


def natural(referral_id: str, side: Side, what: str) -> str:
    """Give the natural key of what happens to one end of a referral: it happens once."""
    return f"referral:{referral_id}:{side}:{what}"


def sheet(ends: Ends, state: MemberState) -> ledger.Sheet:
    """Give the sheet on which one of them is given something, or it is taken back."""
    return ledger.Sheet(
        business_id=ends.row.business_id, member_id=state.id, revision=state.revision + 1,
        accounts=accounts_of(state).values(), journal_id=ids.new("jnl", ends.at // 1000), version=ends.edition.version,
        occurred_at=ends.at, recorded_at=ends.at,
    )  # fmt: skip


def posting(
    ends: Ends, command: journal.Told, state: MemberState, page: ledger.Sheet, *, extra: tuple[Struct, ...] = ()
) -> Posting:  # fmt: skip
    """Write one end's movements down."""
    line = journal.line(
        command, page.journal_id, status=201, answer=msgspec.json.encode(course.seen(ends.row)), member_id=state.id,
        revision=page.revision, subject=ends.row.id, version=page.version,
    )  # fmt: skip
    return Posting(
        business_id=ends.row.business_id, expected=state.revision, member=moved(ends.row.business_id, state),
        journal=line, entries=tuple(page.entries), lots=page.lots, burns=page.burns,
        allocations=tuple(page.allocations), accounts=page.touched, extra=extra,
    )  # fmt: skip
