"""What happened, and to whom: the plain values a programme is judged on, exactly as the till and the ledger
told them.

Invariant: a fact is never changed. A refund makes a new purchase in which the returned goods were never
bought.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec


class Line(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One line of a receipt. `amount_minor` is what was paid for the whole line, after `discount_minor` and
    with `tax_minor`.
    """

    line: str
    amount_minor: int
    sku: str | None = None
    category: str | None = None
    quantity: int = 1
    discount_minor: int = 0
    tax_minor: int = 0
    tags: tuple[str, ...] = ()


class Purchase(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One closed sale. `lines=None` means that the till did not say what was bought; `refunded_minor` names
    no line.
    """

    occurred_at: datetime
    total_minor: int
    location: str | None = None
    till: str | None = None
    staff: str | None = None
    channel: str | None = None
    codes: tuple[str, ...] = ()
    lines: tuple[Line, ...] | None = None
    refunded_minor: int = 0


class MemberFacts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The member as they were just before this purchase.

    `balance` is what can be spent, per unit. `used` tells what limits have seen already: the key is
    `subject|window` as in `Use`, the value is (times, amount).
    """

    visits: int = 0
    spend_minor: int = 0
    joined_at: datetime | None = None
    first_purchase_at: datetime | None = None
    last_purchase_at: datetime | None = None
    tier: str | None = None
    tags: tuple[str, ...] = ()
    language: str | None = None
    balance: dict[str, int] = {}
    used: dict[str, tuple[int, int]] = {}


class Return(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Goods that came back: so many of a line, so much of its money, or (neither said) all that is left."""

    line: str
    quantity: int | None = None
    amount_minor: int | None = None


def without(purchase: Purchase, returns: Sequence[Return], *, amount_minor: int = 0) -> Purchase:
    """The purchase as if the returned goods had never been bought; `amount_minor` is money given back that
    names no line.

    Returns are taken in order and never take more than a line has left. A quantity without an amount takes
    its share of the line's money, rounded down. A line leaves when both its goods and its money are gone; a
    line whose goods came back for part of the money stays with quantity 0, so that an excluded line stays
    excluded. Raises LookupError when a return names a line that the purchase does not have.
    """
    lines = {line.line: line for line in purchase.lines or ()}
    total = purchase.total_minor
    for back in returns:
        if back.line not in lines:
            raise LookupError(back.line)
        before = lines[back.line]
        lines[back.line] = after = _less(before, back)
        total -= before.amount_minor - after.amount_minor
    total = max(total, 0)
    return msgspec.structs.replace(
        purchase,
        total_minor=total,
        lines=None
        if purchase.lines is None
        else tuple(line for line in lines.values() if line.quantity or line.amount_minor),
        refunded_minor=min(purchase.refunded_minor + max(amount_minor, 0), max(total, purchase.refunded_minor)),
    )


def _less(line: Line, back: Return) -> Line:
    """What is left of a line. Discount and tax shrink with the money and round up, so that less never counts
    for more.
    """
    if back.quantity is None and back.amount_minor is None:
        return msgspec.structs.replace(line, quantity=0, amount_minor=0, discount_minor=0, tax_minor=0)
    quantity = min(max(back.quantity or 0, 0), line.quantity)
    if back.amount_minor is not None:
        money = min(max(back.amount_minor, 0), max(line.amount_minor, 0))
    else:
        money = line.amount_minor * quantity // line.quantity if line.quantity else 0
    left = line.amount_minor - money
    return msgspec.structs.replace(
        line,
        quantity=line.quantity - quantity,
        amount_minor=left,
        discount_minor=_share(line.discount_minor, left, line.amount_minor),
        tax_minor=_share(line.tax_minor, left, line.amount_minor),
    )


def _share(part: int, left: int, whole: int) -> int:
    return -(-part * left // whole) if whole else part
