"""What perks take off a basket: which line, how much, and what is left to pay.

Several perks in one purchase are counted in one defined order, whatever the order they are named in, each on what
those before it have left:

1. a free item: one piece of the cheapest (or dearest) matching line, up to its amount;
2. a percentage, then an amount, off some of the goods;
3. a percentage, then an amount, off the whole order;
4. units that pay like money, as many as fit;
5. a service, which takes nothing off.

Of one kind, those named first come first. Invariant: amounts are whole minor units, no line falls below zero, and the
parts of a discount add up to it. A percentage is rounded down; what is spread over several lines goes by what is left
of each, and the last minor units to the lines with the largest remainders, the first of equal ones first.
"""

from collections.abc import Iterable, Sequence

import msgspec
from msgspec import structs

from rules.facts import Line, Purchase, Return, without
from rules.perks import FreeItem, Gives
from rules.picking import Pick

_WHOLE = 100
_ANYTHING = Pick()


class Units(msgspec.Struct, frozen=True):
    """So many units at most, each paying this much money."""

    amount: int
    pays_minor: int


class Part(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is taken off one line, or off the total of a purchase without lines; `pieces` are those wholly paid for."""

    line: str | None
    amount_minor: int
    pieces: int = 0


class Discount(msgspec.Struct, frozen=True):
    """What one perk takes off, line by line; `units` are those that paid."""

    parts: tuple[Part, ...] = ()
    units: int = 0

    @property
    def amount_minor(self) -> int:
        """What it takes off altogether."""
        return sum(part.amount_minor for part in self.parts)


class _Left:
    """A line while it is being discounted: what is left of it, and of its pieces that no perk has touched."""

    __slots__ = ("amount", "line", "name", "pieces", "untouched")

    def __init__(self, line: Line | None, amount: int) -> None:
        self.line = line
        self.name = None if line is None else line.line
        self.amount = self.untouched = amount
        self.pieces = 0 if line is None else line.quantity

    def each(self) -> int:
        return self.untouched // self.pieces if self.pieces else 0


def discounts(purchase: Purchase, asked: Sequence[Gives | Units]) -> tuple[Discount, ...]:
    """What each of these takes off the purchase, in the order asked; one that fits nothing takes off nothing."""
    lines = [_Left(line, line.amount_minor) for line in purchase.lines or ()]
    if purchase.lines is None:
        lines = [_Left(None, purchase.total_minor)]
    found: dict[int, Discount] = {}
    for place in sorted(range(len(asked)), key=lambda place: _turn(asked[place])):
        found[place] = _one(asked[place], lines)
    return tuple(found[place] for place in range(len(asked)))


def _turn(asked: Gives | Units) -> int:
    if isinstance(asked, Units):
        return 5
    if asked.free_item is not None:
        return 0
    if asked.service is not None:
        return 6
    return (3 if asked.on_everything else 1) + (asked.percent_off is None)


def _one(asked: Gives | Units, lines: list[_Left]) -> Discount:
    if isinstance(asked, Units):
        units = min(asked.amount, _sum(lines) // asked.pays_minor)
        return Discount(_spread(units * asked.pays_minor, lines), units)
    if asked.free_item is not None:
        return _free(asked.free_item, lines)
    if asked.service is not None:
        return Discount()
    chosen = _meant(asked.of or _ANYTHING, lines)
    if asked.cheapest:
        chosen = sorted(chosen, key=lambda line: line.amount)[:1]
    there = _sum(chosen)
    if asked.percent_off is not None:
        off = there * asked.percent_off // _WHOLE
        off = off if asked.up_to_minor is None else min(off, asked.up_to_minor)
    else:
        off = min(asked.amount_off_minor or 0, there)
    return Discount(_spread(off, chosen))


def _meant(goods: Pick, lines: Iterable[_Left]) -> list[_Left]:
    """The lines that match and still cost something; a purchase without lines is meant as a whole only."""
    return [
        left for left in lines
        if left.amount > 0 and (goods == _ANYTHING if left.line is None else goods.matches(left.line))
    ]  # fmt: skip


def _sum(lines: Iterable[_Left]) -> int:
    return sum(left.amount for left in lines)


def _free(item: FreeItem, lines: list[_Left]) -> Discount:
    chosen = [left for left in lines if left.line is not None and item.goods.matches(left.line) and left.each() > 0]
    if not chosen:
        return Discount()
    cheapest = item.which == "cheapest"
    left = min(chosen, key=lambda one: one.each() if cheapest else -one.each())
    price = left.each()
    off = price if item.up_to_minor is None else min(price, item.up_to_minor)
    left.pieces -= 1
    left.untouched -= price
    left.amount -= off
    return Discount((Part(left.name, off, int(off == price)),))


def _spread(off: int, lines: list[_Left]) -> tuple[Part, ...]:
    """Share an amount out over lines by what is left of each."""
    there = _sum(lines)
    if not off:
        return ()
    shares = [off * left.amount // there for left in lines]
    missing = off - sum(shares)
    by_remainder = sorted(range(len(lines)), key=lambda n: (-(off * lines[n].amount % there), n))
    for n in by_remainder[:missing]:
        shares[n] += 1
    for left, share in zip(lines, shares, strict=True):
        left.amount -= share
        left.untouched = min(left.untouched, left.amount)
    return tuple(Part(left.name, share) for left, share in zip(lines, shares, strict=True) if share)


def judged(purchase: Purchase, given: Iterable[Discount]) -> Purchase:
    """The purchase as if what perks paid for had never been bought: pieces wholly paid for are gone, and so is the
    money. This is what the rules judge, unless what perks pay earns as well.
    """
    parts = [part for discount in given for part in discount.parts]
    if purchase.lines is None:
        off = sum(part.amount_minor for part in parts)
        return structs.replace(purchase, total_minor=purchase.total_minor - off)
    gone = [_taken(part, part.pieces) for part in parts]
    return without(purchase, gone)


def paid(purchase: Purchase, given: Iterable[Discount]) -> Purchase:
    """The purchase with what was paid for it in money; every piece of it is there, and none of its lines left out."""
    off: dict[str | None, int] = {}
    for discount in given:
        for part in discount.parts:
            off[part.line] = off.get(part.line, 0) + part.amount_minor
    lines = purchase.lines
    if lines is not None:
        lines = tuple(
            structs.replace(line, amount_minor=line.amount_minor - off[line.line]) if line.line in off else line
            for line in lines
        )
    return structs.replace(purchase, lines=lines, total_minor=purchase.total_minor - sum(off.values()))


def _taken(part: Part, pieces: int) -> Return:
    assert part.line is not None, "a purchase with lines is discounted line by line"
    return Return(line=part.line, quantity=pieces, amount_minor=part.amount_minor)
