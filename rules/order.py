"""How an outcome is computed, in the one defined order: groups, multipliers, rounding, limits, caps.

What stands on the event and holds has been found before this (by the tree or by the generated function: the same finding).
Then, and in this order:

1. Of each `group` only the rule best for the member stays: the largest amount before multipliers, then the higher `priority`,
   then the earlier in the file.
2. Multipliers apply to the proportional awards of their unit. `best`: the largest `by` alone (then priority, then file order).
   `add`: each adds its own extra, so 2 and 3 make 4. `product`: 2 and 3 make 6.
3. Each multiplied award is rounded once, down. What a multiplier adds stands under its own rule; of several, each adds in
   file order what the product or sum has grown by, so that the lines add up to the rounded award.
4. The limits of each rule, in file order. A rule's limit bounds what stands under its id and what multipliers added to its
   award. Where there is too much, what multipliers added goes first, then the later in the file.
5. The caps of each unit, over everything given, in the same way.

Groups and multipliers are chosen before limits look: a rule that has used up its limit still holds its group's place.
A rule fires when it gave something. A use counts what was given in the end.
"""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Final, NamedTuple

from rules.facts import MemberFacts
from rules.outcome import Award, Outcome, Use
from rules.periods import WINDOWED, Per, Window, window
from rules.programme import Programme, Rule

_NONE_USED: Final = (0, 0)
_THOUSAND: Final = 1000
_MOST_DAYS: Final = 1000
MAX_AMOUNT: Final = 10**18


class Bound(NamedTuple):
    """One limit or cap."""

    per: Per
    times: int | None
    amount: int | None


class Bounded(NamedTuple):
    """The limits of a rule or the caps of a unit, and the name they are counted under."""

    subject: str
    bounds: tuple[Bound, ...]
    windows: tuple[Per, ...]
    most: int


class Found(NamedTuple):
    """The rules that hold, by their number in the file: awards, awards in a group, multipliers, and proportional amounts."""

    given: list[int]
    grouped: list[int]
    multiplying: list[int]
    amounts: dict[int, int]


class Extra(NamedTuple):
    """What a multiplier (`giver`) adds to an award (`source`)."""

    giver: int
    source: int
    amount: int


class Plan:
    """A programme's rules by number, with everything an outcome needs looked up beforehand."""

    def __init__(self, programme: Programme) -> None:
        rules = programme.rules
        words = programme.words()
        self.words = words
        self.zone = programme.zone
        self.multipliers = programme.multipliers
        self.ids = [rule.id for rule in rules]
        self.units = [rule.unit for rule in rules]
        self.groups = [rule.group for rule in rules]
        self.priorities = [rule.priority for rule in rules]
        self.phrases = [rule.then.effect.words(words) for rule in rules]
        self.ready = [_ready(rule, phrase) for rule, phrase in zip(rules, self.phrases, strict=True)]
        self.award_of: Callable[[int], Award] = self.ready.__getitem__  # type: ignore[assignment]
        self.id_of = self.ids.__getitem__
        self.per_minor = [rule.award is not None and rule.award.per_minor is not None for rule in rules]
        self.each = [rule.award.amount if rule.award else 0 for rule in rules]
        self.thousandths = [rule.multiply.thousandths if rule.multiply else 0 for rule in rules]
        self.limits = {n: _limits(rule) for n, rule in enumerate(rules) if rule.limit}
        self.caps = [
            (name, _caps(name, programme), self._fixed(name)) for name, unit in programme.units.items() if unit.cap
        ]
        self.limited = frozenset(self.limits)
        self.restrained = bool(self.limits or self.caps)
        self._windows: dict[date, dict[Per, Window]] = {}

    def windows(self, today: date) -> dict[Per, Window]:
        """The windows a local day falls in; kept, as most purchases are of the same few days."""
        known = self._windows.get(today)
        if known is None:
            if len(self._windows) >= _MOST_DAYS:
                self._windows.clear()
            known = self._windows[today] = {per: window(per, today, self.zone) for per in WINDOWED}
        return known

    def _fixed(self, unit: str) -> Callable[[int], int]:
        """Tells of each rule what it always gives of a unit."""
        fixed = [award.amount if award is not None and award.unit == unit else 0 for award in self.ready]
        return fixed.__getitem__

    def amount(self, number: int, amounts: dict[int, int]) -> int:
        """What an award gives before multipliers."""
        ready = self.ready[number]
        return amounts[number] if ready is None else ready.amount


def _ready(rule: Rule, phrase: str) -> Award | None:
    """The award of a rule that always gives the same."""
    if rule.award is None or rule.award.proportional:
        return None
    return Award(rule.id, rule.unit, rule.award.amount, phrase)


def _limits(rule: Rule) -> Bounded:
    return _bounded(f"rule:{rule.id}", [Bound(limit.per, limit.times, limit.amount) for limit in rule.limit])


def _caps(name: str, programme: Programme) -> Bounded:
    return _bounded(f"cap:{name}", [Bound(cap.per, None, cap.amount) for cap in programme.units[name].cap])


