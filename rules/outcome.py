"""What came of a purchase: the awards, the limits it used, and why each rule fired or did not."""

from datetime import datetime

import msgspec


class Award(msgspec.Struct, frozen=True, gc=False):
    """Units given by a rule. What a multiplier adds is an award of its own under the multiplier's rule id."""

    rule: str
    unit: str
    amount: int
    reason: str


class Use(msgspec.Struct, frozen=True, gc=False):
    """What a purchase used of a limit: of "rule:happy-hour" or "cap:points", in one calendar window."""

    subject: str
    window: str
    starts_at: datetime
    ends_at: datetime
    times: int
    amount: int


class Because(msgspec.Struct, frozen=True, gc=False):
    """Why a rule fired, or did not, in one sentence."""

    rule: str
    fired: bool
    because: str


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """All that came of a purchase: `fired` are the rules that gave something, in the order of the file."""

    awards: tuple[Award, ...]
    uses: tuple[Use, ...]
    fired: tuple[str, ...]
