"""What is kept of a purchase and its refunds, so that either can be judged again years later, person or no person.

Invariant: nothing here names anybody; what is here, with the programme version, gives the same outcome for ever.
"""

from __future__ import annotations

from msgspec import Struct

import rules


class PurchaseEvidence(Struct, frozen=True, omit_defaults=True):
    """A purchase as the rules saw it, and the member as they were just before it."""

    receipt: str
    currency: str
    purchase: rules.Purchase
    facts: rules.MemberFacts


class RefundEvidence(Struct, frozen=True, omit_defaults=True):
    """What came back, and what was therefore due from each rule's awards: (rule, unit) to amount, as a list."""

    receipt: str
    returns: tuple[rules.Return, ...]
    amount_minor: int
    full: bool
    due: tuple[tuple[str, str, int], ...]
