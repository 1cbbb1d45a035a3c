"""What the rules are told of a member: as they were just before the event, and no more than some rule asks for.

Most facts stand on the page that every command reads. The others are looked up when a rule on this kind of event asks
for them: an ordinary purchase does not pay for what nobody wants to know.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

import rules
from loyalty_engine.consent import fold, reading
from loyalty_engine.identity import presence
from loyalty_engine.instants import from_micros, to_micros
from loyalty_engine.members import facts_of, profile_of
from loyalty_engine.standing import tiers

if TYPE_CHECKING:
    from loyalty_engine.database import MemberState
    from loyalty_engine.house import House
    from loyalty_engine.journal import Reader
    from loyalty_engine.shelf import Edition

# Facts that come with the page.
ON_THE_PAGE = frozenset({
    "visits", "spend_minor", "joined_at", "first_purchase_at", "last_purchase_at", "tags", "language", "balance",
    "used",
})  # fmt: skip
# Facts that the language knows and no room keeps yet: they stay as if nothing were known, and the check says so.
TO_COME = frozenset({"open_case", "contact_person", "ambassador_degree"})
# A rhythm takes two intervals: one alone may be chance.
_RHYTHM = 3
# The days of a window are the programme's; an instant may lie a day to either side of its own in UTC.
_MARGIN_DAYS = 2


class Asking(Struct, frozen=True, kw_only=True):
    """Whose facts are asked for, just before which event, and by which version."""

    house: House
    business_id: int
    edition: Edition
    event: rules.Purchase | rules.Event
    state: MemberState | None
    at: int
    joined_at: int
    reader: Reader


async def facts_before(
    house: House, business_id: int, edition: Edition, event: rules.Purchase | rules.Event, *,
    state: MemberState | None, at: int, reader: Reader,
) -> rules.MemberFacts:  # fmt: skip
    """Tell the rules what they may know of a member just before an event; no state is somebody who is joining."""
    joined_at = min(to_micros(event.occurred_at), at)
    facts = facts_of(state, joined_at)
    asked = edition.needs(event.kind).facts
    if asked.isdisjoint(LOOKED_UP):
        return facts
    asking = Asking(
        house=house, business_id=business_id, edition=edition, event=event, state=state, at=at, reader=reader,
        joined_at=joined_at if state is None else state.joined_at,
    )  # fmt: skip
    found = {fact: await look_up(asking) for fact, look_up in LOOKED_UP.items() if fact in asked}
    return msgspec.structs.replace(facts, **found)


def usual_interval_days(visits: int, first: datetime | None, last: datetime | None, zone: ZoneInfo) -> int | None:
    """Tell how many days lie between somebody's purchases on average; None before there are three, or all on one day.

    It is worked out from what is known of every member, so that nothing further is kept or read.
    """
    if visits < _RHYTHM or first is None or last is None:
        return None
    days = (last.astimezone(zone).date() - first.astimezone(zone).date()).days
    return max(1, days // (visits - 1)) if days else None


async def _usual_interval_days(asking: Asking) -> int | None:
    known = facts_of(asking.state, asking.joined_at)
    zone = asking.edition.programme.zone
    return usual_interval_days(known.visits, known.first_purchase_at, known.last_purchase_at, zone)


async def _tier(asking: Asking) -> str | None:
    """Give the tier they stand in now: told late, a purchase meets the tier that is held when it is recorded."""
    ladder = asking.edition.ladder
    if ladder is None or asking.state is None:
        return None
    return ladder.id(await tiers.standing(asking.reader, asking.business_id, asking.edition, asking.state, asking.at))


def month_and_day(birthday: str | None) -> str | None:
    """Give a birthday (`1990-05-17`) as the rules see it: without the year."""
    return None if birthday is None else birthday[-5:]


async def _birthday(asking: Asking) -> str | None:
    profile = {} if asking.state is None else profile_of(asking.house, asking.business_id, asking.state)
    return month_and_day(profile.get("birthday"))


async def _counts(asking: Asking) -> dict[str, tuple[date, ...]]:
    """Give the local days on which each kind that is counted happened, up to the event and as far back as is asked.

    What happened to those who sleep in a member since a merge happened to them.
    """
    found = {}
    whose: tuple[str, ...] = ()
    if asking.state is not None:
        whose = (asking.state.id, *await presence.sleepers(asking.reader, asking.business_id, asking.state.id))
    for kind, days in asking.edition.needs(asking.event.kind).counts.items():
        reached = reach(asking.event, days)
        instants = sorted([at for one in whose for at in await _told(asking, one, kind, *reached)])
        if kind == "joined" and reached[0] < asking.joined_at <= reached[1]:
            instants = [asking.joined_at]
        if instants:
            found[kind] = local_days(instants, asking.edition.programme.zone)
    return found


def reach(event: rules.Purchase | rules.Event, days: int) -> tuple[int, int]:
    """Give the instants between which is counted: after the first, and up to the event itself."""
    return to_micros(event.occurred_at - timedelta(days=days + _MARGIN_DAYS)), to_micros(event.occurred_at)


def local_days(instants: Iterable[int], zone: ZoneInfo) -> tuple[date, ...]:
    """Give the days of instants by a business's own calendar, one for each."""
    return tuple(from_micros(instant).astimezone(zone).date() for instant in instants)


async def _told(asking: Asking, member_id: str, kind: str, since: int, until: int) -> list[int]:
    what = "kind = 'purchase'" if kind == rules.Purchase.kind else "kind = 'event' AND subject = $5"
    rows = await asking.reader.fetch(
        f"SELECT occurred_at FROM journal WHERE business_id = $1 AND member_id = $2 AND {what} "
        "AND occurred_at > $3 AND occurred_at <= $4",
        asking.business_id, member_id, since, until, *(() if kind == rules.Purchase.kind else (kind,)),
    )  # fmt: skip
    return [row[0] for row in rows]


async def _consents(asking: Asking) -> tuple[str, ...]:
    """Name what the member agrees to by now: a yes that comes along with this very purchase counts from the next."""
    if asking.state is None:
        return ()
    states = await reading.states_of(asking.reader, asking.business_id, asking.state.id)
    return fold.purposes(states, asking.at)


LookUp = Callable[[Asking], Awaitable[Any]]
# Facts that are looked up when a rule asks; a room that comes to keep one adds its entry and takes it from TO_COME.
LOOKED_UP: dict[str, LookUp] = {
    "consents": _consents,
    "usual_interval_days": _usual_interval_days,
    "birthday": _birthday,
    "tier": _tier,
    "counts": _counts,
}
