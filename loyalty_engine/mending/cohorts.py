"""Units for many at once, as when the shop is in the spotlight: counted first, given, and taken back where need be.

Invariant: each member of the cohort is given once, however often the work is stopped: who was given, and how far it has
come, are written in one transaction. Undoing is a reversal for each, of what they have still.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from loyalty_engine import ids, journal, ledger, lots
from loyalty_engine.answers import Answer
from loyalty_engine.database import Opening, Page, Transaction
from loyalty_engine.database.batches import claim, holdings, keep_all
from loyalty_engine.database.pages import AccountState
from loyalty_engine.errors import UnitUnknown
from loyalty_engine.instants import from_micros, to_micros
from loyalty_engine.mending.asked import AwardMany, Cohort, ManyAnswer, UndoMany
from loyalty_engine.mending.crowds import conditions
from loyalty_engine.mending.errors import AwardUnknown
from loyalty_engine.rows import CohortAwardRow, JournalLine, MemberRow, Posting

if TYPE_CHECKING:
    from loyalty_engine.businesses import Caller
    from loyalty_engine.commands import Ticket
    from loyalty_engine.house import House
    from loyalty_engine.shelf import Edition

BATCH = 200
_COLUMNS = ", ".join(f'"{name}"' for name in CohortAwardRow.__struct_fields__)
_AFTER_LAST = "~"


async def award(house: House, caller: Caller, command: AwardMany, ticket: Ticket) -> Answer:
    """Begin to give a cohort units (202 with ManyAnswer); a dry run only counts them (200) and keeps nothing."""
    edition = await house.shelf.current(caller.business_id)
    if command.unit not in edition.programme.units:
        raise UnitUnknown(pointer="/unit", units=sorted(edition.programme.units))
    at, business_id = to_micros(ticket.at), caller.business_id
    if command.dry_run:
        counted = _shown(None, None, command, await _counted(house.database, business_id, command.cohort, at))
        return Answer(200, msgspec.json.encode(counted))
    told = _told(house, caller, "award_many", ticket, command)

    async def decide(_: Page, reader: journal.Reader) -> Posting:
        members = await _counted(reader, business_id, command.cohort, at)
        row = CohortAwardRow(
            business_id, ids.new("awd", at // 1000), msgspec.json.encode(command).decode(), "giving", at, "", members,
            0, 0, edition.version, at, at,
        )  # fmt: skip
        answer = msgspec.json.encode(_shown(row.id, row.state, command, members))
        return _noted(told, row.id, 202, answer, command, extra=(row,))

    return await journal.once(house, told, decide)


async def undo(house: House, caller: Caller, award_id: str, command: UndoMany, ticket: Ticket) -> Answer:
    """Begin to take an award to many back (202 with ManyAnswer); what is given meanwhile is given no more."""
    told = _told(house, caller, "undo_many", ticket, command, award_id)

    async def decide(_: Page, reader: journal.Reader) -> Posting:
        row = await _read(reader, caller.business_id, award_id)
        given = msgspec.json.decode(row.command, type=AwardMany)
        changed = row
        if row.state in {"giving", "given"}:
            changed = msgspec.structs.replace(
                row, state="undoing", reached="", done=0, amount=0, changed_at=to_micros(ticket.at)
            )
        answer = msgspec.json.encode(_shown(award_id, changed.state, given, row.members, changed.done, changed.amount))
        return _noted(told, award_id, 202, answer, command, extra=(changed,))

    return await journal.once(house, told, decide)


async def progress(house: House, caller: Caller, award_id: str) -> ManyAnswer:
    """Tell how far an award to many has come; AwardUnknown where this business has none such."""
    row = await _read(house.database, caller.business_id, award_id)
    command = msgspec.json.decode(row.command, type=AwardMany)
    return _shown(row.id, row.state, command, row.members, row.done, row.amount)


async def carry_on(house: House, *, at: datetime, batch: int = BATCH) -> int:
    """Give, and take back, whatever has been begun and not finished; gives how many members that were."""
    found = await house.database.fetch(
        "SELECT business_id, id, version FROM cohort_awards WHERE state IN ('giving', 'undoing') "
        "ORDER BY created_at, id"
    )
    done = 0
    for business_id, award_id, version in found:
        edition = await house.shelf.numbered(business_id, version)

        async def work(
            transaction: Transaction, *, whose: int = business_id, name: str = award_id, judge: Edition = edition
        ) -> int | None:
            return await _one_batch(transaction, whose, name, judge, to_micros(at), batch)

        while (moved := await house.database.write_transaction(work)) is not None:
            done += moved
    return done


async def _one_batch(
    transaction: Transaction, business_id: int, award_id: str, edition: Edition, now: int, batch: int
) -> int | None:
    """Move one batch on; None where nothing is left to do, or where somebody else does it."""
    held = "" if transaction.dialect == "sqlite" else " FOR UPDATE SKIP LOCKED"
    found = await transaction.fetch(
        f"SELECT {_COLUMNS} FROM cohort_awards WHERE business_id = $1 AND id = $2 "
        f"AND state IN ('giving', 'undoing'){held}",
        business_id, award_id,
    )  # fmt: skip
    if not found:
        return None
    row = CohortAwardRow(*found[0])
    command = msgspec.json.decode(row.command, type=AwardMany)
    giving = row.state == "giving"
    names = await (_next_to_give(transaction, row, command, batch) if giving else _given_to(transaction, row, batch))
    members = await claim(transaction, business_id, names, wait=True)
    accounts, held_lots = await holdings(transaction, business_id, sorted(members))
    postings = []
    for name in sorted(members):
        own = accounts.get(name, [])
        if giving:
            postings.append(_gives(members[name], own, row, command, edition, now))
        elif (back := _takes(members[name], own, held_lots.get(name, {}), row, command, names, now)) is not None:
            postings.append(back)
    await keep_all(transaction, postings)
    moved = sum(abs(entry.amount) for posting in postings for entry in posting.entries)
    finished = len(names) < batch
    state = {"giving": "given", "undoing": "undone"}[row.state] if finished else row.state
    await transaction.fetch(
        "UPDATE cohort_awards SET state = $3, reached = $4, done = $5, amount = $6, changed_at = $7 "
        "WHERE business_id = $1 AND id = $2",
        business_id, award_id, state, max(names, default=row.reached), row.done + len(postings), row.amount + moved,
        now,
    )  # fmt: skip
    return len(postings) if names else None


async def _next_to_give(
    transaction: Transaction, row: CohortAwardRow, command: AwardMany, batch: int
) -> dict[str, str]:
    asked = conditions(command.cohort)
    found = await transaction.fetch(
        f"SELECT m.id FROM members m WHERE {asked.where} AND m.joined_at <= $2 AND m.id > $3 "
        f"ORDER BY m.id LIMIT {batch}",
        row.business_id, row.until, row.reached, *asked.args,
    )  # fmt: skip
    return {name: "" for [name] in found}


async def _given_to(transaction: Transaction, row: CohortAwardRow, batch: int) -> dict[str, str]:
    """Give who was given something and by which line, from where undoing has come to."""
    start = f"award:{row.id}:"
    found = await transaction.fetch(
        'SELECT member_id, id FROM journal WHERE business_id = $1 AND "natural" > $2 AND "natural" < $3 '
        f'ORDER BY "natural" LIMIT {batch}',
        row.business_id, start + row.reached, start + _AFTER_LAST,
    )  # fmt: skip
    return {member: line for member, line in found}  # noqa: C416  # rows are not pairs to every driver


def _gives(
    member: MemberRow, accounts: Sequence[AccountState], row: CohortAwardRow, command: AwardMany, edition: Edition,
    now: int,
) -> Posting:  # fmt: skip
    sheet = _sheet(member, accounts, row.version, now)
    expires_at = edition.lot_dates(command.unit, from_micros(now))[1]
    sheet.credit(
        command.unit, command.amount, kind="goodwill", counter="adjusted", says=command.reason, spendable_at=now,
        expires_at=expires_at,
    )  # fmt: skip
    return _posting(member, sheet, "goodwill", f"award:{row.id}:{member.id}", now)


def _takes(
    member: MemberRow, accounts: Sequence[AccountState], held: dict[str, list[lots.Lot]], row: CohortAwardRow,
    command: AwardMany, lines: dict[str, str], now: int,
) -> Posting | None:  # fmt: skip
    """Take back what a member has still of what they were given, out of its own lot first."""
    sheet = _sheet(member, accounts, row.version, now)
    account = sheet.accounts.get(command.unit)
    live = [lot for lot in held.get(command.unit, []) if lot.expires_at is None or lot.expires_at > now]
    free = sum(lot.remaining for lot in live) - account.held if account else 0
    amount = min(command.amount, free)
    if amount <= 0:
        return None
    taken = lots.take_back(live, amount, earned_by=lines[member.id])
    sheet.debit(command.unit, amount, taken, kind="reversal", counter="adjusted", says=f"taken back: {command.reason}")
    return _posting(member, sheet, "goodwill_undone", f"award-undone:{row.id}:{member.id}", now)


def _sheet(member: MemberRow, accounts: Sequence[AccountState], version: int, now: int) -> ledger.Sheet:
    return ledger.Sheet(
        business_id=member.business_id, member_id=member.id, revision=member.revision + 1, accounts=accounts,
        journal_id=ids.new("adj", now // 1000), version=version, occurred_at=now, recorded_at=now,
    )  # fmt: skip


def _posting(member: MemberRow, sheet: ledger.Sheet, kind: str, natural: str, now: int) -> Posting:
    line = JournalLine(
        business_id=member.business_id, id=sheet.journal_id, revision=sheet.revision, kind=kind, key=None,
        natural=natural, fingerprint="", member_id=member.id, subject=None, location=None, occurred_at=now,
        recorded_at=now, version=sheet.version, amount_minor=None, input=None, status=201, answer="{}",
        request_id="upkeep",
    )  # fmt: skip
    return Posting(
        business_id=member.business_id, expected=member.revision,
        member=msgspec.structs.replace(member, revision=sheet.revision), journal=line, entries=tuple(sheet.entries),
        lots=sheet.lots, burns=sheet.burns, allocations=tuple(sheet.allocations), accounts=sheet.touched,
    )  # fmt: skip


async def _counted(reader: journal.Reader, business_id: int, cohort: Cohort, at: int) -> int:
    asked = conditions(cohort)
    [[members]] = await reader.fetch(
        f"SELECT count(*) FROM members m WHERE {asked.where} AND m.joined_at <= $2 AND m.id > $3",
        business_id, at, "", *asked.args,
    )  # fmt: skip
    return int(members)


async def _read(reader: journal.Reader, business_id: int, award_id: str) -> CohortAwardRow:
    found = await reader.fetch(
        f"SELECT {_COLUMNS} FROM cohort_awards WHERE business_id = $1 AND id = $2", business_id, award_id
    )
    if not found:
        raise AwardUnknown
    return CohortAwardRow(*found[0])


def _told(
    house: House, caller: Caller, kind: str, ticket: Ticket, command: AwardMany | UndoMany, *path: str
) -> journal.Told:  # fmt: skip
    at = to_micros(ticket.at)
    return journal.Told(
        kind=kind, ticket=ticket,
        opening=Opening(business_id=caller.business_id, key=ticket.key, occurred_at=at, now=at),
        fingerprint=journal.fingerprint(house, caller.business_id, kind, command, *path),
    )  # fmt: skip


def _noted(
    told: journal.Told, subject: str, status: int, answer: bytes, command: AwardMany | UndoMany,
    extra: tuple[CohortAwardRow, ...],
) -> Posting:  # fmt: skip
    line = journal.line(
        told, ids.new("jnl", told.opening.now // 1000), status=status, answer=answer, subject=subject,
        input=msgspec.json.encode(command).decode(),
    )  # fmt: skip
    return Posting(business_id=told.opening.business_id, expected=None, member=None, journal=line, extra=extra)


def _shown(
    award_id: str | None, state: Any, command: AwardMany, members: int, done: int = 0, moved: int = 0
) -> ManyAnswer:
    return ManyAnswer(
        id=award_id, state=state, unit=command.unit, amount=command.amount, members=members,
        units=members * command.amount, done=done, moved=moved, reason=command.reason, by=command.by,
    )  # fmt: skip
