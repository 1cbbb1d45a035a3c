"""Conditions on where the member stands: tier, tags, visits, spend, balance, as they were just before this."""

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from rules.judging import AnyOfSeveral, Code, Condition, Flag, OneOf, Within, compared
from rules.names import Languages, Range, TierNames, UnitName
from rules.narrowing import Claim, span
from rules.scene import Scene
from rules.tongues import spoken
from rules.words import Words


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
