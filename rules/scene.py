"""One purchase and one member as the conditions see them: every fact computed once, by the programme's
calendar.
"""

from datetime import date, datetime, tzinfo
from functools import cached_property

from rules.facts import Line, MemberFacts, Purchase
from rules.money import money_in
from rules.picking import Measure, Pick, Spend


class Words:
    """How money and units are written in the sentences of an explanation."""

    def __init__(self, currency: str, units: dict[str, tuple[str, str]]) -> None:
        self.money = money_in(currency)
        self._units = units

    def units(self, amount: int, unit: str) -> str:
        return f"{amount} {self.unit(amount, unit)}"

    def unit(self, amount: int, unit: str) -> str:
        one, other = self._units.get(unit, (unit, unit))
        return one if amount == 1 else other


def days_between(earlier: datetime | None, today: date, zone: tzinfo) -> int | None:
    """Whole calendar days since an instant, by the local calendar; None when it has not happened yet."""
    return None if earlier is None else (today - earlier.astimezone(zone).date()).days


class Scene:
    """The facts by the names the conditions use. The generated function computes the same ones under the same
    names.
    """

    def __init__(self, event: Purchase, member: MemberFacts, *, zone: tzinfo, spend: Spend, words: Words) -> None:
        self.event = event
        self.member = member
        self.zone = zone
        self.spend = spend
        self.words = words
        self._measures: dict[int, Measure] = {}

    def measure(self, pick: Pick) -> Measure:
        known = self._measures.get(id(pick))
        if known is None:
            known = self._measures[id(pick)] = pick.measure(self.event.lines)
        return known

    @property
    def lines(self) -> tuple[Line, ...] | None:
        return self.event.lines

    @cached_property
    def local(self) -> datetime:
        return self.event.occurred_at.astimezone(self.zone)

    @cached_property
    def today(self) -> date:
        return self.local.date()

    @cached_property
    def weekday(self) -> int:
        return self.local.weekday()

    @cached_property
    def minute(self) -> int:
        return self.local.hour * 60 + self.local.minute

    @cached_property
    def counted(self) -> int:
        return self.spend.counted(self.event.total_minor, self.event.refunded_minor, self.event.lines)

    @cached_property
    def location(self) -> str | None:
        return self.event.location

    @cached_property
    def till(self) -> str | None:
        return self.event.till

    @cached_property
    def staff(self) -> str | None:
        return self.event.staff

    @cached_property
    def channel(self) -> str | None:
        return self.event.channel

    @cached_property
    def codes(self) -> tuple[str, ...]:
        return self.event.codes

    @cached_property
    def tier(self) -> str | None:
        return self.member.tier

    @cached_property
    def tags(self) -> tuple[str, ...]:
        return self.member.tags

    @cached_property
    def language(self) -> str | None:
        return self.member.language

    @cached_property
    def visits(self) -> int:
        return self.member.visits

    @cached_property
    def spend_minor(self) -> int:
        return self.member.spend_minor

    @cached_property
    def balance(self) -> dict[str, int]:
        return self.member.balance

    @cached_property
    def first_purchase(self) -> bool:
        return self.member.visits == 0 and self.member.first_purchase_at is None

    @cached_property
    def days_since_joined(self) -> int | None:
        return days_between(self.member.joined_at, self.today, self.zone)

    @cached_property
    def days_since_last_purchase(self) -> int | None:
        return days_between(self.member.last_purchase_at, self.today, self.zone)
