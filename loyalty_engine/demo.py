"""The Corner Café: a business that exists only to be tried, with fictional members and a week of purchases."""

from __future__ import annotations

from datetime import datetime, timedelta
from importlib.resources import files
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from loyalty_engine import businesses, earning, ids, members, programmes
from loyalty_engine.commands import CreateKey, MemberRef, PublishProgramme, RecordPurchase, Ticket
from loyalty_engine.instants import to_micros
from loyalty_engine.pages import visits

if TYPE_CHECKING:
    from loyalty_engine.businesses import Caller
    from loyalty_engine.house import House

SLUG = "corner-cafe"

# Norwegian numbers of a range that is kept free for fiction, and a reserved domain.
_REGULARS = ({"phone": "999 00 101"}, {"phone": "999 00 102"}, {"email": "kari@example.org"})
_BASKETS = (
    (("FLATWHITE", "coffee", 2, 9800),),
    (("FILTER", "coffee", 1, 3900), ("BUN", "bakery", 1, 4200)),
    (("SANDWICH", "food", 1, 9500),),
    (("ESPRESSO", "coffee", 1, 3500),),
    (("BEANS-250", "beans", 2, 25800), ("FLATWHITE", "coffee", 1, 4900)),
)


# What the café asks its members, besides what stands in the example: their pages show it as switches.
_ASKS: Final = """
[consent]
controller = { name = "Corner Café AS", contact = "hei@cornercafe.example" }

[[consent.wordings]]
id = "offers-1"
purpose = "marketing"
channel = "sms"
ask = "till"
says.nb = "Vil du ha tilbud fra Corner Café på SMS? Svar STOPP når du ikke vil mer."
says.en = "Do you want offers from Corner Café by text? Reply STOP when you have had enough."
"""


class Opened(Struct, frozen=True):
    """A café that is open: the key its till uses, what was bought, and the token of a regular's own page."""

    key: str
    purchases: int
    version: int
    page: str


async def open_cafe(house: House, *, at: datetime) -> Opened:
    """Publish the café's programme, let its regulars buy a week's coffee, and make a key. Safe to do again."""
    source = (files("rules") / "examples" / "corner-cafe.toml").read_text(encoding="utf-8") + _ASKS
    business_id = await businesses.found_business(house, SLUG, "Corner Café", at=to_micros(at))
    owner = businesses.owner(business_id, SLUG)
    published = await programmes.publish(
        house, owner, PublishProgramme(note="opening day"), _ticket(at, "publish"), source=source, form="toml"
    )
    bought = 0
    for day in range(7):
        for number, member in enumerate(_REGULARS):
            basket = _BASKETS[(day * 3 + number) % len(_BASKETS)]
            await earning.record_purchase(house, owner, _purchase(day, number, member, basket, at), _ticket(at, "buy"))
            bought += 1
    made = await businesses.create_key(
        house, owner, CreateKey(scopes=("till", "manage", "read"), name="demo"), _ticket(at, "key")
    )
    version: int = msgspec.json.decode(published.body)["version"]
    page = await _page(house, owner, at)
    return Opened(msgspec.json.decode(made.body)["key"], bought, version, page)


async def _page(house: House, owner: Caller, at: datetime) -> str:
    """Make a link to the page of the first regular, as a text with PAGE would."""
    found, _ = await members.recognise(house, owner, MemberRef(**_REGULARS[0]), at=at)
    assert found.member is not None, "a regular has bought"
    token, link = visits.new_link(owner.business_id, found.member.id, origin="demo", at=to_micros(at))
    await house.database.write_transaction(lambda transaction: visits.keep(transaction, link))
    return token


def _ticket(at: datetime, what: str) -> Ticket:
    return Ticket(key=f"demo:{what}:{ids.new('req', to_micros(at) // 1000)}", request_id="demo", at=at)


def _purchase(
    day: int, number: int, member: dict[str, str], basket: tuple[tuple[str, str, int, int], ...], at: datetime
) -> RecordPurchase:
    lines = [
        {"line": str(n), "sku": sku, "category": category, "quantity": quantity, "amount_minor": amount}
        for n, (sku, category, quantity, amount) in enumerate(basket, start=1)
    ]
    told = {
        "receipt": f"demo-{day}-{number}", "location": "grunerlokka", "till": "till-1", "currency": "NOK",
        "total_minor": sum(amount for *_, amount in basket), "member": member, "lines": lines,
        "occurred_at": (at - timedelta(days=7 - day, hours=number)).isoformat(),
    }  # fmt: skip
    return msgspec.convert(told, RecordPurchase)


def welcome(opened: Opened, address: str) -> str:
    """Say what stands where, with a line to paste."""
    return f"""
The Corner Café is open, with programme version {opened.version} and {opened.purchases} purchases of three regulars.

  A till and a telephone  {address}/try
  A member's own page     {address}/m/{opened.page}   (for half an hour)
  The join page           {address}/j/{SLUG}
  A poster for the door   {address}/j/{SLUG}/poster?at=grunerlokka
  API and its reference   {address}/docs
  Ready?                  {address}/health/ready

A till's first purchase, ready to paste:

  curl -s {address}/v1/purchases \\
    -H 'Authorization: Bearer {opened.key}' \\
    -H 'Idempotency-Key: my-first-purchase' -H 'Content-Type: application/json' \\
    -d '{{"receipt": "my-first-receipt", "location": "grunerlokka", "currency": "NOK", "total_minor": 9800,
         "member": {{"phone": "999 00 123"}},
         "lines": [{{"line": "1", "sku": "FLATWHITE", "category": "coffee", "quantity": 2, "amount_minor": 9800}}]}}'

Stop with Ctrl-C; what happened stays in the database.
"""
