"""Limits, caps and the share of a purchase: what may still be given, and what an event used of it."""

from collections.abc import Sequence
from datetime import date
from typing import Final, NamedTuple, TypeAlias

from rules.outcome import Use
from rules.plan import MAX_AMOUNT, Bound, Dated, Day, Extra, Found, Plan, Returned

Used: TypeAlias = dict[str, tuple[int, int]]
Trace: TypeAlias = dict[int, str] | None
_NO_MORE: Final[dict[int, int]] = {}


class Lines(NamedTuple):
    """What is given, line by line: the awards in file order, then what multipliers add; who gives how much."""

    givers: list[int]
    amounts: list[int]
    extras: list[Extra]


def restrain(
    plan: Plan, found: Found, extras: list[Extra], used: Used, today: date, paid: int, trace: Trace
) -> tuple[tuple[Use, ...], dict[int, int]]:
    """What is used of limits and caps, and the new amounts of rules that were cut."""
    day = plan.day(today)
    if plan.returned is None:
        plainly = _plainly(plan, found, extras, used, day, trace)
        if plainly is not None:
            return plainly
    given, own, fixed = found[0], found[3], plan.fixed
    givers = given + [giver for giver, _, _ in extras]
    amounts = [own.get(number) or fixed[number] for number in given] + [amount for _, _, amount in extras]
    lines, before = Lines(givers, amounts, extras), amounts[:]
    touched = _touched(plan, lines, day)
    for dated, places in touched:
        room = _room(dated, used)[0]
        if sum([amounts[place] for place in places]) > room:
            _let_through(lines, places, room, None if trace is None else _limit_words(plan, dated, used), trace)
    if plan.returned is not None:
        _give_back_no_more(plan, plan.returned, lines, paid, trace)
    uses: list[Use] = []
    for dated, places in touched:
        _use(uses, dated, sum([amounts[place] for place in places]))
    return tuple(uses), {} if amounts == before else _cut(lines, before)


def _plainly(
    plan: Plan, found: Found, extras: list[Extra], used: Used, day: Day, trace: Trace
) -> tuple[tuple[Use, ...], dict[int, int]] | None:
    """The same in one walk, where a rule stands under its own limits alone and caps let everything through.

    None where that is not so: a cap changes what the rules before it have used, and what is added by multipliers goes
    before what it was added to. Most purchases go this way, and half of a backtest's time was spent here: hence
    nothing is called and nothing is made that need not be.
    """
    more = _added(plan, extras) if extras else _NO_MORE
    if more is None:
        return None
    own, fixed, cap_of = found[3], plan.fixed, plan.cap_of
    uses: list[Use] = []
    cut: dict[int, int] = {}
    in_units: dict[str, int] = {}
    for number in found[0]:
        amount = own.get(number) or fixed[number]
        if number in more:
            amount += more[number]
        dated = day[number]
        if dated is not None:
            subject, key, times, room, windows, _ = dated
            if key is None:
                room = _room(dated, used)[0]
            elif (before := used.get(key)) is not None:
                room = 0 if times is not None and before[0] >= times else room - before[1]
            if amount > room:
                if number in more:
                    return None
                cut[number] = amount = max(room, 0)
                if not amount and trace is not None:
                    trace[number] = _limit_words(plan, dated, used)
            if amount:
                for name, starts_at, ends_at in windows:
                    uses.append(Use(subject, name, starts_at, ends_at, 1, amount))
        unit = cap_of[number]
        if unit is not None:
            in_units[unit] = in_units.get(unit, 0) + amount
    if in_units and not _within_caps(plan, in_units, used, day, uses):
        return None
    return tuple(uses), cut


def _within_caps(plan: Plan, in_units: dict[str, int], used: Used, day: Day, uses: list[Use]) -> bool:
    """Do the caps let all through that is given? Then this is what is used of them."""
    for unit in plan.caps:
        total = in_units.get(unit, 0)
        if total:
            dated = day[unit]
            assert dated is not None, "a unit with caps has them every day"
            if total > (_room(dated, used)[0] if used else dated.most):
                return False
            _use(uses, dated, total)
    return True


def _added(plan: Plan, extras: list[Extra]) -> dict[int, int] | None:
    """What multipliers add to each award; None where a multiplier has limits of its own."""
    more: dict[int, int] = {}
    for giver, source, amount in extras:
        if giver in plan.limits:
            return None
        more[source] = more.get(source, 0) + amount
    return more


