"""A number that may be somebody else's by now, at every door a till may open: nothing is shown, and nothing spent."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any, Literal

import httpx
import pytest
from msgspec import Struct

from loyalty_engine import businesses, programmes
from loyalty_engine.commands import PublishProgramme, Ticket
from loyalty_engine.house import House
from loyalty_engine.identifiers import Identifier
from loyalty_engine.identity import bouncing
from loyalty_engine.instants import to_micros
from tests.api.conftest import CORNER_CAFE, MORNING, Shop, flat_whites
from tests.api.test_access import OPERATIONS

pytestmark = pytest.mark.anyio

PROGRAMME = (
    CORNER_CAFE.replace('languages = ["nb", "en"]', 'languages = ["nb", "en"]\ndormant_after = "90 days"')
    + """
[[perks]]
id = "free-coffee"
says.nb = "En gratis kaffe"
says.en = "A free coffee"
price = { unit = "points", amount = 20 }
gives.free_item = { category = ["coffee"] }
"""
).replace('expires_after = "12 months"', 'expires_after = "12 months"\npays_minor = 100\ngoodwill_per_day = 50')
NAME, BIRTHDAY = "Ingrid Prøvesen", "1990-05-17"
# Nobody has had fewer or more since: any number of this size is a balance.
HAD = 77_500
BALANCE = re.compile(r"\b77 ?\d\d\d\b")
REFUSED = "verification_needed"


class Stranger(Struct, frozen=True, kw_only=True):
    """Who holds the number now, with all that the till still knows of the member before them."""

    shop: Shop
    member: str
    purchase: str
    entry: str
    voucher: str
    code: str
    hold: str
    undo: str

    async def ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        return await self.shop.ask(method, path, body, key="till")

    def basket(self, receipt: str, **more: Any) -> dict[str, Any]:
        return flat_whites(receipt, occurred_at=self.shop.clock.at.isoformat()) | more


Asks = Callable[[Stranger], Awaitable[httpx.Response]]
DOORS: dict[str, tuple[Literal["veiled", "refused"], Asks]] = {
    "lookup_member": ("veiled", lambda who: who.ask("POST", "/v1/members/lookup", {"member": {"phone": "999 00 123"}})),
    "quote_purchase": ("veiled", lambda who: who.ask("POST", "/v1/quotes", quoted(who.basket("q")))),
    "record_purchase": ("veiled", lambda who: who.ask("POST", "/v1/purchases", who.basket("r-9"))),
    "record_purchase, with a perk": (
        "refused",
        lambda who: who.ask("POST", "/v1/purchases", who.basket("r-10", redeem=[{"perk": "free-coffee"}])),
    ),
    "record_purchase, with units": (
        "refused",
        lambda who: who.ask("POST", "/v1/purchases", who.basket("r-10", redeem=[{"unit": "points", "amount": 5}])),
    ),
    "record_purchase, with a voucher": (
        "refused",
        lambda who: who.ask("POST", "/v1/purchases", who.basket("r-10", redeem=[{"voucher": who.code}])),
    ),
    "record_purchase, with a hold": (
        "refused",
        lambda who: who.ask("POST", "/v1/purchases", who.basket("r-10", redeem=[{"hold": who.hold}])),
    ),
    "enrol_member": (
        "veiled",
        lambda who: who.ask("POST", "/v1/members", {"member": {"phone": "999 00 123"}, "location": "grunerlokka"}),
    ),
    "place_hold": (
        "refused",
        lambda who: who.ask("POST", "/v1/holds", {"member": {"phone": "999 00 123"}, "perk": "free-coffee"}),
    ),
    "read_hold": ("veiled", lambda who: who.ask("GET", f"/v1/holds/{who.hold}")),
    "capture_hold": ("refused", lambda who: who.ask("POST", f"/v1/holds/{who.hold}/capture", {})),
    "list_vouchers": ("refused", lambda who: who.ask("GET", f"/v1/members/{who.member}/vouchers")),
    "read_voucher": ("refused", lambda who: who.ask("GET", f"/v1/vouchers/{who.voucher}")),
    "explain_entry": ("refused", lambda who: who.ask("GET", f"/v1/ledger/{who.entry}/explanation")),
    "refund_purchase": (
        "veiled",
        lambda who: who.ask("POST", f"/v1/purchases/{who.purchase}/refunds", {"receipt": "b-1", "amount_minor": 1000}),
    ),
    "refund_by_receipt": (
        "veiled",
        lambda who: who.ask("POST", "/v1/refunds", {
            "receipt": "b-2", "amount_minor": 1000, "purchase": {"receipt": "r-1", "location": "grunerlokka"},
        }),
    ),
    "record_event": (
        "veiled",
        lambda who: who.ask("POST", "/v1/events", {
            "kind": "visit", "member": {"phone": "999 00 123"}, "reference": "v-1",
        }),
    ),
    "adjust_balance": (
        "veiled",
        lambda who: who.ask("POST", f"/v1/members/{who.member}/adjustments", {
            "unit": "points", "amount": 5, "reason": "a spilt cup", "staff": "ida",
        }),
    ),
    "change_member": ("veiled", lambda who: who.ask("PATCH", f"/v1/members/{who.member}", {})),
    "change_member, the name": (
        "refused", lambda who: who.ask("PATCH", f"/v1/members/{who.member}", {"name": "Somebody Else"}),
    ),
    "change_member, the birthday": (
        "refused", lambda who: who.ask("PATCH", f"/v1/members/{who.member}", {"birthday": "2000-01-01"}),
    ),
    "verify_member": ("veiled", lambda who: who.ask("POST", f"/v1/members/{who.member}/verification", {})),
    # Last, for it ends what the doors before it are asked about.
    "release_hold": ("veiled", lambda who: who.ask("POST", f"/v1/holds/{who.hold}/release", {})),
}  # fmt: skip
# Doors that tell nothing of what a member has, each with why.
ELSEWHERE = {
    "carry_out": "carries out what the doors above do, one after another",
    "undo_hold": "takes the token that the member before was sent, and only lets go",
    "confirm_code": "is how a number is verified; it asks for a second fact",
    "name_friend": "names a friend for somebody, and answers with the friend's number masked",
    "read_ambassador": "shows a code to pass on and how far friends have come, and no balance",
    "record_consent": "tells what was agreed to, and moves no unit",
    "read_purchase": "shows a purchase as its receipt did on the day, to whoever has its id",
}


def quoted(basket: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in basket.items() if name != "receipt"}


async def ingrid(shop: Shop) -> Stranger:
    """Let somebody have units, a voucher and something set aside; her number is to be doubted next."""
    owner = businesses.owner((await shop.house.database.fetch(
        "SELECT business_id FROM businesses WHERE slug = $1", shop.slug))[0][0], shop.slug)  # fmt: skip
    opening = Ticket(key="with perks", request_id="with perks", at=MORNING)
    await programmes.publish(shop.house, owner, PublishProgramme(), opening, source=PROGRAMME, form="toml")
    told = {"member": {"phone": "999 00 123"}, "name": NAME, "birthday": BIRTHDAY, "location": "grunerlokka"}
    member = (await shop.ask("POST", "/v1/members", told)).json()["id"]
    bought = (await shop.ask("POST", "/v1/purchases", flat_whites("r-1"))).json()
    more = {"unit": "points", "amount": HAD, "reason": "a head start"}
    await shop.ask("POST", f"/v1/members/{member}/adjustments", more)
    granted = {"perk": "free-coffee", "by": "granted", "reason": "a birthday"}
    voucher = (await shop.ask("POST", f"/v1/members/{member}/vouchers", granted)).json()["voucher"]
    return Stranger(
        shop=shop, member=member, purchase=bought["id"], entry=bought["awards"][0]["entry"], voucher=voucher["id"],
        code=voucher["code"], hold="", undo="",
    )  # fmt: skip


async def doubted(shop: Shop, how: str) -> Stranger:
    who = await ingrid(shop)
    if how == "dormant":  # and it is set aside an hour before the ninety days are over
        shop.clock.forward(days=90, hours=-1)
    held = {"member": {"phone": "999 00 123"}, "unit": "points", "amount": 9, "ttl_seconds": 24 * 3600}
    hold = (await shop.ask("POST", "/v1/holds", held)).json()
    if how == "dormant":
        shop.clock.forward(hours=2)
    else:
        await bounces(shop.house, shop.slug)
    return Stranger(**{name: getattr(who, name) for name in Stranger.__struct_fields__} | {"hold": hold["id"]})


async def bounces(house: House, slug: str) -> None:
    [[business_id]] = await house.database.fetch("SELECT business_id FROM businesses WHERE slug = $1", slug)
    index = house.vault.blind_index(business_id, Identifier("phone", "+4799900123"))
    await bouncing.bounced(house, business_id, index, at=to_micros(MORNING))


def shown_of(who: Stranger, text: str) -> list[str]:
    """What an answer tells of the member before: a balance, a voucher's code, a name or a birthday."""
    found = BALANCE.findall(text)
    return found + [told for told in (who.code, NAME, "Ingrid", BIRTHDAY) if told in text]


