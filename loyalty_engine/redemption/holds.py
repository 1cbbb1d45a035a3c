"""The story of a hold: something is set aside at the till, then spent or let go of.

    1  what is meant?  a perk, a voucher, or units
    2  seen before, by key?  then the stored answer
    3  whose is it, may they have it, is there enough?  does it take a code?
    4  set aside until a deadline; what is set aside does not run out before it
    5  captured, released, or lapsed: one of them, once

Invariant: what is set aside cannot be spent twice; nothing leaves a lot before the capture.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET

import rules
from loyalty_engine import ids, journal
from loyalty_engine.answers import Answer
from loyalty_engine.businesses import Caller, place_of
from loyalty_engine.commands import Ticket
from loyalty_engine.database import MemberState, Opening, Page
from loyalty_engine.errors import (
    BodyInvalid,
    InsufficientBalance,
    MemberNotFoundByNumber,
    MemberUnknown,
    UnitUnknown,
)
from loyalty_engine.identity import dormancy
from loyalty_engine.instants import to_micros
from loyalty_engine.members import facts_of, moved, named
from loyalty_engine.redemption import holding, lapsing, redeeming, spending, stepping_up, vouchers
from loyalty_engine.redemption.errors import HoldUnknown, StepUpRequired
from loyalty_engine.redemption.rows import HoldRow
from loyalty_engine.rows import Posting

if TYPE_CHECKING:
    from loyalty_engine.house import House
    from loyalty_engine.redemption.commands import CaptureHold, PlaceHold
    from loyalty_engine.shelf import Edition

_MICROS = 1_000_000


async def place(house: House, caller: Caller, command: PlaceHold, ticket: Ticket) -> Answer:
    """Set something aside. Answers 201 with HoldShown.

    Refused in this order: the shape, the location, an unknown member, then as redeeming in a purchase is.
    """
    said = [field for field in ("perk", "voucher", "unit") if getattr(command, field) is not UNSET]
    if len(said) != 1 or (command.unit is UNSET) != (command.amount is UNSET):
        message = "hold exactly one of perk, voucher, or unit with amount"
        raise BodyInvalid(message, pointer="/perk")
    edition = await house.shelf.current(caller.business_id)
    location = place_of(caller, command.location) if command.location or caller.location else None
    who = named(house, caller.business_id, command.member, edition.programme.about.country)
    at = to_micros(ticket.at)
    told = journal.Told(
        kind="hold", ticket=ticket, fingerprint=journal.fingerprint(house, caller.business_id, "hold", command),
        opening=Opening(business_id=caller.business_id, key=ticket.key, blind_index=who.blind_index,
                        member_id=who.member_id, location=location, occurred_at=at, now=at),
    )  # fmt: skip

    async def decide(page: Page, reader: journal.Reader) -> Posting:
        if page.member is None:
            raise MemberNotFoundByNumber(pointer="/member") if who.identifier else MemberUnknown(pointer="/member/id")
        valid = await house.shelf.valid_at(caller.business_id, at, published=page.version)
        return await _placed(house, told, command, page.member, valid, reader)

    return await journal.once(house, told, decide)


async def _placed(
    house: House, told: journal.Told, command: PlaceHold, state: MemberState, edition: Edition, reader: journal.Reader
) -> Posting:
    business_id, at = told.opening.business_id, told.opening.now
    asking = redeeming.Asking(
        house=house, business_id=business_id, edition=edition, state=state, facts=facts_of(state, at),
        occurred=told.ticket.at, now=at, reader=reader,
    )  # fmt: skip
    await dormancy.sure(reader, business_id, edition, state, at)
    taking = await _meant(asking, command)
    hold_id = ids.new("hld", at // 1000)
    sheet = holding.sheet_of(told, state, edition.version, hold_id)
    rows = await lapsing.overdue(house, sheet, reader, [taking.voucher.id] if taking.voucher else [])
    hold = HoldRow(
        business_id, hold_id, state.id, taking.perk.id if taking.perk else None,
        taking.voucher.id if taking.voucher else None, taking.unit, taking.amount, told.opening.location,
        command.receipt, taking.voucher.version if taking.voucher else edition.version, "active", 0, at,
        at + command.ttl_seconds * _MICROS, None, None, None, None, None, 0, None,
    )  # fmt: skip
    if taking.unit is not None:
        sheet.set_aside(taking.unit, taking.amount)
    code, token = None, secrets.token_urlsafe(16)
    if await stepping_up.needed(
        edition, business_id, state, unit=hold.unit, amount=hold.amount, location=hold.location, at=told.ticket.at,
        reader=reader,
    ):  # fmt: skip
        code = stepping_up.new_code()
        hold = stepping_up.with_code(house, hold, code)
    hold = msgspec.structs.replace(hold, undo_hash=stepping_up.code_hash(house, business_id, hold_id, token))
    rows += [hold]
    if taking.voucher is not None:
        rows += vouchers.moved(taking.voucher, "held", hold_id, at)
    had = [taking.perk] if taking.perk is not None and taking.is_new else []
    rows += vouchers.counts(business_id, had, 1)
    rows += await stepping_up.notice(
        house,
        edition,
        state,
        hold,
        says=holding.says_of(hold, edition, state.language),
        code=code,
        token=token,
        reader=reader,
    )
    answer = msgspec.json.encode(holding.as_shown(hold, edition, sheet.accounts, state.language))
    return Posting(
        business_id=business_id, expected=state.revision, member=moved(business_id, state),
        journal=holding.line_of(told, sheet, answer, 201, hold_id), accounts=sheet.touched,
        limit_uses=spending.limits_used(asking, state.id, had), extra=tuple(rows),
    )  # fmt: skip


async def _meant(asking: redeeming.Asking, command: PlaceHold) -> redeeming.Taking:
    """Find what is to be set aside, and refuse what may not be."""
    if isinstance(command.voucher, str):
        return await redeeming.by_voucher(asking, command.voucher, "")
    if isinstance(command.perk, str):
        perk = await redeeming.allowed(asking, command.perk, "/perk")
        assert perk.price is not None, "a perk that may be had has a price"
        taking = redeeming.Taking(
            pointer="/perk", gives=perk.gives, perk=perk, unit=perk.price.unit, amount=perk.price.amount
        )  # fmt: skip
    else:
        assert isinstance(command.unit, str)
        assert isinstance(command.amount, int)
        if command.unit not in asking.edition.programme.units:
            raise UnitUnknown(pointer="/unit", units=sorted(asking.edition.programme.units))
        pays = asking.edition.programme.units[command.unit].pays_minor or 0
        taking = redeeming.Taking(
            pointer="/amount", gives=rules.Units(command.amount, pays), unit=command.unit, amount=command.amount
        )  # fmt: skip
    redeeming.affordable([taking], asking.state)
    return taking


async def capture(house: House, caller: Caller, hold_id: str, command: CaptureHold, ticket: Ticket) -> Answer:
    """Spend what a hold set aside, of units also a part. Answers 200 with HoldShown.

    Refused in this order: unknown, over, a number that is doubted, the code, a part of what has no parts, more than is
    held.
    """

    async def decide(
        hold: HoldRow, told: journal.Told, state: MemberState, newest: Edition, reader: journal.Reader
    ) -> Posting:
        await dormancy.sure(reader, hold.business_id, newest, state, told.opening.now)
        if hold.step_up == "required":
            if command.code is None:
                raise StepUpRequired(pointer="/code")
            stepping_up.check(house, hold, command.code, at=ticket.at)
        amount = hold.amount if command.amount is None else command.amount
        if command.amount is not None and (hold.unit is None or hold.perk is not None):
            message = "only units are captured in part"
            raise BodyInvalid(message, pointer="/amount")
        if amount > hold.amount:
            raise InsufficientBalance(pointer="/amount", unit=hold.unit, needed=amount, available=hold.amount)
        edition = await house.shelf.numbered(hold.business_id, hold.version)
        sheet = holding.sheet_of(told, state, hold.version, ids.new("jnl", told.opening.now // 1000))
        rows = await lapsing.closed(house, sheet, hold, "captured", reader, captured=amount if hold.unit else 0)
        rows += await lapsing.overdue(house, sheet, reader)
        if hold.unit is not None:
            rule = f"perk:{hold.perk}" if hold.perk else None
            says = holding.says_of(hold, edition, state.language)
            await spending.burn(sheet, hold.unit, amount, {}, reader, says=says, rule=rule, hold=hold)
        return holding.ended(told, hold, state, edition, sheet, rows)

    return await holding.on_hold(house, caller.business_id, hold_id, "capture", command, ticket, decide)


async def release(
    house: House, business_id: int, hold_id: str, command: msgspec.Struct, ticket: Ticket, *, token: str | None = None
) -> Answer:
    """Let go of what a hold set aside; with a token it is the member's own word. Answers 200 with HoldShown."""

    async def decide(
        hold: HoldRow, told: journal.Told, state: MemberState, newest: Edition, reader: journal.Reader
    ) -> Posting:
        if token is not None and hold.undo_hash != stepping_up.code_hash(house, business_id, hold_id, token):
            raise HoldUnknown
        edition = await house.shelf.numbered(business_id, hold.version)
        sheet = holding.sheet_of(told, state, hold.version, ids.new("jnl", told.opening.now // 1000))
        rows = await lapsing.closed(house, sheet, hold, "released", reader)
        unsure = await dormancy.doubted(reader, business_id, newest, state, told.opening.now)
        return holding.ended(told, hold, state, edition, sheet, rows, freed=True, bare=unsure)

    return await holding.on_hold(house, business_id, hold_id, "release", command, ticket, decide)