def _bounded(subject: str, bounds: list[Bound]) -> Bounded:
    windows = dict.fromkeys(bound.per for bound in bounds if bound.per != "purchase")
    most = min(MAX_AMOUNT if bound.amount is None else bound.amount for bound in bounds)
    return Bounded(subject, tuple(bounds), tuple(windows), most)


def settle(
    plan: Plan,
    found: Found,
    member: MemberFacts,
    counted: int,
    today: date,
    trace: dict[int, str] | None = None,
) -> Outcome:
    """The outcome of what was found. `trace` is told why a rule that holds gives nothing after all."""
    given, grouped, multiplying, amounts = found
    if grouped:
        given += best_of_groups(plan, grouped, amounts, trace)
    given.sort()
    extras = added(plan, given, multiplying, amounts, trace) if multiplying else []
    uses: tuple[Use, ...] = ()
    cut: dict[int, int] = {}
    if plan.restrained:
        uses, cut = restrain(plan, given, extras, amounts, member.used, today, trace)
    made = _made(plan, extras, amounts, counted)
    if extras:
        given = sorted({*given, *(giver for giver, _, _ in extras)})
    if cut:
        given = _shortened(plan, given, made, cut)
    awards = list(map(plan.award_of, given))
    for number, award in made.items():
        awards[given.index(number)] = award
    return Outcome(tuple(awards), uses, tuple(map(plan.id_of, given)))


def best_of_groups(
    plan: Plan, grouped: list[int], amounts: dict[int, int], trace: dict[int, str] | None
) -> list[int]:
    """The winner of each group; the amounts of the others are forgotten."""
    best: dict[str | None, int] = {}
    for number in sorted(grouped):
        other = best.get(plan.groups[number])
        if other is None or _rank(plan, number, amounts) > _rank(plan, other, amounts):
            best[plan.groups[number]] = number
    for number in grouped:
        winner = best[plan.groups[number]]
        if winner != number:
            amounts.pop(number, None)
            if trace is not None:
                said = f'of the group "{plan.groups[number]}" only the best rule fires'
                trace[number] = f"{said}, and that is {plan.ids[winner]}"
    return list(best.values())


def _rank(plan: Plan, number: int, amounts: dict[int, int]) -> tuple[int, int]:
    return plan.amount(number, amounts), plan.priorities[number]


def added(
    plan: Plan, given: list[int], multiplying: list[int], amounts: dict[int, int], trace: dict[int, str] | None
) -> list[Extra]:
    """What the multipliers add to the proportional awards of their units."""
    multiplying.sort()
    by_unit: dict[str, list[int]] = {}
    for number in multiplying:
        by_unit.setdefault(plan.units[number], []).append(number)
    if plan.multipliers == "best" and len(by_unit) < len(multiplying):
        by_unit = {unit: _best_multiplier(plan, numbers, trace) for unit, numbers in by_unit.items()}
    extras = []
    for source in given:
        if source in amounts and (numbers := by_unit.get(plan.units[source])) is not None:
            extras += _grown(plan, source, amounts[source], numbers)
    if trace is not None:
        _say_no_extra(plan, multiplying, extras, trace)
    return extras


def _best_multiplier(plan: Plan, numbers: list[int], trace: dict[int, str] | None) -> list[int]:
    if len(numbers) == 1:
        return numbers
    winner = max(numbers, key=lambda number: (plan.thousandths[number], plan.priorities[number], -number))
    if trace is not None:
        said = f"of several multipliers only the best counts, and that is {plan.ids[winner]}"
        trace.update((number, said) for number in numbers if number != winner)
    return [winner]


def _grown(plan: Plan, source: int, amount: int, numbers: Sequence[int]) -> list[Extra]:
    """One award under several multipliers: exact in whole numbers, rounded down at each step of the running factor."""
    if len(numbers) == 1:
        more = amount * (plan.thousandths[numbers[0]] - _THOUSAND) // _THOUSAND
        return [Extra(numbers[0], source, more)] if more else []
    extras = []
    factor = scale = 1
    before = amount
    for number in numbers:
        if plan.multipliers == "product" or scale == 1:
            factor, scale = factor * plan.thousandths[number], scale * _THOUSAND
        else:
            factor += plan.thousandths[number] - _THOUSAND
        after = amount * factor // scale
        if after > before:
            extras.append(Extra(number, source, after - before))
        before = after
    return extras


def _say_no_extra(plan: Plan, multiplying: list[int], extras: list[Extra], trace: dict[int, str]) -> None:
    givers = {extra.giver for extra in extras}
    for number in multiplying:
        if number not in givers and number not in trace:
            trace[number] = f"there were no {plan.words.unit(2, plan.units[number])} it could multiply to one more"


