"""Everything that is refused about standing by hand and goodwill: branches of the tree in errors.py.

NotFound (404)   AwardUnknown
Refused (422)    GoodwillSpent, TierUnknown
"""

from __future__ import annotations

from loyalty_engine.errors import NotFound, Refused


class AwardUnknown(NotFound):
    """There is no such award to many members."""


class GoodwillSpent(Refused):
    """This member of staff has given away today what the programme lets them give in a day."""

    kept = True


class TierUnknown(Refused):
    """The programme has no such tier."""

    kept = True
