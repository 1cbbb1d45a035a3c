"""A programme as one value: what a business runs, read from a file, a document or a form, and always the same
types.
"""

from collections.abc import Iterator
from datetime import date, datetime
from fractions import Fraction
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from rules.bounds import Cap, Limit, Share
from rules.combining import All
from rules.contact import Consent, Messages
from rules.effects import Effect
from rules.effects.units import AwardUnits, MultiplyAwards
from rules.example import Example
from rules.facts import Event, MemberFacts, Purchase
from rules.judging import Stands
from rules.names import (
    Country,
    Currency,
    EventName,
    GroupName,
    Language,
    Name,
    Positive,
    RuleId,
    Timezone,
    UnitId,
    Whole,
    Wordings,
)
from rules.needs import Needs, needs_of
from rules.periods import Period, end_of
from rules.perks import Perk, StepUp
from rules.picking import Spend
from rules.rewards import Referral, Tier
from rules.scene import Scene
from rules.shapes import MISSING, Reader, Taken, Written
from rules.then import Then
from rules.words import Words


class Settings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The [programme] table: the business as the rules need to know it."""

    name: Name
    country: Country
    currency: Currency
    timezone: Timezone
    languages: Annotated[tuple[Language, ...], Meta(min_length=1)]
    join: Literal["first_purchase", "explicit"] = "first_purchase"
    refund: Literal["within_balance", "owe", "forgive"] = "within_balance"
    multipliers: Literal["best", "add", "product"] = "best"
    spend: Spend = Spend()
    locations: Literal["declared", "on_first_use"] = "on_first_use"
    max_return: Share | None = None
    dormant_after: Period | None = None
    perks_earn: bool = False
    step_up: StepUp | None = None


class UnitWording(msgspec.Struct, frozen=True):
    """A unit's name for one of it and for several."""

    one: Name
    other: Name


class Unit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is collected. Without `expires_after` and `expires_end_of` it never expires; without `pending_for` it can be
    spent at once. `expires_end_of` keeps it until that month or year is over; `expires_from = "last_purchase"` counts
    anew from every purchase, for all the member has. `expiry_notice` is how long before it the member is told. With
    `pays_minor` one of it pays that much money of a purchase. `goodwill_per_day` is
    how many a member of staff may give away on one day.
    """

    name: dict[Language, UnitWording] = {}
    expires_after: Period | None = None
    expires_end_of: Literal["month", "year"] | None = None
    expires_from: Literal["earning", "last_purchase"] = "earning"
    expiry_notice: Period | None = None
    pending_for: Period | None = None
    cap: Annotated[tuple[Cap, ...], Meta(extra={"one_or_many": True})] = ()
    pays_minor: Positive | None = None
    goodwill_per_day: Positive | None = None

    def __post_init__(self) -> None:
        if self.expires_from == "last_purchase" and self.expires_after is None:
            raise ValueError('say with expires_after how long after the last purchase, such as "12 months"')
        if self.expiry_notice is not None and not self.expires:
            raise ValueError("a unit that never expires needs no expiry_notice")

    @property
    def expires(self) -> bool:
        return self.expires_after is not None or self.expires_end_of is not None

    def expiry(self, occurred_at: datetime, zone: str) -> datetime | None:
        """The instant from which units given then can no longer be spent; None for never.

        What counts from the last purchase lasts until its local day is over, so that a day's purchases agree.
        """
        if not self.expires:
            return None
        last = self.expires_after.after(occurred_at, zone) if self.expires_after else occurred_at
        whole = self.expires_end_of or ("day" if self.expires_from == "last_purchase" else None)
        return end_of(whole, last, ZoneInfo(zone)) if whole else last


class Rule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """When something holds, then something comes of it."""

    id: RuleId
    says: Wordings = {}
    on: EventName
    when: All = All()
    then: Then
    limit: Annotated[tuple[Limit, ...], Meta(extra={"one_or_many": True})] = ()
    group: GroupName | None = None
    priority: Whole = 0
    from_: date | None = msgspec.field(name="from", default=None)
    until: date | None = None

    def __post_init__(self) -> None:
        if self.from_ is not None and self.until is not None and self.from_ > self.until:
            raise ValueError(f"from {self.from_} is after until {self.until}, so this rule can never fire")
        if any(limit.amount is not None for limit in self.limit) and self.unit is None:
            raise ValueError("this rule gives no units, so only `times` can limit it")

    @classmethod
    def take(cls, reader: Reader, value: Written, place: str) -> Taken:
        """Read a rule; what is found wrong in it is said with its id."""
        named = value.get("id") if isinstance(value, dict) else None
        with reader.within(named if isinstance(named, str) else None):
            rule = reader.record(cls, value, place)
            if not isinstance(rule, Rule):
                return rule
            before = len(reader.findings)
            for where, says, would_be in rule.misplaced():
                reader.refuse(f"{place}.{where}", says, would_be)
            return rule if len(reader.findings) == before else MISSING

    def misplaced(self) -> Iterator[tuple[str, str, str]]:
        """What does not go with the event this stands on: its place, what is wrong, and what would be right."""
        for where, part, _ in self.when.places("when"):
            if not self._goes_with(part.stands_on):
                about = "a purchase" if part.stands_on == "purchase" else "an event that is no purchase"
                would_be = 'on = "purchase"' if part.stands_on == "purchase" else "another event, or no such condition"
                yield where, f'"{part.written}" asks about {about}, and this rule stands on {self.on}', would_be
        for effect in self.then.effects:
            if not self._goes_with(effect.stands_on):
                says = f"nothing is given in proportion on {self.on}, as nothing is bought"
                yield f"then.{effect.written}", says, 'a fixed amount, or on = "purchase"'

    def _goes_with(self, stands: Stands) -> bool:
        return stands == "anything" or (stands == "purchase") is (self.on == Purchase.kind)

    @property
    def award(self) -> AwardUnits | None:
        return self.then.award

    @property
    def multiply(self) -> MultiplyAwards | None:
        return self.then.multiply

    @property
    def deeds(self) -> tuple[Effect, ...]:
        """The effects other than units, in file order."""
        return self.then.deeds

    @property
    def unit(self) -> str | None:
        """The unit this awards or multiplies, if any."""
        given = self.award or self.multiply
        return None if given is None else given.unit

    def in_force(self, day: date) -> bool:
        """Is this local day within the rule's dates, both included?"""
        return (self.from_ is None or day >= self.from_) and (self.until is None or day <= self.until)


