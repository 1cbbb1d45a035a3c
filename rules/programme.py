"""A programme as one value: what a business runs, read from a file, a document or a form, and always the same
types.
"""

from datetime import date
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from rules.bounds import Cap, Limit
from rules.combining import All
from rules.effects import AwardUnits, MultiplyAwards, Then
from rules.example import Example
from rules.facts import MemberFacts, Purchase
from rules.names import (
    Country,
    Currency,
    EventName,
    GroupName,
    Language,
    Name,
    RuleId,
    Timezone,
    UnitId,
    Whole,
    Wordings,
)
from rules.periods import Period
from rules.picking import Spend
from rules.rewards import Perk, Referral, Tier
from rules.scene import Scene, Words
from rules.shapes import Reader, Taken, Written


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


class UnitWording(msgspec.Struct, frozen=True):
    """A unit's name for one of it and for several."""

    one: Name
    other: Name


class Unit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is collected. Without `expires_after` it never expires; without `pending_for` it can be spent at
    once.
    """

    name: dict[Language, UnitWording] = {}
    expires_after: Period | None = None
    pending_for: Period | None = None
    cap: Annotated[tuple[Cap, ...], Meta(extra={"one_or_many": True})] = ()


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

    @classmethod
    def take(cls, reader: Reader, value: Written, place: str) -> Taken:
        """Read a rule; what is found wrong in it is said with its id."""
        named = value.get("id") if isinstance(value, dict) else None
        with reader.within(named if isinstance(named, str) else None):
            return reader.record(cls, value, place)

    @property
    def award(self) -> AwardUnits | None:
        return self.then.effect if isinstance(self.then.effect, AwardUnits) else None

    @property
    def multiply(self) -> MultiplyAwards | None:
        return self.then.effect if isinstance(self.then.effect, MultiplyAwards) else None

    @property
    def unit(self) -> str:
        return self.then.effect.unit

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

    def words(self) -> Words:
        """How this programme's money and units are written in an English sentence."""
        return Words(self.currency, {name: _unit_words(name, unit) for name, unit in self.units.items()})

    def scene(self, event: Purchase, member: MemberFacts, words: Words | None = None) -> Scene:
        """A purchase and a member as this programme's conditions see them."""
        return Scene(event, member, zone=self.zone, spend=self.spend, words=words or self.words())


def _unit_words(name: str, unit: Unit) -> tuple[str, str]:
    said = unit.name.get("en") or next(iter(unit.name.values()), None)
    return (name, name) if said is None else (said.one, said.other)
