"""Vouchers given by hand or bought with units, and shown with their pictures and histories.

Invariant: whoever gives one says why, and the reason stays in its history; what is bought is paid in the same piece.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

import rules
from loyalty_engine import ids, journal, ledger
from loyalty_engine.answers import Answer
from loyalty_engine.database import MemberState, Opening, Page
from loyalty_engine.errors import BodyInvalid, MemberUnknown
from loyalty_engine.identity import dormancy, presence
from loyalty_engine.instants import shown, to_micros
from loyalty_engine.members import accounts_of, facts_of, moved
from loyalty_engine.redemption import lapsing, redeeming, spending, vouchers
from loyalty_engine.redemption.answers import VoucherAnswer, VoucherPage, VoucherStepShown
from loyalty_engine.redemption.errors import PerkAllGone, PerkUnknown, VoucherUnknown
from loyalty_engine.redemption.rows import VoucherRow, VoucherStepRow
from loyalty_engine.rows import LimitUseRow, Posting
from loyalty_engine.wording import language_for, perk_name

if TYPE_CHECKING:
    from loyalty_engine.businesses import Caller
    from loyalty_engine.commands import Ticket
    from loyalty_engine.house import House
    from loyalty_engine.redemption.commands import IssueVoucher
    from loyalty_engine.shelf import Edition

_LISTED = 200


async def issue(house: House, caller: Caller, member_id: str, command: IssueVoucher, ticket: Ticket) -> Answer:
    """Issue a voucher. Answers 201 with VoucherAnswer.

    Refused in this order: a gift without a reason, an unknown member, then the perk as redeeming refuses it.
    """
    if command.by == "granted" and not command.reason.strip():
        message = "say why it is given; the reason stays with the voucher"
        raise BodyInvalid(message, pointer="/reason")
    at = to_micros(ticket.at)
    told = journal.Told(
        kind="voucher", ticket=ticket,
        opening=Opening(business_id=caller.business_id, key=ticket.key, member_id=member_id, occurred_at=at, now=at),
        fingerprint=journal.fingerprint(house, caller.business_id, "voucher", command, member_id),
    )  # fmt: skip

    async def decide(page: Page, reader: journal.Reader) -> Posting:
        if page.member is None:
            raise MemberUnknown
        edition = await house.shelf.valid_at(caller.business_id, at, published=page.version)
        return await _issued(house, told, command, page.member, edition, reader)

    return await journal.once(house, told, decide)


async def _issued(
    house: House, told: journal.Told, command: IssueVoucher, state: MemberState, edition: Edition,
    reader: journal.Reader,
) -> Posting:  # fmt: skip
    business_id, at = told.opening.business_id, told.opening.now
    asking = redeeming.Asking(
        house=house, business_id=business_id, edition=edition, state=state, facts=facts_of(state, at),
        occurred=told.ticket.at, now=at, reader=reader,
    )  # fmt: skip
    sheet = ledger.Sheet(
        business_id=business_id, member_id=state.id, revision=state.revision + 1, accounts=accounts_of(state).values(),
        journal_id=ids.new("jnl", at // 1000), version=edition.version, occurred_at=at, recorded_at=at,
    )  # fmt: skip
    perk = await _perk(asking, command)
    origin = command.by if command.staff is None else f"{command.by}:{command.staff}"
    if command.by == "bought":
        issued = await buy(asking, perk, sheet, reader, origin=origin, reason=command.reason)
    else:
        rows = await lapsing.overdue(house, sheet, reader)
        issued = _put_out(asking, perk, sheet, rows, origin=origin, reason=command.reason)
    answer = _answer(issued.voucher, (issued.step,), edition, state.language, at)
    line = journal.line(
        told, sheet.journal_id, status=201, answer=msgspec.json.encode(answer), member_id=state.id,
        revision=sheet.revision, version=edition.version, subject=issued.voucher.id,
    )  # fmt: skip
    return Posting(
        business_id=business_id, expected=state.revision, member=moved(business_id, state), journal=line,
        entries=tuple(sheet.entries), burns=sheet.burns, allocations=tuple(sheet.allocations), accounts=sheet.touched,
        limit_uses=issued.limit_uses, extra=issued.rows,
    )  # fmt: skip


class Issued(Struct, frozen=True, kw_only=True):
    """A voucher that is put out: its own rows, all that are written with it, and what it uses of the perk's limits."""

    voucher: VoucherRow
    step: VoucherStepRow
    rows: tuple[Struct, ...]
    limit_uses: tuple[LimitUseRow, ...] = ()


