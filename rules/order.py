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

from collections.abc import Sequence
from datetime import date
from typing import Final, NamedTuple

from rules.facts import MemberFacts
from rules.outcome import Award, Outcome, Use
from rules.periods import Per, window
from rules.programme import Programme, Rule

_NONE_USED: Final = (0, 0)
_THOUSAND: Final = 1000
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
        self.per_minor = [rule.award is not None and rule.award.per_minor is not None for rule in rules]
        self.each = [rule.award.amount if rule.award else 0 for rule in rules]
        self.thousandths = [rule.multiply.thousandths if rule.multiply else 0 for rule in rules]
        self.limits = {n: _limits(rule) for n, rule in enumerate(rules) if rule.limit}
        self.caps = {name: _caps(name, programme) for name, unit in programme.units.items() if unit.cap}
        self.restrained = bool(self.limits or self.caps)

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
    return Bounded(subject, tuple(bounds), tuple(dict.fromkeys(bound.per for bound in bounds if bound.per != "purchase")))


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
    awards = _awards(plan, given, extras, amounts, counted)
    if cut:
        awards = _shortened(plan, awards, cut)
    return Outcome(tuple(awards), uses, tuple([award.rule for award in awards]))


def best_of_groups(
    plan: Plan, grouped: list[int], amounts: dict[int, int], trace: dict[int, str] | None
) -> list[int]:
    """The winner of each group."""
    best: dict[str | None, int] = {}
    for number in sorted(grouped):
        other = best.get(plan.groups[number])
        if other is None or _rank(plan, number, amounts) > _rank(plan, other, amounts):
            best[plan.groups[number]] = number
    if trace is not None:
        for number in grouped:
            group, winner = plan.groups[number], best[plan.groups[number]]
            if winner != number:
                trace[number] = f'of the group "{group}" only the best rule fires, and that is {plan.ids[winner]}'
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
    if plan.multipliers == "best":
        by_unit = {unit: _best_multiplier(plan, numbers, trace) for unit, numbers in by_unit.items()}
    extras = []
    for source in given:
        if plan.ready[source] is None and (numbers := by_unit.get(plan.units[source])) is not None:
            extras += _grown(plan, source, amounts[source], numbers)
    if trace is not None:
        _say_no_extra(plan, multiplying, extras, trace)
    return extras


def _best_multiplier(plan: Plan, numbers: list[int], trace: dict[int, str] | None) -> list[int]:
    winner = max(numbers, key=lambda number: (plan.thousandths[number], plan.priorities[number], -number))
    if trace is not None:
        said = f"of several multipliers only the best counts, and that is {plan.ids[winner]}"
        trace.update((number, said) for number in numbers if number != winner)
    return [winner]


def _grown(plan: Plan, source: int, amount: int, numbers: Sequence[int]) -> list[Extra]:
    """One award under several multipliers: exact in whole numbers, rounded down at each step of the running factor."""
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
    if not used and all(_fits_unused(bounded, total) for bounded, total in totals):
        return _uses(plan, totals, today), {}
    if all(_room(plan, bounded, used, today)[0] >= total for bounded, total in totals):
        return _uses(plan, totals, today), {}
    return _cut(plan, given, extras, amounts, used, today, trace)


def _totals(
    plan: Plan, given: list[int], extras: list[Extra], amounts: dict[int, int]
) -> list[tuple[Bounded, int]]:
    """What stands under each limited rule and in each capped unit, in the order they are judged."""
    rules: dict[int, int] = {}
    units: dict[str, int] = {}
    limits, caps, ready, unit_of = plan.limits, plan.caps, plan.ready, plan.units
    for number in given:
        award = ready[number]
        amount = amounts[number] if award is None else award.amount
        if number in limits:
            rules[number] = amount
        if caps and (unit := unit_of[number]) in caps:
            units[unit] = units.get(unit, 0) + amount
    for giver, source, amount in extras:
        if giver in limits:
            rules[giver] = rules.get(giver, 0) + amount
        if source in limits:
            rules[source] += amount
        if (unit := unit_of[giver]) in caps:
            units[unit] += amount
    totals = [(limits[number], rules[number]) for number in sorted(rules)]
    return totals + [(bounded, units[unit]) for unit, bounded in caps.items() if unit in units] if units else totals


