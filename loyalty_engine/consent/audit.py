"""The audit of consent: chains without a break, states that are what the records come to, and what may have left.

A chain shows that a record was changed, not that a whole chain was made anew by somebody who can write to the database:
that is what the head is for, a hash over every chain as it was at an instant, kept where that somebody cannot reach.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from loyalty_engine.consent import fold, reading
from loyalty_engine.consent.records import COLUMNS, ConsentRow, StateRow, tampered

if TYPE_CHECKING:
    from loyalty_engine.database import Database, Transaction

_PAGE: Final = 2000
_LEFT: Final = (
    "m.left_at IS NOT NULL AND m.purpose NOT IN ('service', 'answer', 'code', 'stopped') AND m.purpose NOT LIKE "
    "'service.%' AND m.purpose NOT LIKE 'answer.%' AND m.purpose NOT LIKE 'code.%' AND m.purpose NOT LIKE 'stopped.%'"
)
_BY_CONSENT: Final = (
    "r.business_id = m.business_id AND r.id = m.consent_id AND r.member_id = m.member_id "
    "AND r.decision IN ('given', 'confirmed') AND r.occurred_at <= m.left_at AND r.recorded_at <= m.left_at "
    "AND (r.expires_at IS NULL OR r.expires_at > m.left_at) AND r.channel IN (m.channel, 'any') "
    "AND (m.purpose = r.purpose OR substr(m.purpose, 1, length(r.purpose) + 1) = r.purpose || '.')"
)
_ENDED: Final = (
    "w.recorded_at < m.left_at - 1000000 AND w.occurred_at >= r.occurred_at AND "
    "((w.decision = 'stopped' AND w.channel IN (m.channel, 'any')) OR (w.purpose = r.purpose AND "
    "((w.decision = 'withdrawn' AND w.channel IN (r.channel, 'any')) OR (w.decision = 'refused' "
    "AND w.channel = r.channel))))"
)
_I17: Final = (
    f"SELECT m.business_id, m.id FROM messages m LEFT JOIN consent_records r ON {_BY_CONSENT} "
    f"WHERE {_LEFT} AND r.id IS NULL"
)
_I18: Final = (
    "SELECT m.business_id, m.id FROM messages m JOIN consent_records r ON r.business_id = m.business_id "
    "AND r.id = m.consent_id JOIN consent_records w ON w.business_id = m.business_id AND w.member_id = r.member_id "
    f"AND {_ENDED} WHERE {_LEFT}"
)
_I20: Final = (
    "SELECT business_id, id FROM consent_records WHERE length(wording_sha256) <> 64 OR wording = '' "
    "OR language = '' OR channel = '' OR purpose = '' OR source = '' OR actor = '' OR jurisdiction = '' "
    "OR occurred_at <= 0 OR recorded_at < occurred_at"
)
# Identity, sentence and query of each invariant that a query can hold; the first two columns are business and row.
QUERIES: Final = (
    ("I17", "what left and needed a consent points to the one that was valid then", _I17),
    ("I18", "nothing that needs a consent left after a STOP or a withdrawal", _I18),
    ("I20", "every consent record says what was said, in which words and language, by whom and when", _I20),
)
_KEEP_STATE: Final = (
    "INSERT INTO consents (business_id, member_id, purpose, channel, state, record_id, since, expires_at) "
    f"VALUES ($1, $2, $3, $4, $5, $6, $7, $8) {StateRow.CONFLICT}"
)
CHAINS: Final = "no consent record was changed, taken out or put in between"
FOLD: Final = "what holds of consent is what the records come to"


class Head(Struct, frozen=True):
    """Every chain of a business as it stood at an instant, in one hash."""

    business: str
    until: int
    records: int
    members: int
    sha256: str


async def each_member(database: Database) -> AsyncIterator[tuple[int, str, list[ConsentRow]]]:
    """Give the records of each member of every business, by number, reading page after page."""
    after: tuple[int, str, int] = (-1, "", 0)
    held: list[ConsentRow] = []
    while True:
        found = await database.study(
            f"SELECT {COLUMNS} FROM consent_records WHERE (business_id, member_id, number) > ($1, $2, $3) "
            "ORDER BY business_id, member_id, number LIMIT $4",
            *after, _PAGE,
        )  # fmt: skip
        for row in found:
            record = ConsentRow(*row)
            if held and (held[0].business_id, held[0].member_id) != (record.business_id, record.member_id):
                yield held[0].business_id, held[0].member_id, held
                held = []
            held.append(record)
        if not found:
            break
        after = (held[-1].business_id, held[-1].member_id, held[-1].number)
    if held:
        yield held[0].business_id, held[0].member_id, held


async def broken_chains(database: Database) -> AsyncIterator[str]:
    """Name every record that is not as it was written."""
    async for business_id, member_id, records in each_member(database):
        for says in tampered(records):
            yield f"{business_id} {member_id} {says}"


async def wrong_states(database: Database) -> AsyncIterator[str]:
    """Name every member whose table of states is not what their records come to.

    Members may decide something while this reads: whoever looks wrong is looked at again while they cannot.
    """
    seen: set[tuple[int, str]] = set()
    async for business_id, member_id, records in each_member(database):
        seen.add((business_id, member_id))
        kept = await reading.states_of(database, business_id, member_id)
        if fold.fold(records) != kept and not await _right(database, business_id, member_id):
            yield f"{business_id} {member_id}"
    for business_id, member_id in await database.study("SELECT DISTINCT business_id, member_id FROM consents"):
        if (business_id, member_id) not in seen and not await _right(database, business_id, member_id):
            yield f"{business_id} {member_id}"


async def _right(database: Database, business_id: int, member_id: str) -> bool:
    async def work(transaction: Transaction) -> bool:
        await database.lock_member(transaction, business_id, member_id)
        records = await reading.records_of(transaction, business_id, member_id)
        return fold.fold(records) == await reading.states_of(transaction, business_id, member_id)

    return await database.write_transaction(work)


async def rebuild(database: Database) -> int:
    """Drop the table of states and make it anew from the records; tell how many members it speaks of."""

    async def work(transaction: Transaction) -> int:
        await transaction.fetch("DELETE FROM consents")
        members = 0
        async for business_id, member_id, records in each_member(database):
            members += 1
            for row in fold.rows(business_id, member_id, fold.fold(records)):
                await transaction.fetch(_KEEP_STATE, *msgspec.structs.astuple(row))
        return members

    return await database.write_transaction(work)


async def head(database: Database, business_id: int, slug: str, *, until: int) -> Head:
    """Give the head of a business's chains over all that was recorded up to an instant."""
    hashed, count, members = hashlib.sha256(), 0, set()
    async for business, member_id, records in each_member(database):
        for record in records if business == business_id else ():
            if record.recorded_at <= until:
                hashed.update(f"{member_id} {record.number} {record.hash}\n".encode())
                count += 1
                members.add(member_id)
    return Head(slug, until, count, len(members), hashed.hexdigest())
