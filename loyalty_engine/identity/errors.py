"""What is refused about who somebody is; a branch of the tree in errors.py.

InConflict (409)  IdentifierTaken
Refused (422)     VerificationNeeded, ConfirmationRefused, SecondFactNeeded
"""

from __future__ import annotations

from loyalty_engine.errors import InConflict, Refused


class IdentifierTaken(InConflict):
    """Another member has this number or address: merge the two, if they are one person."""


class VerificationNeeded(Refused):
    """This number has not been used for long: the member must first show that it is still theirs."""


class ConfirmationRefused(Refused):
    """The code is wrong, too old, or was tried too often; ask for a new one."""


class SecondFactNeeded(Refused):
    """Ask for the name, the birthday or another number of the member as well: this number alone tells too little."""