def _fits_unused(bounded: Bounded, total: int) -> bool:
    return all(bound.amount is None or total <= bound.amount for bound in bounded.bounds)


def _room(
    plan: Plan, bounded: Bounded, used: dict[str, tuple[int, int]], today: date
) -> tuple[int, str]:
    """How many units the bounds still let through, and the words for the narrowest."""
    room, said = MAX_AMOUNT, ""
    for per, times, amount in bounded.bounds:
        before = _NONE_USED
        if per != "purchase" and used:
            before = used.get(f"{bounded.subject}|{window(per, today, plan.zone).name}", _NONE_USED)
        left = amount - before[1] if amount is not None else MAX_AMOUNT if times is None or before[0] < times else 0
        if left < room:
            much = f"{times} time{'' if times == 1 else 's'}" if amount is None else str(amount)
            room, said = max(left, 0), f"{much} {per}" if per == "ever" else f"{much} per {per}"
    return room, said


def _cut(
    plan: Plan,
    given: list[int],
    extras: list[Extra],
    amounts: dict[int, int],
    used: dict[str, tuple[int, int]],
    today: date,
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
        for unit, bounded in plan.caps.items()
    ]
    for bounded, numbers in touched:
        room, said = _room(plan, bounded, used, today)
        for n in numbers:
            kept = min(lines[n].amount, room)
            room -= kept
            if kept == 0 and lines[n].amount and trace is not None:
                trace[lines[n].giver] = f"{_limit_words(bounded)} of {said} is used up"
            lines[n] = lines[n]._replace(amount=kept)
    totals = [(bounded, sum(lines[n].amount for n in numbers)) for bounded, numbers in touched]
    after = _by_giver(lines)
    return _uses(plan, totals, today), {giver: amount for giver, amount in after.items() if amount != before[giver]}


def _limit_words(bounded: Bounded) -> str:
    kind, _, name = bounded.subject.partition(":")
    return f"the cap on {name}" if kind == "cap" else f"the limit of {name}"


def _by_giver(lines: Sequence[Extra]) -> dict[int, int]:
    sums: dict[int, int] = {}
    for line in lines:
        sums[line.giver] = sums.get(line.giver, 0) + line.amount
    return sums


def _uses(plan: Plan, totals: list[tuple[Bounded, int]], today: date) -> tuple[Use, ...]:
    """What was given in the end, in each window that a bound counts. Within one purchase nothing needs to be kept."""
    uses = []
    for bounded, total in totals:
        if total:
            for per in bounded.windows:
                name, starts_at, ends_at = window(per, today, plan.zone)
                uses.append(Use(bounded.subject, name, starts_at, ends_at, 1, total))
    return tuple(uses)


def _awards(
    plan: Plan, given: list[int], extras: list[Extra], amounts: dict[int, int], counted: int
) -> list[Award]:
    """One award a rule, in the order of the file."""
    ready, ids, units, phrases = plan.ready, plan.ids, plan.units, plan.phrases
    gains: dict[int, int] = {}
    for giver, _, amount in extras:
        gains[giver] = gains.get(giver, 0) + amount
    spent = ""
    awards = []
    for number in sorted([*given, *gains]) if gains else given:
        award = ready[number]
        if award is None:
            if number in gains:
                award = Award(ids[number], units[number], gains[number], phrases[number])
            elif plan.per_minor[number]:
                spent = spent or f" on {plan.words.money(counted)}"
                award = Award(ids[number], units[number], amounts[number], phrases[number] + spent)
            else:
                items = amounts[number] // plan.each[number]
                award = Award(ids[number], units[number], amounts[number], f"{phrases[number]}, {items} of them")
        awards.append(award)
    return awards


def _shortened(plan: Plan, awards: list[Award], cut: dict[int, int]) -> list[Award]:
    """The awards after limits: cut ones say so, and those of which nothing is left are gone."""
    left = {plan.ids[number]: amount for number, amount in cut.items()}
    kept = []
    for award in awards:
        amount = left.get(award.rule, award.amount)
        if amount == award.amount:
            kept.append(award)
        elif amount:
            kept.append(Award(award.rule, award.unit, amount, f"{award.reason}, cut by a limit from {award.amount}"))
    return kept
