"""Units given or taken by hand, with a reason that stays: a manager's correction, or goodwill at the counter.

Invariant: a member of staff gives away no more of a unit in a local day than the programme lets them: each gift has the
number of the day's gifts before it in its natural key, so that two at once cannot both have counted the same.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from loyalty_engine import ids, journal, ledger, lots
from loyalty_engine.answers import AdjustmentAnswer, Answer
from loyalty_engine.database import Opening, Page
from loyalty_engine.errors import BodyInvalid, InsufficientBalance, MemberUnknown, UnitUnknown
from loyalty_engine.identity import dormancy
from loyalty_engine.instants import to_micros
from loyalty_engine.members import accounts_of, balances, moved
from loyalty_engine.mending.errors import GoodwillSpent
from loyalty_engine.rows import Posting

if TYPE_CHECKING:
    from loyalty_engine.businesses import Caller
    from loyalty_engine.commands import AdjustBalance, Ticket
    from loyalty_engine.house import House
    from loyalty_engine.shelf import Edition


async def adjust(house: House, caller: Caller, member_id: str, command: AdjustBalance, ticket: Ticket) -> Answer:
    """Give or take units, once. Answers 201 with AdjustmentAnswer.

    Refused in this order: an amount of nothing, goodwill that takes, an unknown member, a unit the programme lacks,
    more goodwill than is left for the day, too little to take.
    """
    if command.amount == 0:
        message = "an adjustment moves at least one unit"
        raise BodyInvalid(message, pointer="/amount")
    if command.staff is not None and command.amount < 0:
        message = "goodwill is given, not taken"
        raise BodyInvalid(message, pointer="/amount")
    edition = await house.shelf.current(caller.business_id)
    at = to_micros(ticket.at)
    opening = Opening(business_id=caller.business_id, key=ticket.key, member_id=member_id, occurred_at=at, now=at)
    told = journal.Told(
        kind="adjustment",
        ticket=ticket,
        opening=opening,
        fingerprint=journal.fingerprint(house, caller.business_id, "adjustment", command, member_id),
    )

    async def decide(page: Page, reader: journal.Reader) -> Posting:
        state = page.member
        if state is None:
            raise MemberUnknown
        if command.unit not in edition.programme.units:
            raise UnitUnknown(pointer="/unit", units=sorted(edition.programme.units))
        goodwill = (
            None if command.staff is None else await _goodwill(edition, command, caller.business_id, ticket.at, reader)
        )
        sheet = ledger.Sheet(
            business_id=caller.business_id, member_id=state.id, revision=state.revision + 1,
            accounts=accounts_of(state).values(), journal_id=ids.new("adj", at // 1000), version=edition.version,
            occurred_at=at, recorded_at=at,
        )  # fmt: skip
        entry = await _enter(sheet, command, edition.lot_dates(command.unit, ticket.at)[1], reader)
        answer = AdjustmentAnswer(
            sheet.journal_id, entry, command.unit, command.amount, command.reason,
            balances(edition.programme, sheet.accounts),
        )  # fmt: skip
        if command.staff is not None and await dormancy.doubted(reader, caller.business_id, edition, state, at):
            answer = dormancy.bare(answer)
        line = journal.line(
            told, sheet.journal_id, status=201, answer=msgspec.json.encode(answer), member_id=state.id,
            revision=sheet.revision, version=edition.version, input=msgspec.json.encode(command).decode(),
        )  # fmt: skip
        if goodwill is not None:
            line = msgspec.structs.replace(
                line, natural=f"{goodwill.subject}:{goodwill.number}", subject=goodwill.subject
            )
        return Posting(
            business_id=caller.business_id, expected=state.revision, member=moved(caller.business_id, state),
            journal=line, entries=tuple(sheet.entries), lots=sheet.lots, burns=sheet.burns,
            allocations=tuple(sheet.allocations), accounts=sheet.touched,
        )  # fmt: skip

    return await journal.once(house, told, decide)


class _Goodwill(NamedTuple):
    """Which gift of a member of staff's day this is."""

    subject: str
    number: int


async def _goodwill(
    edition: Edition, command: AdjustBalance, business_id: int, at: datetime, reader: journal.Reader
) -> _Goodwill:
    """Hold a gift against what was given away before it on that local day; raises GoodwillSpent."""
    staff, day = command.staff or "", at.astimezone(edition.programme.zone).date()
    subject = f"goodwill:{len(staff)}:{staff}:{command.unit}:{day.isoformat()}"
    [[given, number]] = await reader.fetch(
        "SELECT CAST(coalesce(sum(e.amount), 0) AS BIGINT), count(DISTINCT j.id) FROM journal j JOIN entries e "
        "ON e.business_id = j.business_id AND e.member_id = j.member_id AND e.revision = j.revision "
        "AND e.journal_id = j.id WHERE j.business_id = $1 AND j.subject = $2 AND j.kind = 'adjustment'",
        business_id, subject,
    )  # fmt: skip
    budget = edition.programme.units[command.unit].goodwill_per_day or 0
    if given + command.amount > budget:
        raise GoodwillSpent(pointer="/amount", per_day=budget, left=max(0, budget - given))
    return _Goodwill(subject, number + 1)


async def _enter(sheet: ledger.Sheet, command: AdjustBalance, expires_at: int | None, reader: journal.Reader) -> str:
    """Enter the adjustment: what is given can be spent at once, what is taken comes out of what can be spent now."""
    unit, amount, now = command.unit, command.amount, sheet.recorded_at
    if amount > 0:
        return sheet.credit(
            unit, amount, kind="goodwill" if command.staff else "adjustment", counter="adjusted", says=command.reason,
            spendable_at=now, expires_at=expires_at,
        ).id  # fmt: skip
    account = sheet.accounts.get(unit)
    available = account.available if account else 0
    if available < -amount:
        raise InsufficientBalance(pointer="/amount", available=max(0, available))
    held = await ledger.open_lots(reader, sheet.business_id, sheet.member_id, unit)
    taken = lots.burn(held, -amount, at=now)
    return sheet.debit(unit, -amount, taken, kind="adjustment", counter="adjusted", says=command.reason).id
