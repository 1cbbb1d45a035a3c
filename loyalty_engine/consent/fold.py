"""What a member's records come to: the pure fold from decisions, in the order they were taken, to what holds.

Invariant: the state is a function of the records alone. What happened later counts, whenever it was told: a yes from a
till that was offline never undoes a STOP that came after it. At the same instant a no is heard before a yes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from msgspec import Struct

from loyalty_engine.consent.records import EVERY_PURPOSE, ConsentRow, StateRow

# At one instant what takes away comes last, so that it stands.
_WEIGHT: Final = {"refused": 1, "deferred": 1, "withdrawn": 2, "stopped": 2}
# Purposes that are about writing to somebody: a yes names the channel it is for.
NAMES_ITS_CHANNEL: Final = ("marketing",)

_NO: Final = frozenset({"refused", "withdrawn", "stopped"})

Place = tuple[str, str]
Concerns = Callable[[str, str], bool]


class Standing(Struct, frozen=True):
    """Where a member stands for one purpose on one channel: since when, by which record, and until when."""

    state: str
    record_id: str
    since: int
    expires_at: int | None = None

    def holds(self, at: int) -> bool:
        """Tell whether this is a consent that is valid at an instant."""
        return self.state == "given" and (self.expires_at is None or at < self.expires_at)

    def waits(self, at: int) -> bool:
        """Tell whether this is a yes that has yet to be confirmed, and still may be."""
        return self.state == "requested" and at < (self.expires_at or 0)


States = Mapping[Place, Standing]


def fold(records: Iterable[ConsentRow]) -> dict[Place, Standing]:
    """Give where a member stands by (purpose, channel); a channel's STOP stands under the purpose `*`."""
    states: dict[Place, Standing] = {}
    for record in sorted(records, key=lambda one: (one.occurred_at, _WEIGHT.get(one.decision, 0), one.number)):
        _take(states, record)
    return states


def _take(states: dict[Place, Standing], record: ConsentRow) -> None:
    place = (record.purpose, record.channel)
    match record.decision:
        case "given":
            _give(states, place, record)
        case "requested":
            before = states.get(place)
            if before is None or not before.holds(record.occurred_at):
                states[place] = Standing("requested", record.id, record.occurred_at, record.expires_at)
        case "confirmed":
            asked = states.get(place)
            if asked is not None and asked.waits(record.occurred_at):
                _give(states, place, record)
        case "refused":
            states[place] = Standing("refused", record.id, record.occurred_at)
        case "deferred":
            if place not in states or not states[place].holds(record.occurred_at):
                states[place] = Standing("deferred", record.id, record.occurred_at)
        case "withdrawn":
            states[place] = Standing("withdrawn", record.id, record.occurred_at)
            _end(states, record, lambda purpose, _: purpose == record.purpose)
        case "stopped":
            states[EVERY_PURPOSE, record.channel] = Standing("stopped", record.id, record.occurred_at)
            _end(states, record, lambda *_: True)
        case "started":
            states[EVERY_PURPOSE, record.channel] = Standing("started", record.id, record.occurred_at)


def _give(states: dict[Place, Standing], place: Place, record: ConsentRow) -> None:
    """Let a yes stand. Who agrees to be written to on a channel they had stopped has opened it again."""
    states[place] = Standing("given", record.id, record.occurred_at, record.expires_at)
    if record.channel != "any" and stopped(states, record.channel) is not None:
        states[EVERY_PURPOSE, record.channel] = Standing("started", record.id, record.occurred_at)


def _end(states: dict[Place, Standing], record: ConsentRow, concerns: Concerns) -> None:
    """Withdraw what stands on the record's channel (on every one, where it names none) for what it concerns."""
    for (purpose, channel), standing in list(states.items()):
        if purpose == EVERY_PURPOSE or standing.state not in {"given", "requested"}:
            continue
        if record.channel in {"any", channel} and concerns(purpose, channel):
            states[purpose, channel] = Standing("withdrawn", record.id, record.occurred_at)


def with_sleepers(own: States, theirs: Iterable[States]) -> dict[Place, Standing]:
    """Give where a member stands while others sleep in them: a yes is one's own, a later no of theirs is heard.

    One person said both, to us under two numbers. What was agreed to as the other was not agreed to for this number,
    but whoever has said stop has said it, unless they have said yes as this one since.
    """
    states = dict(own)
    for place, no in (pair for each in theirs for pair in each.items() if pair[1].state in _NO):
        before = states.get(place)
        if before is None or before.since <= no.since:
            states[place] = no
        for (purpose, channel), yes in own.items():
            concerned = place[0] in {EVERY_PURPOSE, purpose} and place[1] in {"any", channel}
            if concerned and yes.state in {"given", "requested"} and yes.since <= no.since:
                states[purpose, channel] = Standing("withdrawn", no.record_id, no.since)
            elif concerned and yes.state == "given" and no.state == "stopped" and channel != "any":
                states[EVERY_PURPOSE, channel] = Standing("started", yes.record_id, yes.since)
    return states


def stopped(states: States, channel: str) -> Standing | None:
    """Give the STOP that stands in the way of a channel, if any: the last word on it or on all channels counts."""
    said = [states[EVERY_PURPOSE, one] for one in {channel, "any"} if (EVERY_PURPOSE, one) in states]
    last = max(said, key=lambda one: (one.since, one.state == "stopped"), default=None)
    return last if last is not None and last.state == "stopped" else None


def allows(states: States, purpose: str, channel: str, at: int) -> Standing | None:
    """Give the consent by which a member may be written to (or watched) for a purpose on a channel at an instant."""
    if stopped(states, channel) is not None:
        return None
    places = [(purpose, channel)] if purpose in NAMES_ITS_CHANNEL else [(purpose, channel), (purpose, "any")]
    held = (states.get(place) for place in places)
    return next((standing for standing in held if standing is not None and standing.holds(at)), None)


def purposes(states: States, at: int) -> tuple[str, ...]:
    """Name what a member agrees to at an instant, as rules ask for it: `profiling`, `marketing`, `marketing.sms`."""
    found: dict[str, None] = {}
    for purpose, channel in states:
        if purpose != EVERY_PURPOSE and allows(states, purpose, channel, at) is not None:
            found[purpose] = None
            if channel != "any":
                found[f"{purpose}.{channel}"] = None
    return tuple(sorted(found))


def rows(business_id: int, member_id: str, states: States) -> tuple[StateRow, ...]:
    """Give the table's rows of what a member's records come to."""
    return tuple(
        StateRow(business_id, member_id, purpose, channel, one.state, one.record_id, one.since, one.expires_at)
        for (purpose, channel), one in sorted(states.items())
    )
