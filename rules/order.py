"""How an outcome is computed, in the one defined order: groups, multipliers, rounding, limits, caps, the rest.

What stands on the event and holds has been found before this (by the tree or by the generated function: the
same finding). Then, and in this order:

1. Of each `group` only the rule best for the member stays: the largest amount before multipliers, then the
   higher `priority`, then the earlier in the file.
2. Multipliers apply to the proportional awards of their unit. `best`: the largest `by` alone (then priority,
   then file order). `add`: each adds its own extra, so 2 and 3 make 4. `product`: 2 and 3 make 6.
3. Each multiplied award is rounded once, down. What a multiplier adds stands under its own rule; of several,
   each adds in file order what the product or sum has grown by, so the lines add up to the rounded award.
4. The limits of each rule, in file order. A rule's limit bounds what stands under its id and what multipliers
   added to its award. Where there is too much, what multipliers added goes first, then the later in the file.
5. The caps of each unit, over everything given, in the same way.
6. `max_return`: what a purchase gives in all its units, each worth what the best perk it buys is worth, is at most
   that share of what was paid. Where there is too much, it goes in the same way.
7. What else happens: the other effects of the rules that fired, in file order.

Groups and multipliers are chosen before limits look: a rule that has used up its limit still holds its
group's place. A rule that awards or multiplies fires when it gave something; any other fires when it holds and its
limits of `times` have room. The other effects of a rule happen when it fires. A use counts what was given in the end.
"""

from collections.abc import Sequence
from datetime import date
from typing import Final

from rules.facts import MemberFacts
from rules.limits import permit, restrain
from rules.outcome import Award, Happening, Outcome, Use
from rules.plan import Extra, Found, Plan, taker

_THOUSAND: Final = 1000


def settle(
    plan: Plan,
    found: Found,
    member: MemberFacts,
    counted: int,
    today: date,
    paid: int = 0,
    *,
    trace: dict[int, str] | None = None,
) -> Outcome:
    """The outcome of what was found. `trace` is told why a rule that holds gives nothing after all.

    `paid` is what `max_return` is a share of, and is asked for by a programme that has one.
    """
    given, grouped, multiplying, amounts, doing = found
    if grouped:
        given += best_of_groups(plan, grouped, amounts, trace)
    given.sort()
    extras = added(plan, given, multiplying, amounts, trace) if multiplying else []
    take = taker(given)
    uses: tuple[Use, ...] = ()
    cut: dict[int, int] = {}
    if plan.restrained:
        uses, cut = restrain(plan, found, extras, member.used, today, paid, trace)
    made = _made(plan, extras, amounts, counted) if amounts else {}
    if extras or cut:
        given = _shortened(plan, sorted({*given, *(giver for giver, _, _ in extras)}), made, cut)
        take = taker(given)
    awards = list(take(plan.ready))
    for number, award in made.items():
        awards[given.index(number)] = award
    if plan.happenings:
        return _with_deeds(plan, given, doing, member, today, Outcome(tuple(awards), uses, ()), trace)  # type: ignore[arg-type]
    return Outcome(tuple(awards), uses, take(plan.ids))  # type: ignore[arg-type]


def _with_deeds(
    plan: Plan,
    given: list[int],
    doing: Sequence[int],
    member: MemberFacts,
    today: date,
    outcome: Outcome,
    trace: dict[int, str] | None,
) -> Outcome:
    """The outcome with all that is no award: of the rules that gave units, and of those that only do something."""
    permitted, uses = permit(plan, doing, member.used, today, trace)
    fired = sorted([*given, *permitted]) if permitted else given
    happenings: list[Happening] = []
    for number in fired:
        happenings += plan.happenings.get(number, ())
    ids = tuple([plan.ids[number] for number in fired])
    return Outcome(outcome.awards, outcome.uses + uses, ids, tuple(happenings))


def best_of_groups(plan: Plan, grouped: list[int], amounts: dict[int, int], trace: dict[int, str] | None) -> list[int]:
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
                trace[number] = plan.words.tongue.best_of_group.format(plan.groups[number], plan.ids[winner])
    return list(best.values())


def _rank(plan: Plan, number: int, amounts: dict[int, int]) -> tuple[int, int]:
    return plan.amount(number, amounts), plan.priorities[number]


def added(
    plan: Plan,
    given: list[int],
    multiplying: list[int],
    amounts: dict[int, int],
    trace: dict[int, str] | None,
) -> list[Extra]:
    """What the multipliers add to the proportional awards of their units."""
    multiplying.sort()
    by_unit: dict[str | None, list[int]] = {}
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
        said = plan.words.tongue.best_multiplier.format(plan.ids[winner])
        trace.update((number, said) for number in numbers if number != winner)
    return [winner]


def _grown(plan: Plan, source: int, amount: int, numbers: Sequence[int]) -> list[Extra]:
    """One award under several multipliers: exact in whole numbers, rounded down at each step of the running
    factor.
    """
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
            unit = plan.words.unit(2, plan.units[number] or "")
            trace[number] = plan.words.tongue.nothing_to_multiply.format(unit)


def _made(plan: Plan, extras: list[Extra], amounts: dict[int, int], counted: int) -> dict[int, Award]:
    """The awards that differ from purchase to purchase: proportional ones, and what multipliers add."""
    makers = plan.makers
    of_them = plan.of_them
    made = {}
    spent = ""
    for number, amount in amounts.items():
        rule, unit, phrase, each = makers[number]
        if plan.silent:
            reason = phrase
        elif each:
            reason = f"{phrase}{amount // each}{of_them}"
        else:
            spent = spent or plan.on_spent + plan.words.money(counted)
            reason = phrase + spent
        made[number] = Award(rule, unit, amount, reason)
    if extras:
        gains: dict[int, int] = {}
        for giver, _, amount in extras:
            gains[giver] = gains.get(giver, 0) + amount
        for number, amount in gains.items():
            rule, unit, phrase, _ = makers[number]
            made[number] = Award(rule, unit, amount, phrase)
    return made


def _shortened(plan: Plan, given: list[int], made: dict[int, Award], cut: dict[int, int]) -> list[int]:
    """The rules that still give something after limits; an award that was cut says so."""
    for number, amount in cut.items():
        award = made.get(number) or plan.ready[number]
        assert award is not None
        if amount:
            reason = award.reason + plan.words.tongue.cut.format(award.amount)
            made[number] = Award(award.rule, award.unit, amount, reason)
        else:
            made.pop(number, None)
    return [number for number in given if cut.get(number, 1)]
