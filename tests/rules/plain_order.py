"""The order of an outcome written once more, as slowly and plainly as the text says it, to compare with."""

from collections.abc import Sequence
from datetime import date
from decimal import ROUND_FLOOR, Decimal
from fractions import Fraction
from itertools import pairwise

from rules import Cap, Event, Limit, MemberFacts, Programme, Purchase, Rule
from rules.periods import window

Lines = dict[tuple[str, str], int]


def outcome(
    programme: Programme, event: Purchase | Event, member: MemberFacts
) -> tuple[dict[str, int], dict[tuple[str, str], tuple[int, int]]]:
    """What each rule that fires gives (0 where it only does something), and what is used of each limit: (subject,
    window) -> (times, amount).
    """
    scene = programme.scene(event, member)
    standing = [rule for rule in programme.rules if rule.on == event.kind]
    holding = [rule for rule in standing if rule.in_force(scene.today) and rule.when.holds(scene)]
    worth = {rule.id: rule.award.worth(scene) for rule in holding if rule.award}
    awarding = [rule for rule in holding if rule.award and worth[rule.id] and _best_of_group(rule, holding, worth)]

    lines: Lines = {(rule.id, rule.id): worth[rule.id] for rule in awarding}
    for rule in awarding:
        if rule.award and rule.award.proportional:
            lines |= _extras(
                programme, rule, worth[rule.id], [r for r in holding if r.multiply and r.unit == rule.unit]
            )

    unit_of = {rule.id: rule.unit for rule in programme.rules}
    subjects: list[tuple[str, Sequence[Cap | Limit], list[tuple[str, str]]]] = [
        (f"rule:{rule.id}", rule.limit, [key for key in lines if rule.id in key]) for rule in programme.rules
    ]
    for name, unit in programme.units.items():
        subjects.append((f"cap:{name}", unit.cap, [key for key in lines if unit_of[key[0]] == name]))
    used = {}
    for subject, bounds, keys in subjects:
        for bound in bounds:
            _let_through(lines, keys, bound, _used(programme, scene.today, member, subject, bound))
    _return_no_more(programme, event, lines, unit_of)
    for subject, bounds, keys in subjects:
        total = sum(lines[line] for line in keys)
        for bound in bounds:
            if bound.per != "purchase" and total:
                used[subject, window(bound.per, scene.today, programme.zone).name] = (1, total)

    given: dict[str, int] = {}
    for (giver, _), amount in lines.items():
        given[giver] = given.get(giver, 0) + amount
    doing = {
        rule.id for rule in holding if rule.unit is None and _permitted(programme, scene.today, member, rule, used)
    }
    return {rule.id: given.get(rule.id, 0) for rule in programme.rules if given.get(rule.id) or rule.id in doing}, used


def _permitted(
    programme: Programme,
    today: date,
    member: MemberFacts,
    rule: Rule,
    uses: dict[tuple[str, str], tuple[int, int]],
) -> bool:
    """Have all limits of a rule that gives no units room? Then it uses each of them once."""
    subject = f"rule:{rule.id}"
    if not all(_used(programme, today, member, subject, one)[0] < (one.times or 0) for one in rule.limit):
        return False
    for one in rule.limit:
        if one.per != "purchase":
            uses[subject, window(one.per, today, programme.zone).name] = (1, 0)
    return True


def _return_no_more(
    programme: Programme, event: Purchase | Event, lines: Lines, unit_of: dict[str, str | None]
) -> None:
    if programme.max_return is None or isinstance(event, Event):
        return
    room = Fraction(programme.max_return.thousandths, 1000) * max(event.total_minor - event.refunded_minor, 0)
    for line, amount in lines.items():
        worth = programme.worth_minor(unit_of[line[0]] or "")
        if worth:
            lines[line] = min(amount, int(room / worth))
            room -= lines[line] * worth


def _used(programme: Programme, today: date, member: MemberFacts, subject: str, bound: Cap | Limit) -> tuple[int, int]:
    if bound.per == "purchase":
        return 0, 0
    return member.used.get(f"{subject}|{window(bound.per, today, programme.zone).name}", (0, 0))


def _let_through(lines: Lines, keys: list[tuple[str, str]], bound: Cap | Limit, used: tuple[int, int]) -> None:
    times, amount = used
    for line in keys:
        if isinstance(bound, Limit) and bound.times is not None:
            lines[line] = lines[line] if times < bound.times else 0
        else:
            lines[line] = max(0, min(lines[line], (bound.amount or 0) - amount))
            amount += lines[line]


def _best_of_group(rule: Rule, holding: list[Rule], worth: dict[str, int]) -> bool:
    rivals = [
        other for other in holding if rule.group is not None and other.group == rule.group and worth.get(other.id)
    ]
    return not rivals or rule is max(rivals, key=lambda other: (worth[other.id], other.priority, -holding.index(other)))


def _extras(programme: Programme, rule: Rule, amount: int, multipliers: list[Rule]) -> Lines:
    by = {other.id: other.multiply.by for other in multipliers if other.multiply}
    if programme.multipliers == "best" and multipliers:
        best = max(multipliers, key=lambda other: (by[other.id], other.priority, -multipliers.index(other)))
        by = {best.id: by[best.id]}
    factors = [Decimal(1)]
    for one in by.values():
        factors.append(factors[-1] * one if programme.multipliers == "product" else factors[-1] + one - 1)
    totals = [int((amount * factor).to_integral_value(ROUND_FLOOR)) for factor in factors]
    return {(giver, rule.id): after - before for giver, (before, after) in zip(by, pairwise(totals), strict=True)}
