"""What a member could have now, and the nearest thing they have not reached yet, in the programme's own words."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct

import rules
from loyalty_engine.redemption.answers import LineOff, Nudge, PerkOffer
from loyalty_engine.wording import language_for, nudge_text, perk_name

if TYPE_CHECKING:
    from loyalty_engine.journal import Reader
    from loyalty_engine.shelf import Edition

# How many nudges are worth a cashier's breath.
_NUDGES = 3


class Wallet(Struct, frozen=True, kw_only=True):
    """A member with what they have, before the perks of a version, on a day."""

    business_id: int
    edition: Edition
    facts: rules.MemberFacts
    language: str
    reader: Reader
    may_have: tuple[tuple[rules.Perk, rules.Price], ...]

    def available(self, unit: str) -> int:
        """Give what can be spent of a unit."""
        return max(0, self.facts.balance.get(unit, 0))


def wallet(
    reader: Reader, business_id: int, edition: Edition, facts: rules.MemberFacts, *, occurred: datetime,
    language: str | None,
) -> Wallet:  # fmt: skip
    """Lay out what a member has, and of the perks with a price those they may have on that day."""
    programme = edition.programme
    zone = programme.zone
    day = occurred.astimezone(zone).date()
    may_have = tuple([
        (perk, perk.price) for perk in programme.perks
        if perk.price is not None and perk.in_force(day) and perk.is_for(facts.tier)
        and perk.has_room(day, zone, facts.used, 0)
    ])  # fmt: skip
    return Wallet(
        business_id=business_id, edition=edition, facts=facts, language=language_for(programme, language),
        reader=reader, may_have=may_have,
    )  # fmt: skip


async def offers(wallet: Wallet, purchase: rules.Purchase | None) -> tuple[PerkOffer, ...]:
    """List the perks this member may have, in the programme's order, with what each alone takes off the basket.

    A perk that takes nothing off the basket is left out; without a basket none is.
    """
    gone = await _gone(wallet)
    found = []
    for perk, price in wallet.may_have:
        if perk.id in gone:
            continue
        off, lines = None, tuple[LineOff, ...]()
        if purchase is not None:
            [discount] = rules.discounts(purchase, [perk.gives])
            if not discount.parts and perk.gives.service is None:
                continue
            off = discount.amount_minor
            lines = tuple(LineOff(part.line, part.amount_minor) for part in discount.parts)
        affordable = wallet.available(price.unit) >= price.amount
        name = perk_name(perk, wallet.language)
        found.append(PerkOffer(perk.id, name, price.unit, price.amount, affordable, off, lines))
    return tuple(found)


def nudges(wallet: Wallet) -> tuple[Nudge, ...]:
    """Say what is nearest and not yet reached: of each unit the perk with the fewest units missing."""
    nearest: dict[str, tuple[int, rules.Perk]] = {}
    for perk, price in wallet.may_have:
        unit, missing = price.unit, price.amount - wallet.available(price.unit)
        if missing > 0 and (unit not in nearest or missing < nearest[unit][0]):
            nearest[unit] = (missing, perk)
    programme, language = wallet.edition.programme, wallet.language
    found = [
        Nudge(perk.id, unit, missing, nudge_text(programme, language, unit, missing, perk))
        for unit, (missing, perk) in nearest.items()
    ]
    return tuple(found[:_NUDGES])


async def _gone(wallet: Wallet) -> frozenset[str]:
    """Give the perks of which none is left; asks only where a perk has such a limit."""
    limited = {perk.id: perk.in_all for perk in wallet.edition.programme.perks if perk.in_all is not None}
    if not limited:
        return frozenset()
    found = await wallet.reader.fetch(
        "SELECT perk, issued FROM perk_counts WHERE business_id = $1", wallet.business_id
    )  # fmt: skip
    return frozenset(perk for perk, issued in found if perk in limited and issued >= limited[perk])
