"""Installations that may be harmed: each with its own database, its own server, and nothing left running."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.faults.server import Standing
from tests.faults.shop import Shop, open_shop


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
