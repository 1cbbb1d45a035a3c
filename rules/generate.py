"""A programme as the source of one Python function that finds the rules that hold, as a person in a hurry
would write it.

Invariant: the source consists of our own words and numbered names only. Every constant of the programme, down
to the numbers of the rules, is bound to such a name; no text of a file ever reaches the compiler.

Facts are fetched once into locals; one pass over the lines fills quantity, money and different goods per
category, SKU and tag, so that a condition on goods is a look-up; a condition that many rules share is asked
once, around all of them.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, Final, NamedTuple

from rules.conditions import DateSpan
from rules.picking import Pick, What
from rules.programme import Programme, Rule
from rules.scene import days_between

DEEPEST: Final = 30
_TABLE_LIMIT: Final = 6

_OURS: Final = {
    "days_between": days_between,
    "zero": 0,
    "sixty": 60,
    "len": len,
    "set": set,
    "no_day": date.min,
}

FACTS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "lines": ("event.lines", ()),
    "local": ("event.occurred_at.astimezone(zone)", ()),
    "today": ("local.date()", ("local",)),
    "weekday": ("local.weekday()", ("local",)),
    "minute": ("local.hour * sixty + local.minute", ("local",)),
    "location": ("event.location", ()),
    "till": ("event.till", ()),
    "staff": ("event.staff", ()),
    "channel": ("event.channel", ()),
    "codes": ("event.codes", ()),
    "tier": ("member.tier", ()),
    "tags": ("member.tags", ()),
    "language": ("member.language", ()),
    "visits": ("member.visits", ()),
    "spend_minor": ("member.spend_minor", ()),
    "balance": ("member.balance", ()),
    "first_purchase": ("member.visits == zero and member.first_purchase_at is None", ()),
    "days_since_joined": ("days_between(member.joined_at, today, zone)", ("today",)),
    "days_since_last_purchase": ("days_between(member.last_purchase_at, today, zone)", ("today",)),
}
"""Each fact by the name it has in a scene: the expression that fetches it, and the facts that it needs first.
`counted` is not among them: it comes of the pass over the lines and is always there."""


class Writer:
    """Collects the constants, the facts and the tables that the conditions of a programme ask for."""

    def __init__(self, programme: Programme) -> None:
        self.bound: dict[str, Any] = dict(_OURS) | {"zone": programme.zone}
        self.facts: dict[str, None] = {}
        self.tables: dict[tuple[str, What], None] = {}
        self.measures: dict[Pick, str] = {}
        self._names: dict[tuple[type, Any], str] = {}
        self._spend = programme.spend

    def bind(self, value: object) -> str:
        """The name of a constant; equal constants share one, so that equal conditions are equal source."""
        key = (type(value), value)
        if key not in self._names:
            self._names[key] = f"c{len(self._names)}"
            self.bound[self._names[key]] = value
        return self._names[key]

    def fact(self, name: str) -> str:
        """The local that holds a fact."""
        if name in FACTS:
            for needed in FACTS[name][1]:
                self.fact(needed)
            self.facts.setdefault(name)
        return name

    def measured(self, pick: Pick, what: What) -> str:
        """What the picked lines come to: a look-up where one name is picked by, a sum of a few, else a
        measure when first asked.
        """
        field, names = _by_one_field(pick)
        if field is None or (len(names) > 1 and (field == "tag" or what == "distinct" or len(names) > _TABLE_LIMIT)):
            measure = self._measure(pick)
            return f"{measure}.{what}"
        table = self._table(field, what)
        if what == "distinct":
            return f"len({table}.get({self.bind(names[0])}, {self.bind(())}))"
        looked_up = [f"{table}.get({self.bind(name)}, zero)" for name in names]
        return looked_up[0] if len(looked_up) == 1 else f"({' + '.join(looked_up)})"

    def present(self, pick: Pick) -> str:
        """Is there at least one of what is picked?"""
        field, names = _by_one_field(pick)
        if field is None:
            return f"{self._measure(pick)}.quantity"
        table = self._table(field, "quantity")
        if len(names) == 1:
            return f"{self.bind(names[0])} in {table}"
        return f"not {self.bind(frozenset(names))}.isdisjoint({table})"

    def _table(self, field: str, what: What) -> str:
        self.fact("lines")
        self.tables.setdefault((field, what))
        return f"{what}_by_{field}"

    def _measure(self, pick: Pick) -> str:
        """Measured when it is first asked for, and then kept."""
        self.fact("lines")
        plain = Pick(pick.sku, pick.category, pick.tag, pick.not_category, pick.not_tag)
        local = self.measures.setdefault(plain, f"m{len(self.measures)}")
        return f"({local} or ({local} := {self.bind(plain.measure)}(lines)))"

    def prologue(self) -> Iterator[str]:
        """Fetching the facts, and the one pass over the lines."""
        yield from (f"{name} = {FACTS[name][0]}" for name in self.facts)
        yield from (f"{what}_by_{field} = {{}}" for field, what in self.tables)
        yield from (f"{local} = None" for local in self.measures.values())
        if not self._spend.counts_all():
            yield "left_out = zero"
        steps = [*self._into_tables(), *self._left_out()]
        if steps:
            yield "if event.lines:"
            yield "    for line in event.lines:"
            yield from (f"        {step}" for step in steps)
        less = "" if self._spend.counts_all() else " - left_out"
        yield f"counted = event.total_minor - event.refunded_minor{less}"
        yield "if counted < zero:"
        yield "    counted = zero"

    def _into_tables(self) -> Iterator[str]:
        """What one line adds to the tables. Goods that came back are no goods, but money kept for them is
        money.
        """
        goods = [step for field, what in self.tables if what != "amount_minor" for step in _goods(field, what)]
        if goods:
            yield "n = line.quantity"
            yield "if n > zero:"
            yield from (f"    {step}" for step in goods)
        for field, what in self.tables:
            if what == "amount_minor":
                yield from _per_key(
                    field,
                    _added_up(f"amount_minor_by_{field}", "line.amount_minor"),
                )

    def _left_out(self) -> Iterator[str]:
        spend, exclude = self._spend, self._spend.exclude
        if spend.counts_all():
            return
        reasons = [] if spend.discounted_lines else ["line.discount_minor > zero"]
        if exclude.category is not None:
            reasons.append(f"line.category in {self.bind(frozenset(exclude.category))}")
        if exclude.sku is not None:
            reasons.append(f"line.sku in {self.bind(frozenset(exclude.sku))}")
        if exclude.tag is not None:
            reasons.append(f"not {self.bind(frozenset(exclude.tag))}.isdisjoint(line.tags)")
        if reasons:
            yield f"if {' or '.join(reasons)}:"
            yield "    left_out += line.amount_minor"
        if spend.tax == "excluded":
            tax = "left_out += line.tax_minor"
            yield from ("else:", f"    {tax}") if reasons else (tax,)


def _goods(field: str, what: What) -> Iterator[str]:
    table = f"{what}_by_{field}"
    if what == "quantity":
        yield from _per_key(field, _added_up(table, "n"))
    else:
        yield "if line.sku is not None:"
        yield from (f"    {step}" for step in _per_key(field, f"{table}.setdefault({{0}}, set()).add(line.sku)"))


def _added_up(table: str, more: str) -> str:
    return f"{table}[{{0}}] = {table}.get({{0}}, zero) + {more}"


def _per_key(field: str, step: str) -> Iterator[str]:
    """A step for the line's category or SKU, or for each of its different tags."""
    if field == "tag":
        yield "for tag in set(line.tags):"
        yield "    " + step.format("tag")
    else:
        yield step.format(f"line.{field}")


