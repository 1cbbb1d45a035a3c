"""A thing a member can have: what it costs, what it gives, who may have it, when, and how often."""

from collections.abc import Mapping
from datetime import date, tzinfo
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from rules.bounds import Limit
from rules.names import Language, Names, PerkId, Positive, Text, TierNames, UnitName, Whole, Wordings
from rules.outcome import Use
from rules.periods import Period, window
from rules.picking import Pick

Texts = Annotated[dict[Language, Text], Meta(min_length=1)]


class Price(msgspec.Struct, frozen=True):
    """So many of a unit."""

    unit: UnitName
    amount: Positive


class FreeItem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One item for nothing, of what is named here, worth at most `up_to_minor`; of several the cheapest one, unless
    `which` says the dearest.
    """

    category: Names | None = None
    sku: Names | None = None
    tag: Names | None = None
    up_to_minor: Positive | None = None
    which: Literal["cheapest", "dearest"] = "cheapest"

    @property
    def goods(self) -> Pick:
        """The goods that are meant."""
        return Pick(sku=self.sku, category=self.category, tag=self.tag)


class Gives(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a perk gives: a free item, an amount off, a percentage off, or a service said in words.

    An amount or a percentage comes off the whole order, or off the goods in `of`; a percentage only off the cheapest
    line of them where `cheapest` is true, and never more than `up_to_minor`.
    """

    free_item: FreeItem | None = None
    amount_off_minor: Positive | None = None
    percent_off: Annotated[int, Meta(ge=1, le=100)] | None = None
    service: Texts | None = None
    of: Pick | None = None
    cheapest: bool = False
    up_to_minor: Positive | None = None

    def __post_init__(self) -> None:
        given = (self.free_item, self.amount_off_minor, self.percent_off, self.service)
        if sum(one is not None for one in given) != 1:
            raise ValueError("a perk gives one of free_item, amount_off_minor, percent_off and service")
        if self.of is not None and self.percent_off is None and self.amount_off_minor is None:
            raise ValueError("`of` goes with amount_off_minor or percent_off")
        if (self.cheapest or self.up_to_minor is not None) and self.percent_off is None:
            raise ValueError("`cheapest` and `up_to_minor` go with percent_off; of a free item they stand inside it")

    @property
    def most_minor(self) -> int | None:
        """The most money this can be worth, in minor units; None when nothing bounds it."""
        if self.free_item is not None:
            return self.free_item.up_to_minor
        return self.up_to_minor if self.percent_off is not None else self.amount_off_minor

    @property
    def on_everything(self) -> bool:
        """Does it come off the whole order, rather than off some of its goods?"""
        percent_or_amount = self.percent_off is not None or self.amount_off_minor is not None
        return percent_or_amount and self.of is None and not self.cheapest


class Perk(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A thing a member can have for units; without a price it can only be granted.

    `limit` bounds how often one member may have it, `in_all` how often everybody together; `tiers` names who may.
    """

    id: PerkId
    says: Wordings = {}
    price: Price | None = None
    gives: Gives
    valid_for: Period | None = None
    from_: date | None = msgspec.field(name="from", default=None)
    until: date | None = None
    tiers: TierNames | None = None
    limit: Annotated[tuple[Limit, ...], Meta(extra={"one_or_many": True})] = ()
    in_all: Positive | None = None

    def __post_init__(self) -> None:
        if self.from_ is not None and self.until is not None and self.from_ > self.until:
            raise ValueError(f"from {self.from_} is after until {self.until}, so nobody can ever have this")
        if any(limit.times is None for limit in self.limit):
            raise ValueError("how often a perk may be had is limited by `times`")

    def in_force(self, day: date) -> bool:
        """Is this local day within the perk's dates, both included?"""
        return (self.from_ is None or day >= self.from_) and (self.until is None or day <= self.until)

    def is_for(self, tier: str | None) -> bool:
        """May a member of this tier have it?"""
        return self.tiers is None or tier in self.tiers

    def uses(self, day: date, zone: tzinfo, times: int = 1) -> tuple[Use, ...]:
        """What having it on this local day uses of its limits: one use for each calendar window."""
        windows = [
            window(per, day, zone) for per in dict.fromkeys(limit.per for limit in self.limit) if per != "purchase"
        ]
        return tuple(Use(self.subject, one.name, one.starts_at, one.ends_at, times, 0) for one in windows)

    def has_room(self, day: date, zone: tzinfo, used: Mapping[str, tuple[int, int]], in_this_purchase: int) -> bool:
        """May a member have it once more who has had it so often, here and before?"""
        for limit in self.limit:
            before = 0
            if limit.per != "purchase":
                before = used.get(f"{self.subject}|{window(limit.per, day, zone).name}", (0, 0))[0]
            if before + in_this_purchase >= (limit.times or 0):
                return False
        return True

    @property
    def subject(self) -> str:
        """The name under which its limits are counted."""
        return f"perk:{self.id}"


class StepUp(msgspec.Struct, frozen=True, omit_defaults=True):
    """When spending takes a one-time code: more than so many of a unit, at a location the member has never bought at,
    after no purchase for a while, or while the member's number is newer than this.
    """

    above: dict[UnitName, Whole] = {}
    new_location: bool = False
    dormant: Period | None = None
    changed_within: Period | None = None
