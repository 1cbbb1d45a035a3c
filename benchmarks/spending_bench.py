"""Holds, captures and refunds a second over HTTP, beside purchases told by the same tills: SQLite and PostgreSQL.

Each command answers something that came before it, so the tills are our own: so many connections, each with a request
under way. A figure counts only if every answer was a success.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from benchmarks import basket, shop, tables
from benchmarks.http_bench import PG_WORKERS, cluster_on_disk
from tests import postgres
from tests.faults.tills import Line, Told

CONNECTIONS = 8
_numbers = itertools.count(1)
Tell = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]


def measure(*, quick: bool = False) -> None:
    """Open both shops and let the tills spend."""
    members, commands = (200, 200) if quick else (2_000, 2_000)
    rows = []
    with tempfile.TemporaryDirectory(prefix="loyalty-bench-") as scratch, cluster_on_disk() as cluster:
        folder, server = Path(scratch), postgres.Server(cluster.url, cluster)
        lite = shop.open_cafe(f"sqlite:///{folder}/cafe.db", folder, "sqlite", members)
        large = shop.open_cafe(server.create("cafe"), folder, "postgres", members)
        for engine, opened, workers in (("SQLite", lite, 1), ("PostgreSQL", large, PG_WORKERS)):
            with shop.serving(opened, workers) as address:
                port = int(address.rpartition(":")[2])
                for name, rate in asyncio.run(_spend(port, opened.key, members, commands)).items():
                    rows.append([f"{name}, {engine}", f"{rate:,.0f}"])
    print(f"{commands} of each over {CONNECTIONS} connections, on {os.cpu_count()} shared cores; {tables.load()}")
    tables.show(["spending over HTTP", "per second"], rows)


async def _spend(port: int, key: str, members: int, commands: int) -> dict[str, float]:
    """Tell purchases, holds, captures of them, and refunds of the purchases; gives how many of each a second."""
    at, rates, free = datetime.now(UTC), dict[str, float](), [Line(port, key) for _ in range(CONNECTIONS)]

    async def tell(path: str, body: dict[str, Any]) -> dict[str, Any]:
        line = free.pop()
        try:
            reply = await line.send(Told(f"spend-{next(_numbers)}", path, msgspec.json.encode(body)))
        finally:
            free.append(line)
        assert reply.status in {200, 201}, reply.body
        answer: dict[str, Any] = msgspec.json.decode(reply.body)
        return answer

    async def timed(name: str, doing: Callable[[int], Awaitable[dict[str, Any]]]) -> list[dict[str, Any]]:
        answers, numbers = list[dict[str, Any]](), iter(range(commands))

        async def till() -> None:
            for number in numbers:
                answers.append(await doing(number))

        began = time.perf_counter()
        await asyncio.gather(*(till() for _ in range(CONNECTIONS)))
        rates[name] = commands / (time.perf_counter() - began)
        return answers

    def member(number: int) -> str:
        return basket.phone(number % members)

    bought = await timed("purchases", lambda n: tell("/v1/purchases", basket.purchase(f"s{n}", member(n), at)))
    wanted = {"unit": "stamps", "amount": 1, "location": basket.LOCATION}
    held = await timed("holds", lambda n: tell("/v1/holds", wanted | {"member": {"phone": member(n)}}))
    await timed("captures", lambda n: tell(f"/v1/holds/{held[n]['id']}/capture", {}))
    back = {"full": True, "location": basket.LOCATION}
    await timed("refunds", lambda n: tell(f"/v1/purchases/{bought[n]['id']}/refunds", back | {"receipt": f"b{n}"}))
    for line in free:
        with contextlib.suppress(OSError):
            line.hang_up()
    return rates
