"""The tray of texts that a person should read: what was not understood, what said more than STOP, and complaints."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from loyalty_engine.answers import Answer
from loyalty_engine.businesses import managed
from loyalty_engine.identifiers import Identifier, mask
from loyalty_engine.instants import shown, to_micros
from loyalty_engine.texts.errors import TextUnknown
from loyalty_engine.texts.inbound import SEALED_AS, Words
from loyalty_engine.vaults.vault import VaultClosed

if TYPE_CHECKING:
    from loyalty_engine.businesses import Caller
    from loyalty_engine.commands import Ticket
    from loyalty_engine.database import Transaction
    from loyalty_engine.house import House

_MOST: Final = 100


class TextToReview(Struct, frozen=True):
    """A text as a person reads it: the number masked, the words as they came, and what they were taken for."""

    id: str
    gateway: str
    received_at: str
    member: str | None
    masked: str
    wish: str
    text: str


class TextReviewed(Struct, frozen=True):
    """A text that somebody has read."""

    id: str
    reviewed_at: str


class ReviewPage(Struct, frozen=True):
    """The texts on the tray, oldest first; at most a hundred at a time."""

    items: tuple[TextToReview, ...]
    next_cursor: str | None = None


async def waiting(house: House, business_id: int) -> ReviewPage:
    """Give what lies on the tray."""
    found = await house.database.fetch(
        "SELECT t.gateway, t.received_at, t.member_id, t.wish, t.sealed, t.wrapped_key, t.journal_id, "
        "m.wrapped_key FROM inbound_texts t LEFT JOIN members m ON m.business_id = t.business_id "
        "AND m.id = t.member_id WHERE t.business_id = $1 AND t.review = 1 AND t.reviewed_at IS NULL "
        "ORDER BY t.received_at LIMIT $2",
        business_id, _MOST,
    )  # fmt: skip
    items = []
    for gateway, received_at, member_id, wish, sealed, own_key, line_id, member_key in found:
        try:
            plain = house.vault.open(business_id, member_id or line_id, own_key or member_key or "", SEALED_AS, sealed)
        except VaultClosed:
            continue  # its member was erased
        words = msgspec.json.decode(plain, type=Words)
        items.append(
            TextToReview(line_id, gateway, shown(received_at), member_id, _masked(words.sender), wish, words.text)
        )
    return ReviewPage(tuple(items))


def _masked(sender: str) -> str:
    try:
        return mask(Identifier("phone", sender))
    except Exception:  # noqa: BLE001  # what is no number is a name or a shop's short number, and is shown
        return sender


async def reviewed(house: House, caller: Caller, text_id: str, ticket: Ticket) -> Answer:
    """Take a text off the tray, once; raise TextUnknown where there is none such."""

    async def work(transaction: Transaction) -> int:
        found = await transaction.fetch(
            "UPDATE inbound_texts SET reviewed_at = coalesce(reviewed_at, $3) WHERE business_id = $1 "
            "AND journal_id = $2 RETURNING journal_id",
            caller.business_id, text_id, to_micros(ticket.at),
        )  # fmt: skip
        if not found:
            raise TextUnknown
        return HTTPStatus.OK

    made = TextReviewed(text_id, shown(to_micros(ticket.at)))
    return await managed(house, caller, "text_review", made, ticket, made, work)
