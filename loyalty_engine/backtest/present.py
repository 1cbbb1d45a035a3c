"""A member as they are at this moment of the life that is lived again.

Invariant: whoever keeps what was known of a member at a purchase keeps a copy; the one here moves on.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

import rules


class Present(rules.MemberFacts, frozen=False, kw_only=True, gc=False):  # type: ignore[misc]  # this one moves on
    """What the rules are told of a member: put forward by each purchase instead of made anew."""

    visits: int = 0
    spend_minor: int = 0
    joined_at: datetime | None = None
    first_purchase_at: datetime | None = None
    last_purchase_at: datetime | None = None
    balance: dict[str, int] = msgspec.field(default_factory=dict)

    def buys(self, purchase: rules.Purchase) -> None:
        """Go on from a purchase to what is known after it."""
        occurred_at, last = purchase.occurred_at, self.last_purchase_at
        self.visits += 1
        self.spend_minor += purchase.total_minor
        if last is None or self.first_purchase_at is None:
            self.first_purchase_at = self.last_purchase_at = occurred_at
        elif occurred_at > last:
            self.last_purchase_at = occurred_at
        elif occurred_at < self.first_purchase_at:
            self.first_purchase_at = occurred_at

    def returns(self, gone: int, refunded_minor: int) -> None:
        """Go on from a refund, which may leave nothing of a purchase."""
        self.visits = max(0, self.visits - gone)
        self.spend_minor = max(0, self.spend_minor - refunded_minor)

    def with_known(self, known: rules.MemberFacts | None) -> rules.MemberFacts:
        """Add what is known of a member for another reason than their purchases."""
        if known is None:
            return self
        return msgspec.structs.replace(
            known, visits=self.visits, spend_minor=self.spend_minor, joined_at=self.joined_at,
            first_purchase_at=self.first_purchase_at, last_purchase_at=self.last_purchase_at, balance=self.balance,
            used=self.used,
        )  # fmt: skip
