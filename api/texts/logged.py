"""No gateway at all: what would be sent is written to the log, and nothing can come in by it.

For trying things out: `loyalty text` and the simulator speak for a handset without passing this door.
"""

from __future__ import annotations

from typing import ClassVar

import structlog

from api.texts.gateway import Arrival, Gateway, InboundText, Order, Report, Said
from loyalty_engine.messages.carrying import Leaving, Receipt
from loyalty_engine.texts.errors import ProofWrong
from rules import sms_parts

_log = structlog.get_logger("loyalty.texts")


class LoggedTexts(Gateway, frozen=True, kw_only=True):
    """The gateway of a business that has none."""

    name: ClassVar[str] = "logged"

    sender: str = "LOYALTY"

    def verify(self, arrival: Arrival) -> None:
        """Refuse: there is nobody who could prove anything."""
        raise ProofWrong

    def read(self, arrival: Arrival) -> InboundText | None:
        """Hold nothing."""
        return None

    def report(self, arrival: Arrival) -> Report | None:
        """Hold nothing."""
        return None

    def order(self, message: Leaving, report_url: str) -> Order:
        """Ask nobody."""
        return Order("", "", {}, b"")

    def taken(self, message: Leaving, said: Said) -> Receipt:
        """Say in the log that a text would have left: without its words and without the number."""
        parts = sms_parts(message.text)
        _log.info("text", id=message.id, purpose=message.purpose, parts=parts)
        return Receipt(message.id, parts)
