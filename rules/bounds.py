"""How much may be given at most: the limit of a rule, and the cap of a unit."""

import msgspec

from rules.names import Positive
from rules.periods import Per


class Cap(msgspec.Struct, frozen=True):
    """No more than `amount` of a unit is earned per purchase, day, week, month, year, or ever."""

    amount: Positive
    per: Per


class Limit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A rule fires at most so many `times`, or gives at most this `amount`, per purchase, day, week, month,
    year, or ever.
    """

    times: Positive | None = None
    amount: Positive | None = None
    per: Per

    def __post_init__(self) -> None:
        if (self.times is None) == (self.amount is None):
            raise ValueError("a limit says either times or amount")
