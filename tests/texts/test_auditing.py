"""The auditor finds a text that came in twice and an event that was not told, or told to nobody who asked."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from loyalty_engine.database import Transaction
from loyalty_engine.webhooks import subscriptions, telling
from loyalty_engine.webhooks.posting import Answered
from tests.engine.shop import MONDAY, broken, buys, flat_whites, ticket
from tests.texts.conftest import Phone

pytestmark = pytest.mark.anyio

FORGERIES = {
    "one that never came": ("I19", "UPDATE inbound_texts SET journal_id = 'jnl_never'"),
    "under another id": ("I19", "UPDATE inbound_texts SET message_id = 'SM-other' WHERE wish = 'join'"),
    "from another gateway": ("I19", "UPDATE inbound_texts SET gateway = 'twilio' WHERE wish = 'join'"),
    "two texts for one line": (
        "I19", "UPDATE inbound_texts SET journal_id = (SELECT min(journal_id) FROM inbound_texts)",
    ),
    "another text's answer": ("I19", "UPDATE messages SET journal_id = 'jnl_other'"),
    "told to nobody": ("I22", "DELETE FROM webhook_deliveries WHERE kind = 'purchase.recorded'"),
    "an event that never was": ("I22", "UPDATE webhook_deliveries SET event_id = 'pur_never'"),
    "told as something else": ("I22", "UPDATE webhook_deliveries SET kind = 'refund.recorded'"),
    "not what was asked for": ("I22", "UPDATE webhooks SET kinds = 'consent.recorded'"),
}  # fmt: skip


async def taken(url: str, headers: dict[str, str], body: bytes) -> Answered:
    return Answered(204)


async def a_day(phone: Phone) -> None:
    """Let somebody join by text, and a purchase be told to who subscribed, with the round long past."""
    command = msgspec.convert(
        {"url": "https://shop.example.com/loyalty", "kinds": ["purchase.recorded"]}, subscriptions.CreateWebhook
    )
    await subscriptions.create(phone.house, phone.caller, command, ticket(at=MONDAY))
    await buys(phone.house, phone.caller, flat_whites("r-1"), at=MONDAY + timedelta(seconds=5))
    await phone.texts("+4799900299", "JOIN", at=MONDAY + timedelta(seconds=6))
    await phone.texts("+4799900299", "POENG", at=MONDAY + timedelta(seconds=7))
    for minutes in (1, 10):
        await telling.tell(phone.house, MONDAY + timedelta(minutes=minutes), post=taken)


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_a_forgery_is_found_and_named(phone: Phone, forgery: str) -> None:
    await a_day(phone)
    assert await broken(phone.house) == []
    invariant, statement = FORGERIES[forgery]
    honest = {
        table: await phone.rows(table) for table in ("inbound_texts", "messages", "webhook_deliveries", "webhooks")
    }

    async def forge(transaction: Transaction) -> None:
        await transaction.fetch(statement)

    await phone.house.database.write_transaction(forge)
    found = await broken(phone.house)
    await restore(phone, honest)

    assert found == [invariant]


async def restore(phone: Phone, honest: dict[str, list[object]]) -> None:
    """Put back what was forged: the books are looked at once more when the shop closes."""

    async def work(transaction: Transaction) -> None:
        for table, rows in honest.items():
            await transaction.fetch(f"DELETE FROM {table}")
            for row in rows:
                places = ", ".join(f"${n}" for n in range(1, len(tuple(row)) + 1))  # type: ignore[arg-type]
                await transaction.fetch(f"INSERT INTO {table} VALUES ({places})", *tuple(row))  # type: ignore[arg-type]

    await phone.house.database.write_transaction(work)


async def test_what_is_younger_than_a_round_is_not_asked_for_yet(phone: Phone) -> None:
    await a_day(phone)

    await buys(phone.house, phone.caller, flat_whites("r-2"), at=MONDAY + timedelta(minutes=9))

    assert await broken(phone.house) == []
