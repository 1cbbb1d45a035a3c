"""A newcomer's first minutes: a till and a telephone in the browser, served by the demo and by nobody else."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from api import tryout
from api.app import create_app
from loyalty_engine import demo
from loyalty_engine.house import open_house
from loyalty_engine.settings import Settings
from tests.api.conftest import Clock
from tests.pages.conftest import ADDRESS, Cafe

pytestmark = pytest.mark.anyio

NUMBER = "999 00 555"


@pytest.fixture
async def browser(
    sqlite_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anyio_backend: str
) -> AsyncIterator[httpx.AsyncClient]:
    """The demo as `loyalty demo` serves it, on a database of its own."""
    settings = Settings(database_url=sqlite_database_url, key_file=str(tmp_path / "loyalty.key"), public_url=ADDRESS)
    house = await open_house(settings)
    clock = Clock()
    await demo.open_cafe(house, at=clock.at)
    monkeypatch.setattr("api.app.create_app", lambda *_, **__: create_app(house=house, now=clock))
    made = tryout.create_demo()
    await tryout._answer_here(made)
    tryout.TELEPHONE.screen.clear()
    transport = httpx.ASGITransport(app=cast("Any", made))
    async with httpx.AsyncClient(transport=transport, base_url=ADDRESS) as client:
        yield client
    await house.close()


async def send(browser: httpx.AsyncClient, action: str, **fields: Any) -> str:
    page = await browser.get("/try")
    proof = re.search(r'name="proof" value="(\w+)"', page.text)
    assert proof
    answer = await browser.post(f"/try/{action}", data={"proof": proof[1], "number": NUMBER} | fields)
    return answer.text


async def test_a_newcomer_buys_and_sees_what_it_gave_and_why(browser: httpx.AsyncClient) -> None:
    page = await send(browser, "buy", goods=["FLATWHITE", "BUN"])

    assert "1 point per 10 kr on 91 kr" in page
    assert "+9 points" in page
    assert "happy-hour" in page


async def test_a_newcomer_texts_poeng_and_is_answered(browser: httpx.AsyncClient) -> None:
    await send(browser, "buy", goods=["FLATWHITE"])

    page = await send(browser, "text", words="POENG")

    assert "Corner Café: du har 0 poeng og 1 stempel." in page
    assert "GSM-7, 1 part" in page


async def test_what_cannot_be_is_said_on_the_page(browser: httpx.AsyncClient) -> None:
    assert "Choose something to buy" in await send(browser, "buy")
    assert 'class="wrong"' in await send(browser, "buy", goods=["BUN"], number="12")
    assert "no mobile number" in await send(browser, "text", words="POENG", number="12")


async def test_a_shop_serves_neither_till_nor_telephone(cafe: Cafe) -> None:
    assert (await cafe.browser.get("/try")).status_code == 404
