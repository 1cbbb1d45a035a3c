"""A programme as the source of one Python function that judges a purchase, settles it and counts it at once, for those
who want sums and no receipt: a backtest asks it a hundred thousand times a second.

    count(event, member, amounts, times) -> bool

What each rule gives is added to `amounts` under its number, and one to `times`; what it uses of limits and caps goes
into `member.used`, where the next purchase finds it. Of the rules

    base     1 point per 100 minor units
    bread    4 points for bread before ten, once a day
    evening  points times 1.5 on weekday evenings               (and at most 200 points a day)

comes, with every constant as it stands in the file instead of the name it is bound to:

    def count(event, member, amounts, times):
        minute = ...                            # the facts, and one pass over the lines, as in rules/generate.py
        given, uses = [], {}
        give = given.append
        used, keys = member.used, keys_of[today]
        total0 = best0 = more0 = zero
        if weekday in WORKING_DAYS and 1020 <= minute < 1260:
            if best0 < 1:
                best0 = 1                       # multipliers of a unit by rank
        n = counted // 100
        if n:
            more = n * extra0[best0] // 1000
            more0 += more
            total0 += n + more
            give((0, n))
        if minute < 600 and "bread" in quantity_by_category:
            n = 4
            before0 = used.get(keys[0], unused)
            if before0[0] >= 1:
                n = zero
            if n:
                uses[keys[0]] = before0[0] + 1, before0[1] + n
                total0 += n
                give((1, n))
        if more0:
            give((giver0[best0], more0))
        if total0:
            before1 = used.get(keys[1], unused)
            room = 200 - before1[1]
            if total0 > room:
                given, total0 = capped(given, uses, keys, room, ...)
            if total0:
                uses[keys[1]] = before1[0] + 1, before1[1] + total0
        for number, n in given:
            amounts[number] += n
            times[number] += 1
        used.update(uses)
        return True

Invariant: it counts what `settle` gives (rules/order.py), or says False and has changed nothing. It says False where
what multipliers add is cut, and where they add up. Such a purchase is judged the general way.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, TypeAlias

from rules.bounds import Cap, Limit
from rules.effects.units import AwardUnits
from rules.facts import MemberFacts, Purchase
from rules.fetching import Writer
from rules.generate import indented, judged
from rules.periods import Per
from rules.programme import Programme
from rules.room import Bounded, Keys, capped

Counter: TypeAlias = Callable[[Purchase, MemberFacts, list[int], list[int]], bool]
_THOUSAND: Final = 1000


def generate_counter(programme: Programme) -> tuple[str, dict[str, Any]] | None:
    """The source of `count` and the constants it is bound to; None for a programme that must be judged the general way:
    one with `max_return`, or with a limit on a rule that gives no units.
    """
    sold = [rule for rule in programme.rules if rule.on == Purchase.kind]
    if programme.max_return is not None or any(rule.limit and rule.unit is None for rule in sold):
        return None
    return _Counting(programme).source()


class _Counting:
    """Writes the function of one programme."""

    def __init__(self, programme: Programme) -> None:
        self._programme, self._rules = programme, programme.rules
        self._code = Writer(programme, bought=True, in_turn=True)
        self._windows: dict[tuple[str, Per], int] = {}
        sold = [number for number, rule in enumerate(self._rules) if rule.on == Purchase.kind]
        self._awarding = [number for number in sold if self._rules[number].award is not None]
        self._multiplying = [number for number in sold if self._rules[number].multiply is not None]
        self._units = {unit: place for place, unit in enumerate(programme.units)}
        self._ranked = {unit: self._by_rank(unit) for unit in self._units}
        grouped = dict.fromkeys(self._rules[number].group for number in self._awarding)
        self._groups = {group: f"group{place}" for place, group in enumerate(grouped) if group is not None}

    def source(self) -> tuple[str, dict[str, Any]]:
        """The function, from its facts to the sums."""
        programme = self._programme
        body = [
            *judged(self._code, programme, self._multiplying, self._multiplies),
            *judged(self._code, programme, self._awarding, self._holds),
            *(line for group in self._groups for line in self._best_of(group)),
            *(line for unit in self._units for line in self._adds(unit)),
            *(line for unit in self._units for line in self._caps(unit)),
        ]
        if self._windows:
            self._code.fact("today")
        lines = [
            *self._code.prologue(),
            *(["latest[zero] = event.occurred_at, today"] if "days_since_last_purchase" in self._code.facts else []),
            "given, uses = [], {}",
            "give = given.append",
            "used, keys = member.used, keys_of[today]" if self._windows else "keys = empty",
            *(f"total{place} = zero" for unit, place in self._units.items() if programme.units[unit].cap),
            *(f"best{place} = more{place} = zero" for unit, place in self._units.items() if self._ranked[unit]),
            *(f"{group} = empty" for group in self._groups.values()),
            *body,
            "for number, n in given:",
            "    amounts[number] += n",
            "    times[number] += one",
            *(["used.update(uses)"] if self._windows else []),
            "return True",
        ]
        bound = self._code.bound | self._tables()
        return "\n".join(["def count(event, member, amounts, times):", *indented(lines), ""]), bound

    def _tables(self) -> dict[str, Any]:
        """By rank what a multiplier adds in thousandths, and who it is; of no rank nothing is added."""
        keys = Keys(tuple(self._windows), self._programme.zone)
        tables: dict[str, Any] = {
            "unused": (0, 0),
            "thousand": _THOUSAND,
            "keys_of": keys,
            "latest": [(-1, None)],
            "capped": capped,
        }
        for unit, place in self._units.items():
            by = [self._rules[number].multiply for number in self._ranked[unit]]
            tables[f"extra{place}"] = (0, *(one.thousandths - _THOUSAND for one in by if one is not None))
            tables[f"giver{place}"] = (-1, *self._ranked[unit])
            tables[f"awards{place}"] = {n: self._bounded(n) for n in self._awarding if self._rules[n].unit == unit}
        return tables

    def _bounded(self, number: int) -> Bounded:
        rule = self._rules[number]
        return Bounded(self._places(f"rule:{rule.id}", rule.limit), multiplied=self._award(number).proportional)

    def _by_rank(self, unit: str) -> list[int]:
        """The multipliers of a unit, the best last: the largest, then the higher priority, then the earlier."""
        ranked = []
        for number in self._multiplying:
            rule = self._rules[number]
            if rule.multiply is not None and rule.unit == unit:
                ranked.append((rule.multiply.thousandths, rule.priority, -number))
        return [-number for _, _, number in sorted(ranked)]

    def _multiplies(self, number: int) -> Iterator[str]:
        rule = self._rules[number]
        if rule.limit:
            yield "return False"
            return
        best = f"best{self._units[rule.unit or '']}"
        rank = self._code.bind(self._ranked[rule.unit or ""].index(number) + 1)
        if self._programme.multipliers != "best":
            yield f"if {best}:"
            yield "    return False"
            yield f"{best} = {rank}"
            return
        yield f"if {best} < {rank}:"
        yield f"    {best} = {rank}"

    def _holds(self, number: int) -> Iterator[str]:
        """What an award that stands in no group gives; of a group the best is kept for later."""
        award, group = self._award(number), self._rules[number].group
        times = award.times(self._code)
        each = self._code.bind(award.amount)
        yield f"n = {each}" if times is None else f"n = {times}{'' if award.amount == 1 else f' * {each}'}"
        if group is None:
            settled: Iterable[str] = self._settles(number)
        else:
            best, priority = self._groups[group], self._code.bind(self._rules[number].priority)
            settled = [
                f"rank = n, {priority}, {self._code.bind(-number)}", f"if rank > {best}:", f"    {best} = rank",
            ]  # fmt: skip
        if times is None:
            yield from settled
        else:
            yield "if n:"
            yield from indented(settled)

    def _best_of(self, group: str) -> Iterator[str]:
        best = self._groups[group]
        yield f"if {best}:"
        yield f"    n, rank, which = {best}"
        for number in self._awarding:
            if self._rules[number].group == group:
                yield f"    if which == {self._code.bind(-number)}:"
                yield from indented(indented(self._settles(number)))

    def _settles(self, number: int) -> Iterator[str]:
        """What becomes of the `n` of an award: multiplied, limited and given."""
        rule, this = self._rules[number], self._code.bind(number)
        assert rule.unit is not None, "an award is of a unit"
        place = self._units[rule.unit]
        multiplied = self._award(number).proportional and bool(self._ranked[rule.unit])
        whole = "n + more" if multiplied else "n"
        gives = [f"give(({this}, n))"]
        if multiplied:
            yield f"more = n * extra{place}[best{place}] // thousand"
            gives.append(f"more{place} += more")
        if self._programme.units[rule.unit].cap:
            gives.append(f"total{place} += {whole}")
        subject = f"rule:{rule.id}"
        yield from self._cut(subject, rule.limit, whole, ["if more:", "    return False"] if multiplied else [])
        if rule.limit:
            yield "if n:"
            yield from indented([*self._uses(subject, rule.limit, whole), *gives])
        else:
            yield from gives

    def _cut(self, subject: str, limits: Sequence[Limit], whole: str, before: Sequence[str]) -> Iterator[str]:
        """Limits let `n` through as far as there is room; where they cut, what stands in `before` comes first."""
        yield from self._used(subject, limits)
        for limit in limits:
            used = f"before{self._place(subject, limit.per)}"
            if limit.amount is not None:
                most = self._code.bind(limit.amount)
                yield f"room = {most}" + ("" if limit.per == "purchase" else f" - {used}[one]")
                yield f"if {whole} > room:"
                yield from indented([*before, "n = room if room > zero else zero"])
            elif limit.per != "purchase":
                yield f"if {used}[zero] >= {self._code.bind(limit.times)}:"
                yield from indented([*before, "n = zero"])

    def _adds(self, unit: str) -> Iterator[str]:
        """What multipliers add of a unit is given."""
        if self._ranked[unit]:
            place = self._units[unit]
            yield f"if more{place}:"
            yield f"    give((giver{place}[best{place}], more{place}))"

    def _caps(self, unit: str) -> Iterator[str]:
        """The caps of a unit let through what there is room for."""
        caps, subject, total = self._programme.units[unit].cap, f"cap:{unit}", f"total{self._units[unit]}"
        if not caps:
            return
        place = self._units[unit]
        most = [
            f"{self._code.bind(cap.amount)}"
            + ("" if cap.per == "purchase" else f" - before{self._place(subject, cap.per)}[one]")
            for cap in caps
        ]
        multiplied = f"giver{place}[best{place}], extra{place}[best{place}]" if self._ranked[unit] else "nowhere, zero"
        yield f"if {total}:"
        yield from indented(self._used(subject, caps))
        yield f"    room = {most[0]}"
        for other in most[1:]:
            yield f"    if {other} < room:"
            yield f"        room = {other}"
        yield f"    if {total} > room:"
        yield f"        given, {total} = capped(given, uses, keys, room, awards{place}, {multiplied})"
        if uses := list(self._uses(subject, caps, total)):
            yield f"    if {total}:"
            yield from indented(indented(uses))

    def _used(self, subject: str, bounds: Sequence[Limit | Cap]) -> Iterator[str]:
        """What was used before, in every window that a bound counts."""
        for place in self._places(subject, bounds):
            yield f"before{place} = used.get(keys[{self._code.bind(place)}], unused)"

    def _uses(self, subject: str, bounds: Sequence[Limit | Cap], amount: str) -> Iterator[str]:
        """What is used now, in the same windows."""
        for place in self._places(subject, bounds):
            key = f"keys[{self._code.bind(place)}]"
            yield f"uses[{key}] = before{place}[zero] + one, before{place}[one] + {amount}"

    def _places(self, subject: str, bounds: Sequence[Limit | Cap]) -> list[int]:
        return list(dict.fromkeys(self._place(subject, one.per) for one in bounds if one.per != "purchase"))

    def _place(self, subject: str, per: Per) -> int:
        """Where a window's key stands among the keys of a day."""
        return -1 if per == "purchase" else self._windows.setdefault((subject, per), len(self._windows))

    def _award(self, number: int) -> AwardUnits:
        award = self._rules[number].award
        assert award is not None, "this rule awards"
        return award
