"""What a member would hold: lots and balances as the ledger would have kept them, in memory and for one member only.

Invariant: as on the ledger, the balance is what came less what went, and lots are spent and taken back in its order.
"""

from __future__ import annotations

import msgspec

from loyalty_engine import lots
from loyalty_engine.lots import Lot, Taken


class Purse:
    """One member's units under one programme."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.balances: dict[str, int] = {}
        self._lots: dict[str, list[Lot]] = {}
        self._count = 0

    def available(self, at: int) -> dict[str, int]:
        """Give what could be spent of each unit: not what is pending, and not what has run out."""
        return {unit: balance - self._unspendable(unit, at) for unit, balance in self.balances.items()}

    def _unspendable(self, unit: str, at: int) -> int:
        found = 0
        for lot in self._lots[unit]:
            if lot.spendable_at > at:
                found += lot.remaining
            if lot.expires_at is not None and lot.expires_at <= at:
                found += lot.remaining
        return found

    def held(self, unit: str) -> tuple[Lot, ...]:
        """Give the lots of a unit that hold something."""
        return tuple(self._lots.get(unit, ()))

    def credit(self, unit: str, amount: int, dates: tuple[int, int | None], *, by: str, at: int) -> None:
        """Put units in, spendable from and until these dates; a debt is settled first."""
        before = self.balances.get(unit, 0)
        self.balances[unit] = before + amount
        remaining = amount - min(amount, max(0, -before))
        held = self._lots.setdefault(unit, [])
        if remaining:
            self._count += 1
            held.append(Lot(f"{self._count:012}", unit, amount, remaining, by, *dates, at))

    def debit(self, unit: str, amount: int, out: tuple[Taken, ...]) -> None:
        """Take units out of the lots named; what they do not hold becomes a debt."""
        self.balances[unit] = self.balances.get(unit, 0) - amount
        left = {part.lot.id: part.lot.remaining - part.amount for part in out}
        kept = (msgspec.structs.replace(lot, remaining=left.get(lot.id, lot.remaining)) for lot in self.held(unit))
        self._lots[unit] = [lot for lot in kept if lot.remaining]

    def spend(self, unit: str, amount: int, *, at: int) -> None:
        """Spend as much of an amount as could be spent then."""
        out = lots.burn(self.held(unit), amount, at=at)
        self.debit(unit, sum(part.amount for part in out), out)

    def stretch(self, unit: str, until: int, *, at: int) -> None:
        """Let what has not run out of a unit by then last until an instant."""
        self._lots[unit] = [
            msgspec.structs.replace(lot, expires_at=until)
            if lot.expires_at is not None and at < lot.expires_at < until
            else lot
            for lot in self.held(unit)
        ]

    def lapse(self, unit: str, *, at: int) -> None:
        """Let go of what has run out by then."""
        out = tuple(Taken(lot, lot.remaining) for lot in lots.due(self.held(unit), at=at))
        self.debit(unit, sum(part.amount for part in out), out)
