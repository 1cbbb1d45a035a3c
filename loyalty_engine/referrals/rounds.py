"""What is due by the clock: credits that were held, credits to take back, and friends who never came."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from loyalty_engine.instants import to_micros
from loyalty_engine.referrals import crediting, taking_back
from loyalty_engine.referrals.course import COLUMNS, Course, Moment, ReferralRow
from loyalty_engine.referrals.ends import BY, keep

if TYPE_CHECKING:
    from loyalty_engine.database import Transaction
    from loyalty_engine.house import House

# How long a friend's hash is kept who was named and has not joined.
NAMED_FOR: Final = timedelta(days=180)
_PAGE: Final = 200


async def go(house: House, *, at: datetime) -> int:
    """Do all that is due about referrals; gives how many were credited, taken back or let go of."""
    return await _credit_due(house, at) + await _take_back_due(house, at) + await _let_go(house, at)


async def _credit_due(house: House, at: datetime) -> int:
    done, after = 0, (-(1 << 62), "")
    while found := await house.database.fetch(
        "SELECT due_at, id, business_id FROM referrals WHERE state = 'held' AND review IS NULL AND due_at <= $1 "
        "AND (due_at, id) > ($2, $3) ORDER BY due_at, id LIMIT $4",
        to_micros(at), *after, _PAGE,
    ):  # fmt: skip
        for _, referral_id, business_id in found:
            done += await crediting.credit(house, business_id, referral_id, at=at)
        after = (found[-1][0], found[-1][1])
    return done


async def _take_back_due(house: House, at: datetime) -> int:
    found = await house.database.fetch("SELECT business_id, id FROM referrals WHERE state = 'returning' ORDER BY id")
    return sum([await taking_back.take_back(house, *row, at=at) for row in found])


async def _let_go(house: House, at: datetime) -> int:
    """Forget friends who were named long ago and have not joined: their hash goes, the referral stays."""
    now, done = to_micros(at), 0
    while found := await house.database.fetch(
        f"SELECT {COLUMNS} FROM referrals WHERE state = 'named' AND named_at <= $1 ORDER BY named_at LIMIT $2",
        to_micros(at - NAMED_FOR), _PAGE,
    ):  # fmt: skip
        for columns in found:

            async def work(transaction: Transaction, row: ReferralRow = ReferralRow(*columns)) -> bool:  # noqa: B008
                return await _lapse(transaction, row, now)

            done += await house.database.write_transaction(work)
    return done


async def _lapse(transaction: Transaction, row: ReferralRow, now: int) -> bool:
    still = await transaction.fetch(
        "SELECT 1 FROM referrals WHERE business_id = $1 AND id = $2 AND state = 'named' AND steps = $3",
        row.business_id, row.id, row.steps,
    )  # fmt: skip
    if not still:
        return False
    one = Course(row)
    one.step("lapsed", Moment(now, BY), reason="not_joined")
    await keep(transaction, one, now)
    return True
