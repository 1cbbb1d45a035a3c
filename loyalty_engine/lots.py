"""Parcels of units: which are spent first, what is due to expire, and what goes back where.

Pure: nothing here reads or writes anything. Invariant: of every lot 0 <= remaining <= amount, and what leaves a lot is
told as an allocation, so that a refund can find the very lots again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct

NEVER = 1 << 62


class Lot(Struct, frozen=True):
    """A lot as it stands: `expires_at` is None for one that never expires."""

    id: str
    unit: str
    amount: int
    remaining: int
    journal_id: str
    spendable_at: int
    expires_at: int | None
    recorded_at: int


class Taken(Struct, frozen=True):
    """So much out of one lot."""

    lot: Lot
    amount: int


def burn_order(lot: Lot) -> tuple[int, int, str]:
    """Sort lots as they are spent: earliest expiry, then earliest recorded, then id."""
    return (NEVER if lot.expires_at is None else lot.expires_at, lot.recorded_at, lot.id)


def take(lots: Iterable[Lot], amount: int) -> tuple[Taken, ...]:
    """Take an amount out of lots in the order given, as far as they reach."""
    taken = []
    for lot in lots:
        if amount <= 0:
            break
        part = min(lot.remaining, amount)
        if part > 0:
            taken.append(Taken(lot, part))
            amount -= part
    return tuple(taken)


def burn(lots: Iterable[Lot], amount: int, *, at: int) -> tuple[Taken, ...]:
    """Spend an amount: only what is spendable at this instant and has not lapsed, earliest expiry first."""
    ripe = (lot for lot in lots if lot.spendable_at <= at and (lot.expires_at is None or lot.expires_at > at))
    return take(sorted(ripe, key=burn_order), amount)


def burn_held(lots: Iterable[Lot], amount: int, *, held_at: int, at: int) -> tuple[Taken, ...]:
    """Spend what a hold set aside: what was good when it was placed is good until it ends, and runs out first.

    What waits to be spendable comes last: only where a refund took the rest does a hold reach for it.
    """
    good = (lot for lot in lots if lot.expires_at is None or lot.expires_at > held_at)
    return take(sorted(good, key=lambda lot: (lot.spendable_at > at, burn_order(lot))), amount)


def take_back(lots: Sequence[Lot], amount: int, *, earned_by: str) -> tuple[Taken, ...]:
    """Take back what a purchase gave: first out of its own lots, then out of others in the order they are spent."""
    own = sorted((lot for lot in lots if lot.journal_id == earned_by), key=burn_order)
    others = sorted((lot for lot in lots if lot.journal_id != earned_by), key=burn_order)
    return take([*own, *others], amount)


def after(lots: Sequence[Lot], taken: Iterable[Taken]) -> tuple[Lot, ...]:
    """Give the lots as they are once this has been taken out of them."""
    gone = {part.lot.id: part.amount for part in taken}
    return tuple(msgspec.structs.replace(lot, remaining=lot.remaining - gone.get(lot.id, 0)) for lot in lots)


def live(lots: Iterable[Lot], *, at: int) -> tuple[Lot, ...]:
    """Give the lots that have not reached their expiry."""
    return tuple(lot for lot in lots if lot.expires_at is None or lot.expires_at > at)


def due(lots: Iterable[Lot], *, at: int) -> tuple[Lot, ...]:
    """Give the lots that have reached their expiry and still hold something."""
    return tuple(lot for lot in lots if lot.remaining > 0 and lot.expires_at is not None and lot.expires_at <= at)
