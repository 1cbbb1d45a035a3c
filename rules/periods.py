"""Calendar spans as a shop speaks of them: "12 months" from a purchase, and the day, week, month or year it
fell in.

Invariant: days and months are those of the programme's time zone; every instant given back is in UTC.
"""

import calendar
import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import ClassVar, Final, Literal, NamedTuple, Self
from zoneinfo import ZoneInfo

import msgspec

Per = Literal["purchase", "day", "week", "month", "year", "ever"]
WINDOWED: Final[tuple[Per, ...]] = ("day", "week", "month", "year", "ever")
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
END = datetime(9999, 1, 1, tzinfo=UTC)
_LONGEST_YEARS = 100


class Period(msgspec.Struct, frozen=True):
    """A span written as "90 days", "2 weeks", "12 months" or "1 year"."""

    count: int
    kind: Literal["day", "week", "month", "year"]

    expected: ClassVar[str] = 'a period such as "90 days", "2 weeks", "12 months" or "1 year"'
    pattern: ClassVar[str] = r"^([1-9][0-9]{0,4}) (day|week|month|year)s?$"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "12 months". Raises ValueError for anything else, and for more than a hundred years."""
        match = re.fullmatch(cls.pattern, text)
        if match is None:
            raise ValueError("this is no period")
        period = cls(int(match[1]), match[2])  # type: ignore[arg-type]
        if period.months() > 12 * _LONGEST_YEARS or period.days() > 366 * _LONGEST_YEARS:
            raise ValueError("this is longer than a hundred years; leave it out for never")
        return period

    def __str__(self) -> str:
        return f"{self.count} {self.kind}{'' if self.count == 1 else 's'}"

    def months(self) -> int:
        return {"month": 1, "year": 12}.get(self.kind, 0) * self.count

    def days(self) -> int:
        return {"day": 1, "week": 7}.get(self.kind, 0) * self.count

    def most_days(self) -> int:
        """The number of days this can be at most."""
        return self.days() + 31 * self.months()

    def after(self, instant: datetime, zone: tzinfo | str) -> datetime:
        """The instant this long after `instant`, at the same time of the local day.

        A month that is too short gives its last day (31 January and one month is 28 February). A local time
        that the clocks jump over gives the time the clocks show instead.
        """
        zone = ZoneInfo(zone) if isinstance(zone, str) else zone
        local = instant.astimezone(zone).replace(tzinfo=None)
        day = _months_later(local.date(), self.months()) + timedelta(days=self.days())
        return datetime.combine(day, local.time(), tzinfo=zone).astimezone(UTC)


def days_before(day: date, period: Period) -> date:
    """The last day that no longer lies within a period that ends with this day."""
    return _months_later(day, -period.months()) - timedelta(days=period.days())


def _months_later(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


class Window(NamedTuple):
    """One calendar window of a limit: its name ("day:2026-11-22") and its bounds as instants, the end
    excluded.
    """

    name: str
    starts_at: datetime
    ends_at: datetime


@lru_cache(maxsize=4096)
def window(per: Per, day: date, zone: tzinfo) -> Window:
    """The window of a limit `per` day, week (ISO), month, year or ever that a local day falls in."""
    if per == "ever":
        return Window("ever", BEGINNING, END)
    if per == "day":
        return _between(f"day:{day.isoformat()}", day, day + timedelta(days=1), zone)
    if per == "week":
        year, week, weekday = day.isocalendar()
        monday = day - timedelta(days=weekday - 1)
        return _between(f"week:{year}-W{week:02}", monday, monday + timedelta(days=7), zone)
    first = day.replace(day=1) if per == "month" else day.replace(month=1, day=1)
    name = f"month:{day.year:04}-{day.month:02}" if per == "month" else f"year:{day.year:04}"
    return _between(name, first, _months_later(first, 1 if per == "month" else 12), zone)


def end_of(per: Literal["day", "month", "year"], instant: datetime, zone: tzinfo) -> datetime:
    """The first instant after the local day, month or year that an instant falls in."""
    return window(per, instant.astimezone(zone).date(), zone).ends_at


def _between(name: str, first: date, last: date, zone: tzinfo) -> Window:
    starts_at = datetime.combine(first, time(), tzinfo=zone).astimezone(UTC)
    return Window(name, starts_at, datetime.combine(last, time(), tzinfo=zone).astimezone(UTC))


class TimeWindow(msgspec.Struct, frozen=True):
    """A part of the day written as "14:00-16:00", in minutes since midnight; the end is excluded and may pass
    midnight.
    """

    starts: int
    ends: int

    expected: ClassVar[str] = 'a time window such as "14:00-16:00"'
    pattern: ClassVar[str] = r"^([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-4]):([0-5][0-9])$"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "22:00-02:00". Raises ValueError for anything else, and for a window of no length."""
        match = re.fullmatch(cls.pattern, text)
        if match is None:
            raise ValueError("this is no time window")
        starts, ends = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])
        if ends > 24 * 60:
            raise ValueError("the day ends at 24:00")
        if starts == ends:
            raise ValueError("this window has no length; leave `time` out for the whole day")
        return cls(starts, ends)

    def __str__(self) -> str:
        return "-".join(f"{minute // 60:02}:{minute % 60:02}" for minute in (self.starts, self.ends))

    def holds(self, minute: int) -> bool:
        """Does a minute of the day fall in the window?"""
        if self.starts < self.ends:
            return self.starts <= minute < self.ends
        return minute >= self.starts or minute < self.ends


def is_written_as_text(kind: type) -> bool:
    """Is this one of the types that a document writes as one text, such as a period?"""
    return hasattr(kind, "parse")
