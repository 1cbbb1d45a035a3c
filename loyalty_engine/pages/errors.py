"""Everything that is refused on the pages members meet; branches of the tree in errors.py.

NotAllowed (403)    FormForeign, PageOnlyReads
NotFound (404)      PageLinkOver
Refused (422)       DoorCodeWrong
TooManyRequests     TooManyAtTheDoor
"""

from __future__ import annotations

from loyalty_engine.errors import NotAllowed, NotFound, Refused


class FormForeign(NotAllowed):
    """This form was not filled in on our page, or the page was open for too long; load it again."""


class PageOnlyReads(NotAllowed):
    """This link only shows the page; to change something, have a code sent to the number first."""


class PageLinkOver(NotFound):
    """This link is over; ask for a new one."""


class DoorCodeWrong(Refused):
    """The code is not right, too old, or was tried too often; have a new one sent."""
