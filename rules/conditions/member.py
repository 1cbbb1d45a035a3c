"""Conditions on the member as they were just before this happened."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Final, Literal

from msgspec import Meta

from rules.judging import AnyOfSeveral, Code, Condition, Flag, OneOf, Within, compared
from rules.names import EventName, Languages, Purposes, Range, TierNames, UnitName
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


class MemberTier(OneOf, frozen=True):
    """The member stands in any of these tiers."""

    written = "member.tier"
    example = '["gold"]'
    fact = "tier"
    reads = ("tier",)
    says = spoken(
        en=("the member's tier", "for members in tier {wants}"),
        nb=("medlemmets nivå", "for medlemmer på nivå {wants}"),
        nn=("nivået til medlemmen", "for medlemmer på nivå {wants}"),
        sv=("medlemmens nivå", "för medlemmar på nivå {wants}"),
        da=("medlemmets niveau", "for medlemmer på niveau {wants}"),
        fi=("jäsenen taso", "jäsentaso {wants}"),
    )
    wanted: TierNames


class MemberTag(AnyOfSeveral, frozen=True):
    """The member carries any of these tags."""

    written = "member.tag"
    example = '["student"]'
    fact = "tags"
    reads = ("tags",)
    says = spoken(
        en=("the member's tag", "for members tagged {wants}"),
        nb=("medlemmets merke", "for medlemmer merket {wants}"),
        nn=("merket til medlemmen", "for medlemmer merkte {wants}"),
        sv=("medlemmens märkning", "för medlemmar märkta {wants}"),
        da=("medlemmets mærke", "for medlemmer mærket {wants}"),
        fi=("jäsenen merkintä", "jäsenmerkintä {wants}"),
    )


class MemberLanguage(OneOf, frozen=True):
    """The member reads any of these languages."""

    written = "member.language"
    example = '["nb", "nn"]'
    fact = "language"
    reads = ("language",)
    says = spoken(
        en=("the member's language", "for members who read {wants}"),
        nb=("medlemmets språk", "for medlemmer som leser {wants}"),
        nn=("språket til medlemmen", "for medlemmer som les {wants}"),
        sv=("medlemmens språk", "för medlemmar som läser {wants}"),
        da=("medlemmets sprog", "for medlemmer, der læser {wants}"),
        fi=("jäsenen kieli", "jäsenen kieli {wants}"),
    )
    wanted: Languages


class MemberVisits(Within, frozen=True):
    """The member has been here so many times before this."""

    written = "member.visits"
    example = "{ min = 10 }"
    fact = "visits"
    reads = ("visits",)
    says = spoken(
        en=("the number of visits before", "with {wants} earlier visits"),
        nb=("antall besøk før", "med {wants} tidligere besøk"),
        nn=("talet på besøk før", "med {wants} tidlegare besøk"),
        sv=("antalet tidigare besök", "med {wants} tidigare besök"),
        da=("antallet af tidligere besøg", "med {wants} tidligere besøg"),
        fi=("aiempien käyntien määrä", "aiempia käyntejä {wants}"),
    )


class MemberSpend(Within, frozen=True):
    """The member has spent so much before this, in minor units."""

    written = "member.spend_minor"
    example = "{ min = 500000 }"
    fact = "spend_minor"
    reads = ("spend_minor",)
    says = spoken(
        en=("the spend before", "after spending {wants}"),
        nb=("tidligere handel", "etter å ha handlet for {wants}"),
        nn=("tidlegare handel", "etter å ha handla for {wants}"),
        sv=("tidigare köp", "efter köp för {wants}"),
        da=("tidligere køb", "efter køb for {wants}"),
        fi=("aiemmat ostot", "aiempia ostoja {wants}"),
    )

    def say(self, value: int, words: Words) -> str:
        return words.money(value)


class MemberDaysSinceJoined(Within, frozen=True):
    """The member joined so many calendar days ago; the day of joining is 0."""

    written = "member.days_since_joined"
    example = "{ max = 30 }"
    fact = "days_since_joined"
    reads = ("joined_at",)
    optional = True
    says = spoken(
        en=("the number of days since joining", "{wants} days after joining"),
        nb=("antall dager siden innmelding", "{wants} dager etter innmelding"),
        nn=("talet på dagar sidan innmelding", "{wants} dagar etter innmelding"),
        sv=("antalet dagar sedan anslutningen", "{wants} dagar efter anslutningen"),
        da=("antallet af dage siden indmeldelsen", "{wants} dage efter indmeldelsen"),
        fi=("päiviä liittymisestä", "päiviä liittymisestä {wants}"),
    )


class MemberDaysSinceLastPurchase(Within, frozen=True):
    """The member's last purchase was so many calendar days ago. Without an earlier purchase this does not
    hold.
    """

    written = "member.days_since_last_purchase"
    example = "{ min = 60 }"
    fact = "days_since_last_purchase"
    reads = ("last_purchase_at",)
    optional = True
    says = spoken(
        en=("the number of days since the last purchase", "{wants} days after the last purchase"),
        nb=("antall dager siden forrige kjøp", "{wants} dager etter forrige kjøp"),
        nn=("talet på dagar sidan førre kjøp", "{wants} dagar etter førre kjøp"),
        sv=("antalet dagar sedan förra köpet", "{wants} dagar efter förra köpet"),
        da=("antallet af dage siden sidste køb", "{wants} dage efter sidste køb"),
        fi=("päiviä edellisestä ostosta", "päiviä edellisestä ostosta {wants}"),
    )


class MemberBalance(Condition, frozen=True):
    """The member has so many units to spend, for each unit named here."""

    written = "member.balance"
    example = "{ points = { min = 100 } }"
    reads = ("balance",)
    says = spoken(
        en=("the balance", "with a balance of {wants}"),
        nb=("saldoen", "med en saldo på {wants}"),
        nn=("saldoen", "med ein saldo på {wants}"),
        sv=("saldot", "med ett saldo på {wants}"),
        da=("saldoen", "med en saldo på {wants}"),
        fi=("saldo", "saldo {wants}"),
    )
    wanted: Annotated[dict[UnitName, Range], Meta(min_length=1)]

    def holds(self, scene: Scene) -> bool:
        return all(wanted.holds(scene.balance.get(unit, 0)) for unit, wanted in self.wanted.items())

    def source(self, code: Code) -> str:
        balance, nothing = code.fact("balance"), code.bind(0)
        return " and ".join(
            compared(code, f"{balance}.get({code.bind(unit)}, {nothing})", wanted)
            for unit, wanted in self.wanted.items()
        )

    def found(self, scene: Scene) -> str:
        return ", ".join(scene.words.units(scene.balance.get(unit, 0), unit) for unit in self.wanted)

    def wants(self, words: Words) -> str:
        return words.both(f"{words.range(wanted)} {words.unit(2, unit)}" for unit, wanted in self.wanted.items())

    def claims(self, words: Words) -> Iterator[Claim]:
        for unit, wanted in self.wanted.items():
            yield Claim(("balance", unit), self.about(words), span(wanted.min, wanted.max))


class MemberFirstPurchase(Flag, frozen=True):
    """It is the member's first purchase (true), or it is a later one (false)."""

    written = "member.first_purchase"
    example = "true"
    stands_on = "purchase"
    fact = "first_purchase"
    reads = ("visits", "first_purchase_at")
    says = spoken(
        en=("this", "on {wants}"),
        nb=("dette", "ved {wants}"),
        nn=("dette", "ved {wants}"),
        sv=("detta", "vid {wants}"),
        da=("dette", "ved {wants}"),
        fi=("tämä", "{wants}"),
    )
    words_for = spoken(
        en=("the first purchase", "a later purchase"),
        nb=("det første kjøpet", "et senere kjøp"),
        nn=("det første kjøpet", "eit seinare kjøp"),
        sv=("det första köpet", "ett senare köp"),
        da=("det første køb", "et senere køb"),
        fi=("ensimmäinen osto", "myöhempi osto"),
    )

    def claims(self, words: Words) -> Iterator[Claim]:
        yield from super().claims(words)
        if self.wanted:
            yield Claim("visits", self.about(words), span(0, 0))


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


