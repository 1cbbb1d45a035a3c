"""Puts back what was spent when goods come back: units into the very lots they came from, and vouchers to their member.

Invariant: a lot keeps its old expiry; what has run out meanwhile runs out again, in the same piece.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from msgspec import Struct

import rules
from loyalty_engine import lots
from loyalty_engine.instants import from_micros
from loyalty_engine.ledger import open_lots
from loyalty_engine.lots import Lot, Taken
from loyalty_engine.redemption import vouchers
from loyalty_engine.redemption.answers import GivenBack
from loyalty_engine.rows import LimitUseRow, limit_row

if TYPE_CHECKING:
    from loyalty_engine.database import MemberState
    from loyalty_engine.journal import Reader
    from loyalty_engine.ledger import Sheet
    from loyalty_engine.purchases import Bought
    from loyalty_engine.redemption.giving_back import Due
    from loyalty_engine.shelf import Edition


class Restored(Struct, frozen=True):
    """What was given back, as it is told, and the rows that go along."""

    given: tuple[GivenBack, ...] = ()
    rows: tuple[Struct, ...] = ()
    limit_uses: tuple[LimitUseRow, ...] = ()
    units: frozenset[str] = frozenset()


NOTHING = Restored()


async def restore(sheet: Sheet, bought: Bought, due: tuple[Due, ...], edition: Edition, reader: Reader) -> Restored:
    """Give back what is due of each redemption."""
    given, rows = [], list[Struct]()
    over: list[rules.Perk] = []
    for one in due:
        spent = one.spent
        if spent.unit is not None and one.amount:
            assert spent.entry is not None, "units leave by an entry"
            out = await _lots_of(reader, sheet, spent.entry, one.amount)
            entry = sheet.give_back(spent.unit, out, reverses=spent.entry, says="given back") if out else None
            rest = one.amount - sum(part.amount for part in out)
            if rest:
                # The member has been merged into another since: the old lots are closed, and this is one of its own.
                spendable_at, until = edition.lot_dates(spent.unit, from_micros(sheet.recorded_at))
                entry = sheet.credit(
                    spent.unit, rest, kind="reversal", counter="redeemed", says="given back",
                    spendable_at=min(spendable_at, sheet.recorded_at), expires_at=until,
                )  # fmt: skip
            given.append(GivenBack(entry.id if entry else None, spent.perk, None, spent.unit, one.amount))
        if spent.voucher is not None and one.amount:
            row = await vouchers.of_id(reader, sheet.business_id, spent.voucher)
            if row is not None and row.redeemed_in == bought.id:
                rows += vouchers.moved(row, "issued", sheet.journal_id, sheet.recorded_at, "given back")
                given.append(GivenBack(None, spent.perk, row.code, None, 0))
        perk = edition.programme.perk(spent.perk) if spent.perk and spent.voucher is None else None
        if one.over and perk is not None:
            over.append(perk)
    rows += vouchers.counts(sheet.business_id, over, -1)
    units = frozenset(one.unit for one in given if one.unit is not None)
    return Restored(tuple(given), tuple(rows), units=units)


def limits_restored(
    business_id: int, state: MemberState, bought: Bought, due: tuple[Due, ...], edition: Edition
) -> tuple[LimitUseRow, ...]:
    """Let perks that were given back whole no longer count as had."""
    zone = edition.programme.zone
    day = bought.evidence.purchase.occurred_at.astimezone(zone).date()
    used = {(use.subject, use.window): use for use in state.used or ()}
    names = [one.spent.perk for one in due if one.over and one.spent.voucher is None and one.spent.perk]
    rows = []
    for name in dict.fromkeys(names):
        perk = edition.programme.perk(name)
        for use in perk.uses(day, zone, names.count(name)) if perk else ():
            now = used.get((use.subject, use.window))
            if now is not None:
                rows.append(limit_row(business_id, state.id, use, max(0, now.times - use.times), now.amount))
    return tuple(rows)


async def withdrawn(
    sheet: Sheet, bought: Bought, after: rules.Outcome | None, reader: Reader
) -> tuple[Struct, ...]:  # fmt: skip
    """Take back vouchers that the rest of the purchase would not have brought, as far as they are still unused."""
    effects = [happening.values for happening in (after.effects if after else ())]
    would_be = [effect.perk for effect in effects if isinstance(effect, rules.GrantPerk)]
    rows: list[Struct] = []
    for voucher_id in bought.evidence.granted:
        row = await vouchers.of_id(reader, sheet.business_id, voucher_id)
        if row is None:
            continue
        if row.perk in would_be:
            would_be.remove(row.perk)
        elif row.state == "issued":
            rows += vouchers.moved(row, "cancelled", sheet.journal_id, sheet.recorded_at, "taken back")
    return tuple(rows)


async def held_after(sheet: Sheet, unit: str, reader: Reader) -> tuple[Lot, ...]:
    """Give the lots of a unit that hold something now, with what this command has given back to them."""
    found = {lot.id: lot for lot in await open_lots(reader, sheet.business_id, sheet.member_id, unit)}
    return sheet.as_it_is(unit, found.values())


async def _lots_of(reader: Reader, sheet: Sheet, entry: str, amount: int) -> tuple[Taken, ...]:
    """Tell which lots a redemption came out of, and how much goes back to each: the last that was spent comes first."""
    found = await reader.fetch(
        "SELECT l.id, l.unit, l.amount, l.remaining, l.journal_id, l.spendable_at, l.expires_at, l.recorded_at, "
        "sum(a.amount) FROM allocations a JOIN entries e ON e.business_id = a.business_id AND e.id = a.entry_id "
        "JOIN lots l ON l.business_id = a.business_id AND l.id = a.lot_id "
        "WHERE a.business_id = $1 AND l.member_id = $2 AND (e.id = $3 OR e.reverses = $3) "
        "GROUP BY l.business_id, l.id, l.unit, l.amount, l.remaining, l.journal_id, l.spendable_at, l.expires_at, "
        "l.recorded_at HAVING sum(a.amount) > 0",
        sheet.business_id, sheet.member_id, entry,
    )  # fmt: skip
    spent = sorted(
        ((Lot(*row[:8]), int(row[8])) for row in found), key=lambda pair: lots.burn_order(pair[0]), reverse=True
    )
    taken = []
    for lot, most in spent:
        part = min(most, amount)
        if part:
            taken.append(Taken(lot, part))
        amount -= part
    return tuple(taken)


def sums(given: Iterable[GivenBack]) -> dict[str, int]:
    """Give how much of each unit was given back."""
    found: dict[str, int] = {}
    for one in given:
        if one.unit is not None:
            found[one.unit] = found.get(one.unit, 0) + one.amount
    return found
