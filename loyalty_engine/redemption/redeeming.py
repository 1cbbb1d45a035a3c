"""What a member wants to spend in a purchase: perks, vouchers, holds and units that pay like money, found and allowed.

Refused in this order: the shape of each thing asked for; then, one after the other as they are named, whether it
exists, is still there, may be had now and by this member, is left, and needs a code; then whether it fits the basket;
then whether the units reach. Invariant: the discount is what the rule book says, whatever the till thinks.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec import UNSET, Struct

import rules
from loyalty_engine.errors import BodyInvalid, InsufficientBalance, UnitUnknown
from loyalty_engine.identity import dormancy
from loyalty_engine.instants import from_micros, to_micros
from loyalty_engine.redemption import lapsing, stepping_up, vouchers
from loyalty_engine.redemption.errors import (
    HoldClosed,
    HoldUnknown,
    PerkAllGone,
    PerkGivesNothing,
    PerkNotForTier,
    PerkNotNow,
    PerkOnlyGranted,
    PerkUnknown,
    PerkUsedUp,
    StepUpRequired,
    UnitPaysNothing,
    VoucherExpired,
    VoucherUnknown,
    VoucherUsed,
)
from loyalty_engine.redemption.rows import HoldRow, VoucherRow

if TYPE_CHECKING:
    from loyalty_engine.commands import Redeem
    from loyalty_engine.database import MemberState
    from loyalty_engine.house import House
    from loyalty_engine.journal import Reader
    from loyalty_engine.shelf import Edition

On = Literal["order", "item", "goods", "nothing"]


class Taking(Struct, frozen=True, kw_only=True):
    """One thing to spend, found and allowed: what it costs, and what it gives."""

    pointer: str
    gives: rules.Gives | rules.Units
    perk: rules.Perk | None = None
    unit: str | None = None
    amount: int = 0
    voucher: VoucherRow | None = None
    hold: HoldRow | None = None

    @property
    def is_new(self) -> bool:
        """Tell whether it is had now: neither a voucher that was had before, nor set aside before."""
        return self.voucher is None and self.hold is None

    @property
    def on(self) -> On:
        """Say what brings it back when goods are returned."""
        if isinstance(self.gives, rules.Units):
            return "order"
        if self.gives.service is not None:
            return "nothing"
        if self.gives.free_item is not None:
            return "item"
        return "order" if self.gives.on_everything else "goods"


class Asking(Struct, frozen=True, kw_only=True):
    """Who asks, when, and under which version: what decides whether a thing may be had."""

    house: House
    business_id: int
    edition: Edition
    state: MemberState | None
    facts: rules.MemberFacts
    occurred: datetime
    now: int
    reader: Reader
    # A quote counts for nothing, so it tells nobody whether a code is right either.
    counts: bool = True
    location: str | None = None

    @property
    def day(self) -> date:
        """The local day on which it is asked for."""
        return self.occurred.astimezone(self.edition.programme.zone).date()

    async def wants_code(self, taking: Taking) -> bool:
        """Tell whether the programme wants a code for this."""
        if self.state is None or self.edition.programme.about.step_up is None:
            return False
        return await stepping_up.needed(
            self.edition, self.business_id, self.state, unit=taking.unit, amount=taking.amount,
            location=self.location, at=from_micros(self.now), reader=self.reader,
        )  # fmt: skip

    @property
    def tier(self) -> str | None:
        """The member's tier."""
        return self.facts.tier


class Plan(Struct, frozen=True, kw_only=True):
    """Everything to spend in one purchase, and what each of it takes off."""

    asking: Asking
    takings: tuple[Taking, ...]
    discounts: tuple[rules.Discount, ...]
    judged: rules.Purchase
    paid_minor: int


async def planned(asking: Asking, redeem: tuple[Redeem, ...], purchase: rules.Purchase) -> Plan:
    """Find and allow all that is asked for, and count what it takes off; refuses as the room's first lines say."""
    _well_formed(redeem)
    if asking.state is not None:
        await dormancy.sure(asking.reader, asking.business_id, asking.edition, asking.state, asking.now)
    takings: list[Taking] = []
    for place, one in enumerate(redeem):
        taking = await _found(asking, one, f"/redeem/{place}", takings)
        if taking.hold is None and await asking.wants_code(taking):
            # A hold sends the code; what is redeemed at once would go past it.
            raise StepUpRequired(pointer=taking.pointer)
        takings.append(taking)
    found = rules.discounts(purchase, [taking.gives for taking in takings])
    for taking, discount in zip(takings, found, strict=True):
        if not discount.amount_minor and taking.on != "nothing":
            raise PerkGivesNothing(pointer=taking.pointer)
    takings = [
        msgspec.structs.replace(taking, amount=discount.units) if isinstance(taking.gives, rules.Units) else taking
        for taking, discount in zip(takings, found, strict=True)
    ]
    affordable(takings, asking.state)
    earning = purchase if asking.edition.programme.about.perks_earn else rules.judged(purchase, found)
    paid_minor = purchase.total_minor - sum(one.amount_minor for one in found)
    return Plan(asking=asking, takings=tuple(takings), discounts=found, judged=earning, paid_minor=paid_minor)


def _well_formed(redeem: tuple[Redeem, ...]) -> None:
    seen = set()
    for place, one in enumerate(redeem):
        named = [field for field in ("perk", "voucher", "hold", "unit") if getattr(one, field) is not UNSET]
        if len(named) != 1 or (one.unit is UNSET) != (one.amount is UNSET) or (one.code is not UNSET and not one.hold):
            message = "redeem exactly one of perk, voucher, hold, or unit with amount; a code goes with a hold"
            raise BodyInvalid(message, pointer=f"/redeem/{place}")
        what = (named[0], str(getattr(one, named[0])))
        if named[0] != "perk" and what in seen:
            message = "this is named twice"
            raise BodyInvalid(message, pointer=f"/redeem/{place}/{named[0]}")
        seen.add(what)