def restrain(
    plan: Plan,
    given: list[int],
    extras: list[Extra],
    amounts: dict[int, int],
    used: dict[str, tuple[int, int]],
    today: date,
    trace: dict[int, str] | None,
) -> tuple[tuple[Use, ...], dict[int, int]]:
    """What is used of limits and caps, and the new amounts of rules that were cut."""
    totals = _totals(plan, given, extras, amounts)
    windows = plan.windows(today)
    for bounded, total in totals:
        if total > (_room(bounded, used, windows)[0] if used else bounded.most):
            return _cut(plan, given, extras, amounts, used, windows, trace)
    return _uses(totals, windows), {}


def _totals(
    plan: Plan, given: list[int], extras: list[Extra], amounts: dict[int, int]
) -> list[tuple[Bounded, int]]:
    """What stands under each limited rule and in each capped unit, in the order they are judged."""
    totals = []
    limited, units = plan.limited, plan.units
    if limited and (extras or not limited.isdisjoint(given)):
        totals = _rule_totals(plan, given, extras, amounts)
    for unit, bounded, fixed in plan.caps:
        total = sum(map(fixed, given))
        for number, amount in amounts.items():
            if units[number] == unit:
                total += amount
        for giver, _, amount in extras:
            if units[giver] == unit:
                total += amount
        if total:
            totals.append((bounded, total))
    return totals


def _rule_totals(
    plan: Plan, given: list[int], extras: list[Extra], amounts: dict[int, int]
) -> list[tuple[Bounded, int]]:
    limits = plan.limits
    sums = {number: plan.amount(number, amounts) for number in given if number in limits}
    for giver, source, amount in extras:
        if giver in limits:
            sums[giver] = sums.get(giver, 0) + amount
        if source in limits:
            sums[source] += amount
    return [(limits[number], sums[number]) for number in sorted(sums)]


def _room(
    bounded: Bounded, used: dict[str, tuple[int, int]], windows: dict[Per, Window]
) -> tuple[int, Bound | None]:
    """How many units the bounds still let through, and the narrowest of them."""
    room, narrowest = MAX_AMOUNT, None
    for bound in bounded.bounds:
        per, times, amount = bound
        before = _NONE_USED
        if used and per != "purchase":
            before = used.get(f"{bounded.subject}|{windows[per].name}", _NONE_USED)
        if amount is not None:
            left = amount - before[1]
        else:
            left = MAX_AMOUNT if times is None or before[0] < times else 0
        if left < room:
            room, narrowest = max(left, 0), bound
    return room, narrowest


def _cut(
    plan: Plan,
    given: list[int],
    extras: list[Extra],
    amounts: dict[int, int],
    used: dict[str, tuple[int, int]],
    windows: dict[Per, Window],
    trace: dict[int, str] | None,
) -> tuple[tuple[Use, ...], dict[int, int]]:
    """The slow way, taken when something is too much: each bound in turn lets through what it has room for."""
    lines = [Extra(number, number, plan.amount(number, amounts)) for number in given] + extras
    before = _by_giver(lines)
    touched: list[tuple[Bounded, list[int]]] = [
        (plan.limits[rule], [n for n, line in enumerate(lines) if rule in (line.giver, line.source)])
        for rule in sorted({number for line in lines for number in line[:2]} & plan.limits.keys())
    ]
    touched += [
        (bounded, [n for n, line in enumerate(lines) if plan.units[line.giver] == unit])
        for unit, bounded, _ in plan.caps
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
    """What was given in the end, in each window that a bound counts. Within one purchase nothing needs to be kept."""
    uses = []
    for bounded, total in totals:
        if total:
            for per in bounded.windows:
                name, starts_at, ends_at = windows[per]
                uses.append(Use(bounded.subject, name, starts_at, ends_at, 1, total))
    return tuple(uses)


def _made(plan: Plan, extras: list[Extra], amounts: dict[int, int], counted: int) -> dict[int, Award]:
    """The awards that differ from purchase to purchase: proportional ones, and what multipliers add."""
    ids, units, phrases, per_minor = plan.ids, plan.units, plan.phrases, plan.per_minor
    made = {}
    spent = ""
    for number, amount in amounts.items():
        if per_minor[number]:
            spent = spent or f" on {plan.words.money(counted)}"
            reason = phrases[number] + spent
        else:
            reason = f"{phrases[number]}, {amount // plan.each[number]} of them"
        made[number] = Award(ids[number], units[number], amount, reason)
    gains: dict[int, int] = {}
    for giver, _, amount in extras:
        gains[giver] = gains.get(giver, 0) + amount
    for number, amount in gains.items():
        made[number] = Award(ids[number], units[number], amount, phrases[number])
    return made


def _shortened(plan: Plan, given: list[int], made: dict[int, Award], cut: dict[int, int]) -> list[int]:
    """The rules that still give something after limits; an award that was cut says so."""
    for number, amount in cut.items():
        award = made.get(number) or plan.ready[number]
        assert award is not None
        if amount:
            reason = f"{award.reason}, cut by a limit from {award.amount}"
            made[number] = Award(award.rule, award.unit, amount, reason)
        else:
            made.pop(number, None)
    return [number for number in given if cut.get(number, 1)]
