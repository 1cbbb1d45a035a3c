"""The Corner Café as the engine's tests know it: its programme, its regulars, and how its till talks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import msgspec

from loyalty_engine import businesses, earning, enrolling, happenings, programmes, refunding
from loyalty_engine.answers import Answer, EventAnswer, LookupAnswer, MemberAnswer, PurchaseAnswer, RefundAnswer
from loyalty_engine.businesses import Caller
from loyalty_engine.commands import (
    AdjustBalance,
    EnrolMember,
    MemberRef,
    PublishProgramme,
    RecordEvent,
    RecordPurchase,
    RefundByReceipt,
    RefundPurchase,
    Ticket,
)
from loyalty_engine.house import House
from loyalty_engine.mending import adjusting
from loyalty_engine.redemption import greeting
from loyalty_engine.verify import verify

KEY = "5f0e" * 3 + "1d2c3b4a59687786" * 3 + "a1b2"
# A Monday, half past ten in Oslo: outside happy hour.
MONDAY = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
# The same Monday at three in the afternoon in Oslo: inside it.
HAPPY_HOUR = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
INGRID = "999 00 201"
OLAV = "999 00 202"

CAFE = """
[programme]
name = "Corner Café"
country = "NO"
currency = "NOK"
timezone = "Europe/Oslo"
languages = ["nb", "en"]
{about}

[units.points]
name.nb = {{ one = "poeng", other = "poeng" }}
name.en = {{ one = "point", other = "points" }}
expires_after = "12 months"
cap = {{ amount = 100, per = "day" }}
{points}

[units.stamps]
name.nb = {{ one = "stempel", other = "stempler" }}
name.en = {{ one = "stamp", other = "stamps" }}
expires_after = "12 months"

[[rules]]
id = "base"
on = "purchase"
then.award = {{ unit = "points", amount = 1, per_minor = 1000 }}

[[rules]]
id = "happy-hour"
on = "purchase"
when.weekday = ["mon", "tue"]
when.time = "14:00-16:00"
then.multiply = {{ unit = "points", by = 2 }}

[[rules]]
id = "coffee-stamp"
on = "purchase"
then.award = {{ unit = "stamps", amount = 1, per_item = {{ category = ["coffee"] }} }}

[[rules]]
id = "morning"
on = "purchase"
when.time = "06:00-12:00"
then.award = {{ unit = "points", amount = 5 }}
limit = {{ times = 1, per = "day" }}
"""

_numbers = count(1)


def programme(*, about: str = "", points: str = "", more: str = "") -> str:
    """Write the café's programme, with lines of one's own in the place named."""
    return CAFE.format(about=about, points=points) + more


def ticket(key: str | None = None, at: datetime = MONDAY) -> Ticket:
    number = next(_numbers)
    return Ticket(key=key or f"key-{number}", request_id=f"req-{number}", at=at)


async def open_shop(house: House, slug: str = "corner-cafe", source: str | None = None) -> Caller:
    """Found a business and publish its programme."""
    business_id = await businesses.found_business(house, slug, "Corner Café", at=1)
    caller = businesses.owner(business_id, slug)
    await publish(house, caller, source or programme(), at=MONDAY - timedelta(days=60))
    return caller


async def publish(house: House, caller: Caller, source: str, *, at: datetime) -> Answer:
    return await programmes.publish(house, caller, PublishProgramme(), ticket(at=at), source=source)


def flat_whites(receipt: str, quantity: int = 2, *, phone: str = INGRID, **more: Any) -> RecordPurchase:
    """So many flat whites at 49 kr."""
    told = {
        "receipt": receipt,
        "location": "grunerlokka",
        "currency": "NOK",
        "total_minor": 4900 * quantity,
        "member": {"phone": phone},
        "lines": [
            {
                "line": "1",
                "sku": "FLATWHITE",
                "category": "coffee",
                "quantity": quantity,
                "amount_minor": 4900 * quantity,
            }
        ],
    } | more
    return msgspec.convert(told, RecordPurchase)


async def buys(
    house: House, caller: Caller, command: RecordPurchase, *, key: str | None = None, at: datetime = MONDAY
) -> PurchaseAnswer:
    answer = await earning.record_purchase(house, caller, command, ticket(key, at))
    return msgspec.json.decode(answer.body, type=PurchaseAnswer)


async def happens(
    house: House, caller: Caller, kind: str, reference: str, *, phone: str = INGRID, key: str | None = None,
    at: datetime = MONDAY, **more: Any,
) -> EventAnswer:  # fmt: skip
    told = {"kind": kind, "member": {"phone": phone}, "reference": reference} | more
    command = msgspec.convert(told, RecordEvent)
    answer = await happenings.record_event(house, caller, command, ticket(key, at))
    return msgspec.json.decode(answer.body, type=EventAnswer)


async def joins(
    house: House, caller: Caller, phone: str = INGRID, *, key: str | None = None, at: datetime = MONDAY, **more: Any
) -> MemberAnswer:
    command = msgspec.convert({"member": {"phone": phone}} | more, EnrolMember)
    answer = await enrolling.enrol(house, caller, command, ticket(key, at))
    return msgspec.json.decode(answer.body, type=MemberAnswer)


async def returns(
    house: House,
    caller: Caller,
    purchase: str,
    receipt: str,
    *,
    key: str | None = None,
    at: datetime = MONDAY,
    **what: Any,
) -> RefundAnswer:
    command = msgspec.convert({"receipt": receipt} | what, RefundPurchase)
    answer = await refunding.record_refund(house, caller, purchase, command, ticket(key, at))
    return msgspec.json.decode(answer.body, type=RefundAnswer)


async def returns_by_receipt(
    house: House, caller: Caller, of: str, receipt: str, *, at: datetime = MONDAY, **what: Any
) -> tuple[int, RefundAnswer]:
    told = {"receipt": receipt, "purchase": {"receipt": of, "location": "grunerlokka"}} | what
    answer = await refunding.record_refund_by_receipt(
        house, caller, msgspec.convert(told, RefundByReceipt), ticket(at=at)
    )
    return answer.status, msgspec.json.decode(answer.body, type=RefundAnswer)


async def adjusts(house: House, caller: Caller, member: str, amount: int, *, at: datetime = MONDAY) -> Answer:
    return await adjusting.adjust(house, caller, member, AdjustBalance("points", amount, "a spilt cup"), ticket(at=at))


async def sees(house: House, caller: Caller, phone: str = INGRID, *, at: datetime = MONDAY) -> LookupAnswer:
    return await greeting.lookup(house, caller, MemberRef(phone=phone), at=at)


def has(answer: Any, unit: str = "points") -> int:
    """Give what an answer says can be spent of a unit."""
    available: int = next(balance.available for balance in answer.balances if balance.unit == unit)
    return available


async def broken(house: House) -> list[str]:
    """Give the ids of the invariants that do not hold."""
    return [found.id async for _, found in verify(house) if found is not None]
