"""Limits, caps and the share of a purchase: what may still be given, and what an event used of it."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from rules.outcome import Use
from rules.periods import Per, Window
from rules.plan import MAX_AMOUNT, Bound, Bounded, Extra, Plan, Returned, Standing

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
    if plan.returned is not None and _gives_back_too_much(plan, plan.returned, standing):
        return _cut(plan, standing, used, windows, trace)
    for bounded, total in totals:
        if total > (_room(bounded, used, windows)[0] if used else bounded.most):
            return _cut(plan, standing, used, windows, trace)
    return _uses(totals, windows), {}


def _totals(plan: Plan, standing: Standing) -> list[tuple[Bounded, int]]:
    """What stands under each limited rule and in each capped unit, in the order they are judged."""
    given, amounts, extras, take, _ = standing
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
    given, amounts, extras, _, paid = standing
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
                trace[lines[n].giver] = _limit_words(plan, bounded, bound)
            lines[n] = lines[n]._replace(amount=kept)
    if plan.returned is not None:
        _give_back_no_more(plan, plan.returned, lines, paid, trace)
    totals = [(bounded, sum(lines[n].amount for n in numbers)) for bounded, numbers in touched]
    after = _by_giver(lines)
    return _uses(totals, windows), {giver: amount for giver, amount in after.items() if amount != before[giver]}


def _gives_back_too_much(plan: Plan, returned: Returned, standing: Standing) -> bool:
    """Is what is given so far worth more than the share of what was paid?"""
    weights = returned.weights
    worth = 0
    for number in standing.given:
        if weights[number]:
            worth += weights[number] * plan.amount(number, standing.amounts)
    worth += sum(weights[giver] * amount for giver, _, amount in standing.extras)
    return worth > returned.per_minor * standing.paid


def _give_back_no_more(
    plan: Plan, returned: Returned, lines: list[Extra], paid: int, trace: dict[int, str] | None
) -> None:
    """Let each line through as far as there is room for it in the share of what was paid."""
    room = max(returned.per_minor * paid, 0)
    for n, line in enumerate(lines):
        weight = returned.weights[line.giver]
        if weight and line.amount:
            kept = min(line.amount, room // weight)
            room -= kept * weight
            if kept == 0 and trace is not None:
                trace[line.giver] = plan.words.tongue.return_used.format(returned.said)
            lines[n] = line._replace(amount=kept)


def permit(
    plan: Plan, doing: Sequence[int], used: dict[str, tuple[int, int]], today: date, trace: dict[int, str] | None
) -> tuple[list[int], tuple[Use, ...]]:
    """Of the rules that give no units those whose limits have room, and what they use of them."""
    permitted: list[int] = []
    uses: list[Use] = []
    for number in sorted(doing):
        bounded = plan.limits.get(number)
        if bounded is None:
            permitted.append(number)
            continue
        windows = plan.windows(today)
        room, bound = _room(bounded, used, windows)
        if not room:
            if trace is not None:
                trace[number] = _limit_words(plan, bounded, bound)
            continue
        permitted.append(number)
        uses += [
            Use(bounded.subject, windows[per].name, windows[per].starts_at, windows[per].ends_at, 1, 0)
            for per in bounded.windows
        ]
    return permitted, tuple(uses)


def _limit_words(plan: Plan, bounded: Bounded, bound: Bound | None) -> str:
    assert bound is not None
    kind, _, name = bounded.subject.partition(":")
    t = plan.words.tongue
    much = f"{bound.amount}" if bound.times is None else plan.words.times(bound.times)
    return (t.cap_used if kind == "cap" else t.limit_used).format(name, much, t.pers[bound.per])


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
