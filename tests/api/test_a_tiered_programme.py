"""A year and a half at a bookshop with a silver and a gold card, over HTTP, with every figure worked by hand.

1 point per 10 kr. Silver takes 100 points earned within twelve months and lasts half a year; gold takes 300, lasts a
year, and doubles what is earned. Points last a year. Whoever comes to gold is given 20 points.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

from loyalty_engine.upkeep import go_round
from loyalty_engine.verify import verify
from tests.api.conftest import Shop

BOOKSHOP = """
[programme]
name = "The Lamplight Bookshop"
country = "NO"
currency = "NOK"
timezone = "Europe/Oslo"
languages = ["nb", "en"]

[units.points]
name.nb = { one = "poeng", other = "poeng" }
name.en = { one = "point", other = "points" }
expires_after = "12 months"

[[rules]]
id = "base"
on = "purchase"
then.award = { unit = "points", amount = 1, per_minor = 1000 }

[[rules]]
id = "gold-double"
on = "purchase"
when.member.tier = ["gold"]
then.multiply = { unit = "points", by = 2 }

[[rules]]
id = "golden-welcome"
on = "tier_changed"
when.attributes.to = ["gold"]
then.award = { unit = "points", amount = 20 }

[[tiers]]
id = "silver"
says.nb = "Sølvkort"
says.en = "Silver card"
needs = { earned = { unit = "points", amount = 100 }, within = "12 months" }
keeps_for = "6 months"

[[tiers]]
id = "gold"
says.nb = "Gullkort"
says.en = "Gold card"
needs = { earned = { unit = "points", amount = 300 }, within = "12 months" }
keeps_for = "12 months"
downgrade = "step"
"""


async def buys(shop: Shop, day: date, kroner: int) -> dict[str, Any]:
    """Buy books for so many kroner at noon that day."""
    shop.clock.at = datetime.combine(day, time(11), UTC)
    told = {
        "receipt": f"{day:%Y-%m-%d}", "location": "torggata", "currency": "NOK", "total_minor": kroner * 100,
        "member": {"phone": "999 00 321"},
    }  # fmt: skip
    answer = await shop.ask("POST", "/v1/purchases", told, key="till")
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def looks(shop: Shop, day: date) -> tuple[str | None, int]:
    """Tell the tier and the points a till sees that day."""
    shop.clock.at = datetime.combine(day, time(11), UTC)
    seen = (await shop.ask("POST", "/v1/members/lookup", {"member": {"phone": "999 00 321"}}, key="till")).json()
    return seen["tier"]["id"], seen["balances"][0]["available"]


async def test_a_card_is_reached_doubles_is_refunded_away_and_runs_out(shop: Shop) -> None:
    shop.clock.at = datetime(2026, 11, 30, tzinfo=UTC)
    await shop.ask("PUT", "/v1/programme/draft", BOOKSHOP.encode(), content_type="application/toml")
    assert (await shop.ask("POST", "/v1/programme/publish", {})).status_code == 201

    # December: 950 kr are 95 points, 5 short of silver. Two days later 60 kr bring 6: 101 earned.
    first = await buys(shop, date(2026, 12, 1), 950)
    assert (first["tier"]["id"], first["tier"]["next"]["id"], first["tier"]["next"]["missing"]) == (None, "silver", 5)
    second = await buys(shop, date(2026, 12, 3), 60)
    assert (second["tier"]["id"], second["tier"]["name"]) == ("silver", "Sølvkort")
    assert second["tier"]["until"] == "2027-06-03T22:00:00Z"  # until 3 June is over in Oslo
    assert second["tier"]["next"]["missing"] == 199

    # January: 2000 kr are 200 points: 301 earned is gold, and 20 for coming to it.
    third = await buys(shop, date(2027, 1, 10), 2000)
    assert [(award["rule"], award["amount"]) for award in third["awards"]] == [("base", 200), ("golden-welcome", 20)]
    assert (third["tier"]["id"], third["balances"][0]["available"]) == ("gold", 95 + 6 + 200 + 20)

    # February: gold earns double; 100 kr are 10 and 10 more.
    fourth = await buys(shop, date(2027, 2, 1), 100)
    assert [(award["rule"], award["amount"]) for award in fourth["awards"]] == [("base", 10), ("gold-double", 10)]
    assert await looks(shop, date(2027, 2, 2)) == ("gold", 341)

    # The January books go back: 200 points. Earned is 95 + 6 + 20 = 121, so it is the silver of December.
    path = f"/v1/purchases/{third['id']}/refunds"
    back = await shop.ask("POST", path, {"receipt": "back-1", "full": True}, key="till")
    assert [part["amount"] for part in back.json()["taken_back"]] == [200]
    assert await looks(shop, date(2027, 2, 3)) == ("silver", 141)

    # June: silver was kept until the 3rd; 121 of the last twelve months keep it for another half year.
    assert await looks(shop, date(2027, 6, 5)) == ("silver", 141)
    # In December the 95 and the 6 of the year before have run out, and no longer count: silver ends on the 4th.
    await go_round(shop.house, datetime(2027, 12, 2, 12, tzinfo=UTC))
    assert await looks(shop, date(2027, 12, 2)) == ("silver", 46)
    assert await looks(shop, date(2027, 12, 6)) == (None, 40)
    await go_round(shop.house, shop.clock.at)
    assert await looks(shop, date(2027, 12, 6)) == (None, 40)

    shop.clock.at = datetime(2027, 12, 6, 12, tzinfo=UTC)
    [points] = (await shop.ask("GET", "/v1/reports/liability", key="read")).json()["units"]
    assert (points["outstanding"], points["expired_unbooked"]) == (40, 0)
    assert [broken.id async for _, broken in verify(shop.house) if broken is not None] == []
