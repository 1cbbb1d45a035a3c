"""A gateway in the hand: it keeps what it is given, may refuse or break, and honours ids as a good gateway does."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from loyalty_engine.businesses import Caller
from loyalty_engine.house import House
from loyalty_engine.identifiers import parse_phone
from loyalty_engine.instants import to_micros
from loyalty_engine.messages import outbox, sending
from loyalty_engine.messages.carrying import Leaving, Receipt
from loyalty_engine.messages.outbox import MessageRow, Note


class Hand:
    """Takes messages; `trouble` are exceptions it raises first, one a message."""

    name = "hand"

    def __init__(self, *trouble: Exception) -> None:
        self.trouble = list(trouble)
        self.asked: list[Leaving] = []
        self.taken: dict[str, Leaving] = {}

    async def send(self, message: Leaving) -> Receipt:
        self.asked.append(message)
        if self.trouble:
            raise self.trouble.pop(0)
        self.taken[message.id] = message
        return Receipt(f"gw-{message.id}", 1)


def note(purpose: str = "service", text: str = "Hei!", **more: Any) -> Note:
    return Note(**{"channel": "sms", "purpose": purpose, "text": text, "language": "nb"} | more)


async def put(house: House, cafe: Caller, member_id: str, written: Note, at: datetime) -> MessageRow | None:
    """Put a message to a member into the box; None where one of the same cause is there."""
    [[key]] = await house.database.fetch(
        "SELECT wrapped_key FROM members WHERE business_id = $1 AND id = $2", cafe.business_id, member_id
    )
    row = outbox.to_member(house, cafe.business_id, member_id, key, written, at=to_micros(at))
    kept = await house.database.write_transaction(lambda transaction: outbox.put(transaction, row))
    return row if kept else None


async def put_to_stranger(house: House, cafe: Caller, number: str, written: Note, at: datetime) -> MessageRow:
    row = outbox.to_stranger(house, cafe.business_id, parse_phone(number, "NO"), written, at=to_micros(at))
    await house.database.write_transaction(lambda transaction: outbox.put(transaction, row))
    return row


async def post_goes(house: House, at: datetime, **later: float) -> None:
    """Let the postman go once at this instant."""
    await sending.send_due(house, lambda: at + timedelta(**later))


async def became(house: House, row: MessageRow | None) -> tuple[str, str | None]:
    """Tell the state of a message and the reason."""
    assert row is not None
    [found] = await house.database.fetch(
        "SELECT state, reason FROM messages WHERE business_id = $1 AND id = $2", row.business_id, row.id
    )
    return found[0], found[1]
