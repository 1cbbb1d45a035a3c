"""What came of a purchase or another event: the awards, what else happens, the limits used, and why."""

from datetime import datetime

import msgspec

from rules.effects import Effect


class Award(msgspec.Struct, frozen=True, gc=False):
    """Units given by a rule. What a multiplier adds is an award of its own under the multiplier's rule id."""

    rule: str
    unit: str
    amount: int
    reason: str


class Use(msgspec.Struct, frozen=True, gc=False):
    """What an event used of a limit: of "rule:happy-hour" or "cap:points", in one calendar window."""

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


class Happening(msgspec.Struct, frozen=True, gc=False):
    """Something other than units that comes of a rule: `effect` is its name as it is written, `values` what is
    written there.
    """

    rule: str
    effect: str
    values: Effect


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """All that came of an event: `fired` are the rules that gave something, in the order of the file. `effects` are
    what happens after the awards, in the order of the file.
    """

    awards: tuple[Award, ...]
    uses: tuple[Use, ...]
    fired: tuple[str, ...]
    effects: tuple[Happening, ...] = ()
