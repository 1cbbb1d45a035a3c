"""What a member did, as the journal or a file tells it: purchases, refunds, events, and what was moved by hand.

Invariant: nothing here says what a programme made of it; that is judged again.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

import rules
from loyalty_engine.evidence import RefundEvidence


class Joined(Struct, frozen=True, gc=False):
    """The member enrolled without buying anything. `known` is what they told of themselves, as far as a rule asked."""

    at: datetime
    location: str | None = None
    known: rules.MemberFacts | None = None


class Told(Struct, frozen=True, gc=False):
    """Something other than a purchase happened to the member. `known` is as with a purchase."""

    event: rules.Event
    at: datetime
    known: rules.MemberFacts | None = None


class Bought(Struct, frozen=True, gc=False):
    """The member bought something. `known` is what the till knew of them that no purchase changes, such as language."""

    id: str
    purchase: rules.Purchase
    at: datetime
    known: rules.MemberFacts | None = None


class Returned(Struct, frozen=True):
    """Goods or money of an earlier purchase came back."""

    purchase: str
    evidence: RefundEvidence
    refunded_minor: int
    occurred_at: datetime
    at: datetime


class Corrected(Struct, frozen=True, gc=False):
    """Units moved for another reason than a purchase: by hand, for a perk, or because they had run out."""

    kind: str
    unit: str
    amount: int
    at: datetime
    version: int | None = None


Happened = Joined | Told | Bought | Returned | Corrected


class History(Struct, frozen=True):
    """One member's life in the order it was recorded; `at` is when each thing was."""

    member: str
    happened: list[Happened]
    # Month and day, where a rule asks for it and the member has told.
    birthday: str | None = None

    def given_back(self) -> frozenset[str]:
        """Name the purchases of which something came back later."""
        return frozenset([one.purchase for one in self.happened if type(one) is Returned])

    def kinds(self) -> set[type[Happened]]:
        """Name the kinds of things that happened."""
        return set(map(type, self.happened))

    def is_plain(self) -> bool:
        """Tell whether nothing but what was judged moved this member's units."""
        return self.kinds() <= {Bought, Joined, Told}

    def purchases(self) -> int:
        """Count the purchases."""
        return sum(type(one) is Bought for one in self.happened)
