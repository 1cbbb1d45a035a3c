"""Every condition a rule may stand on, one class each: what is written, when it holds, and how it says why.

Each docstring is read by a shop owner. The file reader, the JSON Schema, the compiled form and the
explanation follow from the class: its single field `wanted` (or its fields) is what is written, `holds`
judges it, `source` writes the same judgement as an expression over bound names, `found` and `wants` make the
sentence. A class written here is known everywhere.
"""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from rules.judging import AnyOfSeveral, Code, Condition, OneOf, Within, compared
from rules.names import WEEKDAY_WORDS, WEEKDAYS, Languages, Range, TierNames, UnitName, Weekday, either
from rules.periods import TimeWindow
from rules.picking import Pick, What
from rules.scene import Scene, Words


class Total(Within, frozen=True):
    """The counted spend of the purchase lies between `min` and `max`, in minor units, both included."""

    written = "total"
    subject = "the counted spend"
    fact = "counted"

    def say(self, value: int, words: Words) -> str:
        return words.money(value)


class Items(Pick, Condition, frozen=True):
    """The purchase has such goods.

    The lines that match `sku`, `category`, `tag`, `not_category` and `not_tag` are taken together. Their
    `quantity` must be at least 1 when nothing else is said; `amount_minor` is their money and `distinct` the
    number of different SKUs. A quantity with only a `max` still asks for at least one, unless the max is 0:
    that asks for none. When the till did not say what was bought, this does not hold.
    """

    written = "items"
    subject = "items"
    quantity: Range | None = None
    amount_minor: Range | None = None
    distinct: Range | None = None

    def asked(self) -> list[tuple[What, Range]]:
        """What is asked of the matching lines, in the order it is judged."""
        asked: list[tuple[What, Range]] = [("quantity", self._quantity())]
        if self.amount_minor is not None:
            asked.append(("amount_minor", self.amount_minor))
        if self.distinct is not None:
            asked.append(("distinct", self.distinct))
        return asked

    def _quantity(self) -> Range:
        if self.quantity is None:
            return Range(min=1)
        if self.quantity.min is None and self.quantity.max:
            return Range(min=min(1, self.quantity.max), max=self.quantity.max)
        return self.quantity

    def holds(self, scene: Scene) -> bool:
        if scene.lines is None:
            return False
        measure = scene.measure(self)
        return all(wanted.holds(getattr(measure, what)) for what, wanted in self.asked())

    def source(self, code: Code) -> str:
        return " and ".join(self.questions(code))

    def questions(self, code: Code) -> tuple[str, ...]:
        (_, quantity), *others = self.asked()
        if quantity == Range(min=1):
            first = [code.present(self)]
        else:
            first = [] if quantity.min else [f"{code.fact('lines')} is not None"]
            first.append(compared(code, code.measured(self, "quantity"), quantity))
        return (*first, *(compared(code, code.measured(self, what), wanted) for what, wanted in others))

    def about(self) -> str:
        return f"the quantity of {self.words()}"

    def found(self, scene: Scene) -> str:
        return "not known, as the till sent no lines" if scene.lines is None else str(scene.measure(self).quantity)

    def wants(self, words: Words) -> str:  # noqa: ARG002
        return self._quantity().words()

    def sentence(self, words: Words) -> Callable[[Scene], str]:
        general = super().sentence(words)
        if self.amount_minor is None and self.distinct is None:
            return general
        tails = [(what, wanted, *self._around(what, wanted, words)) for what, wanted in self.asked()]

        def why(scene: Scene) -> str:
            if scene.lines is None:
                return general(scene)
            measure = scene.measure(self)
            for what, wanted, head, say, tail in tails:
                value = getattr(measure, what)
                if not wanted.holds(value):
                    return f"{head}{say(value)}{tail}"
            raise AssertionError(self)

        return why

    def _around(self, what: What, wanted: Range, words: Words) -> tuple[str, Callable[[int], str], str]:
        say = words.money if what == "amount_minor" else str
        about = {"quantity": "quantity", "amount_minor": "amount", "distinct": "number of different items"}[what]
        return f"the {about} of {self.words()} is ", say, f"; the rule wants {wanted.words(say)}"

    def never(self) -> str | None:
        for what, wanted in self.asked():
            if wanted.max is not None and wanted.max < 0 and what != "amount_minor":
                return f"a {what} is never below 0"
        return None


