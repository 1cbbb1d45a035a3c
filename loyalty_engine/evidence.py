"""What is kept of a purchase, an event and a refund, so that each can be judged again years later, person or no person.

Invariant: nothing here names anybody; what is here, with the programme version, gives the same outcome for ever.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

import rules


class Spent(Struct, frozen=True, omit_defaults=True):
    """Something that was redeemed in a purchase: what it cost, by which entry, and what it took off which line.

    `on` says what brings it back when goods are returned: the whole order, the item or goods it came off, or nothing
    but a full refund.
    """

    on: str  # "order", "item", "goods" or "nothing"
    perk: str | None = None
    voucher: str | None = None
    hold: str | None = None
    unit: str | None = None
    amount: int = 0
    entry: str | None = None
    parts: tuple[rules.Part, ...] = ()


class EventEvidence(Struct, frozen=True, omit_defaults=True):
    """An event as the rules saw it, and the member as they were just before it."""

    event: rules.Event
    facts: rules.MemberFacts


class PurchaseEvidence(Struct, frozen=True, omit_defaults=True):
    """A purchase as the rules saw it, the member as they were just before it, and the events it brought about.

    Where something was redeemed, `told` is the basket as the till told it, before what perks took off. `granted` are
    the vouchers it brought; `referral` is the one it qualified, and `paid_with` a keyed hash of the means of payment.
    """

    receipt: str
    currency: str
    purchase: rules.Purchase
    facts: rules.MemberFacts
    raised: tuple[EventEvidence, ...] = ()
    told: rules.Purchase | None = None
    spent: tuple[Spent, ...] = ()
    granted: tuple[str, ...] = ()
    referral: str | None = None
    paid_with: str | None = None


class EnrolmentEvidence(Struct, frozen=True, omit_defaults=True):
    """That somebody joined, as the rules saw it."""

    raised: tuple[EventEvidence, ...] = ()


class RefundEvidence(Struct, frozen=True, omit_defaults=True):
    """What came back, and what was therefore due from each rule's awards: (rule, unit) to amount, as a list."""

    receipt: str
    returns: tuple[rules.Return, ...]
    amount_minor: int
    full: bool
    due: tuple[tuple[str, str, int], ...]
    # Of a purchase in which something was redeemed: the same goods as they were paid for, and what was given back of
    # each redemption.
    goods: tuple[rules.Return, ...] = ()
    money_minor: int = 0
    back: tuple[int, ...] = ()


# The kinds of journal line whose input was judged by rules.
JUDGED = ("purchase", "event", "enrolment")

Judged = tuple[rules.Purchase | rules.Event, rules.MemberFacts]


def judged_in(kind: str, told: str) -> tuple[Judged, ...]:
    """Give all that a journal line had judged, in the order it was judged: each event with the member before it."""
    if kind == "event":
        alone = msgspec.json.decode(told, type=EventEvidence)
        return ((alone.event, alone.facts),)
    if kind == "enrolment":
        return tuple((one.event, one.facts) for one in msgspec.json.decode(told, type=EnrolmentEvidence).raised)
    evidence = msgspec.json.decode(told, type=PurchaseEvidence)
    raised = tuple((one.event, one.facts) for one in evidence.raised)
    return (*raised, (evidence.purchase, evidence.facts))
