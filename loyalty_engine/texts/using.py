"""A member uses a perk by text."""

from __future__ import annotations

from loyalty_engine import presence, vouchers
from loyalty_engine.instants import shown
from loyalty_engine.texts.answering import answer, by_hand, held, named, units
from loyalty_engine.texts.asking import Asked, Reaction
from loyalty_engine.texts.lexicon import folded


async def use(asked: Asked) -> Reaction:
    """Give the code of a voucher the member has. Units are spent at the till: a sender's number can be forged."""
    if asked.member is None or asked.member.presence == presence.DOUBTED:
        return await by_hand(asked)
    wanted = folded(asked.wish.rest)
    for row in await vouchers.of_member(asked.reader, asked.business_id, asked.member.id, at=asked.at):
        perk = await vouchers.perk_of(asked.house, row)
        if not wanted or wanted in {folded(perk.id), folded(named(perk, asked.language))}:
            until = shown(row.expires_at)[:10] if row.expires_at is not None else ""
            return Reaction(text=answer(asked, "voucher", perk=named(perk, asked.language), code=row.code, until=until))
    has = {one.unit: one.available for one in held(asked)}
    for perk in asked.edition.programme.perks:
        if wanted in {folded(perk.id), folded(named(perk, asked.language))} and perk.price is not None:
            if has.get(perk.price.unit, 0) >= perk.price.amount:
                return await by_hand(asked)
            price = units(asked, perk.price.unit, perk.price.amount)
            return Reaction(text=answer(asked, "too_few", perk=named(perk, asked.language), price=price))
    return Reaction(text=answer(asked, "no_such_perk"))
