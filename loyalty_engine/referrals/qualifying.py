"""A friend buys: does it qualify, by when can it no longer come back, and what if it does.

Invariant: a purchase is held against the programme's condition by the version that judged it, with the member as they
were before it; what was given back is held against it as if it had never been bought.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from loyalty_engine.instants import to_micros
from loyalty_engine.referrals import arriving, course, people
from loyalty_engine.referrals.arriving import Brought, Coming
from loyalty_engine.referrals.course import COLUMNS, Course, Moment, ReferralRow

if TYPE_CHECKING:
    import rules
    from loyalty_engine.awarding import Came
    from loyalty_engine.businesses import Caller
    from loyalty_engine.commands import EnrolMember, RecordPurchase, ReferredBy
    from loyalty_engine.database import MemberState
    from loyalty_engine.house import House
    from loyalty_engine.identifiers import Identifier
    from loyalty_engine.journal import Reader
    from loyalty_engine.ledger import Sheet
    from loyalty_engine.purchases import Bought
    from loyalty_engine.referrals.answers import ReferralSeen
    from loyalty_engine.returns import Back
    from loyalty_engine.rows import MemberRow
    from loyalty_engine.shelf import Edition


class Along(Struct, frozen=True):
    """What a purchase does for a referral: the member's row, rows beside it, what a till hears, which it qualified."""

    member: MemberRow
    rows: tuple[Struct, ...] = ()
    seen: ReferralSeen | None = None
    qualified: str | None = None


class Buying(Struct, frozen=True, kw_only=True):
    """A purchase that may concern a referral: whose it is, who they say brought them, and what was bought."""

    house: House
    caller: Caller
    edition: Edition
    state: MemberState | None
    identifier: Identifier | None
    referred_by: ReferredBy | None
    bought: Came
    sheet: Sheet
    reader: Reader


def concerns(edition: Edition, state: MemberState | None, command: RecordPurchase | EnrolMember) -> bool:
    """Tell from the page alone whether a referral has anything to do with a command; an ordinary one has not."""
    if command.referred_by is not None:
        return True
    return edition.programme.referral is not None if state is None else state.referral is not None


async def of_purchase(buying: Buying, member: MemberRow) -> Along:
    """Tell what a purchase does for a referral that it may concern."""
    moment = Moment(buying.sheet.recorded_at, f"key {buying.caller.key_id}", buying.sheet.journal_id)
    brought = await _brought(buying, member.id, moment)
    chosen = brought.courses[0] if brought.courses else None
    row = None if chosen is None else chosen.row
    if (
        chosen is not None
        and chosen.row.state == "joined"
        and holds(buying.edition, buying.bought.event, buying.bought.facts)
    ):
        row = _hold(chosen, buying, moment)
    qualified = row.id if row is not None and row.state == "held" else None
    return Along(
        msgspec.structs.replace(member, referral=brought.waits), brought.rows(),
        brought.seen if row is None else course.seen(row), qualified,
    )  # fmt: skip


async def _brought(buying: Buying, member_id: str, moment: Moment) -> Brought:
    house, business_id, state = buying.house, buying.caller.business_id, buying.state
    programme = buying.edition.programme
    if state is not None and state.referral is not None:
        row = await read_row(buying.reader, business_id, state.referral)
        return Brought((Course(row),)) if row is not None and row.state == "joined" else arriving.NOBODY
    by = None
    if buying.referred_by is not None:
        by = people.read(house, business_id, buying.referred_by, programme.country, "/referred_by")
    coming = Coming(
        house=house, business_id=business_id, programme=programme, member_id=member_id, identifier=buying.identifier,
        by=by, how="till", moment=moment, reader=buying.reader,
    )  # fmt: skip
    return await (arriving.arrive(coming) if state is None else arriving.known_already(coming))


def holds(edition: Edition, purchase: rules.Purchase | rules.Event, facts: rules.MemberFacts) -> bool:
    """Tell whether a version would let this purchase qualify a friend."""
    referral = edition.programme.referral
    return referral is not None and referral.qualifies.holds(edition.programme.scene(purchase, facts))


def _hold(chosen: Course, buying: Buying, moment: Moment) -> ReferralRow:
    """Hold what qualified until it can no longer come back; what both will be given is settled now."""
    programme, occurred = buying.edition.programme, buying.bought.event.occurred_at
    referral = programme.referral
    assert referral is not None, "what qualifies has a programme that says so"
    due = referral.held_for.after(occurred, programme.timezone) if referral.held_for else occurred
    chosen.step(
        "held", moment, qualified_at=to_micros(occurred), due_at=to_micros(due), purchase_id=moment.journal_id,
        version=buying.edition.version, ambassador_unit=referral.ambassador.unit,
        ambassador_amount=referral.ambassador.amount, friend_unit=referral.friend.unit,
        friend_amount=referral.friend.amount,
    )  # fmt: skip
    return chosen.row


async def read_row(reader: Reader, business_id: int, referral_id: str) -> ReferralRow | None:
    """Read one referral."""
    found = await reader.fetch(
        f"SELECT {COLUMNS} FROM referrals WHERE business_id = $1 AND id = $2", business_id, referral_id
    )
    return ReferralRow(*found[0]) if found else None


async def of_refund(
    bought: Bought, back: Back, edition: Edition, sheet: Sheet, reader: Reader
) -> tuple[tuple[Struct, ...], str | None]:
    """Tell what a refund does for the referral its purchase qualified, and which one waits for a purchase again.

    Nothing, where what is left of the purchase would have qualified as well.
    """
    referral_id = bought.evidence.referral
    if referral_id is None or (not back.gone and holds(edition, back.after, bought.evidence.facts)):
        return (), None
    moment = Moment(sheet.recorded_at, "refund", sheet.journal_id)
    row = await read_row(reader, sheet.business_id, referral_id)
    if row is None or row.purchase_id is None or row.state not in {"held", "credited"}:
        return (), None
    one = Course(row)
    if row.state == "credited":
        one.step("returning", moment, reason="returned")
        return one.rows(), None
    nothing = dict.fromkeys(("qualified_at", "due_at", "purchase_id", "version", "ambassador_unit",
                             "ambassador_amount", "friend_unit", "friend_amount"))  # fmt: skip
    one.step("joined", moment, reason="returned", **nothing)
    return one.rows(), row.id
