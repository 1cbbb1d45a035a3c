"""The box by the door: a message is written down together with what caused it, and leaves afterwards.

**To write a message** make its row and let it ride in the posting of the command that causes it, so that both are kept
or neither is:

    note = outbox.to_member(house, business_id, member.id, member.wrapped_key, Note(
        channel="sms", purpose="answer", language="nb", text="Du har 112 poeng.", once="reply:twilio:SM123"), at=micros)
    return Posting(..., extra=(note,))

Inside a transaction of one's own, `await outbox.put(transaction, note)`. Who is no member yet is written to with
`to_stranger(house, business_id, identifier, note, at=micros)`. `once` names the cause: a second message with the same
`once` is not written (`put` gives False; a posting that carries it is not kept, so ask `written` before).

**To carry messages** give the house a chooser: `house.carrier_of = lambda business_id, channel: gateway`, where a
gateway is a `carrying.Carrier`. Without one, messages are only logged. Delivering lives in `sending.py`; every message
passes `gate.py` at the moment it leaves, and again at each new try.

**When a delivery report comes**, `await sending.reported(house, business_id, gateway_id, "delivered", at=micros)`;
"failed" where it was not delivered.

Purposes `service`, `answer`, `code` and `stopped` (also with a detail, `service.receipt`) need no consent and carry no
advertising; every other purpose is one a member has agreed to. Invariant: words and addresses lie here sealed with the
member's key (a stranger's with a key of the message's own, destroyed when it has gone), so that erasing a member erases
what was written to them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple

import msgspec
from msgspec import Struct

from loyalty_engine import ids

if TYPE_CHECKING:
    from loyalty_engine.database import Transaction
    from loyalty_engine.house import House
    from loyalty_engine.identifiers import Identifier

_FIELD: Final = "message"
_MICROS: Final = 1000
# What nobody reads any more when it comes late: an answer or a code after a quarter of an hour.
_FRESH_FOR: Final = {"answer": 15 * 60 * 1_000_000, "code": 15 * 60 * 1_000_000, "stopped": 5 * 60 * 1_000_000}


class Note(Struct, frozen=True, kw_only=True):
    """What is to be said. `due_at` and `expires_at` (micros) say from when and until when it makes sense to send it;
    `journal_id` is the journal line that caused it.
    """

    channel: str
    purpose: str
    text: str
    language: str
    subject: str | None = None
    once: str | None = None
    journal_id: str | None = None
    due_at: int | None = None
    expires_at: int | None = None


class MessageRow(Struct, frozen=True):
    """A message as it is kept. `state` is queued, leaving (handed over, not confirmed), sent, delivered, failed,
    refused (with the reason), dead (given up) or withdrawn.
    """

    TABLE: ClassVar[str] = "messages"
    KEY: ClassVar[int] = 2

    business_id: int
    id: str
    once: str | None
    member_id: str | None
    channel: str
    purpose: str
    language: str
    sealed: str
    wrapped_key: str | None
    journal_id: str | None
    queued_at: int
    expires_at: int | None
    due_at: int
    state: str = "queued"
    reason: str | None = None
    tries: int = 0
    claimed_until: int = 0
    left_at: int | None = None
    consent_id: str | None = None
    country: str | None = None
    number_index: str | None = None
    gateway: str | None = None
    gateway_id: str | None = None
    parts: int | None = None
    ended_at: int | None = None


class Words(NamedTuple):
    """What a message says, and to whom where that is no member."""

    text: str
    subject: str | None = None
    to: str | None = None
    kind: str | None = None


COLUMNS: Final = ", ".join(MessageRow.__struct_fields__)
_PLACES: Final = ", ".join(f"${n}" for n in range(1, len(MessageRow.__struct_fields__) + 1))


def to_member(house: House, business_id: int, member_id: str, wrapped_key: str, note: Note, *, at: int) -> MessageRow:
    """Make the row of a message to a member; where to is looked up when it leaves."""
    words = msgspec.json.encode(Words(note.text, note.subject)).decode()
    sealed = house.vault.seal(business_id, member_id, wrapped_key, _FIELD, words)
    return _row(business_id, ids.new("msg", at // _MICROS), note, sealed, at=at, member_id=member_id)


def to_number(
    house: House, business_id: int, member_id: str, wrapped_key: str, identifier: Identifier, note: Note, *, at: int
) -> MessageRow:
    """Make the row of a message to one number of a member's: the answer to whoever asked from it, and nobody else."""
    words = msgspec.json.encode(Words(note.text, note.subject, identifier.value, identifier.kind)).decode()
    sealed = house.vault.seal(business_id, member_id, wrapped_key, _FIELD, words)
    index = house.vault.blind_index(business_id, identifier)
    row = _row(business_id, ids.new("msg", at // _MICROS), note, sealed, at=at, member_id=member_id)
    return msgspec.structs.replace(row, number_index=index)


def to_stranger(house: House, business_id: int, identifier: Identifier, note: Note, *, at: int) -> MessageRow:
    """Make the row of a message to a number or address that is no member's: an answer, or a code."""
    message_id = ids.new("msg", at // _MICROS)
    key = house.vault.new_member_key(business_id, message_id)
    words = msgspec.json.encode(Words(note.text, note.subject, identifier.value, identifier.kind)).decode()
    sealed = house.vault.seal(business_id, message_id, key, _FIELD, words)
    index = house.vault.blind_index(business_id, identifier)
    return _row(business_id, message_id, note, sealed, at=at, wrapped_key=key, number_index=index)


def _row(
    business_id: int, message_id: str, note: Note, sealed: str, *, at: int, member_id: str | None = None,
    wrapped_key: str | None = None, number_index: str | None = None,
) -> MessageRow:  # fmt: skip
    due_at = at if note.due_at is None else note.due_at
    fresh_for = _FRESH_FOR.get(note.purpose.partition(".")[0])
    expires_at = note.expires_at if note.expires_at is not None or fresh_for is None else due_at + fresh_for
    return MessageRow(
        business_id, message_id, note.once, member_id, note.channel, note.purpose, note.language, sealed, wrapped_key,
        note.journal_id, at, expires_at, due_at, number_index=number_index,
    )  # fmt: skip


async def put(transaction: Transaction, row: MessageRow) -> bool:
    """Write a message inside a transaction; False where one of the same cause stands already."""
    found = await transaction.fetch(
        f"INSERT INTO messages ({COLUMNS}) VALUES ({_PLACES}) ON CONFLICT DO NOTHING RETURNING id",
        *msgspec.structs.astuple(row),
    )
    return bool(found)


async def written(house: House, business_id: int, once: str) -> bool:
    """Tell whether a message of this cause stands already."""
    found = await house.database.fetch("SELECT 1 FROM messages WHERE business_id = $1 AND once = $2", business_id, once)
    return bool(found)


def words_of(house: House, row: MessageRow, wrapped_key: str) -> Words:
    """Unseal what a message says; raise VaultClosed where its key is gone."""
    owner = row.member_id or row.id
    plain = house.vault.open(row.business_id, owner, wrapped_key, _FIELD, row.sealed)
    return msgspec.json.decode(plain, type=Words)
