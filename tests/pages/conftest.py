"""A café whose pages are open: its programme asks for consents, and a telephone catches what it texts."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from litestar import Litestar
from msgspec import Struct

from api.app import create_app
from loyalty_engine.businesses import Caller
from loyalty_engine.house import House, open_house
from loyalty_engine.messages import sending
from loyalty_engine.messages.carrying import Leaving, Receipt
from loyalty_engine.settings import Settings
from tests.api.conftest import Clock
from tests.engine.agreeing import open_agreeing_shop
from tests.engine.shop import MONDAY

ADDRESS = "http://cafe.example"


class Telephone:
    """Every telephone in town: what was sent, newest last."""

    name = "telephone"

    def __init__(self) -> None:
        self.got: list[Leaving] = []

    async def send(self, message: Leaving) -> Receipt:
        self.got.append(message)
        return Receipt(message.id)


class Cafe(Struct, frozen=True, kw_only=True):
    """The café, its clock, and a browser without JavaScript."""

    app: Litestar
    house: House
    caller: Caller
    clock: Clock
    browser: httpx.AsyncClient
    telephone: Telephone

    async def texts(self) -> list[Leaving]:
        """Let everything that waits leave, and give what has arrived."""
        self.house.carrier_of = lambda *_: self.telephone
        await sending.send_due(self.house, self.clock)
        return self.telephone.got

    async def code(self) -> str:
        """Read the newest code on the telephone."""
        newest = [one.text for one in await self.texts() if one.purpose == "code"][-1]
        found = re.search(r"\b[0-9]{6}\b", newest)
        assert found
        return found[0]

    async def fill_in(self, page: httpx.Response, action: str, **fields: Any) -> httpx.Response:
        """Fill in the form of a page that leads somewhere, with what stands in it hidden, and send it."""
        form = next(one for one in re.findall(r"<form.*?</form>", page.text, re.DOTALL) if f"/{action}?" in one)
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form))
        target = re.search(r'action="([^"]+)"', form)
        assert target
        return await self.browser.post(target[1].replace("&amp;", "&"), data=hidden | fields)

    async def join(self, number: str, **fields: Any) -> httpx.Response:
        """Type a number on the join page and say the code back; give the page that opens."""
        asked = await self.fill_in(
            await self.browser.get("/j/corner-cafe?lang=en"), "corner-cafe", number=number, **fields
        )
        assert asked.status_code == 200, asked.text
        let_in = await self.fill_in(asked, "code", code=await self.code())
        assert let_in.status_code == 303, let_in.text
        return await self.browser.get(let_in.headers["location"])


@asynccontextmanager
async def open_cafe(database_url: str, folder: Path) -> AsyncIterator[Cafe]:
    clock = Clock()
    clock.at = MONDAY
    house = await open_house(
        Settings(database_url=database_url, key_file=str(folder / "loyalty.key"), public_url=ADDRESS)
    )
    caller = await open_agreeing_shop(house)
    app = create_app(house=house, now=clock)
    transport = httpx.ASGITransport(app=cast("Any", app))
    async with httpx.AsyncClient(transport=transport, base_url=ADDRESS) as browser:
        yield Cafe(app=app, house=house, caller=caller, clock=clock, browser=browser, telephone=Telephone())
    await house.close()


@pytest.fixture
async def cafe(database_url: str, tmp_path: Path, anyio_backend: str) -> AsyncIterator[Cafe]:
    """A café of this test's own, on each database."""
    async with open_cafe(database_url, tmp_path) as opened:
        yield opened
