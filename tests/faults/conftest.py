"""Installations that may be harmed: each with its own database, its own server, and nothing left running."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.conftest import ENGINES, sqlite_url
from tests.faults.server import Standing
from tests.faults.shop import Shop, open_shop
from tests.postgres import Server


@pytest.fixture
def standing(database_url: str, tmp_path: Path) -> Iterator[Standing]:
    """An installation whose server is not started yet: one process on SQLite, two workers on PostgreSQL."""
    made = Standing(database_url, tmp_path, workers=1 if database_url.startswith("sqlite") else 2)
    yield made
    made.kill()


@pytest.fixture
async def shop(database_url: str, anyio_backend: str) -> AsyncIterator[Shop]:
    """The café's counting house in this process."""
    opened = await open_shop(database_url)
    yield opened
    await opened.house.close()


@pytest.fixture
async def two_doors(database_url: str, anyio_backend: str) -> AsyncIterator[tuple[Shop, Shop]]:
    """Two counting houses over one database, as two processes would have it: they know nothing of each other's turns."""
    first = await open_shop(database_url)
    second = await open_shop(database_url)
    yield first, second
    await first.house.close()
    await second.house.close()


@pytest.fixture(params=ENGINES)
async def fresh_shops(
    request: pytest.FixtureRequest, tmp_path: Path, anyio_backend: str
) -> AsyncIterator[Callable[[], Awaitable[Shop]]]:
    """One empty café after another, each with a database of its own."""
    opened: list[Shop] = []
    made: list[str] = []
    on_file = request.param == "sqlite"
    template = request.getfixturevalue("sqlite_template" if on_file else "postgres_template")
    server: Server | None = None if on_file else request.getfixturevalue("postgres_server")

    async def fresh() -> Shop:
        name = f"fresh_{uuid4().hex}"
        if server is None:
            url = sqlite_url(Path(shutil.copy(template, tmp_path / f"{name}.db")))
        else:
            url = await asyncio.to_thread(server.create, name, template)
            made.append(name)
        opened.append(await open_shop(url))
        return opened[-1]

    yield fresh
    for shop in opened:
        await shop.house.close()
    for name in made:
        assert server is not None
        await asyncio.to_thread(server.drop, name)
