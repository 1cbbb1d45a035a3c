"""An instance of the unknowns as a purchase and a member that the evaluator can judge."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from loyalty_engine.proving.solver import Instance, is_so, number_in
from loyalty_engine.proving.unknowns import Heap, Term, Unknowns
from rules.conditions.history import MemberBirthday
from rules.facts import Event, Line, MemberFacts, Purchase
from rules.periods import days_before, window
from rules.programme import Programme

_A_YEAR = timedelta(days=365)
_BALANCE = "balance "
_MOST_COUNTED = 1000


class Witness(NamedTuple):
    """Something that happened to a member, and that shows something."""

    event: Purchase | Event
    member: MemberFacts


class _Reading:
    """An instance, read fact by fact."""

    def __init__(self, instance: Instance, unknowns: Unknowns, programme: Programme) -> None:
        self.instance = instance
        self.unknowns = unknowns
        self.zone = programme.zone
        self.today = date.fromordinal(self.number(unknowns.today))
        minute = self.number(unknowns.minute)
        self.clock = time(minute // 60, minute % 60)

    def number(self, term: Term) -> int:
        return number_in(self.instance, term)

    def name(self, fact: str) -> str | None:
        named = self.unknowns.names.get(fact, {}).items()
        return next((name for name, term in named if is_so(self.instance, term)), None)

    def several(self, fact: str) -> tuple[str, ...]:
        return tuple(name for name, term in self.unknowns.carried.get(fact, {}).items() if is_so(self.instance, term))

    def at(self, days_ago: int = 0) -> datetime:
        """The local time of the purchase, so many days earlier."""
        day = self.today - timedelta(days=days_ago)
        return datetime.combine(day, self.clock, tzinfo=self.zone).astimezone(UTC)

    def ago(self, fact: str) -> datetime | None:
        """The instant so many days ago, where that is known."""
        if not self.is_known(fact):
            return None
        return self.at(self.number(self.unknowns.number(fact)))

    def flag(self, fact: str) -> bool:
        term = self.unknowns.flags.get(fact)
        return term is not None and is_so(self.instance, term)

    def is_known(self, fact: str) -> bool:
        known = self.unknowns.known.get(fact)
        return known is not None and is_so(self.instance, known)

    def lines(self) -> tuple[Line, ...] | None:
        if not is_so(self.instance, self.unknowns.has_lines):
            return None
        lines: list[Line] = []
        for heap in self.unknowns.heaps:
            lines.extend(self._of_heap(heap, len(lines)))
        return tuple(lines)

    def _of_heap(self, heap: Heap, before: int) -> Iterator[Line]:
        """One line, or one for each of several goods without a SKU that the programme mentions."""
        shown, quantity, amount = heap.kind.shown_by, self.number(heap.quantity), self.number(heap.amount_minor)
        if not quantity:
            return
        distinct = self.number(heap.distinct) if shown.sku is None and self.unknowns.goods.counts_skus else 0
        price = self.unknowns.assumed.price(shown.category)
        for number in range(max(distinct, 1)):
            rest = number == max(distinct, 1) - 1
            here = quantity if rest else 1
            paid = amount if rest else price
            yield Line(
                line=str(before + number + 1), amount_minor=paid, quantity=here, category=shown.category,
                sku=shown.sku if not distinct else f"something-{before + number + 1}", tags=shown.tags,
                discount_minor=shown.discount_minor, tax_minor=self.number(heap.tax_minor) if rest else 0,
            )  # fmt: skip
            quantity, amount = quantity - here, amount - paid


def witness(instance: Instance, unknowns: Unknowns, programme: Programme, on: str = Purchase.kind) -> Witness:
    """The purchase, or another event, and the member that the instance speaks of."""
    read = _Reading(instance, unknowns, programme)
    if on != Purchase.kind:
        told = Event(
            kind=on, occurred_at=read.at(), location=read.name("location"), staff=read.name("staff"),
            attributes=dict(_attributes(read)),
        )  # fmt: skip
        return Witness(told, _member(read))
    purchase = Purchase(
        occurred_at=read.at(), total_minor=read.number(unknowns.total), location=read.name("location"),
        till=read.name("till"), staff=read.name("staff"), channel=read.name("channel"), codes=read.several("codes"),
        lines=read.lines(),
    )  # fmt: skip
    return Witness(purchase, _member(read))


def _attributes(read: _Reading) -> Iterator[tuple[str, str | int | bool]]:
    for fact in read.unknowns.names:
        field, said = fact.removeprefix("attribute "), read.name(fact)
        if field == fact or said is None:
            continue
        if said == "is a number":
            yield field, read.number(read.unknowns.numbers[fact])
        else:
            yield field, said == "is True" if said in ("is True", "is False") else said.removeprefix("text ")


def _member(read: _Reading) -> MemberFacts:
    numbers = {fact: read.number(term) for fact, term in read.unknowns.numbers.items()}
    balances = {fact.removeprefix(_BALANCE): n for fact, n in numbers.items() if fact.startswith(_BALANCE)}
    last = read.ago("days_since_last_purchase")
    usual = numbers.get("usual_interval_days") if read.is_known("usual_interval_days") else None
    return MemberFacts(
        visits=numbers["visits"], spend_minor=numbers.get("spend_minor", 0),
        joined_at=read.ago("days_since_joined"), last_purchase_at=last,
        first_purchase_at=None if read.flag("first_purchase") else last or read.at() - _A_YEAR,
        tier=read.name("tier"), tags=read.several("tags"), language=read.name("language"), balance=balances,
        used=dict(_used(read)), birthday=_birthday(read), counts=_counts(read), usual_interval_days=usual,
        consents=read.several("consents"), open_case=read.flag("open_case"),
        contact_person=read.name("contact_person"), ambassador_degree=numbers.get("ambassador_degree", 0),
    )  # fmt: skip


def _used(read: _Reading) -> Iterator[tuple[str, tuple[int, int]]]:
    for (subject, per), (times, amount) in read.unknowns.used.items():
        name = window(per, read.today, read.zone).name
        yield f"{subject}|{name}", (read.number(times), read.number(amount))


def _birthday(read: _Reading) -> str | None:
    """A birthday that is today, this week or this month as far as it must be."""
    whens = [when for when in ("day", "week", "month") if f"birthday {when}" in read.unknowns.flags]
    asked = {when: read.flag(f"birthday {when}") for when in whens}
    if not any(asked.values()):
        return None
    days = (read.today + timedelta(days=n) for n in range(-7, 32))
    fitting = (
        day for day in days
        if asked == {when: MemberBirthday(when).is_it(f"{day:%m-%d}", read.today) for when in asked}  # type: ignore[arg-type]
    )  # fmt: skip
    return next((f"{day:%m-%d}" for day in fitting), None)


def _counts(read: _Reading) -> dict[str, tuple[date, ...]]:
    """As many days in each period as were asked for, each as long ago as that period reaches."""
    counts: dict[str, tuple[date, ...]] = {}
    by_reach = sorted(read.unknowns.times.items(), key=lambda item: days_before(read.today, item[0][1]), reverse=True)
    for (kind, within), times in by_reach:
        there = counts.get(kind, ())
        earliest = days_before(read.today, within) + timedelta(days=1)
        more = min(read.number(times), _MOST_COUNTED) - len(there)
        counts[kind] = (*[earliest] * max(more, 0), *there)
    return counts
