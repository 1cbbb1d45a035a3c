"""What a generated function needs before it can ask: named constants, facts in locals, tables of the lines."""

from collections.abc import Iterator
from datetime import date
from typing import Any, Final, Literal, NamedTuple

from rules.facts import Event
from rules.picking import Pick, What
from rules.programme import Programme
from rules.scene import NO_ATTRIBUTES, days_between

_TABLE_LIMIT: Final = 6
_REMEMBERED: Final = 4096
Field = Literal["sku", "category", "tag"]
_FIELDS: Final[tuple[Field, ...]] = ("sku", "category", "tag")

_OURS: Final = {
    "days_between": days_between,
    "zero": 0,
    "one": 1,
    "Event": Event,
    "none": NO_ATTRIBUTES,
    "empty": (),
    "nowhere": -1,
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
    "birthday": ("member.birthday", ()),
    "counts": ("member.counts", ()),
    "usual_interval_days": ("member.usual_interval_days", ()),
    "consents": ("member.consents", ()),
    "open_case": ("member.open_case", ()),
    "contact_person": ("member.contact_person", ()),
    "ambassador_degree": ("member.ambassador_degree", ()),
    "attributes": ("none", ()),
    "first_purchase": ("member.visits == zero and member.first_purchase_at is None", ()),
    "days_since_joined": ("days_between(member.joined_at, today, zone)", ("today",)),
    "days_since_last_purchase": ("days_between(member.last_purchase_at, today, zone)", ("today",)),
}
"""Each fact by the name it has in a scene: the expression that fetches it, and the facts that it needs first.
`counted` is not among them: it comes of the pass over the lines and is always there."""

_REMEMBERING: Final = FACTS | {
    "days_since_last_purchase": (
        "(today - latest[zero][one]).days if member.last_purchase_at is latest[zero][zero] else "
        + FACTS["days_since_last_purchase"][0],
        ("today",),
    )
}
"""The same where purchases of one member are judged in turn: the last one's local day is known already."""

NOT_BOUGHT: Final[dict[str, tuple[str, tuple[str, ...]]]] = FACTS | {
    "lines": ("None", ()),
    "till": ("None", ()),
    "channel": ("None", ()),
    "codes": ("empty", ()),
    "attributes": ("event.attributes", ()),
}
"""The same of an event that is no purchase."""


_ADDED: Final[dict[What, str]] = {
    "quantity": "n = line.quantity\nif n > zero:\n    quantity_by_{0}[key] = quantity_by_{0}.get(key, zero) + n",
    "distinct": (
        "if line.quantity > zero and line.sku is not None:\n    distinct_by_{0}.setdefault(key, set()).add(line.sku)"
    ),
    "amount_minor": "amount_minor_by_{0}[key] = amount_minor_by_{0}.get(key, zero) + line.amount_minor",
}
"""What a line adds under one key of a field to each table."""


class Among(dict[tuple[str, ...], tuple[str, ...]]):
    """Which of some names are among the tags of a line. Few combinations of tags come again and again: they are
    remembered.
    """

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names

    def __missing__(self, tags: tuple[str, ...]) -> tuple[str, ...]:
        found = tuple(self._names.intersection(tags))
        if len(self) < _REMEMBERED:
            self[tags] = found
        return found


class Marks(dict[tuple[str, ...], tuple[tuple[str, ...], bool] | None]):
    """The same, and with it whether any tag is among those that keep a line from counting: looked up once for both.
    Of most lines neither is to be said.
    """

    def __init__(self, names: frozenset[str], excluded: frozenset[str]) -> None:
        self._names, self._excluded = names, excluded

    def __missing__(self, tags: tuple[str, ...]) -> tuple[tuple[str, ...], bool] | None:
        names, is_out = tuple(self._names.intersection(tags)), not self._excluded.isdisjoint(tags)
        found = (names, is_out) if names or is_out else None
        if len(self) < _REMEMBERED:
            self[tags] = found
        return found


class Switchable(NamedTuple):
    """A question for one value: of a fact, or (`each`) of a table that may hold several."""

    each: bool
    subject: str
    value: str


