"""Holds as they stand: read, opened, and closed in exactly one way; one whose time is up is over whether booked or not.

Invariant: a hold is active, captured, released or lapsed, and what an account has set aside is the sum of its active
holds. A deadline that has passed frees the units at once for everybody who reads; whoever writes books it along.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from loyalty_engine.redemption import vouchers
from loyalty_engine.redemption.rows import HoldRow

if TYPE_CHECKING:
    from loyalty_engine.house import House
    from loyalty_engine.journal import Reader
    from loyalty_engine.ledger import Sheet

_COLUMNS = ", ".join(HoldRow.__struct_fields__)


async def of_id(reader: Reader, business_id: int, hold_id: str) -> HoldRow | None:
    """Find a hold by its id."""
    rows = await reader.fetch(
        f"SELECT {_COLUMNS} FROM holds WHERE business_id = $1 AND id = $2", business_id, hold_id  # ours
    )  # fmt: skip
    return HoldRow(*rows[0]) if rows else None


async def active(reader: Reader, business_id: int, member_id: str, at: int) -> list[HoldRow]:
    """Give a member's holds that are active at an instant, the oldest first."""
    found = await reader.fetch(
        f"SELECT {_COLUMNS} FROM holds WHERE business_id = $1 AND member_id = $2 AND status = 'active' "
        "AND expires_at > $3 ORDER BY id",
        business_id, member_id, at,
    )  # fmt: skip
    return [HoldRow(*row) for row in found]


def status_of(hold: HoldRow, at: int) -> str:
    """Give the state a hold is in at an instant: an active one whose deadline has passed has lapsed."""
    return "lapsed" if hold.status == "active" and hold.expires_at <= at else hold.status


async def closed(
    house: House, sheet: Sheet, hold: HoldRow, status: str, reader: Reader, *, captured: int = 0
) -> list[Struct]:
    """Close a hold, and free or redeem what it had set aside besides units; gives the rows that do."""
    now = msgspec.structs.replace(
        hold, status=status, captured=captured, closed_in=sheet.journal_id, closed_at=sheet.recorded_at, code_hash=None,
        undo_hash=None,
    )  # fmt: skip
    rows: list[Struct] = [now]
    if hold.unit is not None:
        sheet.set_aside(hold.unit, -hold.amount)
    if hold.voucher_id is not None:
        row = await vouchers.of_id(reader, hold.business_id, hold.voucher_id)
        assert row is not None, "a hold on a voucher has one"
        state = "redeemed" if status == "captured" else "issued"
        rows += vouchers.moved(row, state, sheet.journal_id, sheet.recorded_at, "" if state == "redeemed" else status)
    elif hold.perk is not None and status != "captured":
        edition = await house.shelf.numbered(hold.business_id, hold.version)
        perk = edition.programme.perk(hold.perk)
        assert perk is not None, "a hold on a perk names one of its version"
        rows += vouchers.counts(hold.business_id, [perk], -1)
    return rows


async def overdue(house: House, sheet: Sheet, reader: Reader, vouchers_used: Collection[str] = ()) -> list[Struct]:
    """Book every hold of the member whose time is up, along with what is being written.

    A voucher that is being used at once only leaves its hold: what becomes of it is written by whoever uses it.
    """
    if not vouchers_used and not any(account.overdue for account in sheet.accounts.values()):
        return []
    found = await reader.fetch(
        f"SELECT {_COLUMNS} FROM holds WHERE business_id = $1 AND member_id = $2 AND status = 'active' "
        "AND expires_at <= $3 ORDER BY id",
        sheet.business_id, sheet.member_id, sheet.recorded_at,
    )  # fmt: skip
    rows: list[Struct] = []
    for row in found:
        hold = HoldRow(*row)
        closing = await closed(house, sheet, hold, "lapsed", reader)
        rows += closing[:1] if hold.voucher_id in vouchers_used else closing
    return rows
