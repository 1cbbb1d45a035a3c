"""What a backtest answers: per rule, per month and in all, beside another programme, as frozen values."""

from __future__ import annotations

from msgspec import Struct


class Figures(Struct, frozen=True):
    """What was given of a unit: awarded (so many times), taken back by refunds, to how many members, worth what.

    `value_minor` is what remained of it in money; `share_percent` is that of the revenue, as "1.25". Both are null
    for a unit that nothing gives a value.
    """

    awarded: int
    taken_back: int
    times: int
    members: int
    value_minor: int | None
    share_percent: str | None


class UnitCompared(Struct, frozen=True):
    """One unit under the programme that was tried, and under the one beside it."""

    unit: str
    tried: Figures
    against: Figures | None


class RuleCompared(Struct, frozen=True):
    """One rule under the programme that was tried, and under the one beside it; a rule it lacks gave nothing."""

    rule: str
    unit: str
    tried: Figures
    against: Figures | None


class MonthCompared(Struct, frozen=True):
    """One local month: what was bought, and what it would have given."""

    month: str
    purchases: int
    refunds: int
    members: int
    revenue_minor: int
    units: tuple[UnitCompared, ...]
    rules: tuple[RuleCompared, ...]


class UnitChange(Struct, frozen=True):
    """So many units more, or fewer."""

    unit: str
    amount: int


class Change(Struct, frozen=True):
    """A member who would have more or less than under the other programme; who they are stays masked."""

    member: str | None
    masked: str
    value_minor: int
    units: tuple[UnitChange, ...]


class UnitWorth(Struct, frozen=True):
    """What one unit was valued at, in minor units of money, and by which perk; "given" where the caller said it."""

    unit: str
    minor: str
    by: str


class BacktestAnswer(Struct, frozen=True, kw_only=True):
    """What a programme would have given for the history, beside what another one gives. Nothing of it is kept.

    `revenue_minor` is what was paid less what was refunded; a value is shown for the units that have one.
    """

    tried: str
    against: str | None
    since: str | None
    until: str | None
    currency: str
    purchases: int
    refunds: int
    members: int
    revenue_minor: int
    value_minor: int
    share_percent: str | None
    against_value_minor: int | None
    against_share_percent: str | None
    worth: tuple[UnitWorth, ...]
    units: tuple[UnitCompared, ...]
    rules: tuple[RuleCompared, ...]
    months: tuple[MonthCompared, ...]
    winners: tuple[Change, ...]
    losers: tuple[Change, ...]
