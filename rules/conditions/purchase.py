"""Conditions on what was bought, where, and how it came in."""

from collections.abc import Callable, Iterator

from rules.judging import AnyOfSeveral, Code, Condition, OneOf, Within, compared
from rules.names import Range
from rules.narrowing import Claim, span
from rules.picking import Pick, What
from rules.scene import Scene
from rules.tongues import spoken
from rules.words import Words


class Total(Within, frozen=True):
    """The counted spend of the purchase lies between `min` and `max`, in minor units, both included."""

    written = "total"
    example = "{ min = 10000 }"
    stands_on = "purchase"
    fact = "counted"
    says = spoken(
        en=("the counted spend", "for {wants}"),
        nb=("beløpet som teller,", "for {wants}"),
        nn=("beløpet som tel,", "for {wants}"),
        sv=("beloppet som räknas", "för {wants}"),
        da=("det beløb, der tæller,", "for {wants}"),
        fi=("laskettava summa", "summa {wants}"),
    )

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
    example = '{ category = ["coffee"], quantity = { min = 2 } }'
    stands_on = "purchase"
    says = spoken(
        en=("items", "with {wants} in the basket"),
        nb=("varer", "med {wants} i kurven"),
        nn=("varer", "med {wants} i korga"),
        sv=("varor", "med {wants} i korgen"),
        da=("varer", "med {wants} i kurven"),
        fi=("tuotteet", "korissa {wants}"),
    )
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

    def about(self, words: Words) -> str:
        return self._about("quantity", words)

    def _about(self, what: What, words: Words) -> str:
        t = words.tongue
        template = {"quantity": t.quantity_of, "amount_minor": t.amount_of, "distinct": t.distinct_of}[what]
        return template.format(self.words(words))

    def found(self, scene: Scene) -> str:
        return scene.words.tongue.no_lines if scene.lines is None else str(scene.measure(self).quantity)

    def wants(self, words: Words) -> str:
        return words.range(self._quantity())

    def bought(self, words: Words) -> str:
        """The goods as one buys them: "coffee", "2 or more of coffee for 98 kr or more"."""
        said = self.goods(words)
        if self._quantity() != Range(min=1):
            said = words.tongue.so_many.format(words.range(self._quantity()), said)
        if self.amount_minor is not None:
            said = words.tongue.worth.format(words.range(self.amount_minor, words.money), said)
        if self.distinct is not None:
            said = words.tongue.different.format(words.range(self.distinct), said)
        return said

    def clause(self, words: Words) -> str:
        return words.of(self.says)[1].format(wants=self.bought(words))

    def missed(self, words: Words) -> Callable[[Scene], str]:
        general = super().missed(words)
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
        head = words.tongue.is_.format(self._about(what, words))
        return head, say, words.tongue.wants.format(words.range(wanted, say))

    def claims(self, words: Words) -> Iterator[Claim]:
        pick = (self.sku, self.category, self.tag, self.not_category, self.not_tag)
        for what, wanted in self.asked():
            floor = None if what == "amount_minor" else 0
            yield Claim((pick, what), self._about(what, words), span(wanted.min, wanted.max), floor)


class Location(OneOf, frozen=True):
    """It happened at any of these locations."""

    written = "location"
    example = '["harbour", "airport"]'
    fact = "location"
    says = spoken(
        en=("the location", "at {wants}"),
        nb=("stedet", "på {wants}"),
        nn=("staden", "på {wants}"),
        sv=("platsen", "på {wants}"),
        da=("stedet", "på {wants}"),
        fi=("paikka", "paikka {wants}"),
    )


class Till(OneOf, frozen=True):
    """The purchase was rung up on any of these tills."""

    written = "till"
    example = '["till-1"]'
    stands_on = "purchase"
    fact = "till"
    says = spoken(
        en=("the till", "at till {wants}"),
        nb=("kassen", "i kasse {wants}"),
        nn=("kassa", "i kasse {wants}"),
        sv=("kassan", "i kassa {wants}"),
        da=("kassen", "ved kasse {wants}"),
        fi=("kassa", "kassa {wants}"),
    )


class Staff(OneOf, frozen=True):
    """The member was served by any of these staff."""

    written = "staff"
    example = '["chair-2"]'
    fact = "staff"
    says = spoken(
        en=("the staff", "served by {wants}"),
        nb=("betjeningen", "betjent av {wants}"),
        nn=("betjeninga", "betent av {wants}"),
        sv=("personalen", "betjänad av {wants}"),
        da=("betjeningen", "betjent af {wants}"),
        fi=("henkilökunta", "palvelijana {wants}"),
    )


class Channel(OneOf, frozen=True):
    """The purchase came in by any of these channels, such as the shop or the web."""

    written = "channel"
    example = '["web"]'
    stands_on = "purchase"
    fact = "channel"
    says = spoken(
        en=("the channel", "through {wants}"),
        nb=("kanalen", "gjennom {wants}"),
        nn=("kanalen", "gjennom {wants}"),
        sv=("kanalen", "genom {wants}"),
        da=("kanalen", "gennem {wants}"),
        fi=("kanava", "kanava {wants}"),
    )


class WithCode(AnyOfSeveral, frozen=True):
    """The member gave any of these codes with the purchase."""

    written = "code"
    example = '["SPRING"]'
    stands_on = "purchase"
    fact = "codes"
    says = spoken(
        en=("the code", "with the code {wants}"),
        nb=("koden", "med koden {wants}"),
        nn=("koden", "med koden {wants}"),
        sv=("koden", "med koden {wants}"),
        da=("koden", "med koden {wants}"),
        fi=("koodi", "koodi {wants}"),
    )
