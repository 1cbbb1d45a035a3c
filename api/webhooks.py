"""The bell wires: addresses of the business that are told what happens, signed as Standard Webhooks says."""

from __future__ import annotations

from litestar import delete, get, post
from litestar.params import FromPath, JSONBody
from litestar.types import ASGIApp
from msgspec import Struct

from api.asking import Ask, reply, reply_stored
from api.calls import MANAGE, promised
from loyalty_engine import ids
from loyalty_engine.errors import IdempotencyKeyReused
from loyalty_engine.texts.errors import WebhookRefused, WebhookUnknown
from loyalty_engine.webhooks import subscriptions
from loyalty_engine.webhooks.subscriptions import CreateWebhook, Delivery, WebhookAnswer


class WebhookPage(Struct, frozen=True):
    """The webhooks of a business."""

    items: tuple[WebhookAnswer, ...]
    next_cursor: str | None = None


class DeliveryPage(Struct, frozen=True):
    """The last hundred events of a webhook, newest first."""

    items: tuple[Delivery, ...]
    next_cursor: str | None = None


@get("/webhooks", **promised(scopes=MANAGE, answers={200: WebhookPage}))
async def list_webhooks(request: Ask) -> ASGIApp:
    """List the webhooks of the business, without their secrets."""
    return reply(WebhookPage(await subscriptions.listed(request.house, request.caller)))


@post(
    "/webhooks",
    **promised(
        scopes=MANAGE,
        answers={201: WebhookAnswer},
        refusals=(IdempotencyKeyReused, WebhookRefused),
        changes=True,
    ),
)
async def create_webhook(request: Ask, data: JSONBody[CreateWebhook]) -> ASGIApp:
    """Subscribe an address to what happens; its secret is in this answer and nowhere else."""
    return reply_stored(await subscriptions.create(request.house, request.caller, data, request.ticket()))


@delete("/webhooks/{webhook_id:str}", **promised(scopes=MANAGE, answers={204: None}, refusals=(WebhookUnknown,)))
async def remove_webhook(request: Ask, webhook_id: FromPath[str]) -> None:
    """Tell an address nothing more."""
    await subscriptions.remove(request.house, request.caller, _known(webhook_id))


@get(
    "/webhooks/{webhook_id:str}/deliveries",
    **promised(scopes=MANAGE, answers={200: DeliveryPage}, refusals=(WebhookUnknown,)),
)
async def list_deliveries(request: Ask, webhook_id: FromPath[str]) -> ASGIApp:
    """Show what became of the last hundred events."""
    found = await subscriptions.deliveries(request.house, request.caller, _known(webhook_id))
    return reply(DeliveryPage(found))


@post(
    "/webhooks/{webhook_id:str}/test",
    **promised(scopes=MANAGE, answers={201: Delivery}, refusals=(WebhookUnknown, IdempotencyKeyReused), changes=True),
)
async def test_webhook(request: Ask, webhook_id: FromPath[str]) -> ASGIApp:
    """Send an event that means nothing, to see whether it arrives."""
    ticket = request.ticket()
    return reply_stored(await subscriptions.test(request.house, request.caller, _known(webhook_id), ticket))


@post(
    "/webhooks/{webhook_id:str}/rotate",
    **promised(
        scopes=MANAGE, answers={200: WebhookAnswer}, refusals=(WebhookUnknown, IdempotencyKeyReused), changes=True
    ),
)
async def rotate_webhook(request: Ask, webhook_id: FromPath[str]) -> ASGIApp:
    """Give a webhook a new secret; for a day both sign, and one that was disabled begins again."""
    ticket = request.ticket()
    return reply_stored(await subscriptions.rotate(request.house, request.caller, _known(webhook_id), ticket))


def _known(webhook_id: str) -> str:
    if not ids.is_id(webhook_id, "whk"):
        raise WebhookUnknown
    return webhook_id


ROUTES = [list_webhooks, create_webhook, remove_webhook, list_deliveries, test_webhook, rotate_webhook]
