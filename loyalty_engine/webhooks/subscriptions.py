"""Who is told what: webhooks are made, listed, given a new secret, tried, and taken down.

Invariant: a secret is shown when it is made and never again; in the database it lies sealed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from loyalty_engine import ids
from loyalty_engine.answers import Answer
from loyalty_engine.businesses import managed
from loyalty_engine.deeds import NOTICE
from loyalty_engine.instants import shown, shown_or_none, to_micros
from loyalty_engine.texts.errors import WebhookRefused, WebhookUnknown
from loyalty_engine.webhooks import signing
from loyalty_engine.webhooks.posting import AddressRefused, plausible

if TYPE_CHECKING:
    from loyalty_engine.businesses import Caller
    from loyalty_engine.commands import Ticket
    from loyalty_engine.database import Transaction
    from loyalty_engine.house import House

Kind = Literal[
    "purchase.recorded", "refund.recorded", "adjustment.recorded", "member.enrolled", "event.recorded",
    "consent.recorded", "member.erased", "notice",
]  # fmt: skip
# A journal line of this kind is told as that.
KINDS: Final[dict[str, Kind]] = {
    "purchase": "purchase.recorded", "refund": "refund.recorded", "adjustment": "adjustment.recorded",
    "enrolment": "member.enrolled", "event": "event.recorded", "consent": "consent.recorded",
    NOTICE: "notice",
    "erasure": "member.erased",
}  # fmt: skip
TEST: Final = "webhook.test"
_FIELD: Final = "webhook secret"
# For how long the secret before the newest one still signs.
_OVERLAP: Final = timedelta(hours=24)
_LISTED: Final = 100


class CreateWebhook(Struct, frozen=True, forbid_unknown_fields=True):
    """An address to be told, and of what; of everything where nothing is named."""

    url: Annotated[str, Meta(min_length=9, max_length=2000)]
    kinds: tuple[Kind, ...] = ()


class WebhookAnswer(Struct, frozen=True):
    """A webhook; `secret` is there once only, when it is made or made anew."""

    id: str
    url: str
    kinds: tuple[str, ...]
    created_at: str
    disabled_at: str | None
    disabled_why: str | None
    secret: str | None = None


class Delivery(Struct, frozen=True):
    """What became of telling one event: `queued`, `delivered`, or `dead` when it was given up."""

    event: str
    kind: str
    state: str
    tries: int
    queued_at: str
    next_try_at: str | None
    answered: int | None
    reason: str | None


class Subscription(Struct, frozen=True):
    """A webhook as it is told: where to, of what, and sealed with which secrets."""

    id: str
    url: str
    kinds: frozenset[str]
    secrets: tuple[str, ...]


async def create(house: House, caller: Caller, command: CreateWebhook, ticket: Ticket) -> Answer:
    """Subscribe an address, once. Raises WebhookRefused for one we would not send to."""
    try:
        plausible(command.url)
    except AddressRefused as refused:
        raise WebhookRefused(f"This address cannot be subscribed: {refused}.", pointer="/url") from None
    at = to_micros(ticket.at)
    webhook_id, secret = ids.new("whk", at // 1000), signing.new_secret()
    key = house.vault.new_member_key(caller.business_id, webhook_id)
    sealed = house.vault.seal(caller.business_id, webhook_id, key, _FIELD, secret)
    kinds = tuple(sorted(set(command.kinds)))
    made = WebhookAnswer(webhook_id, command.url, kinds, shown(at), None, None, secret)

    async def work(transaction: Transaction) -> int:
        await transaction.fetch(
            "INSERT INTO webhooks (business_id, id, url, kinds, wrapped_key, sealed, created_at, seen_until) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7, $7)",
            caller.business_id, webhook_id, command.url, " ".join(kinds), key, sealed, at,
        )  # fmt: skip
        return HTTPStatus.CREATED

    return await managed(house, caller, "webhook", command, ticket, made, work, shown_once=("secret",))


async def listed(house: House, caller: Caller) -> tuple[WebhookAnswer, ...]:
    """List the webhooks of a business, oldest first."""
    found = await house.database.fetch(
        "SELECT id, url, kinds, created_at, disabled_at, disabled_why FROM webhooks WHERE business_id = $1 ORDER BY id",
        caller.business_id,
    )
    return tuple(_answer(row) for row in found)


def _answer(row: Sequence[Any], secret: str | None = None) -> WebhookAnswer:
    webhook_id, url, kinds, created_at, disabled_at, why = row
    return WebhookAnswer(
        webhook_id, url, tuple(kinds.split()), shown(created_at), shown_or_none(disabled_at), why, secret
    )


async def remove(house: House, caller: Caller, webhook_id: str) -> None:
    """Tell an address nothing more, also of what waits. Raises WebhookUnknown."""

    async def work(transaction: Transaction) -> Any:
        mine = (caller.business_id, webhook_id)
        await transaction.fetch("DELETE FROM webhook_deliveries WHERE business_id = $1 AND webhook_id = $2", *mine)
        return await transaction.fetch("DELETE FROM webhooks WHERE business_id = $1 AND id = $2 RETURNING id", *mine)

    if not await house.database.write_transaction(work):
        raise WebhookUnknown


class Named(Struct, frozen=True):
    """Which webhook a command is about."""

    webhook: str


async def rotate(house: House, caller: Caller, webhook_id: str, ticket: Ticket) -> Answer:
    """Give a webhook a new secret, once; for a day both sign. A webhook that was disabled begins again."""
    secret, mine = signing.new_secret(), (caller.business_id, webhook_id)
    found = await house.database.fetch(
        "SELECT id, url, kinds, created_at, NULL, NULL FROM webhooks WHERE business_id = $1 AND id = $2", *mine
    )
    if not found:
        raise WebhookUnknown

    async def work(transaction: Transaction) -> int:
        held = await transaction.fetch(
            "SELECT wrapped_key, sealed FROM webhooks WHERE business_id = $1 AND id = $2", *mine
        )
        if not held:
            raise WebhookUnknown
        sealed = house.vault.seal(*mine, held[0][0], _FIELD, secret)
        await transaction.fetch(
            "UPDATE webhooks SET sealed = $3, sealed_before = $4, before_until = $5, disabled_at = NULL, "
            "disabled_why = NULL, failing_since = NULL WHERE business_id = $1 AND id = $2",
            *mine, sealed, held[0][1], to_micros(ticket.at + _OVERLAP),
        )  # fmt: skip
        return HTTPStatus.OK

    made = _answer(found[0], secret)
    return await managed(
        house, caller, "webhook_rotation", Named(webhook_id), ticket, made, work, shown_once=("secret",)
    )


async def test(house: House, caller: Caller, webhook_id: str, ticket: Ticket) -> Answer:
    """Queue an event that means nothing, once. Raises WebhookUnknown."""
    now = to_micros(ticket.at)
    event = ids.new("evt", now // 1000)

    async def work(transaction: Transaction) -> int:
        if not await transaction.fetch(
            "SELECT id FROM webhooks WHERE business_id = $1 AND id = $2", caller.business_id, webhook_id
        ):
            raise WebhookUnknown
        await queue(transaction, caller.business_id, webhook_id, event, TEST, now)
        return HTTPStatus.CREATED

    made = Delivery(event, TEST, "queued", 0, shown(now), shown(now), None, None)
    return await managed(house, caller, "webhook_test", Named(webhook_id), ticket, made, work)


async def queue(transaction: Transaction, business_id: int, webhook_id: str, event: str, kind: str, at: int) -> None:
    """Let an event wait for an address, once."""
    await transaction.fetch(
        "INSERT INTO webhook_deliveries (business_id, webhook_id, event_id, kind, state, tries, queued_at, due_at, "
        "claimed_until) VALUES ($1, $2, $3, $4, 'queued', 0, $5, $5, 0) ON CONFLICT DO NOTHING",
        business_id, webhook_id, event, kind, at,
    )  # fmt: skip


async def deliveries(house: House, caller: Caller, webhook_id: str) -> tuple[Delivery, ...]:
    """Show what became of the last hundred events, newest first. Raises WebhookUnknown."""
    mine = (caller.business_id, webhook_id)
    if not await house.database.fetch("SELECT id FROM webhooks WHERE business_id = $1 AND id = $2", *mine):
        raise WebhookUnknown
    found = await house.database.fetch(
        "SELECT event_id, kind, state, tries, queued_at, due_at, answered, reason FROM webhook_deliveries "
        "WHERE business_id = $1 AND webhook_id = $2 ORDER BY queued_at DESC, event_id DESC LIMIT $3",
        *mine, _LISTED,
    )  # fmt: skip
    return tuple(
        Delivery(event, kind, state, tries, shown(queued), shown(due) if state == "queued" else None, answered, why)
        for event, kind, state, tries, queued, due, answered, why in found
    )


async def subscription(house: House, business_id: int, webhook_id: str, at: int) -> Subscription | None:
    """Give a webhook with the secrets that hold at an instant; None where it is gone or disabled."""
    found = await house.database.fetch(
        "SELECT url, kinds, wrapped_key, sealed, sealed_before, before_until FROM webhooks WHERE business_id = $1 "
        "AND id = $2 AND disabled_at IS NULL",
        business_id, webhook_id,
    )  # fmt: skip
    if not found:
        return None
    url, kinds, key, sealed, before, until = found[0]
    held = [sealed, *([before] if before is not None and at < until else [])]
    known = tuple(house.vault.open(business_id, webhook_id, key, _FIELD, one) for one in held)
    return Subscription(webhook_id, url, frozenset(kinds.split()), known)


def body_of(kind: str, at: int, data: dict[str, Any]) -> bytes:
    """Write what is told: thin, without number, name or amount; whoever may know asks for it with a key."""
    return msgspec.json.encode({"type": kind, "timestamp": shown(at), "data": data})
