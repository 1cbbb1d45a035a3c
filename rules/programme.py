"""A programme as one value: what a business runs, read from a file, a document or a form, and always the same types."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any, ClassVar, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from rules.combining import All
from rules.effects import AwardUnits, MultiplyAwards, Then
from rules.facts import Line, MemberFacts, Purchase
from rules.names import (
    Count,
    Country,
    Currency,
    EventName,
    GroupName,
    Language,
    Name,
    Names,
    PerkId,
    Positive,
    RuleId,
    Text,
    TierId,
    Timezone,
    UnitId,
    UnitName,
    Whole,
    Wordings,
)
from rules.periods import Per, Period
from rules.picking import Spend
from rules.scene import Scene, Words
from rules.shapes import MISSING, Reader

CapPer = Literal["purchase", "day", "week", "month", "year", "ever"]


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


class Cap(msgspec.Struct, frozen=True):
    """No more than `amount` of a unit is earned per purchase, day, week, month, year, or ever."""

    amount: Positive
    per: Per


class Unit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is collected. Without `expires_after` it never expires; without `pending_for` it can be spent at once."""

    name: dict[Language, UnitWording] = {}
    expires_after: Period | None = None
    pending_for: Period | None = None
    cap: Annotated[tuple[Cap, ...], Meta(extra={"one_or_many": True})] = ()


class Limit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A rule fires at most so many `times`, or gives at most this `amount`, per purchase, day, week, month, year, or ever."""

    times: Positive | None = None
    amount: Positive | None = None
    per: Per

    def __post_init__(self) -> None:
        if (self.times is None) == (self.amount is None):
            raise ValueError("a limit says either times or amount")


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
    def take(cls, reader: Reader, value: Any, place: str) -> Any:
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


class Price(msgspec.Struct, frozen=True):
    """So many of a unit."""

    unit: UnitName
    amount: Positive


class FreeItem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One item for nothing, of what is named here, worth at most `up_to_minor`."""

    category: Names | None = None
    sku: Names | None = None
    tag: Names | None = None
    up_to_minor: Positive | None = None


class Gives(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a perk gives: a free item, an amount off the order, or a percentage off it."""

    free_item: FreeItem | None = None
    amount_off_minor: Positive | None = None
    percent_off: Annotated[int, Meta(ge=1, le=100)] | None = None

    def __post_init__(self) -> None:
        if sum(gift is not None for gift in (self.free_item, self.amount_off_minor, self.percent_off)) != 1:
            raise ValueError("a perk gives one of free_item, amount_off_minor and percent_off")


class Perk(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A thing a member can have for units."""

    id: PerkId
    says: Wordings = {}
    price: Price
    gives: Gives
    valid_for: Period | None = None


class Qualifies(msgspec.Struct, frozen=True):
    """So many units earned within a period."""

    earned: Price
    within: Period


class Tier(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A standing, what it takes, and how long it is kept."""

    id: TierId
    says: Wordings = {}
    needs: Qualifies
    keeps_for: Period


class Referral(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What bringing a friend gives to both, once the friend's purchase qualifies."""

    ambassador: Price
    friend: Price
    qualifies: All = All()
    held_for: Period | None = None
    limit: Annotated[tuple[Limit, ...], Meta(extra={"one_or_many": True})] = ()


class ExampleLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A line of an example; its number on the receipt need not be written."""

    amount_minor: Whole
    line: Name | None = None
    sku: Name | None = None
    category: Name | None = None
    quantity: Count = 1
    discount_minor: Count = 0
    tax_minor: Count = 0
    tags: tuple[Name, ...] = ()


class ExamplePurchase(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The purchase of an example; when it happened is said beside it."""

    total_minor: Count
    location: Name | None = None
    till: Name | None = None
    staff: Name | None = None
    channel: Name | None = None
    codes: tuple[Name, ...] = ()
    lines: tuple[ExampleLine, ...] | None = None
    refunded_minor: Count = 0


class Expected(msgspec.Struct, frozen=True):
    """What must come of an example: amounts by unit, and the rules that fire. What is not written is not checked."""

    units: dict[str, int]
    fired: tuple[str, ...] | None = None

    expected: ClassVar[str] = 'what must come of it, such as { points = 24, fired = ["base"] }'

    @classmethod
    def take(cls, reader: Reader, value: Any, place: str) -> Any:
        """Read an `expect` table: `fired` is the rules, any other name is a unit."""
        if not isinstance(value, dict):
            return reader.refuse(place, "this is no table", cls.expected)
        fired = reader.read(tuple[_RuleName, ...], value["fired"], f"{place}.fired") if "fired" in value else None
        units = {name: amount for name, amount in value.items() if name != "fired"}
        read = reader.read(dict[UnitName, Count], units, place)
        return MISSING if fired is MISSING or read is MISSING else cls(read, fired)

    @classmethod
    def describe(cls, describe: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        """The JSON Schema of an `expect` table."""
        return {"type": "object", "properties": {"fired": describe(tuple[str, ...])}, "additionalProperties": describe(Count)}

    def write(self) -> dict[str, Any]:
        """The table that reads back as this."""
        return self.units | ({} if self.fired is None else {"fired": list(self.fired)})


_RuleName = Annotated[str, Meta(extra={"refers": "rule"})]


class Example(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A worked case that a programme carries as its own test. `at` without an offset is local time."""

    name: Text
    at: datetime
    member: MemberFacts = MemberFacts()
    purchase: ExamplePurchase
    expect: Expected

    def event(self, zone: ZoneInfo) -> Purchase:
        """The purchase as a till would have told it."""
        at = self.at if self.at.tzinfo else self.at.replace(tzinfo=zone)
        facts = msgspec.structs.asdict(self.purchase) | {"occurred_at": at}
        if self.purchase.lines is not None:
            facts["lines"] = tuple(_line(line, n) for n, line in enumerate(self.purchase.lines, start=1))
        return Purchase(**facts)

    def facts(self, zone: ZoneInfo) -> MemberFacts:
        """The member; instants without an offset are local time."""
        instants = {
            name: instant.replace(tzinfo=zone)
            for name in ("joined_at", "first_purchase_at", "last_purchase_at")
            if (instant := getattr(self.member, name)) is not None and instant.tzinfo is None
        }
        return msgspec.structs.replace(self.member, **instants)


def _line(line: ExampleLine, number: int) -> Line:
    return Line(**msgspec.structs.asdict(line) | {"line": line.line or str(number)})


class Programme(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The whole document. `about` is its [programme] table, and can be asked for directly: `programme.currency`."""

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
