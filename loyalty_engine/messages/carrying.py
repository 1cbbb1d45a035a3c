"""The street between us and a member: what leaves, what a gateway gives back, and how it says that it could not.

A gateway is anything with a name and an `async send(message)`. It gets each message under an id that stays the same
when the same message is tried again, so that a gateway that honours ids never sends one twice.
"""

from __future__ import annotations

from typing import Protocol

import structlog
from msgspec import Struct

_log = structlog.get_logger("loyalty.carrying")


class Leaving(Struct, frozen=True, kw_only=True):
    """A message on its way out. It is never printed with its address or its words."""

    id: str
    business_id: int
    channel: str
    purpose: str
    to: str
    text: str
    language: str
    subject: str | None = None
    country: str | None = None

    def __repr__(self) -> str:
        """Show no number and no words: a log line cannot be erased with a member."""
        return f"Leaving({self.id}, {self.channel}, {self.purpose})"


class Receipt(Struct, frozen=True):
    """What a gateway gave back: its own id of the message, by which its delivery report comes, and how many parts."""

    gateway_id: str
    parts: int = 1


class NotCarried(Exception):
    """A gateway did not take a message: `again` when a later try may succeed, at the earliest after so many seconds.

    `stopped` says that the gateway itself knows of a STOP from this number.
    """

    def __init__(self, reason: str, *, again: bool = True, after_seconds: int = 0, stopped: bool = False) -> None:
        """Take the reason as it will stand with the message: a few words, no number and no text."""
        super().__init__(reason)
        self.reason = reason
        self.again = again
        self.after_seconds = after_seconds
        self.stopped = stopped


class Carrier(Protocol):
    """A gateway as the outbox knows it."""

    @property
    def name(self) -> str:
        """Give the name that is kept with what it carried."""

    async def send(self, message: Leaving) -> Receipt:
        """Hand the message over; raise NotCarried where it was not taken."""


class Logged:
    """The gateway of an installation that has none: it says in the log that something would have left."""

    name = "logged"

    async def send(self, message: Leaving) -> Receipt:
        """Write one line, without number and words."""
        _log.info("message", id=message.id, channel=message.channel, purpose=message.purpose)
        return Receipt(message.id)
