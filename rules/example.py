"""The worked cases that a programme carries as its own tests."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, ClassVar
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from rules.facts import Attribute, Event, Line, MemberFacts, Purchase
from rules.names import Count, EventName, Name, Text, UnitName, Whole
from rules.shapes import MISSING, Reader, Taken, Written


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


class ExampleEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The event of an example that is no purchase."""

    kind: EventName
    reference: Name | None = None
    attributes: dict[Name, Attribute] = {}
    location: Name | None = None
    staff: Name | None = None

    def __post_init__(self) -> None:
        if self.kind == Purchase.kind:
            raise ValueError("a purchase is written as purchase = { total_minor = ... }")


class Expected(msgspec.Struct, frozen=True):
    """What must come of an example: amounts by unit, and the rules that fire. What is not written is not
    checked.
    """

    units: dict[str, int]
    fired: tuple[str, ...] | None = None

    expected: ClassVar[str] = 'what must come of it, such as { points = 24, fired = ["base"] }'

    @classmethod
    def take(cls, reader: Reader, value: Written, place: str) -> Taken:
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
        return {
            "type": "object",
            "properties": {"fired": describe(tuple[str, ...])},
            "additionalProperties": describe(Count),
        }

    def write(self) -> dict[str, Any]:
        """The table that reads back as this."""
        return self.units | ({} if self.fired is None else {"fired": list(self.fired)})


_RuleName = Annotated[str, Meta(extra={"refers": "rule"})]


class Example(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A worked case that a programme carries as its own test. `at` without an offset is local time."""

    name: Text
    at: datetime
    member: MemberFacts = MemberFacts()
    purchase: ExamplePurchase | None = None
    told: ExampleEvent | None = msgspec.field(name="event", default=None)
    expect: Expected

    def __post_init__(self) -> None:
        if (self.purchase is None) == (self.told is None):
            raise ValueError("an example has a purchase or an event")

    def event(self, zone: ZoneInfo) -> Purchase | Event:
        """The purchase as a till would have told it, or the event."""
        at = self.at if self.at.tzinfo else self.at.replace(tzinfo=zone)
        if self.told is not None:
            return Event(occurred_at=at, **msgspec.structs.asdict(self.told))
        assert self.purchase is not None
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
