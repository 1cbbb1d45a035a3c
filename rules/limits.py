"""Limits and caps: what may still be given in a calendar window, and what a purchase used of it."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from rules.outcome import Use
from rules.periods import Per, Window
from rules.plan import MAX_AMOUNT, Bound, Bounded, Extra, Plan, Standing

_NONE_USED: Final = (0, 0)


def restrain(
    plan: Plan,
    standing: Standing,
    used: dict[str, tuple[int, int]],
    today: date,
    trace: dict[int, str] | None,
) -> tuple[tuple[Use, ...], dict[int, int]]:
    """What is used of limits and caps, and the new amounts of rules that were cut."""
    totals = _totals(plan, standing)
    windows = plan.windows(today)
    for bounded, total in totals:
        if total > (_room(bounded, used, windows)[0] if used else bounded.most):
            return _cut(plan, standing, used, windows, trace)
    return _uses(totals, windows), {}


def _totals(plan: Plan, standing: Standing) -> list[tuple[Bounded, int]]:
    """What stands under each limited rule and in each capped unit, in the order they are judged."""
    given, amounts, extras, take = standing
    limited = plan.limited.intersection(given)
    totals = _rule_totals(plan, standing, limited) if limited or (extras and plan.limits) else []
    for bounded, fixed, is_capped in plan.caps:
        total = sum(take(fixed))
        for number, amount in amounts.items():
            if is_capped[number]:
                total += amount
        for giver, _, amount in extras:
            if is_capped[giver]:
                total += amount
        if total:
            totals.append((bounded, total))
    return totals


def _rule_totals(plan: Plan, standing: Standing, limited: frozenset[int]) -> list[tuple[Bounded, int]]:
    limits = plan.limits
    sums = {number: plan.amount(number, standing.amounts) for number in limited}
    for giver, source, amount in standing.extras:
        if giver in limits:
            sums[giver] = sums.get(giver, 0) + amount
        if source in limits:
            sums[source] += amount
    return [(limits[number], sums[number]) for number in sorted(sums)]


def _room(bounded: Bounded, used: dict[str, tuple[int, int]], windows: dict[Per, Window]) -> tuple[int, Bound | None]:
    """How many units the bounds still let through, and the narrowest of them."""
    room, narrowest = MAX_AMOUNT, None
    for bound in bounded.bounds:
        per, times, amount = bound
        before = _NONE_USED
        if used and per != "purchase":
            before = used.get(f"{bounded.subject}|{windows[per].name}", _NONE_USED)
        left = MAX_AMOUNT if amount is None else amount - before[1]
        if times is not None and before[0] >= times:
            left = 0
        if left < room:
            room, narrowest = max(left, 0), bound
    return room, narrowest


def _cut(
    plan: Plan,
    standing: Standing,
    used: dict[str, tuple[int, int]],
    windows: dict[Per, Window],
    trace: dict[int, str] | None,
) -> tuple[tuple[Use, ...], dict[int, int]]:
    """The slow way, when something is too much: each bound in turn lets through what it has room for."""
    given, amounts, extras, _ = standing
    lines = [Extra(number, number, plan.amount(number, amounts)) for number in given] + extras
    before = _by_giver(lines)
    touched: list[tuple[Bounded, list[int]]] = [
        (plan.limits[rule], [n for n, line in enumerate(lines) if rule in (line.giver, line.source)])
        for rule in sorted({number for line in lines for number in line[:2]} & plan.limits.keys())
    ]
    touched += [
        (bounded, [n for n, line in enumerate(lines) if is_capped[line.giver]]) for bounded, _, is_capped in plan.caps
    ]
    for bounded, numbers in touched:
        room, bound = _room(bounded, used, windows)
        for n in numbers:
            kept = min(lines[n].amount, room)
            room -= kept
            if kept == 0 and lines[n].amount and trace is not None:
                trace[lines[n].giver] = _limit_words(bounded, bound)
            lines[n] = lines[n]._replace(amount=kept)
    totals = [(bounded, sum(lines[n].amount for n in numbers)) for bounded, numbers in touched]
    after = _by_giver(lines)
    return _uses(totals, windows), {giver: amount for giver, amount in after.items() if amount != before[giver]}


def _limit_words(bounded: Bounded, bound: Bound | None) -> str:
    assert bound is not None
    kind, _, name = bounded.subject.partition(":")
    what = f"the cap on {name}" if kind == "cap" else f"the limit of {name}"
    much = f"{bound.amount}" if bound.times is None else f"{bound.times} time{'' if bound.times == 1 else 's'}"
    return f"{what}, {much} {'' if bound.per == 'ever' else 'per '}{bound.per}, is used up"


def _by_giver(lines: Sequence[Extra]) -> dict[int, int]:
    sums: dict[int, int] = {}
    for line in lines:
        sums[line.giver] = sums.get(line.giver, 0) + line.amount
    return sums


def _uses(totals: list[tuple[Bounded, int]], windows: dict[Per, Window]) -> tuple[Use, ...]:
    """What was given in the end, in each window that a bound counts. Within one purchase nothing needs to be
    kept.
    """
    uses = []
    for bounded, total in totals:
        if total:
            for per in bounded.windows:
                name, starts_at, ends_at = windows[per]
                uses.append(Use(bounded.subject, name, starts_at, ends_at, 1, total))
    return tuple(uses)
