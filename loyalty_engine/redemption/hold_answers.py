"""What is answered about a hold: what is set aside, and the balances beside it."""

from __future__ import annotations

from loyalty_engine.answers import Balance
from loyalty_engine.redemption.answers import HoldAnswer


class HoldShown(HoldAnswer, frozen=True):
    """A hold with the balances beside it."""

    balances: tuple[Balance, ...] = ()
