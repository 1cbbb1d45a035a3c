"""Conditions on when it happened, by the programme's own calendar."""

from collections.abc import Iterator
from datetime import date
from typing import Annotated

import msgspec
from msgspec import Meta

from rules.judging import Code, Condition
from rules.names import WEEKDAYS, Weekday
from rules.narrowing import Choices, Claim, span
from rules.periods import TimeWindow
from rules.scene import Scene
from rules.tongues import spoken
from rules.words import Words

_DAYS_OF_A_WEEK = 7
_DAY_ENDS = 24 * 60 - 1


class OnWeekday(Condition, frozen=True):
    """It happened on any of these days of the week, by the local calendar. After midnight is the next day."""

    written = "weekday"
    example = '["mon", "tue"]'
    says = spoken(
        en=("weekday", "{wants}"),
        nb=("ukedagen", "{wants}"),
        nn=("vekedagen", "{wants}"),
        sv=("veckodagen", "{wants}"),
        da=("ugedagen", "{wants}"),
        fi=("viikonpäivä", "{wants}"),
    )
    wanted: Annotated[tuple[Weekday, ...], Meta(min_length=1)]

    def holds(self, scene: Scene) -> bool:
        return WEEKDAYS[scene.weekday] in self.wanted

    def source(self, code: Code) -> str:
        days = frozenset(map(WEEKDAYS.index, self.wanted))
        if len(days) == 1:
            return f"{code.fact('weekday')} == {code.bind(min(days))}"
        return f"{code.fact('weekday')} in {code.bind(days)}"

    def found(self, scene: Scene) -> str:
        return scene.words.weekday(scene.weekday)

    def wants(self, words: Words) -> str:
        return words.either(words.weekday(day) for day in self.wanted)

    def claims(self, words: Words) -> Iterator[Claim]:
        yield Claim("weekday", self.about(words), Choices(map(WEEKDAYS.index, self.wanted)))


class AtTime(Condition, frozen=True):
    """It happened in this part of the day, such as "14:00-16:00". The end is excluded, and may lie after
    midnight.
    """

    written = "time"
    example = '"14:00-16:00"'
    says = spoken(
        en=("the time", "{wants}"),
        nb=("klokken", "{wants}"),
        nn=("klokka", "{wants}"),
        sv=("klockan", "{wants}"),
        da=("klokken", "{wants}"),
        fi=("kellonaika", "{wants}"),
    )
    wanted: TimeWindow

    def holds(self, scene: Scene) -> bool:
        return self.wanted.holds(scene.minute)

    def source(self, code: Code) -> str:
        minute, starts, ends = code.fact("minute"), code.bind(self.wanted.starts), code.bind(self.wanted.ends)
        if self.wanted.starts < self.wanted.ends:
            return f"{starts} <= {minute} < {ends}"
        return f"({minute} >= {starts} or {minute} < {ends})"

    def found(self, scene: Scene) -> str:
        return f"{scene.minute // 60:02}:{scene.minute % 60:02}"

    def wants(self, words: Words) -> str:  # noqa: ARG002
        return str(self.wanted)

    def claims(self, words: Words) -> Iterator[Claim]:
        starts, ends = self.wanted.starts, self.wanted.ends
        inside = ((starts, ends - 1),) if starts < ends else ((0, ends - 1), (starts, _DAY_ENDS))
        yield Claim("minute", self.about(words), tuple(part for part in inside if part[0] <= part[1]))


class DateSpan(msgspec.Struct, frozen=True, omit_defaults=True):
    """From one local date to another, both included; either may be left out."""

    from_: date | None = msgspec.field(name="from", default=None)
    until: date | None = None

    def __post_init__(self) -> None:
        if self.from_ is None and self.until is None:
            raise ValueError("dates without from and until hold always; leave them out")
        if self.from_ is not None and self.until is not None and self.from_ > self.until:
            raise ValueError(f"from {self.from_} is after until {self.until}, so this can never hold")

    def holds(self, day: date) -> bool:
        return (self.from_ is None or day >= self.from_) and (self.until is None or day <= self.until)

    def source(self, code: Code) -> str:
        today = code.fact("today")
        if self.from_ is None:
            return f"{today} <= {code.bind(self.until)}"
        if self.until is None:
            return f"{today} >= {code.bind(self.from_)}"
        return f"{code.bind(self.from_)} <= {today} <= {code.bind(self.until)}"

    def words(self, words: Words) -> str:
        return words.days(self.from_, self.until)

    def claims(self, about: str) -> Iterator[Claim]:
        """The days themselves, and of less than a week the days of the week that there are."""
        first = None if self.from_ is None else self.from_.toordinal()
        last = None if self.until is None else self.until.toordinal()
        yield Claim("today", about, span(first, last))
        if first is not None and last is not None and last - first < _DAYS_OF_A_WEEK - 1:
            days = Choices((day - 1) % _DAYS_OF_A_WEEK for day in range(first, last + 1))
            yield Claim("weekday", about, days)


class OnDates(Condition, frozen=True):
    """It happened between these dates by the local calendar, both included."""

    written = "dates"
    example = "{ from = 2026-12-01, until = 2026-12-24 }"
    says = spoken(
        en=("the date", "{wants}"),
        nb=("datoen", "{wants}"),
        nn=("datoen", "{wants}"),
        sv=("datumet", "{wants}"),
        da=("datoen", "{wants}"),
        fi=("päivämäärä", "{wants}"),
    )
    wanted: DateSpan

    def holds(self, scene: Scene) -> bool:
        return self.wanted.holds(scene.today)

    def source(self, code: Code) -> str:
        return self.wanted.source(code)

    def found(self, scene: Scene) -> str:
        return scene.today.isoformat()

    def wants(self, words: Words) -> str:
        return self.wanted.words(words)

    def claims(self, words: Words) -> Iterator[Claim]:
        yield from self.wanted.claims(self.about(words))
