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

from benchmarks.tables import show
from loyalty_engine import businesses, expiring
from loyalty_engine.database import migrate, open_database
from loyalty_engine.house import House, open_house
from loyalty_engine.settings import Settings

KEY = "5f0e" * 16
LOTS_EACH = 10
DUE = 1_000_000
AT = datetime(2026, 11, 23, tzinfo=UTC)
_SLICE = 2_000


def measure(*, quick: bool = False) -> None:
    """Fill a database, go round in a process of its own, and print what it took."""
    lots = 20_000 if quick else DUE
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/loyalty.db"
        asyncio.run(_fill(url, lots))
        told = subprocess.run(
            [sys.executable, "-m", "benchmarks.upkeep_bench", url], check=True, capture_output=True, text=True,
            cwd=Path(__file__).parent.parent,
        )  # fmt: skip
    booked, seconds, megabytes = told.stdout.split()
    rate = int(booked) / float(seconds)
    show(
        ["upkeep on SQLite", "lots due", "seconds", "lots/s", "peak memory"],
        [["expiry", f"{int(booked):,}", f"{float(seconds):.1f}", f"{rate:,.0f}", f"{megabytes} MB"]],
    )


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
        numbers = range(first, min(members, first + _SLICE))
        await house.database.write_transaction(lambda tx, some=numbers: _write(tx, business_id, some))  # type: ignore[misc]
    await house.close()


async def _write(transaction: Any, business_id: int, numbers: range) -> None:
    expired = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) * 10**6
    for number in numbers:
        member, line = f"mem_{number:026}", f"pur_{number:026}"
        await transaction.fetch(
            "INSERT INTO members (business_id, id, revision, joined_at, visits, spend_minor, tags, wrapped_key) "
            "VALUES ($1, $2, 1, 1, 1, 1, '[]', '')",
            business_id, member,
        )  # fmt: skip
        await transaction.fetch(
            "INSERT INTO accounts VALUES ($1, $2, 'points', $3, 0, 0, $4)",
            business_id, member, LOTS_EACH * 10, expired,
        )  # fmt: skip
        for lot in range(LOTS_EACH):
            await transaction.fetch(
                "INSERT INTO lots VALUES ($1, $2, $3, 'points', 10, 10, $4, 1, $5, 1)",
                business_id, f"lot_{number:022}{lot:04}", member, line, expired + lot,
            )  # fmt: skip


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
