"""A member is erased: what they began as an ambassador or came by as a friend ends; its history stays, by opaque id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loyalty_engine.referrals.course import COLUMNS, Course, Moment, ReferralRow
from loyalty_engine.referrals.ends import keep

if TYPE_CHECKING:
    from loyalty_engine.database import Transaction


async def part(transaction: Transaction, business_id: int, member_id: str, by: str, at: int) -> None:
    """End what is open of a member's referrals, and forget what their friends' hashes and tills' tokens were."""
    found = await transaction.fetch(
        f"SELECT {COLUMNS} FROM referrals WHERE business_id = $1 AND (ambassador_id = $2 OR friend_id = $2) "
        "AND state IN ('named', 'joined', 'held') ORDER BY id",
        business_id, member_id,
    )  # fmt: skip
    for columns in found:
        one = Course(ReferralRow(*columns))
        left = "friend_left" if one.row.friend_id == member_id else "ambassador_left"
        one.step("refused", Moment(at, f"key {by}"), reason=left)
        await keep(transaction, one, at)
    await _forget_tokens(transaction, business_id, member_id)


async def _forget_tokens(transaction: Transaction, business_id: int, member_id: str) -> None:
    for line, told in await transaction.fetch(
        "SELECT id, input FROM journal WHERE business_id = $1 AND member_id = $2 AND kind = 'purchase' "
        "AND input LIKE '%\"paid_with\":%'",
        business_id, member_id,
    ):  # fmt: skip
        head, _, rest = told.partition(',"paid_with":"')
        without = head + rest.partition('"')[2]
        await transaction.fetch(
            "UPDATE journal SET input = $3 WHERE business_id = $1 AND id = $2", business_id, line, without
        )
