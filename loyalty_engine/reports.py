"""What the shop owes, what moved, and what each rule gave: sums over the books, never a row for each member in memory.

Invariant: every figure is a sum over entries, lots or accounts as they stand; nothing is kept for a report.
"""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING

from loyalty_engine.instants import shown, to_micros
from loyalty_engine.mending.asked import (
    ActivityReport,
    Liability,
    LiabilityAge,
    LiabilityReport,
    Moved,
    RuleGave,
    RulesReport,
)

if TYPE_CHECKING:
    from fractions import Fraction

    from loyalty_engine.businesses import Caller
    from loyalty_engine.house import House

_DAY = 86_400 * 10**6
# Days at which one age ends and the next begins.
_AGES = (30, 90, 180, 365)


async def liability(house: House, caller: Caller, *, at: datetime) -> LiabilityReport:
    """Tell what is owed to members in each unit, by age, with the breakage that one's own history lets expect."""
    now, business = to_micros(at), caller.business_id
    programme = (await house.shelf.current(business)).programme
    limits = [now - days * _DAY for days in _AGES]
    study = house.database.study
    lots = await study(
        "SELECT unit, "
        + _whole("CASE WHEN expires_at <= $2 AND spendable_at <= $2 THEN remaining ELSE 0 END")
        + ", "
        + _whole("CASE WHEN spendable_at > $2 THEN remaining ELSE 0 END")
        + ", "
        + ", ".join(_whole(f"CASE WHEN {age} AND {_LIVE} THEN remaining ELSE 0 END") for age in _ages())
        + ", "
        + _whole(f"CASE WHEN expires_at IS NOT NULL AND {_LIVE} THEN remaining ELSE 0 END")
        + " FROM lots WHERE business_id = $1 AND remaining > 0 GROUP BY unit",
        business, now, *limits,
    )  # fmt: skip
    accounts = await study(
        f"SELECT unit, {_whole('held')}, {_whole('CASE WHEN balance < 0 THEN -balance ELSE 0 END')}, "
        f"{_whole('CASE WHEN balance > 0 THEN 1 ELSE 0 END')} FROM accounts WHERE business_id = $1 GROUP BY unit",
        business,
    )  # fmt: skip
    ripe = dict(await _two(study, "lots", "amount", "expires_at <= $2", business, now))
    gone = dict(await _two(study, "entries", "-amount", "kind = 'breakage' AND recorded_at <= $2", business, now))
    held_by, lots_by = {row[0]: row for row in accounts}, {row[0]: row for row in lots}
    found = []
    for unit in sorted({*programme.units, *held_by, *lots_by}):
        _, unbooked, pending, *rest = lots_by.get(unit, (unit, *[0] * 8))
        _, held, owed, members = held_by.get(unit, (unit, 0, 0, 0))
        ages, expiring = rest[:-1], rest[-1]
        outstanding, came = sum(ages), ripe.get(unit, 0)
        broken = min(came, gone.get(unit, 0) + unbooked)
        found.append(
            Liability(
                unit=unit,
                outstanding=outstanding,
                pending=pending,
                held=held,
                owed_by_members=owed,
                expired_unbooked=unbooked,
                members=members,
                ages=_by_age(ages),
                breakage_permille=1000 * broken // came if came else None,
                expected_breakage=expiring * broken // came if came else None,
                cost_minor=_cost(outstanding, programme.worth_minor(unit) if unit in programme.units else None),
            )
        )
    return LiabilityReport(shown(now), tuple(found))


_LIVE = "(expires_at IS NULL OR expires_at > $2 OR spendable_at > $2)"


