"""The shop the faults happen to: its programme, what its tills tell, and its counting house opened in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from itertools import count
from typing import Any

import msgspec

from loyalty_engine import businesses, earning, enrolling, programmes, refunding
from loyalty_engine.answers import Answer
from loyalty_engine.businesses import Caller
from loyalty_engine.commands import (
    AdjustBalance,
    EnrolMember,
    MemberRef,
    PublishProgramme,
    RecordPurchase,
    RefundByReceipt,
    RefundPurchase,
    Ticket,
)
from loyalty_engine.errors import Busy, LoyaltyError
from loyalty_engine.house import House, open_house
from loyalty_engine.instants import to_micros
from loyalty_engine.mending import adjusting
from loyalty_engine.settings import Settings
from loyalty_engine.verify import Broken, verify

SLUG = "corner-cafe"
MASTER_KEY = "5b1f0c9ad27e4863b8c4f1e05d9a7326c0e8174bfa3d6952d7086bce94a1f35e"
FLAT_WHITE = 4900
BUN = 3000
# A Sunday morning in Oslo; the engine's rooms are told the time, the server reads the clock.
MORNING = datetime(2026, 11, 22, 8, 45, tzinfo=UTC)
# One rule whose outcome does not depend on what came before it, so that what a receipt earns can be said beforehand.
PROGRAMME = """
[programme]
name = "Corner Café"
country = "NO"
currency = "NOK"
timezone = "Europe/Oslo"
languages = ["nb", "en"]
refund = "owe"

[units.points]
name.nb = { one = "poeng", other = "poeng" }
name.en = { one = "point", other = "points" }

[[rules]]
id = "base"
on = "purchase"
then.award = { unit = "points", amount = 1, per_minor = 1000 }
"""

_numbers = count(1)


def regular(number: int) -> str:
    """The phone number of one of the regulars; all are made up."""
    return f"999 01 {number:03d}"


def purchase(receipt: str, phone: str, flat_whites: int = 1, **more: Any) -> dict[str, Any]:
    """Flat whites and a bun: what a till sends."""
    lines = [
        {"line": "1", "sku": "FLATWHITE", "quantity": flat_whites, "amount_minor": FLAT_WHITE * flat_whites},
        {"line": "2", "sku": "BUN", "amount_minor": BUN},
    ]
    total = FLAT_WHITE * flat_whites + BUN
    told = {"receipt": receipt, "location": "grunerlokka", "currency": "NOK", "total_minor": total}
    return told | {"member": {"phone": phone}, "lines": lines} | more


def ticket(key: str | None = None) -> Ticket:
    number = next(_numbers)
    return Ticket(key=key or f"key-{number}", request_id=f"request-{number}", at=MORNING)


class Shop(msgspec.Struct, frozen=True):
    """The café's counting house, opened in this process."""

    house: House
    owner: Caller

    async def buy(self, key: str, body: dict[str, Any]) -> Answer:
        command = msgspec.convert(body, RecordPurchase)
        return await patiently(lambda: earning.record_purchase(self.house, self.owner, command, ticket(key)))

    async def refund(self, key: str, purchase_id: str, **body: Any) -> Answer:
        command = msgspec.convert(body, RefundPurchase)
        return await patiently(
            lambda: refunding.record_refund(self.house, self.owner, purchase_id, command, ticket(key))
        )

    async def refund_receipt(self, key: str, of: str, **body: Any) -> Answer:
        told = body | {"purchase": {"receipt": of, "location": "grunerlokka"}, "location": "grunerlokka"}
        command = msgspec.convert(told, RefundByReceipt)
        return await patiently(lambda: refunding.record_refund_by_receipt(self.house, self.owner, command, ticket(key)))

    async def adjust(self, key: str, member: str, amount: int) -> Answer:
        command = AdjustBalance("points", amount, "counted again")
        return await patiently(lambda: adjusting.adjust(self.house, self.owner, member, command, ticket(key)))

    async def enrol(self, key: str, phone: str) -> Answer:
        command = EnrolMember(member=MemberRef(phone=phone), name="Ida")
        return await enrolling.enrol(self.house, self.owner, command, ticket(key))

    async def publish(self, key: str, source: str) -> Answer:
        return await programmes.publish(
            self.house, self.owner, PublishProgramme(), ticket(key), source=source, form="toml"
        )

    async def broken(self) -> list[Broken]:
        """What the auditor finds wrong."""
        return [found async for _, found in verify(self.house) if found is not None]

    async def rows(self, sql: str, *values: Any) -> list[Any]:
        return list(await self.house.database.fetch(sql, *values))

    async def count(self, what: str, where: str = "1 = 1") -> int:
        [[number]] = await self.rows(f"SELECT count(*) FROM {what} WHERE {where}")
        return int(number)


def settings(database_url: str) -> Settings:
    return Settings(database_url=database_url, key=MASTER_KEY)


async def open_shop(database_url: str) -> Shop:
    """Open the café, found and with its programme published where that has not been done."""
    house = await open_house(settings(database_url))
    business_id = await businesses.found_business(house, SLUG, "Corner Café", at=to_micros(MORNING))
    owner = businesses.owner(business_id, SLUG)
    shop = Shop(house, owner)
    await shop.publish("opening day", PROGRAMME)
    return shop


async def patiently(ask: Callable[[], Awaitable[Answer]]) -> Answer:
    """Ask again where too many ask at once (503), under the same key and for a bounded time, as a till does."""
    for _ in range(60):
        try:
            return await ask()
        except Busy:
            await asyncio.sleep(0.05)
    return await ask()


async def at_once(waiting: Iterable[Awaitable[Answer]]) -> tuple[list[Answer], list[LoyaltyError]]:
    """Carry out all of them at the same moment: what was answered, and what was refused. Nothing else may happen."""
    answers: list[Answer] = []
    refusals: list[LoyaltyError] = []
    for found in await asyncio.gather(*waiting, return_exceptions=True):
        if isinstance(found, Answer):
            answers.append(found)
        elif isinstance(found, LoyaltyError):
            refusals.append(found)
        else:
            raise found
    return answers, refusals


def told(answer: Answer) -> dict[str, Any]:
    """What an answer says."""
    body: dict[str, Any] = msgspec.json.decode(answer.body)
    return body
