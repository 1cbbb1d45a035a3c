"""Conditions on the member's own calendar: birthdays, what has happened to them, and how long they stay away."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Final, Literal

from msgspec import Meta

from rules.judging import Code, Condition, compared
from rules.names import EventName, Range
from rules.narrowing import Claim, span
from rules.periods import Period, days_before
from rules.scene import Scene
from rules.tongues import spoken
from rules.words import Words

_HUNDRED: Final = 100
_PLACES: Final = 2
_ONLY = ""
_WHEN: Final = {
    "day": spoken(
        en=("today", _ONLY),
        nb=("i dag", _ONLY),
        nn=("i dag", _ONLY),
        sv=("i dag", _ONLY),
        da=("i dag", _ONLY),
        fi=("tänään", _ONLY),
    ),
    "week": spoken(
        en=("this week", _ONLY),
        nb=("denne uken", _ONLY),
        nn=("denne veka", _ONLY),
        sv=("den här veckan", _ONLY),
        da=("denne uge", _ONLY),
        fi=("tällä viikolla", _ONLY),
    ),
    "month": spoken(
        en=("this month", _ONLY),
        nb=("denne måneden", _ONLY),
        nn=("denne månaden", _ONLY),
        sv=("den här månaden", _ONLY),
        da=("denne måned", _ONLY),
        fi=("tässä kuussa", _ONLY),
    ),
}
_INTERVALS: Final = spoken(
    en=("{0} times the usual interval", _ONLY),
    nb=("{0} ganger det vanlige mellomrommet", _ONLY),
    nn=("{0} gonger det vanlege mellomrommet", _ONLY),
    sv=("{0} gånger det vanliga mellanrummet", _ONLY),
    da=("{0} gange det sædvanlige mellemrum", _ONLY),
    fi=("{0} kertaa tavallinen väli", _ONLY),
)


class MemberBirthday(Condition, frozen=True):
    """The member's birthday is this day, in this week (Monday to Sunday) or in this month. Somebody born on 29
    February has it on 28 February in other years. Without a known birthday this does not hold.
    """

    written = "member.birthday"
    example = '"week"'
    reads = ("birthday",)
    says = spoken(
        en=("the member's birthday", "with a birthday {wants}"),
        nb=("medlemmets bursdag", "med bursdag {wants}"),
        nn=("bursdagen til medlemmen", "med bursdag {wants}"),
        sv=("medlemmens födelsedag", "med födelsedag {wants}"),
        da=("medlemmets fødselsdag", "med fødselsdag {wants}"),
        fi=("jäsenen syntymäpäivä", "syntymäpäivä {wants}"),
    )
    wanted: Literal["day", "week", "month"]

    def holds(self, scene: Scene) -> bool:
        return self.is_it(scene.birthday, scene.today)

    def is_it(self, birthday: str | None, today: date) -> bool:
        """Does the birthday fall in today's day, week or month?"""
        if birthday is None:
            return False
        if self.wanted == "month":
            return int(birthday[:2]) == today.month
        if self.wanted == "day":
            return _birthday_in(birthday, today.year) == today
        monday = today - timedelta(days=today.weekday())
        days = (monday + timedelta(days=n) for n in range(7))
        return any(_birthday_in(birthday, day.year) == day for day in days)

    def source(self, code: Code) -> str:
        return f"{code.bind(self.is_it)}({code.fact('birthday')}, {code.fact('today')})"

    def found(self, scene: Scene) -> str:
        return scene.birthday or scene.words.tongue.not_known

    def wants(self, words: Words) -> str:
        return words.of(_WHEN[self.wanted])[0]


def _birthday_in(birthday: str, year: int) -> date:
    month, day = int(birthday[:2]), int(birthday[3:])
    try:
        return date(year, month, day)
    except ValueError:
        return date(year, month, 28)


