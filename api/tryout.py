"""A till and a telephone in the browser, to try the product with: served by the demo and by nothing else.

Both speak by the paths that real ones speak by: the till records a purchase, the telephone texts and gets every message
that would have left. Invariant: nothing here is reachable in an installation that is served for a shop.
"""

from __future__ import annotations

import os
from collections import deque
from typing import Any, Final

import msgspec
from litestar import Litestar, get, post
from litestar.types import ASGIApp

from api import app
from api.asking import Ask, Reply
from api.logbook import clock
from api.pages import dress
from loyalty_engine import businesses, demo, earning, ids
from loyalty_engine.commands import RecordPurchase, Ticket
from loyalty_engine.errors import LoyaltyError
from loyalty_engine.identifiers import IdentifierRefused, parse_phone
from loyalty_engine.instants import to_micros
from loyalty_engine.messages.carrying import Leaving, Receipt
from loyalty_engine.settings import Settings
from loyalty_engine.texts import rehearsing
from rules import measure

_REMEMBERED: Final = 200
_USUAL: Final = "999 00 101"
# What the café sells, as its till knows it: name, category, price in øre.
_GOODS: Final = {
    "FLATWHITE": ("Flat white", "coffee", 4900),
    "FILTER": ("Filter coffee", "coffee", 3900),
    "BUN": ("Cinnamon bun", "bakery", 4200),
    "SANDWICH": ("Sandwich", "food", 9500),
    "BEANS-250": ("Beans, 250 g", "beans", 12900),
}


class Telephone:
    """Every telephone in town, in this process's memory: it gets what leaves, instead of a gateway."""

    name = "telephone"

    def __init__(self) -> None:
        """Begin with nothing on the screen."""
        self.screen: deque[tuple[str, bool, str]] = deque(maxlen=_REMEMBERED)

    async def send(self, message: Leaving) -> Receipt:
        """Show a message on the telephone it was sent to."""
        self.screen.append((message.to, False, message.text))
        return Receipt(message.id)


TELEPHONE: Final = Telephone()


def create_demo() -> Litestar:
    """Make the application of the demo: the product, and beside it the till and the telephone."""
    made = app.create_app(Settings.from_environ(os.environ), now=clock)
    for route in ROUTES:
        made.register(route)
    made.on_startup.append(_answer_here)
    return made


async def _answer_here(made: Litestar) -> None:
    """Let everything that leaves come to the telephone on the page."""
    made.state.house.carrier_of = lambda *_: TELEPHONE


@get("/try")
@dress.as_page
async def show_tryout(request: Ask) -> ASGIApp:
    """Show the till and the telephone."""
    return await _page(request, dress.asked(request, "number") or _USUAL)


@post("/try/buy", status_code=200)
@dress.as_page
async def buy(request: Ask) -> ASGIApp:
    """Record a purchase as a till does."""
    form = await dress.form(request)
    dress.proved(form, _proof(request))
    number, goods = dress.first(form, "number"), form.get("goods", [])
    lines = [
        {"line": str(n), "sku": sku, "category": _GOODS[sku][1], "amount_minor": _GOODS[sku][2]}
        for n, sku in enumerate((one for one in goods if one in _GOODS), start=1)
    ]
    if not lines:
        return await _page(request, number, wrong="Choose something to buy.")
    told = {
        "receipt": ids.new("pur", to_micros(request.received_at) // 1000), "location": "grunerlokka", "till": "try",
        "currency": "NOK", "total_minor": sum(int(str(line["amount_minor"])) for line in lines),
        "member": {"phone": number}, "lines": lines, "occurred_at": request.received_at.isoformat(),
    }  # fmt: skip
    ticket = Ticket(f"try:{told['receipt']}", request.request_id, request.received_at)
    try:
        answer = await earning.record_purchase(request.house, _owner(), msgspec.convert(told, RecordPurchase), ticket)
    except LoyaltyError as refused:
        said = refused.details[0].detail if refused.details else refused.detail
        return await _page(request, number, wrong=said)
    return await _page(request, number, bought=msgspec.json.decode(answer.body))


@post("/try/text", status_code=200)
@dress.as_page
async def text(request: Ask) -> ASGIApp:
    """Text the café as a member would."""
    form = await dress.form(request)
    dress.proved(form, _proof(request))
    number, words = dress.first(form, "number"), dress.first(form, "words")
    if (who := _canonical(number)) is None:
        return await _page(request, number, wrong="That is no mobile number.")
    if words:
        TELEPHONE.screen.append((who, True, words))
        _, answer = await rehearsing.rehearse(request.house, demo.SLUG, who, words)
        if answer is not None:
            TELEPHONE.screen.append((who, False, answer))
    return await _page(request, number)


async def _page(
    request: Ask, number: str, *, wrong: str = "", bought: dict[str, Any] | None = None
) -> Reply:  # fmt: skip
    _, programme = await dress.business(request, demo.SLUG)
    who = _canonical(number)
    bubbles = [
        {"mine": mine, "text": said, "length": "" if mine else _length(said)}
        for to, mine, said in TELEPHONE.screen
        if to == who
    ]
    goods = [(sku, name, f"{price // 100} kr") for sku, (name, _, price) in _GOODS.items()]
    return dress.page(
        "tryout", dress.speaks(request, programme), business=programme.name, proof=_proof(request), number=number,
        wrong=wrong, bought=bought, bubbles=bubbles, goods=goods, slug=demo.SLUG, status=422 if wrong else 200,
    )  # fmt: skip


def _length(said: str) -> str:
    length = measure(said)
    return f"{length.units} units, {length.coding}, {length.parts} part{'s' if length.parts > 1 else ''}"


def _canonical(number: str) -> str | None:
    try:
        return parse_phone(number, "NO").value
    except IdentifierRefused:
        return None


def _owner() -> businesses.Caller:
    return businesses.owner(businesses.business_id_of(demo.SLUG), demo.SLUG)


def _proof(request: Ask) -> str:
    return request.house.vault.keyed_hash(businesses.business_id_of(demo.SLUG), b"try")


ROUTES: Final = [show_tryout, buy, text]
