"""A purchase and a member as unknowns: what no rule has been told yet, and the laws that any till keeps to.

Every fact that a rule may ask for is one unknown, and two programmes ask for the same ones. A list of names becomes one
question a name, at most one of them answered with yes; whatever is not mentioned is the answer no to all.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec
import z3

from loyalty_engine.proving.goods import Goods, Kind, left_out
from rules.judging import Condition
from rules.periods import Per, Period
from rules.picking import Pick, Spend

Term: TypeAlias = Any
"""A number or a truth of the solver, which has no types."""
FROM: Final = date(2000, 1, 1)
UNTIL: Final = date(2199, 12, 31)
MONDAY: Final = date(2001, 1, 1).toordinal()
_MINUTES: Final = 24 * 60
_FARTHEST: Final = 40_000


class Assumed(msgspec.Struct, frozen=True):
    """What is taken for granted of every purchase: how large it is, and what an item costs at least."""

    at_least_minor: int = 1
    item_at_least_minor: int = 0
    category_at_least_minor: Mapping[str, int] = {}

    def price(self, category: str | None) -> int:
        """What an item of this category costs at least."""
        return self.category_at_least_minor.get(category or "", self.item_at_least_minor)


class Open(NamedTuple):
    """What the lines that a pick means come to, not known yet."""

    quantity: Term
    amount_minor: Term
    distinct: Term


class Heap(NamedTuple):
    """All lines of one kind together: how many, their money, their tax, and how many different goods."""

    kind: Kind
    quantity: Term
    amount_minor: Term
    tax_minor: Term
    distinct: Term


class Unknowns:
    """One purchase of one member, about which nothing is known but the laws."""

    def __init__(self, goods: Goods, assumed: Assumed) -> None:
        self.goods = goods
        self.assumed = assumed
        self.total = z3.Int("total")
        self.has_lines = z3.Bool("has lines")
        self.today = z3.Int("today")
        self.minute = z3.Int("minute")
        self.weekday = [z3.Bool(f"weekday {day}") for day in range(7)]
        self.heaps = [self._heap(number, kind) for number, kind in enumerate(goods.kinds)]
        self.names: dict[str, dict[str, Term]] = {}
        self.carried: dict[str, dict[str, Term]] = {}
        self.numbers: dict[str, Term] = {}
        self.floors: dict[str, int | None] = {}
        self.flags: dict[str, Term] = {}
        self.times: dict[tuple[str, Period], Term] = {}
        self.known: dict[str, Term] = {}
        self.used: dict[tuple[str, Per], tuple[Term, Term]] = {}
        self.opaque: dict[str, Term] = {}
        self.defined: list[Term] = []
        self._measures: dict[Pick, Open] = {}
        self._terms: dict[tuple[str, int, int], tuple[Term, Term]] = {}

    def _heap(self, number: int, kind: Kind) -> Heap:
        return Heap(kind, *(z3.Int(f"{what} of kind {number}") for what in ("quantity", "money", "tax", "distinct")))

    def is_named(self, fact: str, name: str) -> Term:
        """Is this fact, of which there is at most one, this name?"""
        return self.names.setdefault(fact, {}).setdefault(name, z3.Bool(f"{fact} is {name}"))

    def carries(self, fact: str, name: str) -> Term:
        """Is this name among those of a fact that has several?"""
        return self.carried.setdefault(fact, {}).setdefault(name, z3.Bool(f"{fact} has {name}"))

    def number(self, fact: str, floor: int | None = 0) -> Term:
        """A whole number, of which the least it can ever be is known."""
        self.floors.setdefault(fact, floor)
        return self.numbers.setdefault(fact, z3.Int(fact))

    def flag(self, fact: str) -> Term:
        return self.flags.setdefault(fact, z3.Bool(fact))

    def happened(self, kind: str, within: Period) -> Term:
        """How often something has happened to the member within a period."""
        return self.times.setdefault((kind, within), z3.Int(f"{kind} within {within}"))

    def is_known(self, fact: str) -> Term:
        return self.known.setdefault(fact, z3.Bool(f"{fact} is known"))

    def used_before(self, subject: str, per: Per) -> tuple[Term, Term]:
        """How often, and how much, a limit has given already in the window of this purchase."""
        name = f"{subject} per {per}"
        return self.used.setdefault((subject, per), (z3.Int(f"times of {name}"), z3.Int(f"amount of {name}")))

    def anything(self, condition: Condition) -> Term:
        """A condition that is not encoded: it may hold or not. Where it stands again, it is the same."""
        name = f"{type(condition).__name__} {condition!r}"
        return self.opaque.setdefault(name, z3.Bool(name))

    def whole(self, what: str) -> Term:
        """A new unknown whole number."""
        return z3.FreshInt(what)

    def let(self, term: Term) -> Term:
        """A name for a number or a truth. The same one has one name, however many programmes speak of it."""
        name = z3.FreshBool() if z3.is_bool(term) else z3.FreshInt()
        return self._once("let", term, 0, name, [name == term])

    def floored(self, value: Term, by: int) -> Term:
        """The whole number below a quotient."""
        if by == 1:
            return value
        low = z3.FreshInt("floor")
        return self._once("floored", value, by, low, [low * by <= value, value < low * by + by])

    def _once(self, kind: str, term: Term, by: int, name: Term, laws: list[Term]) -> Term:
        key = kind, term.get_id(), by
        if key not in self._terms:
            self._terms[key] = name, term
            self.defined += laws
        return self._terms[key][0]

    def counted(self, spend: Spend) -> Term:
        """The counted spend."""
        out = [
            heap.amount_minor if left_out(spend, heap.kind.shown_by) else heap.tax_minor
            for heap in self.heaps
            if left_out(spend, heap.kind.shown_by) or spend.tax == "excluded"
        ]
        return self.total - z3.Sum(out) if out else self.total

    def measure(self, pick: Pick) -> Open:
        """What the lines meant come to."""
        if pick not in self._measures:
            loose = pick in self.goods.loose
            self._measures[pick] = self._loose(pick) if loose else self._summed(pick)
        return self._measures[pick]

    def _summed(self, pick: Pick) -> Open:
        heaps = [heap for heap in self.heaps if pick in heap.kind.picked_by]
        quantity, amount = (_sum([heap[place] for heap in heaps]) for place in (1, 2))
        return Open(quantity, amount, self._distinct(pick, heaps) if self.goods.counts_skus else z3.IntVal(0))

    def _distinct(self, pick: Pick, heaps: list[Heap]) -> Term:
        """A SKU that is mentioned counts once, wherever it stands; others may or may not be the same."""
        named: dict[str, list[Term]] = {}
        others = [heap.distinct for heap in heaps if heap.kind.shown_by.sku is None]
        for heap in heaps:
            if heap.kind.shown_by.sku is not None:
                named.setdefault(heap.kind.shown_by.sku, []).append(heap.quantity > 0)
        different = z3.Int(f"others of {pick!r}")
        self.defined += [different <= _sum(others), *(different >= other for other in others)]
        return _sum([different, *(z3.If(z3.Or(there), 1, 0) for there in named.values())])

    def _loose(self, pick: Pick) -> Open:
        open_ = Open(*(z3.Int(f"{what} of {pick!r}") for what in Open._fields))
        quantity = _sum([heap.quantity for heap in self.heaps])
        self.defined += [
            open_.quantity >= 0, open_.quantity <= quantity, open_.amount_minor >= 0,
            open_.amount_minor <= _sum([heap.amount_minor for heap in self.heaps]),
            open_.distinct >= 0, open_.distinct <= open_.quantity,
        ]  # fmt: skip
        return open_

    def laws(self) -> Iterator[Term]:
        """What holds of every purchase a till can send and every member there can be, of all that was asked for."""
        yield self.total >= max(self.assumed.at_least_minor, 1)
        yield z3.Implies(self.has_lines, _sum([heap.amount_minor for heap in self.heaps]) == self.total)
        for heap in self.heaps:
            yield from self._heap_laws(heap)
        yield from self._calendar()
        yield from self._member()
        for answers in self.names.values():
            yield z3.AtMost(*answers.values(), 1)
        for times, amount in self.used.values():
            yield from (times >= 0, amount >= 0)
        yield from self.defined

    def _heap_laws(self, heap: Heap) -> Iterator[Term]:
        _, quantity, amount, tax, distinct = heap
        price = self.assumed.price(heap.kind.shown_by.category)
        yield from (quantity >= 0, amount >= price * quantity, tax >= 0, tax <= amount)
        yield from (distinct >= 0, distinct <= quantity)
        yield z3.Implies(z3.Not(self.has_lines), quantity == 0)
        yield z3.Implies(quantity == 0, amount == 0)

    def _calendar(self) -> Iterator[Term]:
        week = z3.Int("week")
        yield z3.PbEq([(day, 1) for day in self.weekday], 1)
        yield self.today == MONDAY + 7 * week + _sum([z3.If(day, n, 0) for n, day in enumerate(self.weekday)])
        yield from (self.today >= FROM.toordinal(), self.today <= UNTIL.toordinal())
        yield from (self.minute >= 0, self.minute < _MINUTES)

    def _member(self) -> Iterator[Term]:
        first = self.flag("first_purchase")
        yield z3.Implies(first, self.number("visits") == 0)
        yield z3.Implies(first, z3.Not(self.is_known("days_since_last_purchase")))
        for fact, number in self.numbers.items():
            floor = self.floors[fact]
            if fact.startswith("days_"):
                # Somebody who joins afterwards may be told of a purchase that came before.
                yield z3.And(number >= -_FARTHEST, number <= _FARTHEST)
            elif floor is not None:
                yield number >= floor
        for (kind, within), times in self.times.items():
            yield times >= 0
            yield from (
                times <= more
                for (other, longer), more in self.times.items()
                if kind == other and _lasts(longer, within)
            )
        today = self.flags.get("birthday day")
        for longer in ("birthday week", "birthday month"):
            if today is not None and longer in self.flags:
                yield z3.Implies(today, self.flags[longer])


def _lasts(longer: Period, shorter: Period) -> bool:
    """Does one period surely reach as far back as another? A month has 28 days at least."""
    least = longer.days() + 28 * longer.months()
    return longer != shorter and (least >= shorter.most_days() or _of_one_kind(longer, shorter))


def _of_one_kind(longer: Period, shorter: Period) -> bool:
    return longer.months() >= shorter.months() and longer.days() >= shorter.days()


def _sum(terms: list[Term]) -> Term:
    return z3.Sum(terms) if terms else z3.IntVal(0)
