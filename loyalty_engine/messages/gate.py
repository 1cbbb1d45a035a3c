"""The send gate: the one function that every message passes at the moment it leaves.

Refused in this order: what nobody can be asked for, a country that is not switched on, a STOP, a missing consent, too
many to one number, too often to one member, the budget of the day. What would come at night waits until morning.
Invariant: whatever a message's sender thinks, advertising passes only by a consent that is valid at that instant.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

import rules
from loyalty_engine.consent.fold import States, allows, stopped
from loyalty_engine.instants import from_micros, to_micros

_MINUTE: Final = 60 * 1_000_000
_DAY: Final = 24 * 60 * _MINUTE
_QUARTERS_OF_A_DAY: Final = 24 * 4
# What the member has just asked for, and the one confirmation of a STOP.
ASKED_FOR: Final = ("answer", "code", "stopped")
# One number gets so many answers in a day: a member a whole conversation, a stranger one a minute and few in all.
_TO_A_MEMBER: Final = 50
_TO_A_STRANGER: Final = 5


class Asking(Struct, frozen=True, kw_only=True):
    """A message that wants to leave: for what, by which channel, to which country, to a member or a stranger."""

    purpose: str
    channel: str
    country: str | None
    member: bool
    expires_at: int | None = None


class Standing(Struct, frozen=True, kw_only=True):
    """All that is known at that instant: what the member agreed to, what has left already, and what time it may be.

    `advertised` are the instants at which advertising left for the member; `to_number` those of anything to this
    number within the last day; `said_goodbye` tells whether the STOP that stands has been confirmed.
    """

    states: States
    zones: tuple[str, ...]
    advertised: tuple[int, ...] = ()
    to_number: tuple[int, ...] = ()
    said_goodbye: bool = False
    left_today: int = 0
    left_today_to_country: int = 0


class Verdict(Struct, frozen=True):
    """Whether it leaves: by which consent; or why not; or that it waits until an instant."""

    reason: str | None = None
    consent_id: str | None = None
    wait_until: int | None = None

    @property
    def leaves(self) -> bool:
        """Tell whether the message may go now."""
        return self.reason is None and self.wait_until is None


class Policy(Struct, frozen=True, kw_only=True):
    """What the programme and its law say of writing to members."""

    countries: frozenset[str]
    quiet: tuple[rules.TimeWindow, ...]
    most: rules.Most
    per_day: int
    per_day_to: dict[str, int]
    timezone: str
    purposes: frozenset[str]


def policy_of(programme: rules.Programme) -> Policy:
    """Read a programme's policy: what its own [messages] say, and the hours of its law on top where they are law."""
    said, law = programme.messages, programme.consent.under(programme.country)
    hours = [said.quiet or law.quiet]
    if law.quiet_is_law:
        hours.append(law.quiet)
    return Policy(
        countries=frozenset(said.countries or (programme.country,)), quiet=tuple(hours), most=said.most,
        per_day=said.per_day, per_day_to=said.per_day_to, timezone=programme.timezone,
        purposes=frozenset((*rules.PURPOSES, *programme.consent.purposes)),
    )  # fmt: skip


def basis(purpose: str) -> str:
    """Give what a purpose rests on: its first word (`marketing` of `marketing.sms`, `service` of `service.receipt`)."""
    return purpose.partition(".")[0]


def needs_consent(purpose: str) -> bool:
    """Tell whether a message of this purpose needs the member's consent."""
    return basis(purpose) not in rules.SERVICE


def judge(asking: Asking, standing: Standing, policy: Policy, at: int) -> Verdict:
    """Decide whether a message leaves at an instant. A function of what it is told, and of nothing else."""
    if asking.expires_at is not None and at >= asking.expires_at:
        return Verdict("too_late")
    if asking.country is not None and asking.country not in policy.countries:
        return Verdict("country_not_allowed")
    if not needs_consent(asking.purpose):
        return _service(asking, standing, at) or _budget(asking, standing, policy) or Verdict()
    if stopped(standing.states, asking.channel) is not None:
        return Verdict("stopped")
    if basis(asking.purpose) not in policy.purposes:
        return Verdict("purpose_unknown")
    consent = allows(standing.states, basis(asking.purpose), asking.channel, at)
    if consent is None or not asking.member:
        return Verdict("no_consent")
    morning = _morning(standing.zones or (policy.timezone,), policy.quiet, at)
    if morning is not None:
        return Verdict(wait_until=morning)
    if _too_often(standing.advertised, policy, at):
        return Verdict("too_often")
    return _budget(asking, standing, policy) or Verdict(consent_id=consent.record_id)


def _service(asking: Asking, standing: Standing, at: int) -> Verdict | None:
    """Refuse what needs no consent only for a STOP, its second confirmation, or too much to one number."""
    stop = stopped(standing.states, asking.channel)
    if basis(asking.purpose) == "stopped":
        return Verdict("stopped") if standing.said_goodbye else None
    if stop is not None and basis(asking.purpose) not in ASKED_FOR:
        return Verdict("stopped")
    if asking.member:
        return Verdict("too_many_to_number") if len(standing.to_number) >= _TO_A_MEMBER else None
    at_once = any(instant > at - _MINUTE for instant in standing.to_number)
    return Verdict("too_many_to_number") if at_once or len(standing.to_number) >= _TO_A_STRANGER else None


def _budget(asking: Asking, standing: Standing, policy: Policy) -> Verdict | None:
    if standing.left_today >= policy.per_day:
        return Verdict("over_budget")
    room = policy.per_day_to.get(asking.country or "")
    if room is not None and standing.left_today_to_country >= room:
        return Verdict("over_country_budget")
    return None


def _too_often(advertised: tuple[int, ...], policy: Policy, at: int) -> bool:
    window = rules.window(policy.most.per, from_micros(at).astimezone(_zone(policy)).date(), _zone(policy))
    since = to_micros(window.starts_at)
    return sum(instant >= since for instant in advertised) >= policy.most.times


def _zone(policy: Policy) -> ZoneInfo:
    return ZoneInfo(policy.timezone)


def _morning(zones: tuple[str, ...], quiet: tuple[rules.TimeWindow, ...], at: int) -> int | None:
    """Give the next quarter of an hour at which it is night nowhere the member may be; None where that is now."""
    now = from_micros(at)
    if not _asleep(now, zones, quiet):
        return None
    quarter = timedelta(minutes=15)
    later = now.replace(minute=now.minute - now.minute % 15, second=0, microsecond=0)
    for _ in range(2 * _QUARTERS_OF_A_DAY):
        later += quarter
        if not _asleep(later, zones, quiet):
            return to_micros(later)
    # Zones so far apart that it is always night in one of them: tomorrow is judged tomorrow.
    return at + _DAY


def _asleep(instant: datetime, zones: tuple[str, ...], quiet: tuple[rules.TimeWindow, ...]) -> bool:
    for zone in zones:
        local = instant.astimezone(ZoneInfo(zone))
        if any(hours.holds(local.hour * 60 + local.minute) for hours in quiet):
            return True
    return False