async def buy(
    asking: redeeming.Asking, perk: rules.Perk, sheet: ledger.Sheet, reader: journal.Reader, *, origin: str,
    reason: str = "",
) -> Issued:  # fmt: skip
    """Let a member pay for a voucher with units, on the sheet of the command.

    Raises VerificationNeeded, and InsufficientBalance.
    """
    price, state = perk.price, asking.state
    assert price is not None, "what may be bought has a price"
    assert state is not None, "a member buys"
    await dormancy.sure(reader, asking.business_id, asking.edition, state, asking.now)
    rows = await lapsing.overdue(asking.house, sheet, reader)
    redeeming.affordable(
        [redeeming.Taking(pointer="/perk", gives=perk.gives, perk=perk, unit=price.unit, amount=price.amount)], state
    )
    says = perk_name(perk, language_for(asking.edition.programme, state.language))
    await spending.burn(sheet, price.unit, price.amount, {}, reader, says=says, rule=f"perk:{perk.id}")
    issued = _put_out(asking, perk, sheet, rows, origin=origin, reason=reason)
    return msgspec.structs.replace(issued, limit_uses=spending.limits_used(asking, state.id, [perk]))


def _put_out(
    asking: redeeming.Asking, perk: rules.Perk, sheet: ledger.Sheet, rows: list[Struct], *, origin: str, reason: str
) -> Issued:
    voucher, step = vouchers.issued(
        asking.edition, perk, sheet.member_id, business_id=asking.business_id, journal_id=sheet.journal_id,
        origin=origin, occurred=asking.occurred, at=asking.now,
    )  # fmt: skip
    step = msgspec.structs.replace(step, says=reason)
    written = (*rows, voucher, step, *vouchers.counts(asking.business_id, [perk], 1))
    return Issued(voucher=voucher, step=step, rows=written)


async def _perk(asking: redeeming.Asking, command: IssueVoucher) -> rules.Perk:
    if command.by == "bought":
        return await redeeming.allowed(asking, command.perk, "/perk")
    programme = asking.edition.programme
    perk = programme.perk(command.perk)
    if perk is None:
        raise PerkUnknown(pointer="/perk", perks=[each.id for each in programme.perks])
    if perk.in_all is not None and await redeeming.had(asking.reader, asking.business_id, perk.id) >= perk.in_all:
        raise PerkAllGone(pointer="/perk")
    return perk


async def _here(house: House, caller: Caller, member_id: str, at: int) -> MemberState:
    """Read a member whose vouchers may be shown to whoever asks."""
    opening = Opening(business_id=caller.business_id, member_id=member_id, occurred_at=at, now=at)
    page = await presence.page_of(house.database, opening)
    state = presence.here(page.member if page else None)
    newest = await house.shelf.valid_at(caller.business_id, at, published=page.version if page else 0)
    await dormancy.sure_at_the_till(house.database, caller, newest, state, at)
    return state


async def read_voucher(house: House, caller: Caller, voucher_id: str, *, at: datetime) -> VoucherAnswer:
    """Show a voucher with its picture and its history."""
    row = await vouchers.of_id(house.database, caller.business_id, voucher_id)
    if row is None:
        raise VoucherUnknown
    await _here(house, caller, row.member_id, to_micros(at))
    steps = await house.database.fetch(
        "SELECT business_id, voucher_id, journal_id, state, says, at FROM voucher_steps "
        "WHERE business_id = $1 AND voucher_id = $2 ORDER BY at, journal_id",
        caller.business_id, voucher_id,
    )  # fmt: skip
    edition = await house.shelf.numbered(row.business_id, row.version)
    return _answer(row, tuple(VoucherStepRow(*one) for one in steps), edition, None, to_micros(at))


async def list_vouchers(house: House, caller: Caller, member_id: str, *, at: datetime) -> VoucherPage:
    """Show a member's newest vouchers, used ones too."""
    state = await _here(house, caller, member_id, to_micros(at))
    rows = await house.database.fetch(
        f"SELECT {vouchers.columns_at('$3')} FROM vouchers WHERE business_id = $1 AND member_id = $2 "  # our columns
        f"ORDER BY issued_at DESC, id DESC LIMIT {_LISTED}",
        caller.business_id, state.id, to_micros(at),
    )  # fmt: skip
    now = to_micros(at)
    found = [await vouchers.as_shown(house, VoucherRow(*row), state.language, at=now) for row in rows]
    return VoucherPage(tuple(found), None)


def _answer(
    row: VoucherRow, steps: tuple[VoucherStepRow, ...], edition: Edition, language: str | None, at: int
) -> VoucherAnswer:
    told = tuple(VoucherStepShown(one.state, one.says, one.journal_id, shown(one.at)) for one in steps)
    voucher = vouchers.shown_in(edition, row, language, at=at)
    return VoucherAnswer(
        voucher, row.member_id, row.origin, shown(row.issued_at), row.redeemed_in, vouchers.qr_svg(row.code), told
    )