def _by_one_field(pick: Pick) -> tuple[str | None, tuple[str, ...]]:
    """The one field this picks by, with its different names, or None when it takes more than a look-up."""
    written = [name for name in ("sku", "category", "tag", "not_category", "not_tag") if getattr(pick, name)]
    if len(written) != 1 or written[0].startswith("not_"):
        return None, ()
    return written[0], tuple(dict.fromkeys(getattr(pick, written[0])))


class Candidate(NamedTuple):
    """A rule with what is still to be asked before it holds."""

    number: int
    asked: tuple[str, ...]


def generate(programme: Programme) -> tuple[str, dict[str, Any]]:
    """The source of the function `judge(event, member)` and the constants it is bound to."""
    writer = Writer(programme)
    candidates = [Candidate(number, _asked(writer, rule)) for number, rule in enumerate(programme.rules)]
    body = list(_nested(writer, programme, candidates, 0))
    restrained = any(rule.limit for rule in programme.rules) or any(unit.cap for unit in programme.units.values())
    if restrained:
        writer.fact("today")
    lines = [
        *writer.prologue(),
        "given, grouped, multiplying, amounts = [], [], [], {}",
        "give, compete, multiply = given.append, grouped.append, multiplying.append",
        *body,
        "found = given, grouped, multiplying, amounts",
        f"return settle(plan, found, member, counted, {'today' if restrained else 'no_day'})",
    ]
    return "\n".join(["def judge(event, member):", *(f"    {line}" for line in lines), ""]), writer.bound


def _asked(writer: Writer, rule: Rule) -> tuple[str, ...]:
    """Everything that must hold for a rule, each thing once."""
    asked = [question for part in rule.when.conjuncts() for question in part.questions(writer)]
    if rule.from_ is not None or rule.until is not None:
        asked.append(DateSpan(rule.from_, rule.until).source(writer))
    return tuple(dict.fromkeys(asked))


def _nested(writer: Writer, programme: Programme, candidates: Sequence[Candidate], depth: int) -> Iterator[str]:
    """Rules under shared questions: the question that most rules ask is asked once, around all of them."""
    waiting = []
    for candidate in candidates:
        if candidate.asked:
            waiting.append(candidate)
        else:
            yield from _fire(writer, programme.rules[candidate.number], candidate.number)
    while waiting:
        question, asked_by = Counter(asked for candidate in waiting for asked in candidate.asked).most_common(1)[0]
        if asked_by == 1 or depth == DEEPEST:
            for number, asked in waiting:
                yield f"if {' and '.join(f'({one})' for one in asked)}:"
                yield from (f"    {line}" for line in _fire(writer, programme.rules[number], number))
            return
        inside = [
            Candidate(number, tuple(one for one in asked if one != question))
            for number, asked in waiting
            if question in asked
        ]
        yield f"if {question}:"
        yield from (f"    {line}" for line in _nested(writer, programme, inside, depth + 1))
        waiting = [candidate for candidate in waiting if question not in candidate.asked]


def _fire(writer: Writer, rule: Rule, number: int) -> Iterator[str]:
    """What a rule that holds tells the settlement. An award that comes to nothing is not given."""
    this, award = writer.bind(number), rule.award
    if award is None:
        yield f"multiply({this})"
        return
    give, times = f"{'give' if rule.group is None else 'compete'}({this})", award.times(writer)
    if times is None:
        yield give
        return
    yield f"n = {times}"
    yield "if n:"
    yield f"    amounts[{this}] = n" + ("" if award.amount == 1 else f" * {writer.bind(award.amount)}")
    yield f"    {give}"