class MemberConsent(Condition, frozen=True):
    """The member has agreed to every one of these purposes. A rule that uses what a member does to choose what
    they get must ask for this; benefits that everybody has stand in rules that do not.
    """

    written = "member.consent"
    example = '["profiling"]'
    reads = ("consents",)
    says = spoken(
        en=("the member's consent", "for members who have agreed to {wants}"),
        nb=("medlemmets samtykke", "for medlemmer som har samtykket til {wants}"),
        nn=("samtykket til medlemmen", "for medlemmer som har samtykt til {wants}"),
        sv=("medlemmens samtycke", "för medlemmar som har samtyckt till {wants}"),
        da=("medlemmets samtykke", "for medlemmer, der har givet samtykke til {wants}"),
        fi=("jäsenen suostumus", "suostumus: {wants}"),
    )
    wanted: Purposes

    def holds(self, scene: Scene) -> bool:
        return set(self.wanted) <= set(scene.consents)

    def source(self, code: Code) -> str:
        return f"{code.bind(frozenset(self.wanted))}.issubset({code.fact('consents')})"

    def found(self, scene: Scene) -> str:
        return ", ".join(scene.consents) or scene.words.tongue.none

    def wants(self, words: Words) -> str:
        return words.both(self.wanted)


class MemberOpenCase(Flag, frozen=True):
    """The member has a case that is being followed up (true), or has none (false)."""

    written = "member.open_case"
    example = "true"
    fact = "open_case"
    reads = ("open_case",)
    says = spoken(
        en=("this", "for {wants}"),
        nb=("dette", "for {wants}"),
        nn=("dette", "for {wants}"),
        sv=("detta", "för {wants}"),
        da=("dette", "for {wants}"),
        fi=("tämä", "{wants}"),
    )
    words_for = spoken(
        en=("a member with an open case", "a member without an open case"),
        nb=("et medlem med en åpen sak", "et medlem uten åpen sak"),
        nn=("ein medlem med ei open sak", "ein medlem utan open sak"),
        sv=("en medlem med ett öppet ärende", "en medlem utan öppet ärende"),
        da=("et medlem med en åben sag", "et medlem uden åben sag"),
        fi=("jäsen, jolla on avoin tapaus", "jäsen, jolla ei ole avointa tapausta"),
    )


