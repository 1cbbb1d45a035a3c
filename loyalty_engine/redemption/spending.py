"""Carries out what was found to be allowed: burns the units, redeems the vouchers, and counts what there is less of.

Invariant: units leave the lots in the one order they are spent in, and everything here goes into the one posting of the
command that redeems it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

import rules
from loyalty_engine import ledger, lots
from loyalty_engine.errors import InsufficientBalance
from loyalty_engine.evidence import Spent
from loyalty_engine.redemption import lapsing, vouchers
from loyalty_engine.redemption.answers import LineOff, Redeemed
from loyalty_engine.rows import LimitUseRow, limit_row
from loyalty_engine.wording import language_for, perk_name, redeemed_lines, unit_name

if TYPE_CHECKING:
    from loyalty_engine.journal import Reader
    from loyalty_engine.redemption.redeeming import Asking, Plan, Taking
    from loyalty_engine.redemption.rows import HoldRow

OpenLots = dict[str, tuple[lots.Lot, ...]]


class Entered(Struct, frozen=True):
    """What redeeming wrote besides entries: what is kept of it, what is said of it, and the rows that go along."""

    spent: tuple[Spent, ...] = ()
    redeemed: tuple[Redeemed, ...] = ()
    rows: tuple[Struct, ...] = ()
    limit_uses: tuple[LimitUseRow, ...] = ()

    @property
    def units(self) -> dict[str, int]:
        """Give how much of each unit was spent."""
        found: dict[str, int] = {}
        for one in self.spent:
            if one.unit is not None:
                found[one.unit] = found.get(one.unit, 0) + one.amount
        return found


NOTHING = Entered()


async def enter(plan: Plan, sheet: ledger.Sheet, reader: Reader) -> Entered:
    """Burn the units and redeem the vouchers of a plan. After this point nothing can be refused."""
    asking = plan.asking
    papers = [taking.voucher.id for taking in plan.takings if taking.voucher is not None]
    rows = await lapsing.overdue(asking.house, sheet, reader, papers)
    spent, redeemed, open_lots = [], [], OpenLots()
    language = language_for(asking.edition.programme, asking.facts.language)
    shown = tell(plan, asking.edition.programme, language)
    for taking, discount, told in zip(plan.takings, plan.discounts, shown, strict=True):
        entry = None
        if taking.hold is not None:
            captured = taking.amount if taking.unit is not None else 0
            rows += await lapsing.closed(asking.house, sheet, taking.hold, "captured", reader, captured=captured)
        if taking.unit is not None:
            rule = f"perk:{taking.perk.id}" if taking.perk else None
            entry = await burn(sheet, taking.unit, taking.amount, open_lots, reader, says=told.says, rule=rule,
                               hold=taking.hold)  # fmt: skip
        if taking.voucher is not None:
            rows += vouchers.redeemed(taking.voucher, sheet.journal_id, sheet.recorded_at)
        kept = Spent(
            taking.on, told.perk, _voucher_of(taking), told.hold, taking.unit, taking.amount, entry, discount.parts,
        )  # fmt: skip
        spent.append(kept)
        redeemed.append(msgspec.structs.replace(told, entry=entry))
    bought = [taking.perk for taking in plan.takings if taking.perk is not None and taking.is_new]
    rows += vouchers.counts(asking.business_id, bought, 1)
    uses = limits_used(asking, sheet.member_id, bought)
    return Entered(tuple(spent), tuple(redeemed), tuple(rows), uses)


async def burn(
    sheet: ledger.Sheet, unit: str, amount: int, open_lots: OpenLots, reader: Reader, *, says: str, rule: str | None,
    hold: HoldRow | None = None,
) -> str:  # fmt: skip
    """Spend units out of the member's lots, earliest expiry first; gives the entry.

    With a hold, what it set aside: InsufficientBalance where a refund under `owe` has taken that as well.
    """
    if unit not in open_lots:
        open_lots[unit] = await ledger.open_lots(reader, sheet.business_id, sheet.member_id, unit)
    if hold is None:
        taken = lots.burn(open_lots[unit], amount, at=sheet.recorded_at)
    else:
        taken = lots.burn_held(open_lots[unit], amount, held_at=hold.held_at, at=sheet.recorded_at)
        there = sum(part.amount for part in taken)
        if there < amount and await _unmoved(sheet, reader):
            raise InsufficientBalance(pointer="/amount", unit=unit, needed=amount, available=there)
    # Lots are read after the page: where they hold less by now, the member has moved on, and this is never kept.
    open_lots[unit] = lots.after(open_lots[unit], taken)
    return sheet.debit(unit, amount, taken, kind="redemption", counter="redeemed", says=says, rule=rule).id


async def _unmoved(sheet: ledger.Sheet, reader: Reader) -> bool:
    """Tell whether the member is still as their page was read."""
    found = await reader.fetch(
        "SELECT revision FROM members WHERE business_id = $1 AND id = $2", sheet.business_id, sheet.member_id
    )
    return bool(found[0][0] == sheet.revision - 1)


def limits_used(asking: Asking, member_id: str, perks: Sequence[rules.Perk]) -> tuple[LimitUseRow, ...]:
    """Give the perks' limits per member as they stand from now on."""
    rows = []
    for perk in {perk.id: perk for perk in perks}.values():
        times = sum(one.id == perk.id for one in perks)
        for use in perk.uses(asking.day, asking.edition.programme.zone, times):
            before = asking.facts.used.get(f"{use.subject}|{use.window}", (0, 0))[0]
            rows.append(limit_row(asking.business_id, member_id, use, before + times, 0))
    return tuple(rows)


def _voucher_of(taking: Taking) -> str | None:
    if taking.hold is not None:
        return taking.hold.voucher_id
    return taking.voucher.id if taking.voucher else None


def name_of(taking: Taking, programme: rules.Programme, language: str) -> str:
    """Say what is redeemed as the member knows it."""
    if taking.perk is not None:
        return perk_name(taking.perk, language)
    return unit_name(programme, taking.unit or "", taking.amount, language)


def tell(plan: Plan, programme: rules.Programme, language: str) -> tuple[Redeemed, ...]:
    """Tell what a plan redeems, before it is carried out."""
    return tuple(
        Redeemed(
            name_of(taking, programme, language), discount.amount_minor,
            tuple(LineOff(part.line, part.amount_minor) for part in discount.parts),
            taking.perk.id if taking.perk else None, taking.voucher.code if taking.voucher else None,
            taking.hold.id if taking.hold else None, taking.unit,
            taking.amount, None,
        )
        for taking, discount in zip(plan.takings, plan.discounts, strict=True)
    )  # fmt: skip


def receipt_text(programme: rules.Programme, language: str | None, redeemed: Sequence[Redeemed]) -> tuple[str, ...]:
    """Say on a receipt what was redeemed and what it took off."""
    if not redeemed:
        return ()
    spoken = language_for(programme, language)
    return redeemed_lines(programme, spoken, [(one.says, one.discount_minor) for one in redeemed])
