"""Everything that is refused about spending: branches of the tree in errors.py, read in the same way.

NotFound (404)   VoucherUnknown, HoldUnknown
Refused (422)    PerkUnknown, PerkOnlyGranted, PerkNotNow, PerkNotForTier, PerkUsedUp, PerkAllGone,
PerkGivesNothing, UnitPaysNothing, VoucherUsed, VoucherExpired, HoldClosed, StepUpRequired,
CodeWrong, CodeUsedUp
"""

from __future__ import annotations

from loyalty_engine.errors import NotFound, Refused


class VoucherUnknown(NotFound):
    """This member has no such voucher."""


class HoldUnknown(NotFound):
    """There is no such hold."""


class PerkUnknown(Refused):
    """The programme has no such perk."""

    kept = True


class PerkOnlyGranted(Refused):
    """This perk cannot be bought with units; it is only given."""

    kept = True


class PerkNotNow(Refused):
    """This perk cannot be had on this day."""

    kept = True


class PerkNotForTier(Refused):
    """This perk is for members of another tier."""

    kept = True


class PerkUsedUp(Refused):
    """This member has had this perk as often as it may be had."""

    kept = True


class PerkAllGone(Refused):
    """There is none left of this perk."""

    kept = True


class PerkGivesNothing(Refused):
    """Nothing in this purchase is what the perk is for."""

    kept = True


class UnitPaysNothing(Refused):
    """This unit is not worth money in a purchase."""

    kept = True


class VoucherUsed(Refused):
    """This voucher has been used, set aside or withdrawn already."""

    kept = True


class VoucherExpired(Refused):
    """This voucher is no longer valid."""

    kept = True


class HoldClosed(Refused):
    """This hold is over: it was captured, released, or its time is up."""

    kept = True


class StepUpRequired(Refused):
    """To spend this, the member confirms with the code that was sent to them."""

    kept = True


class CodeWrong(Refused):
    """This is not the code that was sent."""

    kept = True


class CodeUsedUp(Refused):
    """This code cannot be used any more: it is too old, or was mistyped too often. Make a new hold."""

    kept = True
