"""A house with its lights on, on either database, and the Corner Café in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from loyalty_engine.businesses import Caller
from loyalty_engine.house import House, open_house
from loyalty_engine.settings import Settings
from tests.engine.shop import KEY, open_shop


@pytest.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    erased = str(tmp_path / "loyalty.erased")
    opened = await open_house(Settings(database_url=database_url, key=KEY, auto_migrate=False, erasure_list=erased))
    yield opened
    await opened.close()


@pytest.fixture
async def cafe(house: House) -> Caller:
    return await open_shop(house)
