"""The Corner Café with things to spend on: its perks, and how its till asks for them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from loyalty_engine import quoting
from loyalty_engine.answers import PurchaseAnswer, QuoteAnswer
from loyalty_engine.businesses import Caller
from loyalty_engine.commands import AdjustBalance, QuotePurchase
from loyalty_engine.house import House
from loyalty_engine.mending import adjusting
from tests.engine.shop import INGRID, MONDAY, buys, flat_whites, open_shop, programme, ticket

PERKS = """
[units.kroner]
name.nb = { one = "krone", other = "kroner" }
name.en = { one = "krone", other = "kroner" }
expires_after = "12 months"
pays_minor = 100

[[rules]]
id = "five-per-cent"
on = "purchase"
then.award = { unit = "kroner", amount = 1, per_minor = 2000 }

[[rules]]
id = "loyal"
on = "purchase"
when.total = { min = 50000 }
then.grant = { perk = "fifty-off", valid_for = "30 days" }

[[perks]]
id = "free-coffee"
says.nb = "En gratis kaffe"
says.en = "A free coffee"
price = { unit = "stamps", amount = 10 }
gives.free_item = { category = ["coffee"], up_to_minor = 6000 }

[[perks]]
id = "tenth-off"
says.nb = "10 % på alt"
says.en = "10 % off everything"
price = { unit = "points", amount = 20 }
gives.percent_off = 10

[[perks]]
id = "fifty-off"
says.nb = "50 kr av"
says.en = "50 kr off"
gives.amount_off_minor = 5000

[[perks]]
id = "gold-cake"
says.nb = "Kake for gullmedlemmer"
says.en = "A cake for gold members"
price = { unit = "points", amount = 5 }
gives.free_item = { category = ["pastry"] }
tiers = ["gold"]

[[perks]]
id = "once-a-month"
says.nb = "En bolle i måneden"
says.en = "A bun a month"
price = { unit = "points", amount = 5 }
gives.free_item = { category = ["pastry"] }
limit = { times = 1, per = "month" }

[[perks]]
id = "first-ten"
says.nb = "En kopp til de ti første"
says.en = "A cup for the first ten"
price = { unit = "points", amount = 1 }
gives.service = { nb = "En kopp", en = "A cup" }
in_all = 10

[[perks]]
id = "advent"
says.nb = "Adventskaffe"
says.en = "Advent coffee"
price = { unit = "points", amount = 1 }
gives.free_item = { category = ["coffee"] }
from = 2026-12-01
until = 2026-12-24

[[tiers]]
id = "gold"
needs = { earned = { unit = "points", amount = 1000 }, within = "12 months" }
keeps_for = "12 months"
"""


async def open_counter(house: House, slug: str = "corner-cafe", *, about: str = "", more: str = "") -> Caller:
    """Open the café with its perks."""
    return await open_shop(house, slug, programme(about=about, more=PERKS + more))


async def with_units(house: House, cafe: Caller, *, phone: str = INGRID, at: datetime = MONDAY, **units: int) -> str:
    """Let somebody join by buying a bun, and give them exactly so many of each unit; gives their id."""
    bought = await buys(house, cafe, bun(f"join-{phone}", phone=phone), at=at)
    for unit, wanted in units.items():
        there = next(balance.available for balance in bought.balances if balance.unit == unit)
        if wanted != there:
            command = AdjustBalance(unit, wanted - there, "a head start")
            await adjusting.adjust(house, cafe, bought.member.id, command, ticket(at=at))
    return bought.member.id


def bun(receipt: str, **more: Any) -> Any:
    """One bun at 30 kr."""
    line = {"line": "1", "sku": "BUN", "category": "pastry", "quantity": 1, "amount_minor": 3000}
    return flat_whites(receipt, total_minor=3000, lines=[line], **more)


def spends(receipt: str, *redeem: dict[str, Any], quantity: int = 2, **more: Any) -> Any:
    """So many flat whites at 49 kr, and what is redeemed with them."""
    return flat_whites(receipt, quantity, redeem=list(redeem), **more)


async def asks(house: House, cafe: Caller, command: Any, *, at: datetime = MONDAY) -> QuoteAnswer:
    fields = {name: getattr(command, name) for name in QuotePurchase.__struct_fields__}
    return await quoting.quote(house, cafe, QuotePurchase(**fields), at=at)


def off(answer: PurchaseAnswer | QuoteAnswer) -> list[tuple[str | None, int]]:
    """Give what each redemption took off."""
    return [(one.perk or one.unit, one.discount_minor) for one in answer.redeemed]


def plain(answer: Any) -> Any:
    """Give an answer as the till reads it."""
    return msgspec.to_builtins(answer)
