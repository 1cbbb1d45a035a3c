"""What qualified can no longer come back: both are credited, once, in one transaction.

Invariant: both are credited or neither is; what a referral gives is what the version promised that judged the purchase.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

import rules
from loyalty_engine import happenings, ledger
from loyalty_engine.instants import from_micros, to_micros
from loyalty_engine.members import Named
from loyalty_engine.referrals.course import Course, Moment, ReferralRow
from loyalty_engine.referrals.ends import BY, Ends, Side, claimed, keep, posting, sheet, told
from loyalty_engine.referrals.qualifying import read_row
from loyalty_engine.referrals.weighing import why_not

if TYPE_CHECKING:
    from loyalty_engine.database import Transaction
    from loyalty_engine.house import House

QUALIFIED: Final = "referral_qualified"
_SAYS: Final[dict[Side, str]] = {
    "ambassador": "a friend you brought has bought",
    "friend": "welcome: a friend brought you",
}


async def credit(house: House, business_id: int, referral_id: str, *, at: datetime) -> bool:
    """Credit both for a referral that is due, or refuse it; False where there was nothing to do any more."""
    now = to_micros(at)

    async def work(transaction: Transaction) -> bool:
        row = await read_row(transaction, business_id, referral_id)
        if row is None or row.state != "held" or row.review is not None or (row.due_at or 0) > now:
            return False
        ends = await claimed(house, transaction, row, now)
        reason = await why_not(ends)
        if reason is not None:
            await _refuse(ends, reason)
            return False
        await _credit(ends)
        return True

    return await house.database.write_transaction(work)


async def _refuse(ends: Ends, reason: str) -> None:
    """Let a referral end without a credit."""
    one = Course(ends.row)
    one.step("refused", ends.moment, reason=reason)
    await keep(ends.transaction, one, ends.at)


async def _credit(ends: Ends) -> None:
    """Enter both credits. The ambassador's is an event too, on which rules may stand."""
    ambassador, friend, row = ends.ambassador, ends.friend, ends.row
    assert ambassador is not None, "it was asked before"
    assert friend is not None, "it was asked before"
    at, transaction = from_micros(ends.at), ends.transaction
    raised = told(ends, "event", "ambassador", ambassador, "credited")
    page = await transaction.open(raised.opening)
    assert page is not None, "the business is known"
    event = rules.Event(kind=QUALIFIED, occurred_at=at, reference=row.id)
    came = await happenings.judged(ends.house, row.business_id, event, ambassador, page.version, at, transaction)

    def first(page: ledger.Sheet) -> None:
        _give(ends, page, "ambassador")

    whose = Named(None, ambassador.id, None)
    theirs = await happenings.posted(ends.house, raised, came, whose, page, ambassador, transaction, first=first)
    await transaction.keep(theirs)
    written = sheet(ends, friend)
    _give(ends, written, "friend")
    one = Course(row)
    one.step("credited", Moment(ends.at, BY, theirs.journal.id))
    credited = told(ends, "referral_credit", "friend", friend, "credited")
    await transaction.keep(posting(ends, credited, friend, written, extra=one.rows()))


def _give(ends: Ends, page: ledger.Sheet, side: Side) -> None:
    unit, amount = _price(ends.row, side)
    until = ends.edition.lot_dates(unit, from_micros(ends.at))[1]
    page.credit(
        unit, amount, kind="referral_credit", counter="issued", says=_SAYS[side], spendable_at=ends.at,
        expires_at=until,
    )  # fmt: skip


def _price(row: ReferralRow, side: Side) -> tuple[str, int]:
    priced = (
        (row.ambassador_unit, row.ambassador_amount) if side == "ambassador" else (row.friend_unit, row.friend_amount)
    )
    unit, amount = priced
    assert unit is not None, "what is held has its price"
    assert amount is not None, "what is held has its price"
    return unit, amount
