"""What standing takes, and what bringing a friend gives."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from rules.bounds import Limit
from rules.combining import All
from rules.names import Positive, TierId, Wordings
from rules.periods import Period
from rules.perks import Price


class Qualifies(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a tier takes: units earned, money spent or visits, within a period that ends today or each calendar year.
    What was earned counts, spent or not; what was refunded does not.
    """

    earned: Price | None = None
    spend_minor: Positive | None = None
    visits: Positive | None = None
    within: Period | None = None
    each: Literal["year"] | None = None

    def __post_init__(self) -> None:
        if sum(asked is not None for asked in (self.earned, self.spend_minor, self.visits)) != 1:
            raise ValueError("a tier asks for one of earned, spend_minor and visits")
        if (self.within is None) is (self.each is None):
            raise ValueError('say either within, such as "12 months", or each = "year"')

    @property
    def measure(self) -> Literal["earned", "spend_minor", "visits"]:
        """What is counted."""
        return "earned" if self.earned is not None else "visits" if self.visits is not None else "spend_minor"

    @property
    def unit(self) -> str | None:
        """The unit that is counted, where units are."""
        return None if self.earned is None else self.earned.unit

    @property
    def amount(self) -> int:
        """How much of it is asked for."""
        return self.earned.amount if self.earned is not None else self.visits or self.spend_minor or 0


class Tier(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A standing, what it takes, and how long it is kept; tiers are written lowest first. Who comes to a tier keeps it
    for `keeps_for`, and with `keeps_end_of` until that month or year is over. Then it is looked at again: who qualifies
    keeps it once more, and who does not falls to what they qualify for ("earned"), a step, or never.
    """

    id: TierId
    says: Wordings = {}
    needs: Qualifies
    keeps_for: Period
    keeps_end_of: Literal["month", "year"] | None = None
    downgrade: Literal["earned", "step", "never"] = "earned"


class Referral(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What bringing a friend gives to both, once the friend's purchase qualifies and can no longer come back.

    An ambassador is credited within `limit` at most. Whoever brings more friends than `review` says in a period is
    looked at by a person before anybody is credited for more of them.
    """

    ambassador: Price
    friend: Price
    qualifies: All = All()
    held_for: Period | None = None
    limit: Annotated[tuple[Limit, ...], Meta(extra={"one_or_many": True})] = ()
    review: Annotated[tuple[Limit, ...], Meta(extra={"one_or_many": True})] = (Limit(times=10, per="day"),)

    def __post_init__(self) -> None:
        if any(limit.times is None for limit in self.review):
            raise ValueError('a review is said in times, such as { times = 10, per = "day" }')
        for _, part, _ in self.qualifies.places("qualifies"):
            if part.stands_on == "event":
                raise ValueError(f'"{part.written}" asks about an event, and a friend qualifies by a purchase')