async def wrong_with(who: Stranger, outcome: str, asks: Asks) -> str:
    """What a door does that it must not; nothing where it does as it should."""
    answer = await asks(who)
    done = (
        answer.status_code == 422 and answer.json()["type"].endswith(REFUSED)
        if outcome == "refused"
        else answer.is_success
    )
    shown = shown_of(who, answer.text)
    return "" if done and not shown else f"{answer.status_code} {shown} {answer.text}"


@pytest.mark.parametrize("how", ["dormant", "bounced"])
async def test_a_doubted_number_is_shown_nothing_and_spends_nothing(shop: Shop, how: str) -> None:
    who = await doubted(shop, how)

    wrong = {door: said for door, (outcome, asks) in DOORS.items() if (said := await wrong_with(who, outcome, asks))}

    assert wrong == {}


async def test_the_same_doors_do_show_it_to_whoever_is_known(shop: Shop) -> None:
    who = await ingrid(shop)

    showing = {door for door, (_, asks) in DOORS.items() if shown_of(who, (await asks(who)).text)}

    assert showing >= {
        "lookup_member", "quote_purchase", "record_purchase", "enrol_member", "place_hold", "list_vouchers",
        "read_voucher", "refund_purchase", "adjust_balance", "change_member",
    }  # fmt: skip


def test_every_door_a_till_may_open_is_tried_or_said_to_tell_nothing() -> None:
    open_to_tills = {call.name for call in OPERATIONS if "till" in call.scopes()}

    assert {door.partition(",")[0] for door in DOORS} | ELSEWHERE.keys() == open_to_tills