def _touched(plan: Plan, lines: Lines, day: Day) -> list[tuple[Dated, list[int]]]:
    """Each limit and cap with the places of the lines that it bounds, in the order they are judged.

    A rule's limits bound what stands under its id, and what multipliers added to its award.
    """
    givers, cap_of = lines.givers, plan.cap_of
    awards = len(givers) - len(lines.extras)
    sources = givers[:awards] + [source for _, source, _ in lines.extras]
    touched = []
    for rule in sorted(plan.limits.keys() & {*givers, *sources}):
        dated = day[rule]
        assert dated is not None, "a rule with limits has them every day"
        touched.append((dated, [n for n, giver in enumerate(givers) if rule in (giver, sources[n])]))
    for unit in plan.caps:
        dated = day[unit]
        assert dated is not None, "a unit with caps has them every day"
        places = [n for n, giver in enumerate(givers) if cap_of[giver] == unit]
        if places:
            touched.append((dated, places))
    return touched


def _let_through(lines: Lines, places: Sequence[int], room: int, said: str | None, trace: Trace) -> None:
    """Let each line through in turn, as far as there is room."""
    amounts = lines.amounts
    for place in places:
        amount = amounts[place]
        if amount > room:
            amounts[place] = room
            if not room and trace is not None and said is not None:
                trace[lines.givers[place]] = said
        room -= amounts[place]


def _room(dated: Dated, used: Used) -> tuple[int, Bound | None]:
    """How many units the bounds still let through, and the narrowest of them."""
    room, narrowest = MAX_AMOUNT, None
    for key, times, most, bound in dated.bounds:
        left = most
        if key is not None and (before := used.get(key)) is not None:
            left = 0 if times is not None and before[0] >= times else most - before[1]
        if left < room:
            room, narrowest = max(left, 0), bound
    return room, narrowest


def _give_back_no_more(plan: Plan, returned: Returned, lines: Lines, paid: int, trace: Trace) -> None:
    """Let each line through as far as there is room for it in the share of what was paid."""
    room = max(returned.per_minor * paid, 0)
    for place, giver in enumerate(lines.givers):
        weight, amount = returned.weights[giver], lines.amounts[place]
        if weight and amount:
            kept = min(amount, room // weight)
            room -= kept * weight
            if kept == 0 and trace is not None:
                trace[giver] = plan.words.tongue.return_used.format(returned.said)
            lines.amounts[place] = kept


def _cut(lines: Lines, before: list[int]) -> dict[int, int]:
    """The new amounts of those who give less than they would have."""
    was, now = _by_giver(lines.givers, before), _by_giver(lines.givers, lines.amounts)
    return {giver: amount for giver, amount in now.items() if amount != was[giver]}


def _by_giver(givers: list[int], amounts: list[int]) -> dict[int, int]:
    sums: dict[int, int] = {}
    for giver, amount in zip(givers, amounts, strict=True):
        sums[giver] = sums.get(giver, 0) + amount
    return sums


def permit(
    plan: Plan, doing: Sequence[int], used: Used, today: date, trace: Trace
) -> tuple[list[int], tuple[Use, ...]]:
    """Of the rules that give no units those whose limits have room, and what they use of them."""
    permitted: list[int] = []
    uses: list[Use] = []
    day = plan.day(today)
    for number in sorted(doing):
        dated = day[number]
        if dated is None:
            permitted.append(number)
        elif _room(dated, used)[0]:
            permitted.append(number)
            uses += [Use(dated.subject, name, starts_at, ends_at, 1, 0) for name, starts_at, ends_at in dated.windows]
        elif trace is not None:
            trace[number] = _limit_words(plan, dated, used)
    return permitted, tuple(uses)


def _limit_words(plan: Plan, dated: Dated, used: Used) -> str:
    bound = _room(dated, used)[1]
    assert bound is not None, "what is cut is cut by a bound"
    kind, _, name = dated.subject.partition(":")
    t = plan.words.tongue
    much = f"{bound.amount}" if bound.times is None else plan.words.times(bound.times)
    return (t.cap_used if kind == "cap" else t.limit_used).format(name, much, t.pers[bound.per])


def _use(uses: list[Use], dated: Dated, total: int) -> None:
    """What was given in the end, in each window that a bound counts. Within one purchase nothing needs to be kept."""
    if total:
        for name, starts_at, ends_at in dated.windows:
            uses.append(Use(dated.subject, name, starts_at, ends_at, 1, total))
