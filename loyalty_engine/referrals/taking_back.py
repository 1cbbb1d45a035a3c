"""What qualified came back after both were credited: what they were given is taken back, as far as the programme says.

Invariant: no more is taken back of a credit than it gave, once. The friend stays credited for ever: who returns the
goods is not a new friend again.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from loyalty_engine.answers import Awarded
from loyalty_engine.instants import to_micros
from loyalty_engine.redemption import restoring, vouchers
from loyalty_engine.referrals import ends as both
from loyalty_engine.referrals import people
from loyalty_engine.referrals.course import Course, Moment
from loyalty_engine.referrals.ends import Ends, Side
from loyalty_engine.referrals.qualifying import read_row
from loyalty_engine.returns import takings
from loyalty_engine.wording import taken_back

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loyalty_engine.database import MemberState, Transaction
    from loyalty_engine.house import House
    from loyalty_engine.ledger import Sheet


async def take_back(house: House, business_id: int, referral_id: str, *, at: datetime) -> bool:
    """Take back what a referral gave whose goods came back; False where there was nothing to do any more."""
    now = to_micros(at)

    async def work(transaction: Transaction) -> bool:
        row = await read_row(transaction, business_id, referral_id)
        if row is None or row.state != "returning":
            return False
        ends = await both.claimed(house, transaction, row, now)
        sides: tuple[tuple[Side, str], ...] = (("ambassador", row.ambassador_id), ("friend", row.friend_id or ""))
        for side, whom in sides:
            # Read again each time: the two may be one person by now, whom the first has moved.
            state = await people.person(house, business_id, whom, transaction, at=now)
            if state is not None:
                await _take(ends, side, state)
        one = Course(row)
        one.step("clawed_back", Moment(now, both.BY), reason="returned")
        await both.keep(transaction, one, now)
        return True

    return await house.database.write_transaction(work)


async def _take(ends: Ends, side: Side, state: MemberState) -> None:
    """Take back from one of them all that the credit's journal line gave, rules' awards and vouchers included."""
    found = await ends.transaction.fetch(
        "SELECT e.id, e.unit, e.amount, e.says, e.journal_id FROM journal j JOIN entries e "
        "ON e.business_id = j.business_id AND e.member_id = j.member_id AND e.revision = j.revision "
        'WHERE j.business_id = $1 AND j."natural" = $2 AND e.amount > 0 ORDER BY e.id',
        ends.row.business_id, both.natural(ends.row.id, side, "credited"),
    )  # fmt: skip
    sheet = both.sheet(ends, state)
    for unit in dict.fromkeys(row[1] for row in found):
        await _take_unit(ends, sheet, unit, [row for row in found if row[1] == unit])
    withdrawn = await _vouchers(ends, sheet, found[0][4]) if found else ()
    told = both.told(ends, "referral_taken_back", side, state, "taken_back")
    await ends.transaction.keep(both.posting(ends, told, state, sheet, extra=withdrawn))


async def _take_unit(ends: Ends, sheet: Sheet, unit: str, given: Sequence[Any]) -> None:
    held = await restoring.held_after(sheet, unit, ends.transaction)
    if sheet.expire(unit, held):
        held = tuple(lot for lot in held if lot.expires_at is None or lot.expires_at > sheet.recorded_at)
    account, policy = sheet.accounts.get(unit), ends.edition.programme.about.refund
    free = account.balance - account.held if account else 0
    due = [(Awarded(entry, "", unit, amount, says, "", None), amount) for entry, _, amount, says, _ in given]
    for taken in takings(due, policy, free, held, given[0][4]):
        if taken.amount:
            sheet.debit(
                unit, taken.amount, taken.out, kind="reversal", counter="issued",
                says=taken_back(taken.award.reason), reverses=taken.award.entry,
            )  # fmt: skip


async def _vouchers(ends: Ends, sheet: Sheet, line: str) -> tuple[Struct, ...]:
    """Withdraw vouchers that a rule granted for the friend, as far as they are still unused."""
    rows: list[Struct] = []
    for found in await ends.transaction.fetch(
        "SELECT id FROM vouchers WHERE business_id = $1 AND member_id = $2 AND issued_in = $3 AND state = 'issued'",
        ends.row.business_id, sheet.member_id, line,
    ):  # fmt: skip
        row = await vouchers.of_id(ends.transaction, ends.row.business_id, found[0])
        assert row is not None, "it was just found"
        rows += vouchers.moved(row, "cancelled", sheet.journal_id, sheet.recorded_at, "taken back")
    return tuple(rows)
