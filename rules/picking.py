"""Which lines of a receipt are meant, and what they come to together: quantity, money, and how many different
goods.
"""

from collections.abc import Iterable
from typing import Literal, NamedTuple

import msgspec

from rules.facts import Line
from rules.names import Names
from rules.words import Words


class Measure(NamedTuple):
    """Matching lines together. Goods that came back (quantity 0) are no goods, but money kept for them is
    money.
    """

    quantity: int
    amount_minor: int
    distinct: int


What = Literal["quantity", "amount_minor", "distinct"]
NOTHING = Measure(0, 0, 0)


class Pick(msgspec.Struct, frozen=True, omit_defaults=True):
    """Lines that match everything that is written here; of a list, any one will do."""

    sku: Names | None = None
    category: Names | None = None
    tag: Names | None = None
    not_category: Names | None = None
    not_tag: Names | None = None

    def matches(self, line: Line) -> bool:
        return (
            (self.sku is None or line.sku in self.sku)
            and (self.category is None or line.category in self.category)
            and (self.not_category is None or line.category not in self.not_category)
            and (self.tag is None or any(tag in self.tag for tag in line.tags))
            and (self.not_tag is None or not any(tag in self.not_tag for tag in line.tags))
        )

    def measure(self, lines: Iterable[Line] | None) -> Measure:
        """What the matching lines come to; nothing when the till did not say what was bought."""
        if lines is None:
            return NOTHING
        quantity = amount = 0
        different = set()
        for line in lines:
            if self.matches(line):
                amount += line.amount_minor
                if line.quantity > 0:
                    quantity += line.quantity
                    if line.sku is not None:
                        different.add(line.sku)
        return Measure(quantity, amount, len(different))

    def words(self, words: Words) -> str:
        """Such as "category coffee or tea", "SKU FW", "any item"."""
        t = words.tongue
        return ", ".join(_said(self, words, (t.sku, t.category, t.tag, t.not_category, t.not_tag))) or t.any_item

    def goods(self, words: Words) -> str:
        """The same as one buys it: "coffee or tea", "something marked organic", "something"."""
        t = words.tongue
        said = _said(self, words, ("{0}", "{0}", t.marked, t.other_than, t.not_marked))
        if said and not (self.sku or self.category or self.tag):
            said[0] = f"{t.something}, {said[0]}" if self.not_category is None else f"{t.something} {said[0]}"
        return ", ".join(said) or t.something


def _said(pick: Pick, words: Words, templates: tuple[str, ...]) -> list[str]:
    fields = (pick.sku, pick.category, pick.tag, pick.not_category, pick.not_tag)
    return [said.format(words.either(names)) for said, names in zip(templates, fields, strict=True) if names]


class Exclude(msgspec.Struct, frozen=True, omit_defaults=True):
    """Lines whose money does not count as spend: those of any SKU, category or tag named here."""

    category: Names | None = None
    sku: Names | None = None
    tag: Names | None = None

    def covers(self, line: Line) -> bool:
        return (
            (self.category is not None and line.category in self.category)
            or (self.sku is not None and line.sku in self.sku)
            or (self.tag is not None and any(tag in self.tag for tag in line.tags))
        )


class Spend(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which money of a purchase counts: with tax or not, discounted lines or not, and what never counts."""

    tax: Literal["included", "excluded"] = "included"
    discounted_lines: bool = True
    exclude: Exclude = Exclude()

    def counts_all(self) -> bool:
        return self == Spend()

    def not_counted(self, line: Line) -> int:
        """The part of a line's money that does not count."""
        if (line.discount_minor > 0 and not self.discounted_lines) or self.exclude.covers(line):
            return line.amount_minor
        return line.tax_minor if self.tax == "excluded" else 0

    def counted(self, total_minor: int, refunded_minor: int, lines: Iterable[Line] | None) -> int:
        """The counted spend, never below 0. Of a purchase without lines all money counts, tax included."""
        left_out = 0 if lines is None else sum(map(self.not_counted, lines))
        return max(total_minor - refunded_minor - left_out, 0)
