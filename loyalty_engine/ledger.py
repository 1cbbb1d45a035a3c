"""The ledger: the one place where units move. Every movement is an entry between a member and the business.

Invariant: an entry names both accounts, so the two sides sum to zero; it carries the member's balance after it, in the
order written; lots and balance agree after every entry. Entries are never changed: a correction is another entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from loyalty_engine import ids
from loyalty_engine.database.pages import AccountState
from loyalty_engine.errors import BalanceTooLarge
from loyalty_engine.journal import Reader
from loyalty_engine.lots import NEVER, Lot, Taken, due
from loyalty_engine.rows import AccountRow, AllocationRow, Burn, EntryRow, LotRow, Stretch

Counter = Literal["issued", "redeemed", "expired", "adjusted"]
Kind = Literal["accrual", "redemption", "breakage", "reversal", "adjustment", "referral_credit", "goodwill"]

LARGEST = 10**15


class Sheet:
    """The page of one member on which one command writes its movements, before they are kept."""

    def __init__(
        self, *, business_id: int, member_id: str, revision: int, accounts: Iterable[AccountState], journal_id: str,
        version: int | None, occurred_at: int, recorded_at: int,
    ) -> None:  # fmt: skip
        """Begin with the accounts as they were read."""
        self.business_id = business_id
        self.member_id = member_id
        self.revision = revision
        self.journal_id = journal_id
        self.version = version
        self.occurred_at = occurred_at
        self.recorded_at = recorded_at
        self.accounts = {account.unit: account for account in accounts}
        self.entries: list[EntryRow] = []
        self.allocations: list[AllocationRow] = []
        self.stretched: list[Stretch] = []
        self._lots: dict[tuple[str, int, int | None], LotRow] = {}
        self._burnt: dict[str, int] = {}
        self._given_back: dict[str, Lot] = {}
        self._touched: dict[str, AccountState] = {}

    def credit(
        self, unit: str, amount: int, *, kind: Kind, counter: Counter, says: str, spendable_at: int,
        expires_at: int | None, rule: str | None = None,
    ) -> EntryRow:  # fmt: skip
        """Give units: an entry, and a lot shared by what this command gives with the same expiry.

        Where the member owes units, the debt is settled first and only the rest can be spent.
        """
        account = self._account(unit)
        entry = self._enter(account, amount, kind=kind, counter=counter, says=says, rule=rule)
        settles = min(amount, max(0, -account.balance))
        lot = self._lot(unit, amount, settles, spendable_at=spendable_at, expires_at=expires_at)
        if settles:
            self.allocations.append(AllocationRow(self.business_id, lot.id, entry.id, settles))
        still = amount - settles
        waits = spendable_at > self.recorded_at
        self._set(
            account, balance=entry.balance_after, pending=account.pending + (still if waits else 0),
            pending_until=max(account.pending_until, spendable_at if waits and still else 0),
            next_expiry=_earlier(account.next_expiry, expires_at if still else None),
        )  # fmt: skip
        return entry

    def debit(
        self, unit: str, amount: int, taken: Sequence[Taken], *, kind: Kind, counter: Counter, says: str,
        rule: str | None = None, reverses: str | None = None,
    ) -> EntryRow:  # fmt: skip
        """Take units out of the lots named; more than the lots hold becomes a debt, which only a reversal may make."""
        account = self._account(unit)
        entry = self._enter(account, -amount, kind=kind, counter=counter, says=says, rule=rule, reverses=reverses)
        pending = lapsed = 0
        for part in taken:
            left = self._burnt.get(part.lot.id, part.lot.remaining) - part.amount
            assert left >= 0, "a lot was taken from twice"
            self._burnt[part.lot.id] = left
            self.allocations.append(AllocationRow(self.business_id, part.lot.id, entry.id, part.amount))
            if part.lot.spendable_at > self.recorded_at:
                pending += part.amount
            elif part.lot.expires_at is not None and part.lot.expires_at <= self.recorded_at:
                lapsed += part.amount
        self._set(
            account, balance=entry.balance_after, pending=account.pending - pending, lapsed=account.lapsed - lapsed
        )
        return entry

    def give_back(self, unit: str, out: Sequence[Taken], *, reverses: str, says: str) -> EntryRow:
        """Put spent units back into the lots they came from; where the member owes units, the debt is settled first."""
        account = self._account(unit)
        amount = sum(part.amount for part in out)
        entry = self._enter(
            account, amount, kind="reversal", counter="redeemed", says=says, rule=None, reverses=reverses
        )  # fmt: skip
        owed, pending, lapsed, next_expiry = max(0, -account.balance), 0, 0, account.next_expiry
        for part in out:
            settles = min(owed, part.amount)
            owed, back = owed - settles, part.amount - settles
            if not back:
                continue
            self._burnt[part.lot.id] = self._burnt.get(part.lot.id, part.lot.remaining) + back
            self._given_back[part.lot.id] = part.lot
            self.allocations.append(AllocationRow(self.business_id, part.lot.id, entry.id, -back))
            next_expiry = _earlier(next_expiry, part.lot.expires_at)
            if part.lot.spendable_at > self.recorded_at:
                pending += back
            elif part.lot.expires_at is not None and part.lot.expires_at <= self.recorded_at:
                lapsed += back
        self._set(
            account, balance=entry.balance_after, pending=account.pending + pending, lapsed=account.lapsed + lapsed,
            next_expiry=next_expiry,
        )  # fmt: skip
        return entry

    def set_aside(self, unit: str, amount: int) -> None:
        """Set units aside, or (below zero) let go of what was; they stay in their lots."""
        account = self._account(unit)
        freed = min(account.overdue, max(0, -amount))
        # Holds are read after the page: where they are more than it knows of, the member has moved on.
        self._set(account, held=max(0, account.held + amount), overdue=account.overdue - freed)

    def as_it_is(self, unit: str, held: Iterable[Lot]) -> tuple[Lot, ...]:
        """Give the lots of a unit that hold something now, by what was read and what was written here since."""
        known = {lot.id: lot for lot in self._given_back.values() if lot.unit == unit} | {lot.id: lot for lot in held}
        now = (
            msgspec.structs.replace(lot, remaining=self._burnt.get(lot.id, lot.remaining)) for lot in known.values()
        )  # fmt: skip
        return tuple(lot for lot in now if lot.remaining > 0)

    def expire(self, unit: str, held: Sequence[Lot]) -> int:
        """Book as breakage what has run out of the lots held of a unit, and say when the next of them does.

        Gives how many lots that were. What is set aside at a till is not let go of: the account waits for that hold.
        """
        account = self._account(unit)
        gone = due(held, at=self.recorded_at)
        if not gone or account.held:
            return 0
        amount, out = sum(lot.remaining for lot in gone), [Taken(lot, lot.remaining) for lot in gone]
        self.debit(unit, amount, out, kind="breakage", counter="expired", says="expired unspent")
        later = (lot.expires_at for lot in held if lot.expires_at is not None and lot.expires_at > self.recorded_at)
        self._set(self.accounts[unit], next_expiry=min(later, default=None))
        return len(gone)

    def stretch(self, unit: str, held: Sequence[Lot], until: int) -> None:
        """Let what is held of a unit last until an instant; what has run out already stays so."""
        longer = [lot for lot in held if lot.expires_at is not None and self.recorded_at < lot.expires_at < until]
        if not longer:
            return
        self.stretched += [Stretch(self.business_id, lot.id, until) for lot in longer]
        lasting = {lot.id for lot in longer}
        rest = [lot.expires_at for lot in held if lot.expires_at is not None and lot.id not in lasting]
        self._set(self._account(unit), next_expiry=min([until, *rest]))

    def _enter(
        self, account: AccountState, amount: int, *, kind: Kind, counter: Counter, says: str, rule: str | None,
        reverses: str | None = None,
    ) -> EntryRow:  # fmt: skip
        after = account.balance + amount
        if abs(after) > LARGEST:
            raise BalanceTooLarge(unit=account.unit)
        entry = EntryRow(
            self.business_id, ids.new("ent", self.recorded_at // 1000), self.member_id, self.revision, account.unit,
            amount, counter, kind, after, self.journal_id, self.version, rule, says, reverses, self.occurred_at,
            self.recorded_at,
        )  # fmt: skip
        self.entries.append(entry)
        return entry

    def _lot(self, unit: str, amount: int, settles: int, *, spendable_at: int, expires_at: int | None) -> LotRow:
        key = (unit, spendable_at, expires_at)
        lot = self._lots.get(key)
        if lot is None:
            lot = LotRow(
                self.business_id, ids.new("lot", self.recorded_at // 1000), self.member_id, unit, amount,
                amount - settles, self.journal_id, spendable_at, expires_at, self.recorded_at,
            )  # fmt: skip
        else:
            more = lot.remaining + amount - settles
            lot = msgspec.structs.replace(lot, amount=lot.amount + amount, remaining=more)
        self._lots[key] = lot
        return lot

    def _account(self, unit: str) -> AccountState:
        return self.accounts.get(unit) or AccountState(unit, 0, 0, 0, None, 0, 0)

    def _set(self, account: AccountState, **changes: int | None) -> None:
        changed = msgspec.structs.replace(account, **changes)
        self.accounts[account.unit] = self._touched[account.unit] = changed

    @property
    def lots(self) -> tuple[LotRow, ...]:
        """Give the lots this command opened."""
        return tuple(self._lots.values())

    @property
    def burns(self) -> tuple[Burn, ...]:
        """Give what remains in the lots this command took from."""
        return tuple(Burn(self.business_id, lot_id, left) for lot_id, left in self._burnt.items())

    @property
    def touched(self) -> tuple[AccountRow, ...]:
        """Give the accounts this command changed, as they are from now on."""
        return tuple(
            AccountRow(
                self.business_id,
                self.member_id,
                account.unit,
                account.balance,
                account.held,
                account.pending_until,
                account.next_expiry,
            )
            for account in self._touched.values()
        )


async def open_lots(reader: Reader, business_id: int, member_id: str, unit: str) -> tuple[Lot, ...]:
    """Read the lots of a member that still hold something, in one unit."""
    found = await reader.fetch(
        "SELECT id, unit, amount, remaining, journal_id, spendable_at, expires_at, recorded_at FROM lots "
        "WHERE business_id = $1 AND member_id = $2 AND unit = $3 AND remaining > 0",
        business_id, member_id, unit,
    )  # fmt: skip
    return tuple(Lot(*row) for row in found)


def _earlier(one: int | None, other: int | None) -> int | None:
    earliest = min(NEVER if one is None else one, NEVER if other is None else other)
    return None if earliest == NEVER else earliest
