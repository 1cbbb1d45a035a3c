"""Upkeep over a million lots that are due: how many a second, and how much memory the round needs at most.

Each member has ten lots, all past their day. The lots are written straight into the tables, as a year of purchases
would have left them; the round itself is the one `loyalty upkeep` does, in a process of its own.
"""

from __future__ import annotations

import asyncio
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.http_bench import cluster_on_disk
from benchmarks.tables import show
from loyalty_engine import businesses, expiring
from loyalty_engine.database import migrate, open_database
from loyalty_engine.house import House, open_house
from loyalty_engine.settings import Settings
from tests import postgres

KEY = "5f0e" * 16
LOTS_EACH = 10
DUE = 1_000_000
AT = datetime(2026, 11, 23, tzinfo=UTC)
_SLICE = 5_000


def measure(*, quick: bool = False) -> None:
    """Fill a database of each kind, go round in a process of its own, and print what it took."""
    lots, rows = 20_000 if quick else DUE, []
    with tempfile.TemporaryDirectory() as folder, cluster_on_disk() as cluster:
        urls = {"SQLite": f"sqlite:///{folder}/loyalty.db"}
        urls["PostgreSQL"] = postgres.Server(cluster.url, cluster).create("upkeep")
        for engine, url in urls.items():
            asyncio.run(_fill(url, lots))
            if engine == "PostgreSQL":
                asyncio.run(postgres.fetch(url, "VACUUM ANALYZE"))
            told = subprocess.run(
                [sys.executable, "-m", "benchmarks.upkeep_bench", url], check=True, capture_output=True, text=True,
                cwd=Path(__file__).parent.parent,
            )  # fmt: skip
            booked, seconds, megabytes = told.stdout.split()
            assert int(booked) == lots, f"{booked} of {lots} lots were booked"
            rate = int(booked) / float(seconds)
            rows.append([engine, f"{int(booked):,}", f"{float(seconds):.1f}", f"{rate:,.0f}", f"{megabytes} MB"])
    show(["upkeep", "lots due", "seconds", "lots/s", "peak memory"], rows)


async def _fill(url: str, lots: int) -> None:
    """Write members whose every lot ran out in January."""
    settings = Settings(database_url=url, key=KEY)
    database = await open_database(settings)
    await migrate(database)
    await database.close()
    house = await open_house(settings)
    business_id = await businesses.found_business(house, "bench", "Bench", at=1)
    members = lots // LOTS_EACH
    for first in range(0, members, _SLICE):
        some = (first, min(members, first + _SLICE) - 1)
        await house.database.write_transaction(lambda tx, some=some: _write(tx, business_id, *some))  # type: ignore[misc]
    await house.close()


async def _write(transaction: Any, business_id: int, first: int, last: int) -> None:
    expired = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) * 10**6
    numbers = f"WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {last})"
    each = f"k(j) AS (SELECT 0 UNION ALL SELECT j + 1 FROM k WHERE j < {LOTS_EACH - 1})"
    name = "CAST(1000000000 + i AS text)"
    await transaction.fetch(
        "INSERT INTO members (business_id, id, revision, joined_at, visits, spend_minor, tags, wrapped_key) "
        f"{numbers} SELECT {business_id}, 'mem_' || {name}, 1, 1, 1, 1, '[]', '' FROM n"
    )
    await transaction.fetch(
        "INSERT INTO accounts (business_id, member_id, unit, balance, held, pending_until, next_expiry) "
        f"{numbers} SELECT {business_id}, 'mem_' || {name}, 'points', {LOTS_EACH * 10}, 0, 0, {expired} FROM n"
    )
    await transaction.fetch(
        "INSERT INTO lots (business_id, id, member_id, unit, amount, remaining, journal_id, spendable_at, expires_at, "
        f"recorded_at) {numbers}, {each} SELECT {business_id}, 'lot_' || {name} || '_' || CAST(j AS text), "
        f"'mem_' || {name}, 'points', 10, 10, 'pur_' || {name}, 1, {expired} + j, 1 FROM n CROSS JOIN k"
    )


async def _round(url: str) -> tuple[int, float]:
    house: House = await open_house(Settings(database_url=url, key=KEY, auto_migrate=False))
    began = time.perf_counter()
    booked = await expiring.expire(house, at=AT)
    seconds = time.perf_counter() - began
    await house.close()
    return booked, seconds


if __name__ == "__main__":
    found, took = asyncio.run(_round(sys.argv[1]))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(found, took, peak)
