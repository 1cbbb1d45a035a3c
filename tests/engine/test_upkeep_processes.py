"""Upkeep in real processes: three at once do the work once, and one that is killed loses and doubles nothing."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from loyalty_engine.businesses import Caller
from loyalty_engine.house import House
from tests.engine.shop import KEY, broken, buys, flat_whites, open_shop

pytestmark = pytest.mark.anyio

MEMBERS = 60
ROUND = """
import asyncio, sys
from datetime import datetime
from loyalty_engine import expiring
from loyalty_engine.house import open_house
from loyalty_engine.settings import Settings
from loyalty_engine.upkeep import Job, go_round

async def work(url, at, key):
    house = await open_house(Settings(database_url=url, key=key, auto_migrate=False))
    print("begun", flush=True)
    async def expire(house, at):
        return await expiring.expire(house, at=at, batch=3)
    done = await go_round(house, datetime.fromisoformat(at), (Job("lots expired", expire),))
    await house.close()
    print(sum(one.count for one in done), flush=True)

asyncio.run(work(*sys.argv[1:]))
"""


def round_of(url: str, at: datetime) -> subprocess.Popen[str]:
    """Start a round of upkeep in a process of its own, in batches of three accounts."""
    told = [sys.executable, "-c", ROUND, url, at.isoformat(), KEY]
    return subprocess.Popen(told, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent.parent.parent)


async def a_year_ago(house: House) -> tuple[Caller, datetime]:
    cafe = await open_shop(house)
    bought_at = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
    for number in range(MEMBERS):
        await buys(house, cafe, flat_whites(f"{number}", phone=f"999 01 {100 + number}"), at=bought_at)
    return cafe, bought_at.replace(year=2027) + timedelta(days=1)


async def booked(house: House) -> tuple[int, int]:
    """Give how many lots were booked, and how many still hold something."""
    [[lots]] = await house.database.fetch(
        "SELECT count(*) FROM allocations a JOIN entries e ON e.business_id = a.business_id AND e.id = a.entry_id "
        "WHERE e.kind = 'breakage'"
    )
    [[left]] = await house.database.fetch("SELECT count(*) FROM lots WHERE remaining > 0")
    return lots, left


async def test_three_processes_at_once_share_the_work_and_do_it_once(house: House) -> None:
    _, due = await a_year_ago(house)
    url = house.settings.database_url

    running = [round_of(url, due) for _ in range(3)]
    said = [await asyncio.to_thread(process.communicate) for process in running]
    last = await asyncio.to_thread(round_of(url, due).communicate)

    assert sum(int(out.split()[-1]) for out, _ in [*said, last]) == MEMBERS * 2
    assert await booked(house) == (MEMBERS * 2, 0)
    assert await broken(house) == []


async def test_a_round_that_is_killed_leaves_whole_batches_and_the_next_one_finishes(house: House) -> None:
    _, due = await a_year_ago(house)
    url = house.settings.database_url

    process = round_of(url, due)
    assert process.stdout is not None
    await asyncio.to_thread(process.stdout.readline)  # it has begun
    while (await booked(house))[0] < 6:  # noqa: ASYNC110  # its first batches are what is waited for
        await asyncio.sleep(0.001)
    process.kill()
    await asyncio.to_thread(process.communicate)
    half, _ = await booked(house)
    assert await broken(house) == []

    await asyncio.to_thread(round_of(url, due).communicate)

    assert half <= MEMBERS * 2
    assert await booked(house) == (MEMBERS * 2, 0)
    assert await broken(house) == []
