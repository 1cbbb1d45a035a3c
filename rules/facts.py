"""What happened, and to whom: the plain values a programme is judged on, exactly as the till and the ledger
told them.

Invariant: a fact is never changed. A refund makes a new purchase in which the returned goods were never
bought.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

Attribute = str | int | bool
MonthDay = Annotated[
    str,
    Meta(
        pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$",
        extra_json_schema={"description": "a month and day such as 05-17"},
    ),
]


class Line(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
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


class Purchase(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """One closed sale. `lines=None` means that the till did not say what was bought; `refunded_minor` names
    no line.
    """

    kind: ClassVar[str] = "purchase"

    occurred_at: datetime
    total_minor: int
    location: str | None = None
    till: str | None = None
    staff: str | None = None
    channel: str | None = None
    codes: tuple[str, ...] = ()
    lines: tuple[Line, ...] | None = None
    refunded_minor: int = 0


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """Something that happened to a member other than a purchase: a named event, or one of the business's own.

    `attributes` are its own fields: texts, whole numbers, true or false. Raises ValueError for a purchase.
    """

    kind: str
    occurred_at: datetime
    reference: str | None = None
    attributes: dict[str, Attribute] = {}
    location: str | None = None
    staff: str | None = None

    def __post_init__(self) -> None:
        if self.kind == Purchase.kind:
            raise ValueError("a purchase is told as a Purchase, with its lines and its money")


class MemberFacts(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """The member as they were just before this event.

    `balance` is what can be spent, per unit. `used` tells what limits have seen already: the key is
    `subject|window` as in `Use`, the value is (times, amount). `counts` holds, for each kind of event that a
    condition counts, the local days it happened on, one entry for each time, within the longest period asked
    for; `birthday` is "MM-DD"; `usual_interval_days` is how long this member usually stays away.
    `Programme.needs()` says which of these a programme reads.
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
    birthday: MonthDay | None = None
    counts: dict[str, tuple[date, ...]] = {}
    usual_interval_days: int | None = None
    consents: tuple[str, ...] = ()
    open_case: bool = False
    contact_person: str | None = None
    ambassador_degree: int = 0


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
