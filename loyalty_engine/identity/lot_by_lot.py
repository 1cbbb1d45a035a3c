"""Units carried from one member to another, lot by lot, and carried back.

Pure: nothing here reads or writes. Invariant: what one side loses the other gains, per unit and per lot; a lot that is
carried keeps its purchase, its dates and its place in the order of spending; a debt is carried as a debt.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from loyalty_engine import ids, lots
from loyalty_engine.errors import BalanceTooLarge
from loyalty_engine.rows import AccountRow, AllocationRow, Burn, EntryRow, LotRow

LARGEST = 10**15


class CarriedLot(Struct, frozen=True, array_like=True):
    """A lot that went over: its place there, and how much of it settled a debt on arrival."""

    unit: str
    lot: str
    there: str
    settled: int


class CarriedDebt(Struct, frozen=True, array_like=True):
    """A debt that went over, and the lots there that paid it."""

    unit: str
    amount: int
    paid_by: tuple[tuple[str, int], ...]


class Side:
    """One of the two members: what they have of each unit, and what is written for them."""

    def __init__(
        self, business_id: int, member_id: str, revision: int, journal_id: str, *, balances: dict[str, int],
        held: dict[str, int], open_lots: Iterable[lots.Lot], at: int,
    ) -> None:  # fmt: skip
        """Take the member as they stand; `open_lots` are all that hold something."""
        self.business_id, self.member_id, self.revision, self.journal_id, self.at = (
            business_id, member_id, revision, journal_id, at,
        )  # fmt: skip
        self.balances = dict(balances)
        self.held = held
        self.lots = {lot.id: lot for lot in open_lots}
        self.entries: list[EntryRow] = []
        self.allocations: list[AllocationRow] = []
        self.opened: list[LotRow] = []
        self._left: dict[str, int] = {}
        self._touched: set[str] = set()

    def enter(self, unit: str, amount: int, says: str) -> EntryRow:
        """Write a movement; one that goes below nothing carries on the reversal that once caused the debt."""
        after = self.balances.get(unit, 0) + amount
        if abs(after) > LARGEST:
            raise BalanceTooLarge(unit=unit)
        self.balances[unit] = after
        self._touched.add(unit)
        kind: Literal["reversal", "adjustment"] = "reversal" if amount < 0 and after < 0 else "adjustment"
        entry = EntryRow(
            self.business_id, ids.new("ent", self.at // 1000), self.member_id, self.revision, unit, amount, "adjusted",
            kind, after, self.journal_id, None, None, says, None, self.at, self.at,
        )  # fmt: skip
        self.entries.append(entry)
        return entry

    def move_lot(self, entry: EntryRow, lot: lots.Lot, amount: int) -> None:
        """Take an amount out of a lot, or put it back (negative)."""
        left = self._left.get(lot.id, lot.remaining) - amount
        assert 0 <= left <= lot.amount, "a lot cannot hold less than nothing, nor more than it had"
        self._left[lot.id] = left
        self.lots[lot.id] = lot
        self.allocations.append(AllocationRow(self.business_id, lot.id, entry.id, amount))

    def open_lot(self, entry: EntryRow, like: lots.Lot, amount: int, *, settled: int = 0) -> str:
        """Open a lot like another one; `settled` of it pays a debt at once."""
        new = LotRow(
            self.business_id, ids.new("lot", self.at // 1000), self.member_id, like.unit, amount, amount - settled,
            like.journal_id, like.spendable_at, like.expires_at, like.recorded_at,
        )  # fmt: skip
        self.opened.append(new)
        if settled:
            self.allocations.append(AllocationRow(self.business_id, new.id, entry.id, settled))
        return new.id

    def remaining(self, lot_id: str) -> int:
        """Tell what a lot holds by now."""
        lot = self.lots.get(lot_id)
        return 0 if lot is None else self._left.get(lot_id, lot.remaining)

    def in_order(self, unit: str) -> list[lots.Lot]:
        """Give the lots of a unit that hold something, as they are spent."""
        mine = (lot for lot in self.lots.values() if lot.unit == unit and self.remaining(lot.id) > 0)
        return sorted(mine, key=lots.burn_order)

    @property
    def burns(self) -> tuple[Burn, ...]:
        """Give what remains in the lots that were taken from or put back into."""
        return tuple(Burn(self.business_id, lot_id, left) for lot_id, left in self._left.items())

    @property
    def accounts(self) -> tuple[AccountRow, ...]:
        """Give the accounts that changed, as they are from now on."""
        return tuple(self._account(unit) for unit in sorted(self._touched))

    def _account(self, unit: str) -> AccountRow:
        left = [(lot.spendable_at, lot.expires_at) for lot in self.in_order(unit)]
        left += [(lot.spendable_at, lot.expires_at) for lot in self.opened if lot.unit == unit and lot.remaining]
        return AccountRow(
            self.business_id, self.member_id, unit, self.balances[unit], self.held.get(unit, 0),
            max((spendable for spendable, _ in left if spendable > self.at), default=0),
            min((expires for _, expires in left if expires is not None), default=None),
        )  # fmt: skip


def carry_over(come: Side, stay: Side) -> tuple[list[CarriedLot], list[CarriedDebt]]:
    """Carry all that `come` has, and owes, over to `stay`; tell what went where, so that it can be carried back."""
    carried: list[CarriedLot] = []
    debts: list[CarriedDebt] = []
    for unit, amount in sorted(come.balances.items()):
        if amount > 0:
            carried += _units_over(come, stay, unit, amount)
        elif amount < 0:
            debts.append(_debt_over(come, stay, unit, -amount))
    return carried, debts


def _units_over(come: Side, stay: Side, unit: str, amount: int) -> list[CarriedLot]:
    owed = max(0, -stay.balances.get(unit, 0))
    gone = come.enter(unit, -amount, "carried over to the member this one was merged into")
    arrived = stay.enter(unit, amount, "carried over from a merged member")
    carried = []
    for lot in come.in_order(unit):
        part = come.remaining(lot.id)
        settled = min(owed, part)
        owed -= settled
        come.move_lot(gone, lot, part)
        carried.append(CarriedLot(unit, lot.id, stay.open_lot(arrived, lot, part, settled=settled), settled))
    return carried


def _debt_over(come: Side, stay: Side, unit: str, owed: int) -> CarriedDebt:
    settled = come.enter(unit, owed, "a debt carried over to the member this one was merged into")
    like = lots.Lot("", unit, owed, 0, come.journal_id, come.at, None, come.at)
    come.open_lot(settled, like, owed, settled=owed)
    owes = stay.enter(unit, -owed, "a debt carried over from a merged member")
    return CarriedDebt(unit, owed, _pay(stay, owes, unit, owed))


def _pay(side: Side, entry: EntryRow, unit: str, amount: int) -> tuple[tuple[str, int], ...]:
    """Take an amount out of lots in the order they are spent, as far as they reach."""
    paid = []
    for lot in side.in_order(unit):
        part = min(amount, side.remaining(lot.id))
        if part:
            side.move_lot(entry, lot, part)
            paid.append((lot.id, part))
            amount -= part
    return tuple(paid)


def carry_back(stay: Side, went: Side, carried: Iterable[CarriedLot], debts: Iterable[CarriedDebt]) -> None:
    """Give back what is left of what was carried over, and take back the debts."""
    units: dict[str, list[CarriedLot]] = {}
    for one in carried:
        units.setdefault(one.unit, []).append(one)
    for unit, parts in sorted(units.items()):
        _units_back(stay, went, unit, parts)
    for debt in debts:
        _debt_back(stay, went, debt)


def _units_back(stay: Side, went: Side, unit: str, parts: list[CarriedLot]) -> None:
    total = sum(stay.remaining(part.there) + part.settled for part in parts)
    if not total:
        return
    settled = sum(part.settled for part in parts)
    gives = stay.enter(unit, -total, "carried back to a member who is their own again")
    back = went.enter(unit, total, "carried back: this member is their own again")
    for part in parts:
        still = stay.remaining(part.there)
        if still:
            stay.move_lot(gives, stay.lots[part.there], still)
        if still + part.settled:
            went.move_lot(back, went.lots[part.lot], -still - part.settled)
    _pay(stay, gives, unit, settled)


def _debt_back(stay: Side, went: Side, debt: CarriedDebt) -> None:
    before = stay.balances.get(debt.unit, 0)
    freed = stay.enter(debt.unit, debt.amount, "a debt carried back to a member who is their own again")
    went.enter(debt.unit, -debt.amount, "a debt carried back: this member is their own again")
    room = min(debt.amount, max(0, before + debt.amount))
    for lot_id, paid in reversed(debt.paid_by):
        part = min(room, paid, stay.lots[lot_id].amount - stay.remaining(lot_id))
        if part:
            stay.move_lot(freed, stay.lots[lot_id], -part)
            room -= part
    if room:
        stay.open_lot(freed, lots.Lot("", debt.unit, room, room, stay.journal_id, stay.at, None, stay.at), room)
