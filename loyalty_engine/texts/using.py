"""A member uses a perk by text: what they hold is shown, and what costs units is bought with a code said back.

Invariant: one text spends nothing, as the number it comes from can be forged. What it would cost is answered with a
code to the number itself; said back within ten minutes and five tries it buys once, for the price that was named. The
code is kept as a keyed hash and compared in a time that tells nothing; only so many codes go to a number in a day.
"""

from __future__ import annotations

import hmac
from typing import Final

import msgspec
from msgspec import Struct

import rules
from loyalty_engine import ids, ledger
from loyalty_engine.database import MemberState
from loyalty_engine.errors import InsufficientBalance
from loyalty_engine.identity import dormancy
from loyalty_engine.identity.changing import FIELD, ConfirmationRow, hashed
from loyalty_engine.instants import from_micros, shown
from loyalty_engine.members import accounts_of, facts_of
from loyalty_engine.redemption import handing_out, redeeming, stepping_up, vouchers
from loyalty_engine.redemption.errors import PerkAllGone, PerkNotForTier, PerkNotNow, PerkUsedUp
from loyalty_engine.redemption.rows import VoucherRow
from loyalty_engine.texts.answering import answer, by_hand, held, named, not_understood, units
from loyalty_engine.texts.asking import Asked, Reaction
from loyalty_engine.texts.lexicon import folded

_PURPOSE: Final = "use"
_ORIGIN: Final = "bought:text"
_GOOD_FOR: Final = stepping_up.MINUTES * 60 * 1_000_000
_DAY: Final = 24 * 3600 * 1_000_000
_CODES_A_DAY: Final = 10
_NOT_NOW: Final = (PerkAllGone, PerkNotForTier, PerkNotNow, PerkUsedUp)
_COLUMNS: Final = ", ".join(ConfirmationRow.__struct_fields__)


class _Meant(Struct, frozen=True):
    """What a code buys: a perk for so many of a unit."""

    perk: str
    unit: str
    amount: int


class _TriedRow(ConfirmationRow, frozen=True):
    """A code with one more wrong try, counted where it stands: tries at the same moment are all counted."""

    CONFLICT = (
        "ON CONFLICT (business_id, id) DO UPDATE SET tries = confirmations.tries + 1 "
        f"WHERE confirmations.tries < {stepping_up.TRIES} AND confirmations.done_at IS NULL"
    )


class _SaidRow(ConfirmationRow, frozen=True):
    """A code that was said back: it is good once, and not after its tries are used up."""

    CONFLICT = (
        "ON CONFLICT (business_id, id) DO UPDATE SET done_at = excluded.done_at "
        f"WHERE confirmations.tries < {stepping_up.TRIES} AND confirmations.done_at IS NULL"
    )


async def use(asked: Asked) -> Reaction:
    """Give the code of a voucher the member holds; else say what the perk costs, with a code to be said back."""
    if asked.member is None or await _somebody_elses(asked):
        return await by_hand(asked)
    wanted = folded(asked.wish.rest)
    for row in await vouchers.of_member(asked.reader, asked.business_id, asked.member.id, at=asked.at):
        perk = await vouchers.perk_of(asked.house, row)
        if not wanted or wanted in {folded(perk.id), folded(named(perk, asked.language))}:
            return _voucher(asked, row, perk)
    for perk in asked.edition.programme.perks:
        if wanted in {folded(perk.id), folded(named(perk, asked.language))} and perk.price is not None:
            return await _priced(asked, asked.member, perk, perk.price)
    return Reaction(text=answer(asked, "no_such_perk"))


async def say_back(asked: Asked) -> Reaction:
    """Take a code that is said back, and buy what it was sent for."""
    if asked.member is None or await _somebody_elses(asked):
        return not_understood(asked)
    found = await _codes(asked, asked.member)
    if not found:
        return not_understood(asked)
    code = found[0]
    if code.done_at is not None or code.expires_at <= asked.at or code.tries >= stepping_up.TRIES:
        return Reaction(text=answer(asked, "code_over"))
    if not hmac.compare_digest(code.code_hash, hashed(asked.house, asked.business_id, code.id, asked.wish.rest)):
        left = stepping_up.TRIES - code.tries - 1
        text = answer(asked, "code_wrong", left=str(left)) if left else answer(asked, "code_over")
        return Reaction(text=text, rows=(_TriedRow(*msgspec.structs.astuple(code)),))
    return await _bought(asked, asked.member, code)


