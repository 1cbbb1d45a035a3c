"""What the calendar brings: a member's birthday, the day they joined, and that a regular has stayed away too long.

Invariant: each is raised once for a member and a day, however many go round at the same time, and only where a rule of
that day stands on it. A day that was missed is made up for within a week, and is judged as of its own beginning.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from math import ceil
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

import rules
from loyalty_engine import happenings, ids, journal
from loyalty_engine.commands import Ticket
from loyalty_engine.database import Opening, Page
from loyalty_engine.errors import MemberUnknown
from loyalty_engine.instants import from_micros, to_micros
from loyalty_engine.knowing import month_and_day, usual_interval_days
from loyalty_engine.members import Named
from loyalty_engine.rows import Posting
from rules.conditions.history import MemberOverdue

if TYPE_CHECKING:
    from loyalty_engine.house import House
    from loyalty_engine.shelf import Edition

RAISED = frozenset({"birthday", "anniversary", "overdue"})
# How many days back a round makes up for, the day itself included.
_MADE_UP_FOR = 7
# How many usual intervals are too long where a rule on it does not say.
_TOO_LONG = Decimal("1.5")
_PAGE = 512
_MEMBERS = (
    "SELECT id, joined_at, visits, first_purchase_at, last_purchase_at, wrapped_key, sealed_profile FROM members "
    "WHERE business_id = $1 AND id > $2 AND coalesce(presence, '') NOT IN ('merged', 'erased') ORDER BY id LIMIT $3"
)


class Day(Struct, frozen=True):
    """A day of a business, by its own calendar, and the version that judges what it brings."""

    business_id: int
    day: date
    edition: Edition

    @property
    def begins(self) -> datetime:
        """Give the instant at which it begins."""
        return datetime.combine(self.day, time(), self.edition.programme.zone).astimezone(UTC)


async def turn(house: House, *, at: datetime) -> int:
    """Raise what the days up to an instant brought and was not raised yet; gives how many events that were."""
    raised = 0
    for business_id, version in await house.database.fetch(
        "SELECT business_id, version FROM businesses WHERE version > 0 ORDER BY business_id"
    ):
        async for day in _days(house, business_id, version, at):
            async for member_id, kind in _brought(house, day):
                raised += await _raise(house, day, member_id, kind, at)
            await _mark(house, day, at)
    return raised


async def _days(house: House, business_id: int, version: int, at: datetime) -> AsyncIterator[Day]:
    """Give the days of the last week that a rule waits for and nobody has turned yet."""
    zone = (await house.shelf.current(business_id)).programme.zone
    today = at.astimezone(zone).date()
    for back in reversed(range(_MADE_UP_FOR)):
        begins = datetime.combine(today - timedelta(days=back), time(), zone)
        edition = await house.shelf.valid_at(business_id, to_micros(begins), published=version)
        day = Day(business_id, today - timedelta(days=back), edition)
        waited_for = edition.valid_from <= to_micros(begins) and not RAISED.isdisjoint(edition.programme.kinds())
        if waited_for and not await _turned(house, day):
            yield day


async def _brought(house: House, day: Day) -> AsyncIterator[tuple[str, str]]:
    """Give the members to whom a day brought something, and what; others have their turn between two pages."""
    kinds, after = RAISED.intersection(day.edition.programme.kinds()), ""
    too_long = tuple(_too_long(day.edition.programme))
    while found := await house.database.fetch(_MEMBERS, day.business_id, after, _PAGE):
        for row in found:
            if "birthday" in kinds and _has_birthday(house, day, row):
                yield row[0], "birthday"
            if "anniversary" in kinds and _joined_years_ago(day, row):
                yield row[0], "anniversary"
            if "overdue" in kinds and _became_overdue(day, row, too_long):
                yield row[0], "overdue"
        after = found[-1][0]
        await asyncio.sleep(0)


def _has_birthday(house: House, day: Day, row: Sequence[Any]) -> bool:
    member_id, wrapped_key, sealed = row[0], row[5], row[6]
    if sealed is None:
        return False
    profile = msgspec.json.decode(house.vault.open(day.business_id, member_id, wrapped_key, "profile", sealed))
    born = month_and_day(profile.get("birthday"))
    return born is not None and _falls_on(int(born[:2]), int(born[3:]), day.day)


def _joined_years_ago(day: Day, row: Sequence[Any]) -> bool:
    joined = _local(row[1], day.edition.programme.zone)
    return joined.year < day.day.year and _falls_on(joined.month, joined.day, day.day)


def _became_overdue(day: Day, row: Sequence[Any], too_long: Sequence[Decimal]) -> bool:
    """Tell whether on this very day so many usual intervals had gone by as a rule waits for."""
    visits, first, last, zone = row[2], row[3], row[4], day.edition.programme.zone
    if first is None or last is None:
        return False
    usual = usual_interval_days(visits, from_micros(first), from_micros(last), zone)
    away = (day.day - _local(last, zone)).days
    return usual is not None and any(away == ceil(times * usual) for times in too_long)


def _too_long(programme: rules.Programme) -> Iterator[Decimal]:
    """Give how many usual intervals the rules on it wait for."""
    for rule in programme.rules:
        if rule.on == "overdue":
            asked = [part.min for _, part, _ in rule.when.places("when") if isinstance(part, MemberOverdue)]
            yield from asked or [_TOO_LONG]


def _local(instant: int, zone: ZoneInfo) -> date:
    return from_micros(instant).astimezone(zone).date()


def _falls_on(month: int, day: int, today: date) -> bool:
    """Tell whether a day of the year is today; the leap day is the 28th in other years."""
    leap_day_moved = (month, day) == (2, 29) and not _has_leap_day(today.year)
    return (today.month, today.day) == ((2, 28) if leap_day_moved else (month, day))


def _has_leap_day(year: int) -> bool:
    return (date(year, 3, 1) - timedelta(days=1)).day == 29  # noqa: PLR2004  # of February


async def _raise(house: House, day: Day, member_id: str, kind: str, at: datetime) -> bool:
    """Raise an event for a member, once; False where it was raised already, or the member is gone."""
    reference = f"{day.day}:{member_id}"
    told = _told(day, at, kind="event", natural=journal.natural_key("event", kind, reference), member_id=member_id)
    event = rules.Event(kind=kind, occurred_at=day.begins, reference=reference)

    async def decide(page: Page, reader: journal.Reader) -> Posting:
        if page.member is None:
            raise MemberUnknown
        came = await happenings.judged(house, day.business_id, event, page.member, page.version, at, reader)
        return await happenings.posted(house, told, came, Named(None, member_id, None), page, page.member, reader)

    try:
        return not (await journal.once(house, told, decide)).hit
    except MemberUnknown:
        return False


def _natural(day: Day) -> str:
    return f"almanac:{day.day}"


async def _turned(house: House, day: Day) -> bool:
    found = await house.database.fetch(
        'SELECT 1 FROM journal WHERE business_id = $1 AND "natural" = $2', day.business_id, _natural(day)
    )
    return bool(found)


async def _mark(house: House, day: Day, at: datetime) -> None:
    """Write down that a day has been turned, so that nobody looks through the members again."""
    told = _told(day, at, kind="almanac", natural=_natural(day))

    async def decide(_: Page, __: journal.Reader) -> Posting:
        line = journal.line(told, ids.new("jnl", told.opening.now // 1000), status=200, answer=b"{}")
        return Posting(business_id=day.business_id, expected=None, member=None, journal=line)

    await journal.once(house, told, decide)


def _told(day: Day, at: datetime, *, kind: str, natural: str, member_id: str | None = None) -> journal.Told:
    opening = Opening(
        business_id=day.business_id, natural=natural, member_id=member_id, occurred_at=to_micros(day.begins),
        now=to_micros(at),
    )  # fmt: skip
    ticket = Ticket(key="", request_id=f"almanac:{day.day}", at=at)
    return journal.Told(kind=kind, ticket=ticket, opening=opening, fingerprint=journal.hashed(natural))