class Location(OneOf, frozen=True):
    """The purchase was made at any of these locations."""

    written = "location"
    subject = "the location"
    fact = "location"


class Till(OneOf, frozen=True):
    """The purchase was rung up on any of these tills."""

    written = "till"
    subject = "the till"
    fact = "till"


class Staff(OneOf, frozen=True):
    """The purchase was served by any of these staff."""

    written = "staff"
    subject = "the staff"
    fact = "staff"


class Channel(OneOf, frozen=True):
    """The purchase came in by any of these channels, such as the shop or the web."""

    written = "channel"
    subject = "the channel"
    fact = "channel"


class WithCode(AnyOfSeveral, frozen=True):
    """The member gave any of these codes with the purchase."""

    written = "code"
    subject = "the code"
    fact = "codes"


class OnWeekday(Condition, frozen=True):
    """It happened on any of these days of the week, by the local calendar. After midnight is the next day."""

    written = "weekday"
    subject = "weekday"
    wanted: Annotated[tuple[Weekday, ...], Meta(min_length=1)]

    def holds(self, scene: Scene) -> bool:
        return WEEKDAYS[scene.weekday] in self.wanted

    def source(self, code: Code) -> str:
        days = frozenset(map(WEEKDAYS.index, self.wanted))
        if len(days) == 1:
            return f"{code.fact('weekday')} == {code.bind(min(days))}"
        return f"{code.fact('weekday')} in {code.bind(days)}"

    def found(self, scene: Scene) -> str:
        return WEEKDAY_WORDS[scene.weekday]

    def wants(self, words: Words) -> str:  # noqa: ARG002
        return either(WEEKDAY_WORDS[WEEKDAYS.index(day)] for day in self.wanted)

    def clashes(self, other: Condition) -> bool:
        return isinstance(other, OnWeekday) and set(self.wanted).isdisjoint(other.wanted)


class AtTime(Condition, frozen=True):
    """It happened in this part of the day, such as "14:00-16:00". The end is excluded, and may lie after
    midnight.
    """

    written = "time"
    subject = "the time"
    wanted: TimeWindow

    def holds(self, scene: Scene) -> bool:
        return self.wanted.holds(scene.minute)

    def source(self, code: Code) -> str:
        minute, starts, ends = code.fact("minute"), code.bind(self.wanted.starts), code.bind(self.wanted.ends)
        if self.wanted.starts < self.wanted.ends:
            return f"{starts} <= {minute} < {ends}"
        return f"({minute} >= {starts} or {minute} < {ends})"

    def found(self, scene: Scene) -> str:
        return f"{scene.minute // 60:02}:{scene.minute % 60:02}"

    def wants(self, words: Words) -> str:  # noqa: ARG002
        return str(self.wanted)


class DateSpan(msgspec.Struct, frozen=True, omit_defaults=True):
    """From one local date to another, both included; either may be left out."""

    from_: date | None = msgspec.field(name="from", default=None)
    until: date | None = None

    def __post_init__(self) -> None:
        if self.from_ is None and self.until is None:
            raise ValueError("dates without from and until hold always; leave them out")
        if self.from_ is not None and self.until is not None and self.from_ > self.until:
            raise ValueError(f"from {self.from_} is after until {self.until}, so this can never hold")

    def holds(self, day: date) -> bool:
        return (self.from_ is None or day >= self.from_) and (self.until is None or day <= self.until)

    def source(self, code: Code) -> str:
        today = code.fact("today")
        if self.from_ is None:
            return f"{today} <= {code.bind(self.until)}"
        if self.until is None:
            return f"{today} >= {code.bind(self.from_)}"
        return f"{code.bind(self.from_)} <= {today} <= {code.bind(self.until)}"

    def words(self) -> str:
        if self.from_ is None:
            return f"{self.until} or earlier"
        return f"{self.from_} or later" if self.until is None else f"{self.from_} to {self.until}"


