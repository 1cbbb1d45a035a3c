"""A café whose door is open: its app on SQLite and PostgreSQL, its keys, and a second business next door."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, cast

import httpx
import msgspec
import pytest
import structlog
from litestar import Litestar
from msgspec import Struct
from piccolo.conf.apps import table_finder

from api import logbook
from api.app import create_app
from loyalty_engine import businesses, programmes
from loyalty_engine.commands import CreateKey, PublishProgramme, Ticket
from loyalty_engine.house import House, open_house
from loyalty_engine.instants import to_micros
from loyalty_engine.settings import Settings
from tests.conftest import ENGINES, sqlite_url
from tests.lending import Lending

# A Sunday morning in Oslo.
MORNING = datetime(2026, 11, 22, 8, 45, tzinfo=UTC)
CORNER_CAFE = """
[programme]
name = "Corner Café"
country = "NO"
currency = "NOK"
timezone = "Europe/Oslo"
languages = ["nb", "en"]

[units.points]
name.nb = { one = "poeng", other = "poeng" }
name.en = { one = "point", other = "points" }
expires_after = "12 months"

[[rules]]
id = "base"
on = "purchase"
then.award = { unit = "points", amount = 1, per_minor = 1000 }

[[rules]]
id = "happy-hour"
on = "purchase"
when.weekday = ["mon", "tue"]
then.multiply = { unit = "points", by = 2 }

[referral]
ambassador = { unit = "points", amount = 100 }
friend = { unit = "points", amount = 50 }
qualifies = { total = { min = 9000 } }
held_for = "14 days"
"""

_numbers = count(1)


class Clock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.at = MORNING

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **by: float) -> None:
        self.at += timedelta(**by)


class Shop(Struct, frozen=True, kw_only=True):
    """A business with its keys by scope, and the client that speaks to the app."""

    app: Litestar
    house: House
    clock: Clock
    client: httpx.AsyncClient
    slug: str
    keys: dict[str, str]

    async def ask(
        self, method: str, path: str, body: Any = None, *, key: str | None = "manage", **headers: str | None
    ) -> httpx.Response:
        """Send a request with one of the shop's keys, and with an Idempotency-Key unless one is given."""
        sent: dict[str, str | None] = {
            "idempotency-key": f"key-{next(_numbers)}",
            "content-type": "application/json",
        }
        if key is not None:
            sent["authorization"] = f"Bearer {self.keys.get(key, key)}"
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        content = body if isinstance(body, bytes) or body is None else msgspec.json.encode(body)
        if content is None and "content_type" not in headers:
            del sent["content-type"]
        kept = {name: value for name, value in sent.items() if value is not None}
        return await self.client.request(method, path, content=content, headers=kept)


def flat_whites(receipt: str, **fields: Any) -> dict[str, Any]:
    """Two flat whites and a bun: 128 kr."""
    lines = [
        {"line": "1", "sku": "FLATWHITE", "category": "coffee", "quantity": 2, "amount_minor": 9800},
        {"line": "2", "sku": "BUN", "category": "pastry", "amount_minor": 3000},
    ]
    return {
        "receipt": receipt,
        "location": "grunerlokka",
        "occurred_at": "2026-11-22T09:41:00+01:00",
        "currency": "NOK",
        "total_minor": 12800,
        "member": {"phone": "999 00 123"},
        "lines": lines,
    } | fields


TABLES = [table._meta.tablename for table in table_finder(["loyalty_engine.tables"])]


async def everything(house: House) -> dict[str, list[str]]:
    """Every row there is, by table: two of these are equal when nothing has been written between them."""
    rows = {table: await house.database.fetch("SELECT * FROM " + table) for table in TABLES}
    return {table: sorted(map(repr, found)) for table, found in rows.items()}


async def open_business(house: House, slug: str, at: datetime) -> dict[str, str]:
    """Found a business, publish its programme, and make a key of each kind."""
    business_id = await businesses.found_business(house, slug, slug.title(), at=to_micros(at))
    owner = businesses.owner(business_id, slug)
    opening = Ticket(key="opening", request_id="opening", at=at)
    publish = PublishProgramme(note="opening day")
    await programmes.publish(house, owner, publish, opening, source=CORNER_CAFE, form="toml")
    kinds: dict[str, dict[str, Any]] = {
        "till": {"scopes": ["till"]},
        "manage": {"scopes": ["manage"]},
        "read": {"scopes": ["read"]},
        "events": {"scopes": ["events"]},
        "airport": {"scopes": ["till"], "location": "airport"},
        "expired": {"scopes": ["manage"], "expires_at": (at - timedelta(days=1)).isoformat()},
    }
    keys = {}
    for name, told in kinds.items():
        command = msgspec.convert(told, CreateKey)
        ticket = Ticket(key=f"key-{name}", request_id="opening", at=at)
        answer = await businesses.create_key(house, owner, command, ticket)
        keys[name] = msgspec.json.decode(answer.body)["key"]
    return keys


@pytest.fixture(autouse=True, scope="session")
def _quiet_log() -> None:
    """Keep the log where a test can look at it, and off the screen."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory(), cache_logger_on_first_use=False)
    logbook._open.clear()


@asynccontextmanager
async def open_shop(database_url: str, key_file: Path) -> AsyncIterator[Shop]:
    """The Corner Café, open for business; the farm shop next door shares the house."""
    clock = Clock()
    house = await open_house(Settings(database_url=database_url, key_file=str(key_file), auto_migrate=False))
    keys = await open_business(house, "corner-cafe", clock.at)
    neighbour = await open_business(house, "farm-shop", clock.at)
    keys["next door"] = neighbour["manage"]
    app = create_app(house=house, now=clock)
    transport = httpx.ASGITransport(app=cast("Any", app))
    async with httpx.AsyncClient(transport=transport, base_url="http://till.example") as client:
        yield Shop(app=app, house=house, clock=clock, client=client, slug="corner-cafe", keys=keys)
    await house.close()


@pytest.fixture
async def shop(database_url: str, tmp_path: Path, anyio_backend: str) -> AsyncIterator[Shop]:
    """A shop of this test's own, on each database."""
    async with open_shop(database_url, tmp_path / "loyalty.key") as opened:
        yield opened


@pytest.fixture(scope="module", params=ENGINES)
def standing_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database for all tests of a file, on each engine; made where no event loop runs."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        yield sqlite_url(Path(shutil.copy(template, tmp_path_factory.mktemp("standing") / "loyalty.db")))
        return
    lending: Lending = request.getfixturevalue("postgres_lending")
    lent = lending.lend()
    yield lent.url
    lending.take_back(lent)


@pytest.fixture(scope="module")
async def standing_shop(
    standing_url: str, tmp_path_factory: pytest.TempPathFactory, anyio_backend: str
) -> AsyncIterator[Shop]:
    """One shop for all tests of a file that only ask, or that hold what they find against what they leave."""
    async with open_shop(standing_url, tmp_path_factory.mktemp("key") / "loyalty.key") as opened:
        yield opened
