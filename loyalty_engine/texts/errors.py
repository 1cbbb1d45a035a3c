"""Everything that is refused about texts and webhooks: branches of the tree in errors.py, read in the same way.

NotSignedIn (401)   ProofMissing
NotAllowed (403)    ProofWrong
NotFound (404)      GatewayUnknown, TextUnknown, WebhookUnknown
Refused (422)       GatewayRefused, WebhookRefused
"""

from __future__ import annotations

from loyalty_engine.errors import NotAllowed, NotFound, NotSignedIn, Refused


class ProofMissing(NotSignedIn):
    """Nothing proves that this comes from the gateway: a signature or password is missing."""


class ProofWrong(NotAllowed):
    """This does not come from the gateway, or came too long ago: the proof in it is wrong."""


class GatewayUnknown(NotFound):
    """The business has no such gateway."""


class TextUnknown(NotFound):
    """There is no such text."""


class WebhookUnknown(NotFound):
    """There is no such webhook."""


class GatewayRefused(Refused):
    """The gateway cannot be set up like this."""


class WebhookRefused(Refused):
    """This address cannot be told of anything."""
