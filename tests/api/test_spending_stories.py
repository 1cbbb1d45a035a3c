"""Three shops over the counter, with every figure worked by hand: a stamp card, a cashback scheme, a service firm."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from loyalty_engine import businesses, programmes
from loyalty_engine.commands import PublishProgramme, Ticket
from tests.api.conftest import Shop

pytestmark = pytest.mark.anyio

STAMP_CARD = """
[programme]
name = "Corner Café"
country = "NO"
currency = "NOK"
timezone = "Europe/Oslo"
languages = ["nb", "en"]

[units.stamps]
name.nb = { one = "stempel", other = "stempler" }
name.en = { one = "stamp", other = "stamps" }
expires_after = "12 months"

[[rules]]
id = "stamp"
on = "purchase"
then.award = { unit = "stamps", amount = 1, per_item = { category = ["coffee"] } }

[[perks]]
id = "free-coffee"
says.nb = "En gratis kaffe"
says.en = "A free coffee"
price = { unit = "stamps", amount = 10 }
gives.free_item = { category = ["coffee"], up_to_minor = 6000 }
"""

CASHBACK = """
[programme]
name = "The Bookshop"
country = "NO"
currency = "NOK"
timezone = "Europe/Oslo"
languages = ["en", "nb"]

[units.kroner]
name.en = { one = "krone", other = "kroner" }
name.nb = { one = "krone", other = "kroner" }
expires_after = "12 months"
pays_minor = 100

[[rules]]
id = "five-per-cent"
on = "purchase"
then.award = { unit = "kroner", amount = 1, per_minor = 2000 }
"""

SERVICE_FIRM = """
[programme]
name = "Heat Pumps of Hamar"
country = "NO"
currency = "NOK"
timezone = "Europe/Oslo"
languages = ["en"]

[units.credits]
name.en = { one = "credit", other = "credits" }
expires_after = "2 years"

[[rules]]
id = "visit"
on = "purchase"
then.award = { unit = "credits", amount = 5 }

[[perks]]
id = "free-diagnosis"
price = { unit = "credits", amount = 10 }
gives.service.en = "Free diagnosis"
valid_for = "1 year"