class OnDates(Condition, frozen=True):
    """It happened between these dates by the local calendar, both included."""

    written = "dates"
    subject = "the date"
    wanted: DateSpan

    def holds(self, scene: Scene) -> bool:
        return self.wanted.holds(scene.today)

    def source(self, code: Code) -> str:
        return self.wanted.source(code)

    def found(self, scene: Scene) -> str:
        return scene.today.isoformat()

    def wants(self, words: Words) -> str:  # noqa: ARG002
        return self.wanted.words()


class MemberTier(OneOf, frozen=True):
    """The member stands in any of these tiers."""

    written = "member.tier"
    subject = "the member's tier"
    fact = "tier"
    wanted: TierNames


class MemberTag(AnyOfSeveral, frozen=True):
    """The member carries any of these tags."""

    written = "member.tag"
    subject = "the member's tag"
    fact = "tags"


class MemberLanguage(OneOf, frozen=True):
    """The member reads any of these languages."""

    written = "member.language"
    subject = "the member's language"
    fact = "language"
    wanted: Languages


class MemberVisits(Within, frozen=True):
    """The member has been here so many times before this purchase."""

    written = "member.visits"
    subject = "the number of visits before"
    fact = "visits"


class MemberSpend(Within, frozen=True):
    """The member has spent so much before this purchase, in minor units."""

    written = "member.spend_minor"
    subject = "the spend before"
    fact = "spend_minor"

    def say(self, value: int, words: Words) -> str:
        return words.money(value)


class MemberDaysSinceJoined(Within, frozen=True):
    """The member joined so many calendar days ago; the day of joining is 0."""

    written = "member.days_since_joined"
    subject = "the number of days since joining"
    fact = "days_since_joined"
    optional = True


class MemberDaysSinceLastPurchase(Within, frozen=True):
    """The member's last purchase was so many calendar days ago. Without an earlier purchase this does not
    hold.
    """

    written = "member.days_since_last_purchase"
    subject = "the number of days since the last purchase"
    fact = "days_since_last_purchase"
    optional = True


class MemberBalance(Condition, frozen=True):
    """The member has so many units to spend, for each unit named here."""

    written = "member.balance"
    subject = "the balance"
    wanted: Annotated[dict[UnitName, Range], Meta(min_length=1)]

    def holds(self, scene: Scene) -> bool:
        return all(wanted.holds(scene.balance.get(unit, 0)) for unit, wanted in self.wanted.items())

    def source(self, code: Code) -> str:
        balance, nothing = code.fact("balance"), code.bind(0)
        return " and ".join(
            compared(code, f"{balance}.get({code.bind(unit)}, {nothing})", wanted)
            for unit, wanted in self.wanted.items()
        )

    def found(self, scene: Scene) -> str:
        return ", ".join(scene.words.units(scene.balance.get(unit, 0), unit) for unit in self.wanted)

    def wants(self, words: Words) -> str:
        return " and ".join(f"{wanted.words()} {words.unit(2, unit)}" for unit, wanted in self.wanted.items())


class MemberFirstPurchase(Condition, frozen=True):
    """It is the member's first purchase (true), or it is a later one (false)."""

    written = "member.first_purchase"
    subject = "this"
    wanted: bool

    def holds(self, scene: Scene) -> bool:
        return scene.first_purchase is self.wanted

    def source(self, code: Code) -> str:
        return f"{code.fact('first_purchase')} is {code.bind(self.wanted)}"

    def found(self, scene: Scene) -> str:
        return "the first purchase" if scene.first_purchase else "a later purchase"

    def wants(self, words: Words) -> str:  # noqa: ARG002
        return "the first purchase" if self.wanted else "a later purchase"


def _every(kind: type[Condition]) -> Iterator[type[Condition]]:
    for cls in kind.__subclasses__():
        if "written" in vars(cls):
            yield cls
        yield from _every(cls)


CONDITIONS: Final[dict[str, type[Condition]]] = {cls.written: cls for cls in _every(Condition)}
"""Every condition by the name it is written with, found from the classes themselves."""
