"""How members of the café say yes and no: its wordings, and what they decide at its till."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from loyalty_engine.businesses import Caller
from loyalty_engine.consent import consenting
from loyalty_engine.consent.answers import ConsentAnswer
from loyalty_engine.consent.commands import RecordConsent
from loyalty_engine.database import Transaction
from loyalty_engine.house import House
from tests.engine.shop import MONDAY, buys, flat_whites, open_shop, programme, ticket

WORDINGS = """
[consent]
lasts = "12 months"
purposes = ["tastings"]
controller = { name = "Corner Café AS", contact = "hei@cornercafe.example", stored_in = "NO" }

[[consent.wordings]]
id = "till-2026-01"
purpose = "marketing"
channel = "sms"
ask = "till"
says.nb = "Vil du ha tilbud på SMS? Send STOPP når du ikke vil mer."
says.en = "Do you want offers by text? Send STOP when you have had enough."

[[consent.wordings]]
id = "profiling-1"
purpose = "profiling"
ask = "till"
says.nb = "Kan vi velge tilbud etter hva du pleier å kjøpe?"

[[consent.wordings]]
id = "letter-1"
purpose = "marketing"
channel = "email"
confirm = true
says.nb = "Vil du ha nyhetsbrevet vårt? Du kan melde deg av i hvert brev."
"""


# A yes to being known by one's habits, as a till sends it along.
WATCH_ME = {"purpose": "profiling", "channel": "any", "decision": "given", "wording": "profiling-1"}


async def open_agreeing_shop(house: House, slug: str = "corner-cafe") -> Caller:
    return await open_shop(house, slug, programme() + WORDINGS)


async def ingrid_of(house: House, cafe: Caller) -> str:
    return (await buys(house, cafe, flat_whites("ingrid-1"))).member.id


async def says(
    house: House, cafe: Caller, member: str, decision: str = "given", *, at: datetime = MONDAY, key: str | None = None,
    **more: Any,
) -> ConsentAnswer:  # fmt: skip
    """Let a member decide; about texts with offers, when nothing else is said."""
    told = {"purpose": "marketing", "channel": "sms", "decision": decision} | more
    if "wording" not in told and decision not in {"withdrawn", "stopped", "started"}:
        told["wording"] = "till-2026-01"
    if decision in {"stopped", "started"}:
        told["purpose"] = "*"
    command = msgspec.convert(told, RecordConsent)
    answer = await consenting.record_consent(house, cafe, member, command, ticket(key, at))
    return msgspec.json.decode(answer.body, type=ConsentAnswer)


def holding(answer: Any) -> set[tuple[str, str]]:
    """Give the purposes and channels that count now."""
    return {(one.purpose, one.channel) for one in answer.current if one.holds}


async def by_hand(house: House, *statements: str) -> None:
    """Do to the database what nobody should."""

    async def work(transaction: Transaction) -> None:
        for statement in statements:
            await transaction.fetch(statement)

    await house.database.write_transaction(work)
