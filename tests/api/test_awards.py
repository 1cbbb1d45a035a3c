"""Goodwill over HTTP: at the till, by a manager, and for many at once."""

from __future__ import annotations

from typing import Any

from loyalty_engine.upkeep import go_round
from tests.api.conftest import CORNER_CAFE, Shop, flat_whites

GOODWILL = CORNER_CAFE.replace('expires_after = "12 months"', 'expires_after = "12 months"\ngoodwill_per_day = 20')
GOLD = """
[[tiers]]
id = "gold"
says.nb = "Gull"
needs = { visits = 5, within = "12 months" }
keeps_for = "12 months"
"""


async def publish(shop: Shop, source: str) -> None:
    await shop.ask("PUT", "/v1/programme/draft", source.encode(), content_type="application/toml")
    assert (await shop.ask("POST", "/v1/programme/publish", {})).status_code == 201


async def member(shop: Shop, receipt: str = "r-1", **fields: Any) -> str:
    told = (await shop.ask("POST", "/v1/purchases", flat_whites(receipt, **fields))).json()
    found: str = told["member"]["id"]
    return found


async def test_a_till_gives_goodwill_within_the_day_and_nothing_else(shop: Shop) -> None:
    await publish(shop, GOODWILL)
    path = f"/v1/members/{await member(shop)}/adjustments"
    gift = {"unit": "points", "amount": 15, "reason": "a cold coffee", "staff": "ida"}

    given = await shop.ask("POST", path, gift, key="till", idempotency_key="gift")
    again = await shop.ask("POST", path, gift, key="till", idempotency_key="gift")
    too_much = await shop.ask("POST", path, gift, key="till")
    by_hand = await shop.ask("POST", path, gift | {"staff": None}, key="till")

    assert (given.status_code, again.json()) == (201, given.json())
    assert again.headers["idempotency-hit"] == "true"
    assert (too_much.status_code, too_much.json()["code"], too_much.json()["left"]) == (422, "goodwill_spent", 5)
    assert (by_hand.status_code, by_hand.json()["code"]) == (403, "scope_missing")


async def test_many_are_given_and_it_is_taken_back(shop: Shop) -> None:
    for number in range(3):
        await member(shop, f"r-{number}", member={"phone": f"999 00 12{number}"})
    order = {"cohort": {"visits_min": 1}, "unit": "points", "amount": 5, "reason": "the burnt beans", "by": "Ida"}

    counted = await shop.ask("POST", "/v1/awards", order | {"dry_run": True})
    begun = await shop.ask("POST", "/v1/awards", order)
    await go_round(shop.house, shop.clock.at)
    path = f"/v1/awards/{begun.json()['id']}"
    given = (await shop.ask("GET", path)).json()
    undone = await shop.ask("POST", f"{path}/undo", {"reason": "they were fine", "by": "Ida"})
    await go_round(shop.house, shop.clock.at)

    assert (counted.status_code, counted.json()["members"], counted.json()["units"]) == (200, 3, 15)
    assert (begun.status_code, begun.json()["state"]) == (202, "giving")
    assert (given["state"], given["done"], given["moved"]) == ("given", 3, 15)
    assert (undone.status_code, undone.json()["state"]) == (202, "undoing")
    assert (await shop.ask("GET", path)).json()["state"] == "undone"
    assert (await shop.ask("GET", path, key="next door")).status_code == 404
    assert (await shop.ask("POST", f"{path}/undo", {"reason": "-", "by": "-"}, key="next door")).status_code == 404
    assert (await shop.ask("GET", "/v1/awards/awd_no")).status_code == 404


async def test_a_manager_puts_a_floor_under_a_member(shop: Shop) -> None:
    await publish(shop, CORNER_CAFE + GOLD)
    path = f"/v1/members/{await member(shop)}/tier"
    order = {"tier": "gold", "until": "2027-01-01T00:00:00+01:00", "reason": "our first guest", "by": "Ida"}

    placed = await shop.ask("POST", path, order)

    assert placed.status_code == 201, placed.text
    assert placed.json()["tier"] == {"id": "gold", "name": "Gull", "until": "2026-12-31T23:00:00Z", "next": None}
    assert (await shop.ask("POST", path, order | {"tier": "platinum"})).json()["code"] == "tier_unknown"
    assert (await shop.ask("POST", path, order, key="till")).status_code == 403
    assert (await shop.ask("POST", path, order, key="next door")).status_code == 404
