"""How much may be given at most: the limit of a rule, the cap of a unit, and the share of a purchase."""

import re
from typing import ClassVar, Self

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


class Share(msgspec.Struct, frozen=True):
    """A share of what was paid, written as "30 %" or "12.5 %"; kept in thousandths."""

    thousandths: int

    expected: ClassVar[str] = 'a share such as "30 %" or "12.5 %"'
    pattern: ClassVar[str] = r"^([0-9]{1,3})(?:\.([0-9]))? ?%$"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "30 %". Raises ValueError for anything else, for nothing and for more than everything."""
        match = re.fullmatch(cls.pattern, text)
        if match is None:
            raise ValueError("this is no share")
        thousandths = int(match[1]) * 10 + int(match[2] or 0)
        if not 0 < thousandths <= 1000:  # noqa: PLR2004 - all of it
            raise ValueError("a share is above 0 % and at most 100 %")
        return cls(thousandths)

    def __str__(self) -> str:
        whole, part = divmod(self.thousandths, 10)
        return f"{whole}.{part} %" if part else f"{whole} %"
