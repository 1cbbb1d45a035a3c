"""One of each thing that a business can have, made over the wire as the business would make it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

from loyalty_engine.messages import outbox
from tests.api.conftest import CORNER_CAFE, Shop, flat_whites

A_BUN_FOR_FIVE = """
[[perks]]
id = "free-bun"
says.nb = "En gratis bolle"
says.en = "A free bun"
price = { unit = "points", amount = 5 }
gives.free_item = { category = ["pastry"] }
"""
KANNEL = {"sendsms_url": "http://127.0.0.1:13013/", "username": "u", "password": "p", "sender": "2012"}

_numbers = count(200)

Maker = Callable[[Shop, str], Awaitable[str]]


async def told(shop: Shop, key: str, method: str, path: str, body: Any = None, **headers: str | None) -> Any:
    answer = await shop.ask(method, path, body, key=key, **headers)
    assert answer.status_code in {200, 201, 202}, (path, answer.text)
    return answer.json()


async def sell_buns_for_points(shop: Shop, key: str) -> None:
    """Publish the programme under which a business can have everything there is."""
    source = (CORNER_CAFE + A_BUN_FOR_FIVE).encode()
    await told(shop, key, "PUT", "/v1/programme/draft", source, content_type="application/toml")
    await told(shop, key, "POST", "/v1/programme/publish", {})


async def purchase(shop: Shop, key: str) -> dict[str, Any]:
    """Let somebody new buy two flat whites and a bun."""
    number = next(_numbers)
    body = flat_whites(f"bought-{number}", member={"phone": f"999 0{number:04}"})
    bought: dict[str, Any] = await told(shop, key, "POST", "/v1/purchases", body)
    return bought


async def member_id(shop: Shop, key: str) -> str:
    return str((await purchase(shop, key))["member"]["id"])


async def purchase_id(shop: Shop, key: str) -> str:
    return str((await purchase(shop, key))["id"])


async def entry_id(shop: Shop, key: str) -> str:
    return str((await purchase(shop, key))["awards"][0]["entry"])


async def key_id(shop: Shop, key: str) -> str:
    return str((await told(shop, key, "POST", "/v1/keys", {"scopes": ["read"]}))["id"])


async def merge_id(shop: Shop, key: str) -> str:
    one, other = await member_id(shop, key), await member_id(shop, key)
    return str((await told(shop, key, "POST", f"/v1/members/{one}/merge", {"into": other}))["id"])


async def request_id(shop: Shop, key: str) -> str:
    member = await member_id(shop, key)
    return str((await told(shop, key, "POST", f"/v1/members/{member}/requests", {"kind": "access"}))["id"])


async def location(shop: Shop, key: str) -> str:
    place = f"shop {next(_numbers)} of {key}"
    await told(shop, key, "POST", "/v1/locations", {"location": place})
    return place


async def gateway(shop: Shop, key: str) -> str:
    await told(shop, key, "PUT", "/v1/gateways/kannel", {"settings": KANNEL})
    return "kannel"


async def text_id(shop: Shop, key: str) -> str:
    way = (await told(shop, key, "PUT", "/v1/gateways/kannel", {"settings": KANNEL}))["texts_url"]
    text = {"id": str(next(_numbers)), "from": "+4799900299", "to": "2012", "text": "har dere åpent?"}
    await shop.client.get(way, params=text)
    return str((await told(shop, key, "GET", "/v1/texts/review"))["items"][-1]["id"])


async def webhook_id(shop: Shop, key: str) -> str:
    hook = {"url": f"https://hooks.example.com/{next(_numbers)}"}
    return str((await told(shop, key, "POST", "/v1/webhooks", hook))["id"])


async def referral_id(shop: Shop, key: str) -> str:
    named = {"ambassador": {"id": await member_id(shop, key)}, "friend": {"phone": f"999 1{next(_numbers):04}"}}
    return str((await told(shop, key, "POST", "/v1/referrals", named))["id"])


async def hold_id(shop: Shop, key: str) -> str:
    order = {"member": {"id": await member_id(shop, key)}, "unit": "points", "amount": 5}
    return str((await told(shop, key, "POST", "/v1/holds", order))["id"])


async def award_id(shop: Shop, key: str) -> str:
    order = {"cohort": {"visits_min": 1}, "unit": "points", "amount": 5, "reason": "the burnt beans", "by": "Ida"}
    return str((await told(shop, key, "POST", "/v1/awards", order))["id"])


async def voucher_id(shop: Shop, key: str) -> str:
    gift = {"perk": "free-bun", "reason": "a cold coffee", "staff": "ida"}
    path = f"/v1/members/{await member_id(shop, key)}/vouchers"
    return str((await told(shop, key, "POST", path, gift))["voucher"]["id"])


async def number(shop: Shop, key: str) -> str:
    return "1"


MAKERS: dict[str, Maker] = {
    maker.__name__: maker
    for maker in (
        member_id, purchase_id, entry_id, key_id, merge_id, request_id, location, gateway, text_id, webhook_id,
        referral_id, hold_id, award_id, voucher_id, number,
    )
}  # fmt: skip


async def token_of(shop: Shop, hold: str) -> str:
    """Give what the member was sent with a hold, so that they can say that it was not them."""
    [row] = await shop.house.database.fetch(f"SELECT {outbox.COLUMNS} FROM messages WHERE once = $1", f"hold:{hold}")
    message = outbox.MessageRow(*row)
    [[wrapped]] = await shop.house.database.fetch("SELECT wrapped_key FROM members WHERE id = $1", message.member_id)
    sent = outbox.words_of(shop.house, message, wrapped).text
    return sent.rpartition(f"{hold}.")[2]