class MemberContactPerson(OneOf, frozen=True):
    """The member's contact person among the staff is any of these."""

    written = "member.contact_person"
    example = '["chair-2"]'
    fact = "contact_person"
    reads = ("contact_person",)
    says = spoken(
        en=("the member's contact person", "for members whose contact person is {wants}"),
        nb=("medlemmets kontaktperson", "for medlemmer med kontaktperson {wants}"),
        nn=("kontaktpersonen til medlemmen", "for medlemmer med kontaktperson {wants}"),
        sv=("medlemmens kontaktperson", "för medlemmar med kontaktperson {wants}"),
        da=("medlemmets kontaktperson", "for medlemmer med kontaktperson {wants}"),
        fi=("jäsenen yhteyshenkilö", "yhteyshenkilö {wants}"),
    )


class MemberAmbassadorDegree(Within, frozen=True):
    """The member's degree of being an ambassador, which rises and falls with what they do, lies in this range."""

    written = "member.ambassador_degree"
    example = "{ min = 3 }"
    fact = "ambassador_degree"
    reads = ("ambassador_degree",)
    floor = None
    says = spoken(
        en=("the ambassador degree", "with an ambassador degree of {wants}"),
        nb=("ambassadørgraden", "med en ambassadørgrad på {wants}"),
        nn=("ambassadørgraden", "med ein ambassadørgrad på {wants}"),
        sv=("ambassadörsgraden", "med en ambassadörsgrad på {wants}"),
        da=("ambassadørgraden", "med en ambassadørgrad på {wants}"),
        fi=("suosittelija-aste", "suosittelija-aste {wants}"),
    )