[[perks]]
id = "jump-the-queue"
gives.service.en = "Next free slot"
valid_for = "30 days"
"""


async def opens_with(shop: Shop, source: str, at: datetime) -> None:
    found = await shop.house.database.fetch("SELECT business_id FROM businesses WHERE slug = $1", shop.slug)
    owner = businesses.owner(found[0][0], shop.slug)
    ticket = Ticket(key="another programme", request_id="r", at=at)
    await programmes.publish(shop.house, owner, PublishProgramme(), ticket, source=source, form="toml")


def coffees(receipt: str, quantity: int, **more: Any) -> dict[str, Any]:
    line = {"line": "1", "category": "coffee", "quantity": quantity, "amount_minor": 4900 * quantity}
    return purchase(receipt, 4900 * quantity, lines=[line], **more)


def purchase(receipt: str, total_minor: int, **more: Any) -> dict[str, Any]:
    return {
        "receipt": receipt, "location": "grunerlokka", "currency": "NOK", "total_minor": total_minor,
        "member": {"phone": "999 00 123"},
    } | more  # fmt: skip


async def told(shop: Shop, method: str, path: str, body: Any = None, *, status: int, key: str = "till") -> Any:
    answer = await shop.ask(method, path, body, key=key)
    assert answer.status_code == status, answer.text
    return answer.json()


def balance(answer: dict[str, Any]) -> int:
    return int(answer["balances"][0]["available"])


async def test_ten_coffees_and_the_eleventh_is_free(shop: Shop) -> None:
    await opens_with(shop, STAMP_CARD, shop.clock())
    shop.clock.forward(minutes=1)
    for n in range(4):
        await told(shop, "POST", "/v1/purchases", coffees(f"m{n}", 2), status=201)

    quoted = await told(shop, "POST", "/v1/quotes", coffees("q", 2), status=200)
    early = await told(
        shop, "POST", "/v1/purchases", coffees("e", 2, redeem=[{"perk": "free-coffee"}]), status=422
    )  # fmt: skip
    await told(shop, "POST", "/v1/purchases", coffees("m5", 2), status=201)
    free = await told(
        shop, "POST", "/v1/purchases", coffees("free", 1, redeem=[{"perk": "free-coffee"}]), status=201
    )  # fmt: skip

    assert [nudge["text"] for nudge in quoted["nudges"]] == ["2 stempler til en gratis kaffe"]
    assert (early["code"], early["available"], early["needed"]) == ("insufficient_balance", 8, 10)
    assert free["redeemed"][0]["lines"] == [{"line": "1", "amount_minor": 4900}]
    assert (free["to_pay_minor"], free["awards"], balance(free)) == (0, [], 0)
    assert free["receipt_text"] == ["En gratis kaffe: -49 kr", "-10 stempler (saldo 0)"]
    back = await told(
        shop, "POST", f"/v1/purchases/{free['id']}/refunds", {"receipt": "r1", "full": True}, status=201
    )  # fmt: skip
    assert (back["refunded_minor"], balance(back)) == (0, 10)


async def test_five_per_cent_back_is_paid_with_like_money(shop: Shop) -> None:
    await opens_with(shop, CASHBACK, shop.clock())
    shop.clock.forward(minutes=1)

    # 1 000 kr give 50 units. They pay 50 kr of the next 250 kr, and the 200 kr paid in money give 10.
    first = await told(shop, "POST", "/v1/purchases", purchase("1", 100_000), status=201)
    second = await told(
        shop, "POST", "/v1/purchases", purchase("2", 25_000, redeem=[{"unit": "kroner", "amount": 50}]), status=201
    )  # fmt: skip
    hold = await told(
        shop, "POST", "/v1/holds", {"member": {"phone": "999 00 123"}, "unit": "kroner", "amount": 10}, status=201
    )  # fmt: skip
    rows = [{"op": "capture", "key": "capture-1", "body": {"hold": hold["id"], "amount": 4}}]
    [captured] = (await told(shop, "POST", "/v1/batches", rows, status=200))["results"]

    assert (balance(first), balance(second), second["to_pay_minor"]) == (50, 10, 20_000)
    assert (captured["status"], captured["body"]["captured"], balance(captured["body"])) == (200, 4, 6)
    assert (await told(shop, "GET", f"/v1/holds/{hold['id']}", status=200))["status"] == "captured"
    await told(shop, "GET", f"/v1/holds/{hold['id']}", status=404, key="next door")
    await told(shop, "POST", f"/v1/holds/{hold['id']}/release", {}, status=404, key="next door")
    await told(shop, "POST", f"/v1/holds/{hold['id']}/release", {}, status=422)


async def test_a_service_firm_gives_what_is_no_money(shop: Shop) -> None:
    await opens_with(shop, SERVICE_FIRM, shop.clock())
    shop.clock.forward(minutes=1)
    await told(shop, "POST", "/v1/purchases", purchase("1", 150_000), status=201)
    second = await told(shop, "POST", "/v1/purchases", purchase("2", 90_000), status=201)
    member = f"/v1/members/{second['member']['id']}/vouchers"

    bought = await told(shop, "POST", member, {"perk": "free-diagnosis", "by": "bought"}, status=201, key="manage")
    gift = {"perk": "jump-the-queue", "reason": "We came an hour late"}
    given = await told(shop, "POST", member, gift, status=201, key="manage")
    await told(shop, "POST", member, gift, status=403)
    code = bought["voucher"]["code"]
    third = await told(shop, "POST", "/v1/purchases", purchase("3", 50_000, redeem=[{"voucher": code}]), status=201)
    again = await told(shop, "POST", "/v1/purchases", purchase("4", 50_000, redeem=[{"voucher": code}]), status=422)
    read = await told(shop, "GET", f"/v1/vouchers/{bought['voucher']['id']}", status=200)

    assert (third["redeemed"][0]["says"], third["to_pay_minor"], balance(third)) == ("Free diagnosis", 50_000, 5)
    assert again["code"] == "voucher_used"
    assert [step["state"] for step in read["history"]] == ["issued", "redeemed"]
    assert read["qr_svg"].startswith("<?xml") or read["qr_svg"].startswith("<svg")
    assert given["history"][0]["says"] == "We came an hour late"
    await told(shop, "GET", f"/v1/vouchers/{bought['voucher']['id']}", status=404, key="next door")
    looked = await told(shop, "POST", "/v1/members/lookup", {"member": {"phone": "999 00 123"}}, status=200)
    assert [voucher["perk"] for voucher in looked["vouchers"]] == ["jump-the-queue"]
