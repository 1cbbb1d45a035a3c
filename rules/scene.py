"""One event and one member as the conditions see them: every fact computed once, by the programme's calendar."""

from collections.abc import Mapping
from datetime import date, datetime, tzinfo
from functools import cached_property

from rules.facts import Attribute, Event, Line, MemberFacts, Purchase
from rules.picking import Measure, Pick, Spend
from rules.words import Words

NO_ATTRIBUTES: Mapping[str, Attribute] = {}


def days_between(earlier: datetime | None, today: date, zone: tzinfo) -> int | None:
    """Whole calendar days since an instant, by the local calendar; None when it has not happened yet."""
    return None if earlier is None else (today - earlier.astimezone(zone).date()).days


class Scene:
    """The facts by the names the conditions use. The generated function computes the same ones under the same
    names. Of an event that is no purchase, what only a purchase has is not there.
    """

    def __init__(
        self, event: Purchase | Event, member: MemberFacts, *, zone: tzinfo, spend: Spend, words: Words
    ) -> None:
        self.event = event
        self.purchase = event if isinstance(event, Purchase) else None
        self.member = member
        self.zone = zone
        self.spend = spend
        self.words = words
        self._measures: dict[int, Measure] = {}

    def measure(self, pick: Pick) -> Measure:
        known = self._measures.get(id(pick))
        if known is None:
            known = self._measures[id(pick)] = pick.measure(self.lines)
        return known

    @cached_property
    def lines(self) -> tuple[Line, ...] | None:
        return None if self.purchase is None else self.purchase.lines

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
        sold = self.purchase
        return 0 if sold is None else self.spend.counted(sold.total_minor, sold.refunded_minor, sold.lines)

    @cached_property
    def paid(self) -> int:
        """What was paid and not given back, whatever of it counts."""
        return 0 if self.purchase is None else self.purchase.total_minor - self.purchase.refunded_minor

    @cached_property
    def attributes(self) -> Mapping[str, Attribute]:
        return self.event.attributes if isinstance(self.event, Event) else NO_ATTRIBUTES

    @cached_property
    def location(self) -> str | None:
        return self.event.location

    @cached_property
    def staff(self) -> str | None:
        return self.event.staff

    @cached_property
    def till(self) -> str | None:
        return None if self.purchase is None else self.purchase.till

    @cached_property
    def channel(self) -> str | None:
        return None if self.purchase is None else self.purchase.channel

    @cached_property
    def codes(self) -> tuple[str, ...]:
        return () if self.purchase is None else self.purchase.codes

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
    def birthday(self) -> str | None:
        return self.member.birthday

    @cached_property
    def counts(self) -> dict[str, tuple[date, ...]]:
        return self.member.counts

    @cached_property
    def usual_interval_days(self) -> int | None:
        return self.member.usual_interval_days

    @cached_property
    def consents(self) -> tuple[str, ...]:
        return self.member.consents

    @cached_property
    def open_case(self) -> bool:
        return self.member.open_case

    @cached_property
    def contact_person(self) -> str | None:
        return self.member.contact_person

    @cached_property
    def ambassador_degree(self) -> int:
        return self.member.ambassador_degree

    @cached_property
    def first_purchase(self) -> bool:
        return self.member.visits == 0 and self.member.first_purchase_at is None

    @cached_property
    def days_since_joined(self) -> int | None:
        return days_between(self.member.joined_at, self.today, self.zone)

    @cached_property
    def days_since_last_purchase(self) -> int | None:
        return days_between(self.member.last_purchase_at, self.today, self.zone)