async def _somebody_elses(asked: Asked) -> bool:
    """Tell whether the number may have gone to somebody else."""
    if asked.member is not None and asked.doubted:
        return True
    return await dormancy.doubted(asked.reader, asked.business_id, asked.edition, asked.member, asked.at)


def _voucher(asked: Asked, row: VoucherRow, perk: rules.Perk) -> Reaction:
    until = shown(row.expires_at)[:10] if row.expires_at is not None else ""
    return Reaction(text=answer(asked, "voucher", perk=named(perk, asked.language), code=row.code, until=until))


async def _priced(asked: Asked, member: MemberState, perk: rules.Perk, price: rules.Price) -> Reaction:
    """Answer what a perk costs: with a code where it can be bought now, else why it cannot."""
    called, costs = named(perk, asked.language), units(asked, price.unit, price.amount)
    has = {one.unit: one.available for one in held(asked)}
    try:
        await redeeming.allowed(_asking(asked, member), perk.id, "")
    except _NOT_NOW:
        return Reaction(text=answer(asked, "not_now", perk=called))
    if has.get(price.unit, 0) < price.amount:
        return Reaction(text=answer(asked, "too_few", perk=called, price=costs))
    sent = await _codes(asked, member)
    if len(sent) >= _CODES_A_DAY:
        return await by_hand(asked)
    code, code_id = stepping_up.new_code(), ids.new("cnf", asked.at // 1000)
    meant = msgspec.json.encode(_Meant(perk.id, price.unit, price.amount)).decode()
    row = ConfirmationRow(
        asked.business_id, code_id, member.id, _PURPOSE, "perk",
        asked.house.vault.seal(asked.business_id, member.id, member.wrapped_key, FIELD, meant), None,
        hashed(asked.house, asked.business_id, code_id, code), 0, asked.at, asked.at + _GOOD_FOR,
    )  # fmt: skip
    text = answer(asked, "say_back", perk=called, price=costs, code=code)
    return Reaction(text=text, purpose="code", rows=(row,))


async def _codes(asked: Asked, member: MemberState) -> list[ConfirmationRow]:
    """Give the codes that went to a member within a day, the newest first; none but that one is listened to."""
    found = await asked.reader.fetch(
        f"SELECT {_COLUMNS} FROM confirmations WHERE business_id = $1 AND member_id = $2 AND purpose = $3 "
        "AND created_at > $4 ORDER BY id DESC",
        asked.business_id, member.id, _PURPOSE, asked.at - _DAY,
    )  # fmt: skip
    return [ConfirmationRow(*row) for row in found]


async def _bought(asked: Asked, member: MemberState, code: ConfirmationRow) -> Reaction:
    """Buy what a code was sent for, if it still costs what was named."""
    opened = asked.house.vault.open(asked.business_id, member.id, member.wrapped_key, FIELD, code.sealed)
    meant = msgspec.json.decode(opened, type=_Meant)
    perk = asked.edition.programme.perk(meant.perk)
    if perk is None or perk.price != rules.Price(meant.unit, meant.amount):
        return Reaction(text=answer(asked, "code_over"))
    asking, called = _asking(asked, member), named(perk, asked.language)
    sheet = ledger.Sheet(
        business_id=asked.business_id, member_id=member.id, revision=member.revision + 1,
        accounts=accounts_of(member).values(), journal_id=asked.line_id, version=asked.edition.version,
        occurred_at=asked.at, recorded_at=asked.at,
    )  # fmt: skip
    try:
        await redeeming.allowed(asking, perk.id, "")
        issued = await handing_out.buy(asking, perk, sheet, asked.reader, origin=_ORIGIN)
    except _NOT_NOW:
        return Reaction(text=answer(asked, "not_now", perk=called))
    except InsufficientBalance:
        return Reaction(text=answer(asked, "too_few", perk=called, price=units(asked, meant.unit, meant.amount)))
    said = _SaidRow(*msgspec.structs.astuple(msgspec.structs.replace(code, done_at=asked.at)))
    given = _voucher(asked, issued.voucher, perk)
    return msgspec.structs.replace(given, rows=(said, *issued.rows), sheet=sheet, limit_uses=issued.limit_uses)


def _asking(asked: Asked, member: MemberState) -> redeeming.Asking:
    return redeeming.Asking(
        house=asked.house, business_id=asked.business_id, edition=asked.edition, state=member,
        facts=facts_of(member, asked.at), occurred=from_micros(asked.at), now=asked.at, reader=asked.reader,
    )  # fmt: skip
