"""Units run out: what reached its expiry unspent is booked as breakage, account after account.

Invariant: a lot expires at most once, never before its instant, for what remained in it then. Every batch is one
transaction, and its members are claimed first: several rounds at once share the work, and one that is killed leaves
whole batches.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from loyalty_engine import ids, ledger
from loyalty_engine.database import Transaction
from loyalty_engine.database.batches import among, claim, holdings, keep_all, listing
from loyalty_engine.database.pages import AccountState
from loyalty_engine.instants import to_micros
from loyalty_engine.rows import JournalLine, MemberRow, Posting

if TYPE_CHECKING:
    from loyalty_engine.house import House
    from loyalty_engine.journal import Reader
    from loyalty_engine.shelf import Edition

# So many accounts are one transaction: enough to be quick, few enough that no till waits for it.
BATCH = 200
_BEFORE = (-(1 << 62), "", "")
_Place = tuple[int, str, str]


async def renew(sheet: ledger.Sheet, edition: Edition, bought_at: datetime, reader: Reader) -> None:
    """Let units that last as long as the member keeps buying last from this purchase on, with what they have already.

    It lasts to the end of a local day, so that of a day's purchases only the first has anything to do.
    """
    for unit in edition.renewed:
        until, account = edition.lot_dates(unit, bought_at)[1], sheet.accounts.get(unit)
        assert until is not None, "what is renewed runs out"
        if account is not None and account.next_expiry is not None and account.next_expiry < until:
            held = await ledger.open_lots(reader, sheet.business_id, sheet.member_id, unit)
            sheet.stretch(unit, held, until)


class _Batch(Struct, frozen=True):
    """What became of one batch: how many lots expired, and the place after the last account looked at."""

    lots: int
    after: _Place | None


async def expire(house: House, *, at: datetime, batch: int = BATCH) -> int:
    """Book everything that has run out by an instant, in every business; gives how many lots that were."""
    businesses = await house.database.fetch("SELECT business_id FROM businesses ORDER BY business_id")
    return sum([await expire_of(house, business_id, at=at, batch=batch) for [business_id] in businesses])


async def expire_of(house: House, business_id: int, *, at: datetime, batch: int = BATCH) -> int:
    """Book everything of one business that has run out; gives how many lots that were."""
    now, lots, after = to_micros(at), 0, _BEFORE

    async def work(transaction: Transaction) -> _Batch:
        return await _one_batch(transaction, business_id, now, after, batch)

    while True:
        done = await house.database.write_transaction(work)
        lots += done.lots
        if done.after is None:
            return lots
        after = done.after


async def _one_batch(transaction: Transaction, business_id: int, now: int, after: _Place, batch: int) -> _Batch:
    found = await transaction.fetch(
        "SELECT next_expiry, member_id, unit FROM accounts WHERE business_id = $1 AND next_expiry <= $2 "
        "AND (next_expiry, member_id, unit) > ($3, $4, $5) ORDER BY next_expiry, member_id, unit LIMIT $6",
        business_id, now, *after, batch,
    )  # fmt: skip
    if not found:
        return _Batch(0, None)
    members = await claim(transaction, business_id, [row[1] for row in found])
    accounts, held = await holdings(transaction, business_id, sorted(members))
    expired, idle, postings = 0, [], []
    for name, member in members.items():
        sheet = _sheet(member, accounts.get(name, ()), now)
        lots_of = held.get(name, {})
        gone = sum([sheet.expire(unit, lots_of.get(unit, ())) for unit in list(sheet.accounts)])
        if gone:
            expired += gone
            postings.append(_posting(member, sheet, now))
        idle.append(name)
    await keep_all(transaction, postings)
    await _look_again(transaction, business_id, idle, now)
    last = found[-1]
    return _Batch(expired, (last[0], last[1], last[2]))


def _sheet(member: MemberRow, accounts: Sequence[AccountState], now: int) -> ledger.Sheet:
    return ledger.Sheet(
        business_id=member.business_id, member_id=member.id, revision=member.revision + 1, accounts=accounts,
        journal_id=ids.new("jnl", now // 1000), version=None, occurred_at=now, recorded_at=now,
    )  # fmt: skip


def _posting(member: MemberRow, sheet: ledger.Sheet, now: int) -> Posting:
    told = {entry.unit: -entry.amount for entry in sheet.entries}
    line = JournalLine(
        business_id=member.business_id, id=sheet.journal_id, revision=sheet.revision, kind="breakage", key=None,
        natural=None, fingerprint="", member_id=member.id, subject=None, location=None, occurred_at=now,
        recorded_at=now, version=None, amount_minor=None, input=None, status=201,
        answer=msgspec.json.encode({"expired": told}).decode(), request_id="upkeep",
    )  # fmt: skip
    return Posting(
        business_id=member.business_id, expected=member.revision,
        member=msgspec.structs.replace(member, revision=sheet.revision), journal=line, entries=tuple(sheet.entries),
        burns=sheet.burns, allocations=tuple(sheet.allocations), accounts=sheet.touched,
    )  # fmt: skip


async def _look_again(transaction: Transaction, business_id: int, members: Sequence[str], now: int) -> None:
    """Set right when these accounts are next worth a look: the lot that was due first may have been spent."""
    await transaction.fetch(
        "UPDATE accounts SET next_expiry = (SELECT min(t.expires_at) FROM lots t "
        "WHERE t.business_id = accounts.business_id AND t.member_id = accounts.member_id AND t.unit = accounts.unit "
        f"AND t.remaining > 0) WHERE business_id = $1 AND member_id IN {among(transaction.dialect, 2)} "
        "AND next_expiry <= $3",
        business_id, listing(members), now,
    )  # fmt: skip