async def activity(
    house: House, caller: Caller, *, since: datetime, until: datetime, closed: int | None
) -> ActivityReport:
    """Tell what moved in a time, how many members bought, and how many of the shop's purchases had one."""
    span = (caller.business_id, to_micros(since), to_micros(until))
    study = house.database.study
    moved = await study(
        "SELECT unit, "
        + ", ".join(
            _whole(f"CASE WHEN {what} THEN {sign}amount ELSE 0 END")
            for what, sign in (
                ("kind IN ('accrual', 'referral_credit')", ""), ("kind = 'redemption'", "-"),
                ("kind = 'breakage'", "-"), ("kind = 'reversal'", "-"), ("kind IN ('adjustment', 'goodwill')", ""),
            )
        )
        + " FROM entries WHERE business_id = $1 AND recorded_at >= $2 AND recorded_at < $3 GROUP BY unit ORDER BY unit",
        *span,
    )  # fmt: skip
    [[active, purchases, paid, refunds]] = await study(
        "SELECT count(DISTINCT CASE WHEN kind = 'purchase' THEN member_id END), "
        f"{_whole(_of('purchase', '1'))}, {_whole(_of('purchase', 'amount_minor'))}, {_whole(_of('refund', '1'))} "
        "FROM journal WHERE business_id = $1 AND recorded_at >= $2 AND recorded_at < $3 AND status = 201",
        *span,
    )  # fmt: skip
    [[joined]] = await study(
        "SELECT count(*) FROM members WHERE business_id = $1 AND joined_at >= $2 AND joined_at < $3", *span
    )
    return ActivityReport(
        since=shown(span[1]), until=shown(span[2]), units=tuple(Moved(*row) for row in moved), members_active=active,
        members_joined=joined, purchases=purchases, refunds=refunds, paid_minor=paid,
        recognised_permille=min(1000, 1000 * purchases // closed) if closed else None,
    )  # fmt: skip


async def rules_gave(house: House, caller: Caller, *, since: datetime, until: datetime) -> RulesReport:
    """Tell what each rule gave in a time, to how many, how much came back, and what the rest is worth."""
    span = (caller.business_id, to_micros(since), to_micros(until))
    programme = (await house.shelf.current(caller.business_id)).programme
    found = await house.database.study(
        f"SELECT rule, unit, {_whole(_of('accrual', '1'))}, count(DISTINCT CASE WHEN kind = 'accrual' THEN member_id "
        f"END), {_whole(_of('accrual', 'amount'))}, {_whole(_of('reversal', '-amount'))} FROM entries "
        "WHERE business_id = $1 AND recorded_at >= $2 AND recorded_at < $3 AND rule IS NOT NULL GROUP BY rule, unit",
        *span,
    )  # fmt: skip
    gave = []
    for rule, unit, times, members, given, back in found:
        worth = programme.worth_minor(unit) if unit in programme.units else None
        gave.append(RuleGave(rule, unit, times, members, given, back, _cost(given - back, worth)))
    gave.sort(key=lambda one: (-(one.cost_minor or 0), -one.given, one.rule, one.unit))
    return RulesReport(shown(span[1]), shown(span[2]), tuple(gave))


def _whole(what: str) -> str:
    return f"CAST(coalesce(sum({what}), 0) AS BIGINT)"


def _of(kind: str, what: str) -> str:
    return f"CASE WHEN kind = '{kind}' THEN {what} ELSE 0 END"


async def _two(study: object, table: str, what: str, where: str, *args: object) -> list[tuple[str, int]]:
    sql = f"SELECT unit, {_whole(what)} FROM {table} WHERE business_id = $1 AND {where} GROUP BY unit"
    return [(row[0], row[1]) for row in await study(sql, *args)]  # type: ignore[operator]  # Database.study


def _ages() -> list[str]:
    """Give the condition of each age on a lot; `$3` and the following are where one age ends."""
    bounds = [f"${number + 3}" for number in range(len(_AGES))]
    younger = [f"recorded_at > {bounds[0]}"]
    between = [f"recorded_at <= {one} AND recorded_at > {two}" for one, two in pairwise(bounds)]
    return [*younger, *between, f"recorded_at <= {bounds[-1]}"]


def _by_age(amounts: list[int]) -> tuple[LiabilityAge, ...]:
    starts, ends = (0, *_AGES), (*_AGES, None)
    return tuple(LiabilityAge(*one) for one in zip(starts, ends, amounts, strict=True))


def _cost(amount: int, worth: Fraction | None) -> int | None:
    return None if worth is None else amount * worth.numerator // worth.denominator
