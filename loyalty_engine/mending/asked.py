"""What is asked and answered about standing by hand, awards to many at once, and reports."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from loyalty_engine.answers import TierSeen
from loyalty_engine.commands import Instant, Label, MoneyOrNothing, Units

Count = Annotated[int, Meta(ge=0, le=10**9)]
Reason = Annotated[str, Meta(min_length=1, max_length=500)]
Positive = Annotated[int, Meta(ge=1, le=10**9)]


class PlaceMember(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Put a floor under a member: at least this tier, until an instant or for good; null takes every floor away."""

    tier: Label | None
    until: Instant | None = None
    reason: Reason
    by: Label


class PlacementAnswer(Struct, frozen=True):
    """Where a member stands after a floor was put under them or taken away."""

    id: str
    floor: str | None
    until: str | None
    reason: str
    by: str
    tier: TierSeen | None


class Bought(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Who bought something in a time, at one location or anywhere."""

    since: Instant
    until: Instant
    location: Label | None = None


class Cohort(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Which members: all that is said must hold, and nothing said means everybody."""

    tier: Annotated[tuple[Label, ...], Meta(min_length=1, max_length=20)] | None = None
    tag: Label | None = None
    visits_min: Count | None = None
    visits_max: Count | None = None
    spend_min_minor: MoneyOrNothing | None = None
    joined_before: Instant | None = None
    last_purchase_before: Instant | None = None
    last_purchase_after: Instant | None = None
    bought: Bought | None = None


class AwardMany(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Give each member of a cohort so many units, once; with `dry_run` only count them and what it comes to."""

    cohort: Cohort
    unit: Label
    amount: Positive
    reason: Reason
    by: Label
    dry_run: bool = False


class UndoMany(Struct, frozen=True, forbid_unknown_fields=True):
    """Take an award to many back, as far as members have it still."""

    reason: Reason
    by: Label


class ManyAnswer(Struct, frozen=True):
    """An award to many as it stands; `id` and `state` are null for a dry run, `done` says how far it has come.

    `members` and `units` are what was counted when it was asked for, `moved` what has been given or taken back by now.
    """

    id: str | None
    state: Literal["giving", "given", "undoing", "undone"] | None
    unit: str
    amount: Units
    members: int
    units: int
    done: int
    moved: int
    reason: str
    by: str


class LiabilityAge(Struct, frozen=True):
    """What is owed to members of units that are so many days old."""

    from_days: int
    to_days: int | None
    amount: int


class Liability(Struct, frozen=True):
    """What is owed to members in one unit: spendable, pending and set aside, and how much of it will not be asked for.

    `breakage_permille` is how much of every thousand that came to its expiry was not spent, of this business's own
    history; without any, it and `expected_breakage` are null. `cost_minor` is what all of it is worth at most.
    """

    unit: str
    outstanding: int
    pending: int
    held: int
    owed_by_members: int
    expired_unbooked: int
    members: int
    ages: tuple[LiabilityAge, ...]
    breakage_permille: int | None
    expected_breakage: int | None
    cost_minor: int | None


class LiabilityReport(Struct, frozen=True):
    """What the business owes its members."""

    at: str
    units: tuple[Liability, ...]


class Moved(Struct, frozen=True):
    """What moved in one unit."""

    unit: str
    issued: int
    redeemed: int
    expired: int
    taken_back: int
    adjusted: int


class ActivityReport(Struct, frozen=True):
    """What happened in a time, by when it was recorded.

    `recognised_permille` is how many of every thousand purchases had a member; it takes `closed`, the number of all
    purchases the tills closed, which only the caller knows.
    """

    since: str
    until: str
    units: tuple[Moved, ...]
    members_active: int
    members_joined: int
    purchases: int
    refunds: int
    paid_minor: int
    recognised_permille: int | None


class RuleGave(Struct, frozen=True):
    """What one rule gave in one unit: how often, to how many, how much of it came back, and what that is worth."""

    rule: str
    unit: str
    times: int
    members: int
    given: int
    taken_back: int
    cost_minor: int | None


class RulesReport(Struct, frozen=True):
    """What each rule gave and cost in a time, the dearest first."""

    since: str
    until: str
    rules: tuple[RuleGave, ...]


Row = tuple[Any, ...]