class Programme(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The whole document. `about` is its [programme] table, and can be asked for directly:
    `programme.currency`.
    """

    about: Settings = msgspec.field(name="programme")
    units: Annotated[dict[UnitId, Unit], Meta(min_length=1)]
    rules: tuple[Rule, ...] = ()
    perks: tuple[Perk, ...] = ()
    tiers: tuple[Tier, ...] = ()
    referral: Referral | None = None
    consent: Consent = Consent()
    messages: Messages = Messages()
    examples: tuple[Example, ...] = ()

    @property
    def name(self) -> str:
        return self.about.name

    @property
    def country(self) -> str:
        return self.about.country

    @property
    def currency(self) -> str:
        return self.about.currency

    @property
    def timezone(self) -> str:
        return self.about.timezone

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.about.timezone)

    @property
    def languages(self) -> tuple[str, ...]:
        return self.about.languages

    @property
    def join(self) -> Literal["first_purchase", "explicit"]:
        return self.about.join

    @property
    def refund(self) -> Literal["within_balance", "owe", "forgive"]:
        return self.about.refund

    @property
    def multipliers(self) -> Literal["best", "add", "product"]:
        return self.about.multipliers

    @property
    def spend(self) -> Spend:
        return self.about.spend

    @property
    def locations(self) -> Literal["declared", "on_first_use"]:
        return self.about.locations

    def unit(self, name: str) -> Unit:
        """The unit of this name. Raises KeyError when the programme has no such unit."""
        return self.units[name]

    @property
    def max_return(self) -> Share | None:
        return self.about.max_return

    def words(self, language: str | None = None) -> Words:
        """How this programme's money, units and perks are said in a language; in English when none is asked for."""
        code = language or "en"
        units = {name: _unit_words(name, unit, code) for name, unit in self.units.items()}
        perks = {perk.id: perk.says[code] for perk in self.perks if code in perk.says}
        return Words(self.currency, units, perks, code)

    def scene(self, event: Purchase | Event, member: MemberFacts, words: Words | None = None) -> Scene:
        """An event and a member as this programme's conditions see them."""
        return Scene(event, member, zone=self.zone, spend=self.spend, words=words or self.words())

    def kinds(self) -> tuple[str, ...]:
        """Every event a rule stands on, in the order of the file."""
        return tuple(dict.fromkeys(rule.on for rule in self.rules))

    def needs(self, on: str | None = None) -> Needs:
        """Which member facts the rules read: all of them, or those that stand on one kind of event."""
        rules = [rule for rule in self.rules if on is None or rule.on == on]
        parts = [part for rule in rules for _, part, _ in rule.when.places("when")]
        if self.referral is not None and on in (None, Purchase.kind):
            parts += [part for _, part, _ in self.referral.qualifies.places("qualifies")]
        return needs_of(parts)

    def worth_minor(self, unit: str) -> Fraction | None:
        """The most money one unit can be worth: what the best perk it buys is worth for each unit of its price. 0 when
        it buys nothing; None when it buys something whose worth nothing bounds, such as a percentage.
        """
        bought = [(perk.gives.most_minor, perk.price.amount) for perk in self.buying(unit) if perk.price is not None]
        if any(worth is None for worth, _ in bought):
            return None
        pays = Fraction(self.units[unit].pays_minor or 0) if unit in self.units else Fraction(0)
        return max([pays, *(Fraction(worth or 0, price) for worth, price in bought)])

    def buying(self, unit: str) -> tuple[Perk, ...]:
        """The perks that cost this unit."""
        return tuple(perk for perk in self.perks if perk.price is not None and perk.price.unit == unit)

    def perk(self, name: str) -> Perk | None:
        """The perk of this name, if the programme has it."""
        return next((perk for perk in self.perks if perk.id == name), None)


def _unit_words(name: str, unit: Unit, language: str) -> tuple[str, str]:
    said = unit.name.get(language) or unit.name.get("en") or next(iter(unit.name.values()), None)
    return (name, name) if said is None else (said.one, said.other)