class MemberCount(Condition, frozen=True):
    """How often something has happened to the member within a period, this time not counted: the fourth failed
    delivery is `{ of = "delivery_failed", within = "90 days", min = 3 }` in a rule on "delivery_failed". The
    period counts back from today, and "1 day" is today.
    """

    written = "member.count"
    example = '{ of = "delivery_failed", within = "90 days", min = 3 }'
    reads = ("counts",)
    says = spoken(
        en=("the number of times {of} happened within {within}", "with {wants} times {of} within {within}"),
        nb=("antall ganger {of} skjedde innen {within}", "med {wants} ganger {of} innen {within}"),
        nn=("talet på gonger {of} hende innan {within}", "med {wants} gonger {of} innan {within}"),
        sv=("antalet gånger {of} hände inom {within}", "med {wants} gånger {of} inom {within}"),
        da=("antallet af gange {of} skete inden for {within}", "med {wants} gange {of} inden for {within}"),
        fi=("tapahtumien määrä ({of}, {within})", "{of} {wants} kertaa ({within})"),
    )
    of: EventName
    within: Period
    min: Annotated[int, Meta(ge=0, le=10**6)] | None = None
    max: Annotated[int, Meta(ge=0, le=10**6)] | None = None

    def __post_init__(self) -> None:
        Range(self.min, self.max)

    @property
    def wanted_range(self) -> Range:
        return Range(self.min, self.max)

    def times(self, counts: Mapping[str, tuple[date, ...]], today: date) -> int:
        """How many of the days lie within the period that ends today."""
        last_not_counted = days_before(today, self.within)
        return sum(day > last_not_counted for day in counts.get(self.of, ()))

    def holds(self, scene: Scene) -> bool:
        return self.wanted_range.holds(self.times(scene.counts, scene.today))

    def source(self, code: Code) -> str:
        counted = f"{code.bind(self.times)}({code.fact('counts')}, {code.fact('today')})"
        return compared(code, counted, self.wanted_range)

    def found(self, scene: Scene) -> str:
        return str(self.times(scene.counts, scene.today))

    def wants(self, words: Words) -> str:
        return words.range(self.wanted_range)

    def about(self, words: Words) -> str:
        return words.of(self.says)[0].format(of=self.of, within=words.period(self.within))

    def clause(self, words: Words) -> str:
        said = words.of(self.says)[1]
        return said.format(of=self.of, within=words.period(self.within), wants=self.wants(words))

    def claims(self, words: Words) -> Iterator[Claim]:
        yield Claim(("count", self.of, self.within), self.about(words), span(self.min, self.max), 0)


class MemberOverdue(Condition, frozen=True):
    """So many of the member's own usual intervals have gone by since the last purchase: of somebody who comes
    every ten days, `min = 1.5` holds from the fifteenth day. Without an earlier purchase or a usual interval this
    does not hold.
    """

    written = "member.overdue"
    example = "{ min = 1.5 }"
    reads = ("last_purchase_at", "usual_interval_days")
    watches = True
    says = spoken(
        en=("the time since the last purchase", "{wants} after the last purchase"),
        nb=("tiden siden forrige kjøp", "{wants} etter forrige kjøp"),
        nn=("tida sidan førre kjøp", "{wants} etter førre kjøp"),
        sv=("tiden sedan förra köpet", "{wants} efter förra köpet"),
        da=("tiden siden sidste køb", "{wants} efter sidste køb"),
        fi=("aika edellisestä ostosta", "edellisestä ostosta {wants}"),
    )
    min: Decimal

    def __post_init__(self) -> None:
        exponent = self.min.as_tuple().exponent
        if not isinstance(exponent, int) or exponent < -_PLACES or not 0 < self.min <= _HUNDRED:
            raise ValueError(f"`min` must be above 0 and at most {_HUNDRED}, with at most {_PLACES} decimals")

    def is_it(self, days: int | None, usual: int | None) -> bool:
        """Have that many usual intervals gone by?"""
        return days is not None and bool(usual) and days * _HUNDRED >= int(self.min * _HUNDRED) * (usual or 0)

    def holds(self, scene: Scene) -> bool:
        return self.is_it(scene.days_since_last_purchase, scene.usual_interval_days)

    def source(self, code: Code) -> str:
        days, usual = code.fact("days_since_last_purchase"), code.fact("usual_interval_days")
        return f"{code.bind(self.is_it)}({days}, {usual})"

    def found(self, scene: Scene) -> str:
        days, usual = scene.days_since_last_purchase, scene.usual_interval_days
        if days is None or not usual:
            return scene.words.tongue.not_known
        hundredths = days * _HUNDRED // usual
        times = Decimal(hundredths).scaleb(-_PLACES).normalize()
        return scene.words.of(_INTERVALS)[0].format(scene.words.decimal(times))

    def wants(self, words: Words) -> str:
        return words.tongue.at_least.format(words.of(_INTERVALS)[0].format(words.decimal(self.min)))
