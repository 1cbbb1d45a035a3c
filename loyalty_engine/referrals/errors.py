"""What is refused about who brought whom; branches of the tree in errors.py.

NotFound (404)    ReferralUnknown
InConflict (409)  ReferralOver
Refused (422)     ReferralsNotOffered
"""

from __future__ import annotations

from loyalty_engine.errors import InConflict, NotFound, Refused


class ReferralUnknown(NotFound):
    """There is no such referral."""


class ReferralOver(InConflict):
    """This referral has ended: it was credited, refused or has lapsed, and nothing can be decided about it any more."""


class ReferralsNotOffered(Refused):
    """The programme gives nothing for bringing friends."""

    kept = True
