"""A member says a friend's number at the till; two weeks later both have their points, and a refund takes them back.

The figures are worked by hand: 1 point per 10 kr, twice as many on Mondays and Tuesdays; two flat whites at 49 kr and a
bun at 30 kr are 128 kr, and this is a Sunday.
"""

from __future__ import annotations

import pytest

from loyalty_engine.upkeep import go_round
from tests.api.conftest import Shop, flat_whites

pytestmark = pytest.mark.anyio

INGRID, OLAV = {"phone": "999 00 123"}, {"phone": "999 00 456"}


async def balance(shop: Shop, member: dict[str, str]) -> int:
    seen = await shop.ask("POST", "/v1/members/lookup", {"member": member}, key="till")
    points: int = seen.json()["balances"][0]["available"]
    return points


async def test_from_the_till_to_a_credited_ambassador_and_back(shop: Shop) -> None:
    # Ingrid buys for 128 kr (12 points) and says the number of her friend Olav.
    ingrid = (await shop.ask("POST", "/v1/purchases", flat_whites("1", member=INGRID), key="till")).json()["member"][
        "id"
    ]
    named = await shop.ask("POST", "/v1/referrals", {"ambassador": INGRID, "friend": OLAV}, key="till")
    assert (named.status_code, named.json()["state"]) == (201, "named")
    assert "456" not in named.text

    # Olav comes a week later with nothing in his hand, buys for 128 kr (12 points) and says his number.
    shop.clock.forward(days=7)
    told = flat_whites("2", member=OLAV, occurred_at=shop.clock().isoformat())
    bought = (await shop.ask("POST", "/v1/purchases", told, key="till")).json()
    assert bought["member"]["new"]
    assert bought["referral"] == {"id": named.json()["id"], "state": "held", "reason": None, "says": None}
    await go_round(shop.house, shop.clock())
    assert (await balance(shop, INGRID), await balance(shop, OLAV)) == (12, 12)

    # Two weeks later the goods can no longer come back: 12 + 100 and 12 + 50.
    shop.clock.forward(days=14)
    await go_round(shop.house, shop.clock())
    assert (await balance(shop, INGRID), await balance(shop, OLAV)) == (112, 62)
    own = (await shop.ask("GET", f"/v1/members/{ingrid}/referral")).json()
    assert [(one["unit"], one["amount"], one["friend_masked"]) for one in own["credited"]] == [
        ("points", 100, "+47 ••• •• 456")
    ]
    assert own["link"].endswith(f"/r/{own['code']}")
    assert own["qr_svg"].startswith("<?xml") or "<svg" in own["qr_svg"]
    steps = (await shop.ask("GET", f"/v1/referrals/{named.json()['id']}")).json()["steps"]
    assert [step["state"] for step in steps] == ["named", "joined", "held", "credited"]

    # The ambassadors' report: one friend named, joined and credited, who spent 128 kr; 150 points were given.
    report = (await shop.ask("GET", "/v1/reports/ambassadors")).json()
    assert (report["named"], report["joined"], report["credited"]) == (1, 1, 1)
    assert (report["given"], report["friends_spent_minor"]) == ({"points": 150}, 12800)
    assert report["ambassadors"][0]["member"] == ingrid

    # Olav brings everything back: his 12 and his 50 are gone, and so are Ingrid's 100.
    back = await shop.ask("POST", f"/v1/purchases/{bought['id']}/refunds", {"receipt": "R2", "full": True}, key="till")
    assert back.status_code == 201
    assert (await balance(shop, INGRID), await balance(shop, OLAV)) == (12, 0)
    ended = (await shop.ask("GET", f"/v1/referrals/{named.json()['id']}")).json()
    assert (ended["state"], ended["reason"]) == ("clawed_back", "returned")
