"""Members are told before units of theirs run out: one message for each member and day of expiry, as the units say.

The window is looked through once a local day. Invariant: what has been told stands in `expiry_notices`, written in one
piece with the message, so that whoever goes round at the same time or after a crash tells nobody twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from loyalty_engine import ids, journal
from loyalty_engine.commands import Ticket
from loyalty_engine.database import Opening, Page, Transaction
from loyalty_engine.database.batches import among, claim, listing
from loyalty_engine.instants import from_micros, to_micros
from loyalty_engine.messages import outbox
from loyalty_engine.rows import MemberRow, Posting
from loyalty_engine.texts.sayings import listed, say
from loyalty_engine.wording import language_for, unit_name
from rules import end_of

if TYPE_CHECKING:
    from loyalty_engine.house import House
    from loyalty_engine.shelf import Edition

# So many accounts are one transaction: a till waits for no more than that.
BATCH = 200
# Nobody is written to at night about something that is weeks ahead.
_MORNING = time(10)
_CHANNELS = {"phone": "sms", "email": "email"}
_BEFORE = (-(1 << 62), "", "")
_Place = tuple[int, str, str]


class _Today(Struct, frozen=True):
    """A local day on which a business tells: until when each unit is looked through, and when messages leave."""

    business_id: int
    edition: Edition
    now: int
    until: dict[str, int]
    leaves_at: int

    def day(self, expires_at: int) -> date:
        """Give the last local day on which what expires at an instant is good."""
        return (from_micros(expires_at) - timedelta(microseconds=1)).astimezone(self.edition.programme.zone).date()

    def starts(self, day: date) -> int:
        """Give the instant at which a local day begins."""
        return to_micros(datetime.combine(day, time(), self.edition.programme.zone))


async def notice(house: House, *, at: datetime) -> int:
    """Tell members in every business what runs out before long; gives how many messages that were."""
    told = 0
    for business_id, _ in await house.database.fetch(
        "SELECT business_id, version FROM businesses WHERE version > 0 ORDER BY business_id"
    ):
        edition = await house.shelf.current(business_id)
        today = _today(business_id, edition, at)
        if today.until and not await _done(house, business_id, _natural(edition, at)):
            told += await _tell_all(house, today)
            await _mark(house, business_id, _natural(edition, at), at)
    return told


def _today(business_id: int, edition: Edition, at: datetime) -> _Today:
    zone = edition.programme.zone
    until = {
        name: to_micros(end_of("day", unit.expiry_notice.after(at, zone), zone))
        for name, unit in edition.programme.units.items()
        if unit.expiry_notice is not None
    }
    morning = datetime.combine(at.astimezone(zone).date(), _MORNING, zone)
    return _Today(business_id, edition, to_micros(at), until, max(to_micros(at), to_micros(morning)))


async def _tell_all(house: House, today: _Today) -> int:
    told, after = 0, _BEFORE

    async def work(transaction: Transaction) -> tuple[int, _Place | None]:
        return await _one_batch(house, transaction, today, after)

    while True:
        some, place = await house.database.write_transaction(work)
        told += some
        if place is None:
            return told
        after = place


async def _one_batch(house: House, transaction: Transaction, today: _Today, after: _Place) -> tuple[int, _Place | None]:
    found = await transaction.fetch(
        "SELECT next_expiry, member_id, unit FROM accounts WHERE business_id = $1 AND next_expiry <= $2 "
        "AND (next_expiry, member_id, unit) > ($3, $4, $5) ORDER BY next_expiry, member_id, unit LIMIT $6",
        today.business_id, max(today.until.values()), *after, BATCH,
    )  # fmt: skip
    if not found:
        return 0, None
    members = await claim(transaction, today.business_id, [row[1] for row in found], wait=True)
    here = [name for name, member in members.items() if member.presence is None]
    due: dict[tuple[str, date], dict[str, int]] = {}
    for name, unit, expires_at, remaining in await transaction.fetch(
        "SELECT member_id, unit, expires_at, remaining FROM lots WHERE business_id = $1 AND remaining > 0 "
        f"AND expires_at > $2 AND expires_at <= $3 AND member_id IN {among(transaction.dialect, 4)}",
        today.business_id, today.now, max(today.until.values()), listing(sorted(here)),
    ):  # fmt: skip
        if expires_at <= today.until.get(unit, 0):
            units = due.setdefault((name, today.day(expires_at)), {})
            units[unit] = units.get(unit, 0) + remaining
    told = [await _tell(house, transaction, today, members[name], day, due[name, day]) for name, day in sorted(due)]
    last = found[-1]
    return sum(told), (last[0], last[1], last[2])


async def _tell(
    house: House, transaction: Transaction, today: _Today, member: MemberRow, day: date, units: dict[str, int]
) -> bool:
    """Tell one member what of theirs runs out on a day, and has not been told yet; False where there is nothing."""
    new = [unit for unit in sorted(units) if await _noted(transaction, today, member.id, unit, day, units[unit])]
    kinds = await transaction.fetch(
        "SELECT kind FROM identifiers WHERE business_id = $1 AND member_id = $2 ORDER BY added_at, blind_index",
        today.business_id, member.id,
    )  # fmt: skip
    channel = next((_CHANNELS[kind] for [kind] in kinds if kind in _CHANNELS), None)
    if not new or channel is None:
        return False
    note = outbox.Note(
        channel=channel, purpose="service.expiry", language=language_for(today.edition.programme, member.language),
        text=_text(today.edition, member.language, {unit: units[unit] for unit in new}, day),
        once=f"expiry:{member.id}:{day}:{' '.join(new)}", due_at=today.leaves_at,
        expires_at=today.starts(day + timedelta(days=1)),
    )  # fmt: skip
    row = outbox.to_member(house, today.business_id, member.id, member.wrapped_key, note, at=today.now)
    return await outbox.put(transaction, row)


async def _noted(
    transaction: Transaction, today: _Today, member_id: str, unit: str, day: date, amount: int
) -> bool:  # fmt: skip
    found: Sequence[object] = await transaction.fetch(
        "INSERT INTO expiry_notices (business_id, member_id, unit, expires_at, amount, noticed_at) "
        "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING RETURNING unit",
        today.business_id, member_id, unit, today.starts(day), amount, today.now,
    )  # fmt: skip
    return bool(found)


def _text(edition: Edition, language: str | None, units: dict[str, int], day: date) -> str:
    programme, spoken = edition.programme, language_for(edition.programme, language)
    amounts = [f"{amount} {unit_name(programme, unit, amount, spoken)}" for unit, amount in units.items()]
    return say(
        spoken, "expiring", business=programme.name, balance=listed(spoken, amounts),
        until=f"{day.day}.{day.month}.{day.year}",
    )  # fmt: skip


def _natural(edition: Edition, at: datetime) -> str:
    """Name the day that has been looked through; another version may tell of other units on the same day."""
    return f"expiry_notices:{at.astimezone(edition.programme.zone).date()}:{edition.version}"


async def _done(house: House, business_id: int, natural: str) -> bool:
    found = await house.database.fetch(
        'SELECT 1 FROM journal WHERE business_id = $1 AND "natural" = $2', business_id, natural
    )
    return bool(found)


async def _mark(house: House, business_id: int, natural: str, at: datetime) -> None:
    """Write down that a day has been looked through."""
    now = to_micros(at)
    told = journal.Told(
        kind="expiry_notices", ticket=Ticket(key="", request_id="upkeep", at=at), fingerprint=journal.hashed(natural),
        opening=Opening(business_id=business_id, natural=natural, occurred_at=now, now=now),
    )  # fmt: skip

    async def decide(_: Page, __: journal.Reader) -> Posting:
        line = journal.line(told, ids.new("jnl", now // 1000), status=200, answer=b"{}")
        return Posting(business_id=business_id, expected=None, member=None, journal=line)

    await journal.once(house, told, decide)