async def _found(asking: Asking, one: Redeem, pointer: str, before: list[Taking]) -> Taking:
    if isinstance(one.perk, str):
        already = sum(taking.perk is not None and taking.perk.id == one.perk and taking.is_new for taking in before)
        perk = await allowed(asking, one.perk, f"{pointer}/perk", already)
        assert perk.price is not None, "a perk that may be had has a price"
        return Taking(pointer=pointer, gives=perk.gives, perk=perk, unit=perk.price.unit, amount=perk.price.amount)
    if isinstance(one.voucher, str):
        return await by_voucher(asking, one.voucher, pointer)
    if isinstance(one.hold, str):
        return await _by_hold(asking, one.hold, one.code if isinstance(one.code, str) else None, pointer)
    assert isinstance(one.unit, str)
    assert isinstance(one.amount, int)
    unit = asking.edition.programme.units.get(one.unit)
    if unit is None:
        raise UnitUnknown(pointer=f"{pointer}/unit", units=sorted(asking.edition.programme.units))
    if unit.pays_minor is None:
        raise UnitPaysNothing(pointer=f"{pointer}/unit")
    return Taking(
        pointer=pointer, gives=rules.Units(one.amount, unit.pays_minor), unit=one.unit, amount=one.amount
    )  # fmt: skip


async def allowed(asking: Asking, name: str, pointer: str, already: int = 0) -> rules.Perk:
    """Give a perk that this member may have with units now.

    Refused in this order: unknown, only granted, not on this day, not for this tier, had often enough, none left.
    """
    programme = asking.edition.programme
    perk = programme.perk(name)
    if perk is None:
        raise PerkUnknown(pointer=pointer, perks=[each.id for each in programme.perks])
    if perk.price is None:
        raise PerkOnlyGranted(pointer=pointer)
    if not perk.in_force(asking.day):
        raise PerkNotNow(pointer=pointer)
    if not perk.is_for(asking.tier):
        raise PerkNotForTier(pointer=pointer, tiers=list(perk.tiers or ()))
    if not perk.has_room(asking.day, programme.zone, asking.facts.used, already):
        raise PerkUsedUp(pointer=pointer)
    if perk.in_all is not None and await had(asking.reader, asking.business_id, perk.id) + already >= perk.in_all:
        raise PerkAllGone(pointer=pointer)
    return perk


async def had(reader: Reader, business_id: int, perk: str) -> int:
    """Tell how many copies of a perk everybody together has had."""
    found = await reader.fetch(
        "SELECT issued FROM perk_counts WHERE business_id = $1 AND perk = $2", business_id, perk
    )  # fmt: skip
    return int(found[0][0]) if found else 0


async def _by_hold(asking: Asking, hold_id: str, code: str | None, pointer: str) -> Taking:
    """Take what a hold has set aside, in the purchase it was meant for. Refused: unknown, over, the code."""
    hold = await lapsing.of_id(asking.reader, asking.business_id, hold_id)
    if hold is None or asking.state is None or hold.member_id != asking.state.id:
        raise HoldUnknown(pointer=f"{pointer}/hold")
    if (status := lapsing.status_of(hold, asking.now)) != "active":
        raise HoldClosed(pointer=f"{pointer}/hold", status=status)
    if hold.step_up == "required" and code is None:
        raise StepUpRequired(pointer=f"{pointer}/code")
    if hold.step_up == "required" and asking.counts:
        stepping_up.check(asking.house, hold, code or "", at=from_micros(asking.now))
    programme = (await asking.house.shelf.numbered(asking.business_id, hold.version)).programme
    perk = programme.perk(hold.perk) if hold.perk else None
    pays = programme.units[hold.unit].pays_minor if perk is None and hold.unit else None
    if perk is None and pays is None:
        raise UnitPaysNothing(pointer=f"{pointer}/hold")
    gives = perk.gives if perk is not None else rules.Units(hold.amount, pays or 0)
    return Taking(pointer=pointer, gives=gives, perk=perk, unit=hold.unit, amount=hold.amount, hold=hold)


async def by_voucher(asking: Asking, code: str, pointer: str) -> Taking:
    row = None
    if asking.state is not None:
        row = await vouchers.found(asking.reader, asking.business_id, asking.state.id, code, at=asking.now)
    if row is None:
        raise VoucherUnknown(pointer=f"{pointer}/voucher")
    if row.state != "issued":
        raise VoucherUsed(pointer=f"{pointer}/voucher", state=row.state)
    if row.expires_at is not None and row.expires_at <= to_micros(asking.occurred):
        raise VoucherExpired(pointer=f"{pointer}/voucher")
    perk = await vouchers.perk_of(asking.house, row)
    return Taking(pointer=pointer, gives=perk.gives, perk=perk, voucher=row)


def affordable(takings: list[Taking], state: MemberState | None) -> None:
    """Raise InsufficientBalance, with the balance, at the first thing the member's units do not reach for."""
    left = {account.unit: account.available for account in (state.accounts if state else None) or ()}
    for taking in takings:
        if taking.unit is None or taking.hold is not None:
            continue
        there = max(0, left.get(taking.unit, 0))
        if taking.amount > there:
            available = max(0, next((a.available for a in (state.accounts if state else None) or ()
                                     if a.unit == taking.unit), 0))  # fmt: skip
            raise InsufficientBalance(
                pointer=taking.pointer, unit=taking.unit, needed=taking.amount, available=available
            )  # fmt: skip
        left[taking.unit] = there - taking.amount