class Writer:
    """Collects the constants, the facts and the tables that the conditions of a programme ask for."""

    def __init__(self, programme: Programme, *, bought: bool, in_turn: bool = False) -> None:
        self.bought = bought
        self._fetch = (_REMEMBERING if in_turn else FACTS) if bought else NOT_BOUGHT
        self.bound: dict[str, Any] = dict(_OURS) | {"zone": programme.zone}
        self.facts: dict[str, None] = {}
        self.tables: dict[tuple[Field, What], dict[str, None]] = {}
        self.measures: dict[Pick, str] = {}
        self.switchable: dict[str, Switchable] = {}
        self._names: dict[tuple[type, Any], str] = {}
        self._spend = programme.spend

    def bind(self, value: object) -> str:
        """The name of a constant; equal constants share one, so that equal conditions are equal source."""
        key = (type(value), value)
        if key not in self._names:
            self._names[key] = f"c{len(self._names)}"
            self.bound[self._names[key]] = value
        return self._names[key]

    def bind_index(self, index: dict[str, int]) -> str:
        """The name of a table that a switch looks its values up in."""
        name = f"index{len(self.bound)}"
        self.bound[name] = index
        return name

    def equals(self, fact: str, value: str) -> str:
        """Is a fact this value?"""
        question = f"{self.fact(fact)} == {self.bind(value)}"
        self.switchable[question] = Switchable(each=False, subject=fact, value=value)
        return question

    def fact(self, name: str) -> str:
        """The local that holds a fact."""
        if name in self._fetch:
            for needed in self._fetch[name][1]:
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
        table = self._table(field, names, what)
        if what == "distinct":
            return f"len({table}.get({self.bind(names[0])}, {self.bind(())}))"
        looked_up = [f"{table}.get({self.bind(name)}, zero)" for name in names]
        return looked_up[0] if len(looked_up) == 1 else f"({' + '.join(looked_up)})"

    def present(self, pick: Pick) -> str:
        """Is there at least one of what is picked?"""
        field, names = _by_one_field(pick)
        if field is None:
            return f"{self._measure(pick)}.quantity"
        table = self._table(field, names, "quantity")
        if len(names) == 1:
            question = f"{self.bind(names[0])} in {table}"
            self.switchable[question] = Switchable(each=True, subject=table, value=names[0])
            return question
        return f"not {self.bind(frozenset(names))}.isdisjoint({table})"

    def _table(self, field: Field, names: tuple[str, ...], what: What) -> str:
        """A table of the lines; what nobody asks for is never put into it."""
        self.fact("lines")
        self.tables.setdefault((field, what), {}).update(dict.fromkeys(names))
        return f"{what}_by_{field}"

    def _measure(self, pick: Pick) -> str:
        """Measured when it is first asked for, and then kept."""
        self.fact("lines")
        plain = Pick(pick.sku, pick.category, pick.tag, pick.not_category, pick.not_tag)
        local = self.measures.setdefault(plain, f"m{len(self.measures)}")
        return f"({local} or ({local} := {self.bind(plain.measure)}(lines)))"

    def prologue(self) -> Iterator[str]:
        """Fetching the facts, and the one pass over the lines."""
        yield from (f"{name} = {self._fetch[name][0]}" for name in self.facts)
        yield from (f"{what}_by_{field} = {{}}" for field, what in self.tables)
        yield from (f"{local} = None" for local in self.measures.values())
        if not self.bought:
            yield "counted = zero"
            return
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
        for field in _FIELDS:
            wanted = {what: frozenset(names) for (of, what), names in self.tables.items() if of == field}
            if not wanted:
                continue
            every = frozenset().union(*wanted.values())
            if field == "tag":
                yield from self._tags_among(every)
            else:
                yield f"key = line.{field}"
                yield f"if key in {self.bind(every)}:"
            for what, names in wanted.items():
                steps = _ADDED[what].format(field).splitlines()
                if names != every:
                    steps = [f"if key in {self.bind(names)}:", *(f"    {step}" for step in steps)]
                yield from (f"    {step}" for step in steps)

    def _tags_among(self, names: frozenset[str]) -> Iterator[str]:
        excluded = self._spend.exclude.tag
        if excluded is None:
            yield f"for key in {self._among(names)}[line.tags]:"
            return
        self.bound["marks"] = Marks(names, frozenset(excluded))
        yield "mark = marks[line.tags]"
        yield "for key in mark[zero] if mark else empty:"

    def _among(self, names: frozenset[str]) -> str:
        """The name of a table that tells which of these are among a line's tags."""
        name = self.bind(names)
        self.bound[f"{name}_among"] = Among(names)
        return f"{name}_among"

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
            looked_up = any(field == "tag" for field, _ in self.tables)
            reasons.append("mark and mark[one]" if looked_up else f"{self._among(frozenset(exclude.tag))}[line.tags]")
        if reasons:
            yield f"if {' or '.join(reasons)}:"
            yield "    left_out += line.amount_minor"
        if spend.tax == "excluded":
            tax = "left_out += line.tax_minor"
            yield from ("else:", f"    {tax}") if reasons else (tax,)


def _by_one_field(pick: Pick) -> tuple[Field | None, tuple[str, ...]]:
    """The one field this picks by, with its different names, or None when it takes more than a look-up."""
    if pick.not_category or pick.not_tag:
        return None, ()
    written = [field for field in _FIELDS if getattr(pick, field)]
    if len(written) != 1:
        return None, ()
    return written[0], tuple(dict.fromkeys(getattr(pick, written[0])))
