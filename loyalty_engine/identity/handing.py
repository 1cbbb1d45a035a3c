"""What changes hands besides units when two members are merged: their numbers, limits, and rows of other tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from loyalty_engine import ids, lots
from loyalty_engine.database import MemberState, Opening
from loyalty_engine.identity import presence
from loyalty_engine.identity.lot_by_lot import Side
from loyalty_engine.privacy.belongings import belonging, moving
from loyalty_engine.rows import LimitUseRow

if TYPE_CHECKING:
    from loyalty_engine.database import Transaction
    from loyalty_engine.house import House

Key = tuple[str | int, ...]


class Limit(Struct, frozen=True, array_like=True):
    """How much of a limit a member has used in one window."""

    starts_at: int
    ends_at: int
    subject: str
    window: str
    times: int
    amount: int

    @property
    def place(self) -> tuple[int, str, str]:
        """Give what names the limit and the window."""
        return (self.ends_at, self.subject, self.window)

    def row(self, business_id: int, member_id: str, times: int, amount: int) -> LimitUseRow:
        """Give the row of this limit and window for a member who has used so much of it."""
        return LimitUseRow(
            business_id, member_id, self.ends_at, self.subject, self.window, self.starts_at, times, amount
        )


async def limits_of(transaction: Transaction, business_id: int, member_id: str) -> list[Limit]:
    """Read all limits a member has used something of."""
    found = await transaction.fetch(
        'SELECT starts_at, ends_at, subject, "window", times, amount FROM limit_uses '
        "WHERE business_id = $1 AND member_id = $2 ORDER BY ends_at, subject",
        business_id, member_id,
    )  # fmt: skip
    return [Limit(*row) for row in found]


def added(business_id: int, member_id: str, ours: Iterable[Limit], theirs: Iterable[Limit]) -> tuple[LimitUseRow, ...]:
    """Give the limits of a member together with what another one has used of them."""
    mine = {one.place: one for one in ours}
    nothing = Limit(0, 0, "", "", 0, 0)
    both = ((one, mine.get(one.place, nothing)) for one in theirs)
    return tuple(one.row(business_id, member_id, one.times + own.times, one.amount + own.amount) for one, own in both)


def tags(state: MemberState) -> tuple[str, ...]:
    """Give a member's tags."""
    return msgspec.json.decode(state.tags, type=tuple[str, ...])


async def state_of(transaction: Transaction, business_id: int, member_id: str) -> MemberState:
    """Read a member that exists, asleep or not."""
    page = await transaction.open(Opening(business_id=business_id, member_id=member_id, occurred_at=0, now=0))
    assert page is not None, "the business is known"
    assert page.member is not None, "a merge names members that exist"
    return page.member


async def side_of(
    transaction: Transaction, business_id: int, state: MemberState, at: int, *, lots_too: Sequence[str] = ()
) -> Side:
    """Read what a member has; with `lots_too`, also of these lots what is left, be it nothing."""
    columns = "id, unit, amount, remaining, journal_id, spendable_at, expires_at, recorded_at"
    found = await transaction.fetch(
        f"SELECT {columns} FROM lots WHERE business_id = $1 AND member_id = $2 AND remaining > 0",
        business_id, state.id,
    )  # fmt: skip
    rows: list[Any] = list(found)
    for lot in lots_too:
        rows += await transaction.fetch(
            f"SELECT {columns} FROM lots WHERE business_id = $1 AND id = $2", business_id, lot
        )
    accounts = {account.unit: account for account in state.accounts or ()}
    return Side(
        business_id, state.id, state.revision + 1, ids.new("jnl", at // 1000),
        balances={unit: account.balance for unit, account in accounts.items()},
        held={unit: account.held for unit, account in accounts.items()},
        open_lots=(lots.Lot(*row) for row in rows), at=at,
    )  # fmt: skip


async def rehome(
    house: House, transaction: Transaction, business_id: int, whose: MemberState, to: MemberState, *, back: bool = False
) -> None:
    """Let one member's numbers find the other: sealed anew with that member's key, and knowing where they come from.

    `back` gives back only what came from `to` and from those who sleep in them.
    """
    found = await transaction.fetch(
        "SELECT blind_index, sealed, home FROM identifiers WHERE business_id = $1 AND member_id = $2",
        business_id, whose.id,
    )  # fmt: skip
    came_from = {to.id, *(await presence.sleepers(transaction, business_id, to.id))} if back else set()
    for blind_index, sealed, home in found:
        if back and home not in came_from:
            continue
        plain = house.vault.open(business_id, whose.id, whose.wrapped_key, "identifier", sealed)
        again = house.vault.seal(business_id, to.id, to.wrapped_key, "identifier", plain)
        from_now_on = home or whose.id
        await transaction.fetch(
            "UPDATE identifiers SET member_id = $3, sealed = $4, home = $5 WHERE business_id = $1 AND blind_index = $2",
            business_id, blind_index, to.id, again, None if from_now_on == to.id else from_now_on,
        )  # fmt: skip


async def move_rows(transaction: Transaction, business_id: int, whose: str, to: str) -> dict[str, tuple[Key, ...]]:
    """Let the rows of every table that is registered so change hands; tell which they were."""
    moved: dict[str, tuple[Key, ...]] = {}
    for one in moving():
        names = ", ".join(f'"{name}"' for name in one.key)
        found = await transaction.fetch(
            f"SELECT {names} FROM {one.table} WHERE business_id = $1 AND {one.column} = $2", business_id, whose
        )
        if found:
            moved[one.table] = tuple(tuple(row) for row in found)
            await transaction.fetch(
                f"UPDATE {one.table} SET {one.column} = $3 WHERE business_id = $1 AND {one.column} = $2",
                business_id, whose, to,
            )  # fmt: skip
    return moved


async def give_rows_back(
    transaction: Transaction, business_id: int, to: str, whose: str, rows: dict[str, tuple[Key, ...]]
) -> None:
    """Give the rows that changed hands back, as far as they are still there."""
    for table, keys in rows.items():
        one = belonging(table)
        where = " AND ".join(f'"{name}" = ${place}' for place, name in enumerate(one.key, start=4))
        for key in keys:
            await transaction.fetch(
                f"UPDATE {table} SET {one.column} = $3 WHERE business_id = $1 AND {one.column} = $2 AND {where}",
                business_id, whose, to, *key,
            )  # fmt: skip
