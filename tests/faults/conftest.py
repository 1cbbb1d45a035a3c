"""Installations that may be harmed: each with its own database, its own server, and nothing left running."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import pytest

from tests.conftest import ENGINES, sqlite_url
from tests.faults.server import Standing
from tests.faults.shop import Shop, open_shop
from tests.lending import Lending, Lent
from tests.postgres import Server


class Opened(NamedTuple):
    """An installation that tests copy: a database with the programme published and a key made."""

    template: str
    key: str


@pytest.fixture(scope="session")
def opened_on_file(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    folder = tmp_path_factory.mktemp("opened")
    file = Path(shutil.copy(sqlite_template, folder / "loyalty.db"))
    return Opened(str(file), Standing(sqlite_url(file), folder).key)


@pytest.fixture(scope="session")
def opened_on_postgres(
    postgres_server: Server, postgres_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Opened]:
    name = f"opened_{uuid4().hex}"
    url = postgres_server.create(name, postgres_template)
    yield Opened(name, Standing(url, tmp_path_factory.mktemp("opened")).key)
    postgres_server.drop(name)


@pytest.fixture
def standing_on_file(opened_on_file: Opened, tmp_path: Path) -> Iterator[Standing]:
    """An installation on a SQLite file; its server is not started yet, and is one process."""
    file = Path(shutil.copy(opened_on_file.template, tmp_path / "loyalty.db"))
    made = Standing(sqlite_url(file), tmp_path, key=opened_on_file.key)
    yield made
    made.kill()


@pytest.fixture
def standing_on_postgres(postgres_server: Server, opened_on_postgres: Opened, tmp_path: Path) -> Iterator[Standing]:
    """An installation on PostgreSQL; its server is not started yet, and has two workers."""
    name = f"standing_{uuid4().hex}"
    url = postgres_server.create(name, opened_on_postgres.template)
    made = Standing(url, tmp_path, workers=2, key=opened_on_postgres.key)
    yield made
    made.kill()
    postgres_server.drop(name)


@pytest.fixture(params=ENGINES)
def standing(request: pytest.FixtureRequest) -> Standing:
    """An installation whose server is not started yet, on each database."""
    wanted = "standing_on_file" if request.param == "sqlite" else "standing_on_postgres"
    made: Standing = request.getfixturevalue(wanted)
    return made


@pytest.fixture
async def shop(database_url: str, anyio_backend: str) -> AsyncIterator[Shop]:
    """The café's counting house in this process."""
    opened = await open_shop(database_url)
    yield opened
    await opened.house.close()


@pytest.fixture
async def two_doors(database_url: str, anyio_backend: str) -> AsyncIterator[tuple[Shop, Shop]]:
    """Two counting houses over one database, as two processes would be: neither knows the other's turns."""
    first = await open_shop(database_url)
    second = await open_shop(database_url)
    yield first, second
    await first.house.close()
    await second.house.close()


@pytest.fixture(params=ENGINES)
def fresh_databases(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], str]]:
    """One empty database after another; to be called where no event loop runs."""
    if request.param == "sqlite":
        file: Path = request.getfixturevalue("sqlite_template")
        yield lambda: sqlite_url(Path(shutil.copy(file, tmp_path / f"{uuid4().hex}.db")))
        return
    lending: Lending = request.getfixturevalue("postgres_lending")
    lent: list[Lent] = []

    def fresh() -> str:
        lent.append(lending.lend())
        return lent[-1].url

    yield fresh
    for each in lent:
        lending.take_back(each)


@pytest.fixture
async def fresh_shops(
    fresh_databases: Callable[[], str], anyio_backend: str
) -> AsyncIterator[Callable[[], Awaitable[Shop]]]:
    """One empty café after another, each with a database of its own."""
    opened: list[Shop] = []

    async def fresh() -> Shop:
        opened.append(await open_shop(await asyncio.to_thread(fresh_databases)))
        return opened[-1]

    yield fresh
    for shop in opened:
        await shop.house.close()
