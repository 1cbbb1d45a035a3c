"""How a hold is written down, shown and ended: what placing, capturing, releasing and the clock have in common.

Invariant: whoever ends a hold finds it active at that instant, in the very transaction that ends it; so it ends once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from loyalty_engine import ids, journal, ledger
from loyalty_engine.answers import Answer
from loyalty_engine.businesses import Caller
from loyalty_engine.commands import Ticket
from loyalty_engine.database import MemberState, Opening, Page
from loyalty_engine.database.pages import AccountState
from loyalty_engine.errors import MemberUnknown
from loyalty_engine.identity import dormancy
from loyalty_engine.instants import from_micros, shown, to_micros
from loyalty_engine.members import accounts_of, balances, moved
from loyalty_engine.redemption import lapsing
from loyalty_engine.redemption.errors import HoldClosed, HoldUnknown
from loyalty_engine.redemption.hold_answers import HoldShown
from loyalty_engine.redemption.rows import HoldRow
from loyalty_engine.rows import JournalLine, LimitUseRow, Posting, limit_row
from loyalty_engine.wording import language_for, perk_name, unit_name

if TYPE_CHECKING:
    from loyalty_engine.house import House
    from loyalty_engine.shelf import Edition


def sheet_of(told: journal.Told, state: MemberState, version: int, line_id: str) -> ledger.Sheet:
    """Begin the sheet of a command about a hold."""
    return ledger.Sheet(
        business_id=told.opening.business_id, member_id=state.id, revision=state.revision + 1,
        accounts=accounts_of(state).values(), journal_id=line_id, version=version, occurred_at=told.opening.now,
        recorded_at=told.opening.now,
    )  # fmt: skip


class _NotDue(Exception):
    """Somebody else has closed the hold meanwhile."""


async def lapse(house: House, *, at: datetime) -> int:
    """Book the holds whose time is up, in every business; gives how many those were."""
    found = await house.database.fetch(
        "SELECT business_id, id, member_id, held_at FROM holds WHERE status = 'active' AND expires_at <= $1 "
        "ORDER BY expires_at, id LIMIT 1000",
        to_micros(at),
    )  # fmt: skip
    return sum([await _lapse_one(house, at, *row) for row in found])


async def lapse_of(
    house: House, business_id: int, members: tuple[str, ...], *, at: datetime, running: bool = False
) -> None:
    """Book the holds of these members whose time is up; with `running`, end those too whose time is not."""
    for member_id in members:
        found = await house.database.fetch(
            "SELECT business_id, id, member_id, held_at FROM holds WHERE business_id = $1 AND member_id = $2 "
            "AND status = 'active' AND (expires_at <= $3 OR $4 = 1) ORDER BY id",
            business_id, member_id, to_micros(at), int(running),
        )  # fmt: skip
        for row in found:
            await _lapse_one(house, at, *row)


async def _lapse_one(house: House, at: datetime, business_id: int, hold_id: str, member_id: str, held_at: int) -> int:
    opening = Opening(
        business_id=business_id, natural=f"lapsed:{hold_id}", member_id=member_id, occurred_at=held_at,
        now=to_micros(at),
    )  # fmt: skip
    told = journal.Told(
        kind="lapse", ticket=Ticket(key="", request_id="upkeep", at=at), opening=opening,
        fingerprint=journal.hashed(hold_id),
    )  # fmt: skip

    async def decide(page: Page, reader: journal.Reader) -> Posting:
        hold = await lapsing.of_id(reader, business_id, hold_id)
        if hold is None or page.member is None or hold.status != "active":
            raise _NotDue
        edition = await house.shelf.numbered(business_id, hold.version)
        sheet = sheet_of(told, page.member, hold.version, ids.new("jnl", opening.now // 1000))
        rows = await lapsing.closed(house, sheet, hold, "lapsed", reader)
        return ended(told, hold, page.member, edition, sheet, rows, freed=True)

    try:
        return 0 if (await journal.once(house, told, decide)).hit else 1
    except (_NotDue, MemberUnknown):
        return 0


async def read_hold(house: House, caller: Caller, hold_id: str, *, at: datetime) -> HoldShown:
    """Show a hold as it stands at an instant: one whose deadline has passed has lapsed."""
    hold = await lapsing.of_id(house.database, caller.business_id, hold_id)
    if hold is None:
        raise HoldUnknown
    now = to_micros(at)
    opening = Opening(business_id=caller.business_id, member_id=hold.member_id, occurred_at=now, now=now)
    page = await house.database.open(opening)
    state = page.member if page else None
    edition = await house.shelf.numbered(hold.business_id, hold.version)
    now_is = msgspec.structs.replace(hold, status=lapsing.status_of(hold, now))
    seen = as_shown(now_is, edition, accounts_of(state), state.language if state else None)
    newest = await house.shelf.valid_at(hold.business_id, now, published=page.version if page else 0)
    unsure = await dormancy.doubted(house.database, hold.business_id, newest, state, now)
    return dormancy.bare(seen) if unsure else seen


OnHold = Callable[[HoldRow, journal.Told, MemberState, "Edition", journal.Reader], Awaitable[Posting]]


async def on_hold(
    house: House, business_id: int, hold_id: str, kind: str, command: msgspec.Struct, ticket: Ticket, decide: OnHold
) -> Answer:
    """Carry something out on a hold that is active; HoldUnknown and HoldClosed otherwise."""
    found = await lapsing.of_id(house.database, business_id, hold_id)
    if found is None:
        raise HoldUnknown
    at = to_micros(ticket.at)
    # The page is read for the moment of the hold: the limits it used are those a release gives back.
    opening = Opening(
        business_id=business_id, key=ticket.key, member_id=found.member_id, location=found.location,
        occurred_at=found.held_at, now=at,
    )  # fmt: skip
    told = journal.Told(
        kind=kind, ticket=ticket, opening=opening,
        fingerprint=journal.fingerprint(house, business_id, kind, command, hold_id),
    )  # fmt: skip

    async def decided(page: Page, reader: journal.Reader) -> Posting:
        hold = await lapsing.of_id(reader, business_id, hold_id)
        if hold is None or page.member is None:
            raise HoldUnknown
        if (status := lapsing.status_of(hold, at)) != "active":
            raise HoldClosed(status=status)
        newest = await house.shelf.valid_at(business_id, at, published=page.version)
        return await decide(hold, told, page.member, newest, reader)

    return await journal.once(house, told, decided)


def ended(
    told: journal.Told, hold: HoldRow, state: MemberState, edition: Edition, sheet: ledger.Sheet,
    rows: list[msgspec.Struct], *, freed: bool = False, bare: bool = False,
) -> Posting:  # fmt: skip
    """Write down that a hold is over; `bare` tells nothing of what the member has."""
    closed = next(row for row in rows if isinstance(row, HoldRow) and row.id == hold.id)
    limits = limits_freed(hold, state, edition) if freed else ()
    seen = as_shown(closed, edition, sheet.accounts, state.language)
    answer = msgspec.json.encode(dormancy.bare(seen) if bare else seen)
    return Posting(
        business_id=hold.business_id, expected=state.revision, member=moved(hold.business_id, state),
        journal=line_of(told, sheet, answer, 200, hold.id), entries=tuple(sheet.entries), burns=sheet.burns,
        allocations=tuple(sheet.allocations), accounts=sheet.touched, limit_uses=limits, extra=tuple(rows),
    )  # fmt: skip


def limits_freed(hold: HoldRow, state: MemberState, edition: Edition) -> tuple[LimitUseRow, ...]:
    """Let a perk that was not had after all no longer count as had."""
    perk = edition.programme.perk(hold.perk) if hold.perk and hold.voucher_id is None else None
    if perk is None:
        return ()
    zone = edition.programme.zone
    used = {(use.subject, use.window): use for use in state.used or ()}
    rows = []
    for use in perk.uses(from_micros(hold.held_at).astimezone(zone).date(), zone):
        now = used.get((use.subject, use.window))
        if now is not None:
            rows.append(limit_row(hold.business_id, state.id, use, max(0, now.times - 1), now.amount))
    return tuple(rows)


def line_of(told: journal.Told, sheet: ledger.Sheet, answer: bytes, status: int, subject: str) -> JournalLine:
    """Write the journal line of a command about a hold."""
    return journal.line(
        told, sheet.journal_id, status=status, answer=answer, member_id=sheet.member_id, revision=sheet.revision,
        version=sheet.version, subject=subject, occurred_at=sheet.recorded_at,
    )  # fmt: skip


def says_of(hold: HoldRow, edition: Edition, language: str | None) -> str:
    """Say what is set aside, as the member knows it."""
    spoken = language_for(edition.programme, language)
    perk = edition.programme.perk(hold.perk) if hold.perk else None
    if perk is not None:
        return perk_name(perk, spoken)
    return f"{hold.amount} {unit_name(edition.programme, hold.unit or '', hold.amount, spoken)}"


def as_shown(
    hold: HoldRow, edition: Edition, accounts: dict[str, AccountState], language: str | None
) -> HoldShown:  # fmt: skip
    """Show a hold."""
    return HoldShown(
        hold.id, hold.status, shown(hold.expires_at), hold.step_up, hold.member_id, says_of(hold, edition, language),
        hold.perk, hold.voucher_id, hold.unit, hold.amount, hold.captured, balances(edition.programme, accounts),
    )  # fmt: skip
