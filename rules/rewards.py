"""What standing takes, and what bringing a friend gives."""

from typing import Annotated

import msgspec
from msgspec import Meta

from rules.bounds import Limit
from rules.combining import All
from rules.names import TierId, Wordings
from rules.periods import Period
from rules.perks import Price


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

    def __post_init__(self) -> None:
        for _, part, _ in self.qualifies.places("qualifies"):
            if part.stands_on == "event":
                raise ValueError(f'"{part.written}" asks about an event, and a friend qualifies by a purchase')
