"""The ladder of tiers: what counts towards one, when it is reached, how long it is kept, and what follows.

Pure: nothing here reads or writes. What was earned, spent or visited on a local day is one mark, and a mark counts from
one instant until another. Invariant: standing depends on marks and instants alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple
from zoneinfo import ZoneInfo

from msgspec import Struct

import rules
from loyalty_engine.instants import from_micros, to_micros

MARK = "tier:"
FLOOR = "tier:floor"
FOREVER = to_micros(rules.END)
NONE = -1


class Mark(NamedTuple):
    """So much that counts towards a tier from one instant until another."""

    subject: str
    window: str
    starts_at: int
    ends_at: int
    amount: int


class Held(Struct, frozen=True):
    """The tier a member has, as its place on the ladder, and when it is looked at again."""

    place: int = NONE
    until: int | None = None


class Gained(Struct, frozen=True):
    """What one purchase brings towards any tier; negative where goods came back."""

    spend_minor: int
    visits: int
    earned: Mapping[str, int]

    def of(self, subject: str) -> int:
        """Give what it brings to the marks of one subject."""
        _, measure, unit, _ = subject.split(":")
        return self.earned.get(unit, 0) if measure == "earned" else int(getattr(self, measure))


class Ladder:
    """The tiers of one programme, lowest first."""

    def __init__(self, programme: rules.Programme) -> None:
        """Take the tiers in the order of the file."""
        self.tiers = programme.tiers
        self.zone = ZoneInfo(programme.timezone)
        self._places = {tier.id: place for place, tier in enumerate(self.tiers)}
        self._steps = tuple((_subject(tier.needs), tier.needs.amount) for tier in self.tiers)
        self.subjects = tuple(dict.fromkeys(subject for subject, _ in self._steps))
        self._lasts = {_subject(tier.needs): tier.needs.within for tier in self.tiers}

    def place(self, tier: str | None) -> int:
        """Give a tier's place; a tier this programme lacks is none."""
        return self._places.get(tier or "", NONE)

    def id(self, held: Held) -> str | None:
        """Give the id of the tier held."""
        return None if held.place == NONE else self.tiers[held.place].id

    def mark(self, subject: str, occurred_at: datetime, amount: int) -> Mark:
        """Give the mark that what happened at an instant leaves: one a local day, counting as long as the tier says."""
        name, starts_at, ends_at = _span(occurred_at.astimezone(self.zone).date(), self._lasts[subject], self.zone)
        return Mark(subject, name, starts_at, ends_at, amount)

    def day(self, instant: datetime) -> str:
        """Name the local day of an instant, as the marks of that day are named."""
        return f"day:{instant.astimezone(self.zone).date().isoformat()}"

    def subject(self, place: int) -> str:
        """Name what the tier at a place counts."""
        return self._steps[place][0]

    def keeps(self, place: int, at: int) -> int | None:
        """Give until when a tier is kept that is come to at an instant: whole local days, or for good."""
        tier = self.tiers[place]
        if tier.downgrade == "never":
            return None
        last = tier.keeps_for.after(from_micros(at), self.zone)
        return to_micros(rules.end_of(tier.keeps_end_of or "day", last, self.zone))

    def qualified(self, sums: Mapping[str, int]) -> int:
        """Give the highest tier that these sums reach."""
        for place in range(len(self.tiers) - 1, NONE, -1):
            subject, amount = self._steps[place]
            if sums.get(subject, 0) >= amount:
                return place
        return NONE

    def reached(self, held: Held, sums: Mapping[str, int], at: int) -> Held:
        """Give what is held once these sums are reached: a higher tier where they suffice for one."""
        place = self.qualified(sums)
        return Held(place, self.keeps(place, at)) if place > held.place else held

    def lapsed(self, held: Held, marks: Sequence[Mark], at: int) -> Held:
        """Give what is held at an instant: a tier past its date is kept by who qualifies still, and else falls."""
        while held.place != NONE and held.until is not None and held.until <= at:
            then = held.until
            place = self.qualified(sums_at(marks, then - 1))
            if place < held.place and self.tiers[held.place].downgrade == "step":
                place = held.place - 1
            fallen = Held() if place == NONE else Held(place, self.keeps(place, then))
            held = self.floored(fallen, marks, then)
        return held

    def floored(self, held: Held, marks: Iterable[Mark], at: int) -> Held:
        """Give what is held where somebody has put a floor under it."""
        for mark in marks:
            place = self.place(mark.window)
            if mark.subject == FLOOR and mark.amount and mark.starts_at <= at < mark.ends_at and place > held.place:
                held = Held(place, None if mark.ends_at == FOREVER else mark.ends_at)
        return held

    def lived(self, marks: Sequence[Mark], at: int) -> Held:
        """Give what would be held at an instant if these marks were all there ever was, day after day."""
        held, sums = Held(), dict[str, int]()
        begun = sorted((mark for mark in marks if mark.starts_at <= at), key=lambda mark: mark.starts_at)
        ended, over = sorted(begun, key=lambda mark: mark.ends_at), 0
        for instant, today in groupby(begun, key=lambda mark: mark.starts_at):
            for mark in today:
                sums[mark.subject] = sums.get(mark.subject, 0) + mark.amount
            while ended[over].ends_at <= instant:
                sums[ended[over].subject] -= ended[over].amount
                over += 1
            held = self.lapsed(held, marks, instant)
            held = self.floored(self.reached(held, sums, instant), marks, instant)
        return self.lapsed(held, marks, at)


@lru_cache(maxsize=1024)
def _span(day: date, within: rules.Period | None, zone: ZoneInfo) -> tuple[str, int, int]:
    """Give the name of a day's mark, and from when until when it counts; the same for all who buy that day."""
    opens = rules.window("day", day, zone)
    ends = rules.window("year", day, zone).ends_at if within is None else within.after(opens.starts_at, zone)
    return opens.name, to_micros(opens.starts_at), to_micros(ends)


def _subject(needs: rules.Qualifies) -> str:
    """Name what a tier counts: the measure, its unit, and within what."""
    return f"{MARK}{needs.measure}:{needs.unit or ''}:{needs.within or 'year'}"


def sums_at(marks: Iterable[Mark], at: int) -> dict[str, int]:
    """Add up what counts at an instant."""
    sums: dict[str, int] = {}
    for mark in marks:
        if mark.starts_at <= at < mark.ends_at:
            sums[mark.subject] = sums.get(mark.subject, 0) + mark.amount
    return sums
