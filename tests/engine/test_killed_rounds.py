"""An award to many and a review of tiers, killed in the middle in a real process: nothing lost, nothing doubled."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import msgspec
import pytest

from loyalty_engine.businesses import Caller
from loyalty_engine.house import House
from loyalty_engine.mending import cohorts
from loyalty_engine.mending.asked import AwardMany
from tests.engine.shop import KEY, MONDAY, broken, buys, flat_whites, open_shop, programme, ticket

pytestmark = pytest.mark.anyio

MEMBERS = 60
TIERED = """
[[rules]]
id = "consolation"
on = "tier_changed"
when.attributes.from = ["gold"]
then.award = { unit = "points", amount = 3 }

[[tiers]]
id = "gold"
needs = { visits = 1, within = "1 month" }
keeps_for = "2 months"
"""
ROUND = """
import asyncio, sys
from datetime import datetime
from loyalty_engine.house import open_house
from loyalty_engine.mending import cohorts
from loyalty_engine.settings import Settings
from loyalty_engine.standing import reviewing

async def work(job, url, at, key):
    house = await open_house(Settings(database_url=url, key=key, auto_migrate=False))
    print("begun", flush=True)
    at = datetime.fromisoformat(at)
    done = await (cohorts.carry_on(house, at=at, batch=3) if job == "award" else reviewing.review(house, at=at))
    await house.close()
    print(done, flush=True)

asyncio.run(work(*sys.argv[1:]))
"""
GIVEN = {
    "award": "SELECT count(*) FROM entries WHERE kind = 'goodwill'",
    "review": "SELECT count(*) FROM entries WHERE rule = 'consolation'",
}
ONCE_EACH = {
    "award": "SELECT member_id FROM entries WHERE kind = 'goodwill' GROUP BY member_id HAVING count(*) <> 1",
    "review": "SELECT member_id FROM entries WHERE rule = 'consolation' GROUP BY member_id HAVING count(*) <> 1",
}


def round_of(job: str, url: str, at: datetime) -> subprocess.Popen[str]:
    """Start the job in a process of its own."""
    told = [sys.executable, "-c", ROUND, job, url, at.isoformat(), KEY]
    return subprocess.Popen(told, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent.parent.parent)


async def due(house: House, cafe: Caller, job: str) -> datetime:
    """Leave something to do for sixty members; gives when it is to be done."""
    for number in range(MEMBERS):
        await buys(house, cafe, flat_whites(f"{number}", phone=f"999 01 {100 + number}"))
    if job == "review":
        return MONDAY.replace(year=2027)
    asked = {"unit": "points", "amount": 10, "reason": "the machine was broken", "by": "Ida", "cohort": {}}
    await cohorts.award(house, cafe, msgspec.convert(asked, AwardMany), ticket())
    return MONDAY


async def given(house: House, job: str) -> int:
    [[count]] = await house.database.fetch(GIVEN[job])
    return int(count)


@pytest.mark.parametrize("job", ["award", "review"])
async def test_what_is_killed_in_the_middle_is_finished_by_the_next_round(house: House, job: str) -> None:
    cafe = await open_shop(house, source=programme(more=TIERED))
    at, url = await due(house, cafe, job), house.settings.database_url

    process = round_of(job, url, at)
    assert process.stdout is not None
    await asyncio.to_thread(process.stdout.readline)  # it has begun
    while await given(house, job) < 3:  # its first members are what is waited for
        assert process.poll() is None, "it ended before it had done anything"
        await asyncio.sleep(0.001)
    process.kill()
    await asyncio.to_thread(process.communicate)
    half = await given(house, job)
    assert await broken(house) == []

    both = [round_of(job, url, at) for _ in range(2)]
    said = [await asyncio.to_thread(one.communicate) for one in both]

    assert half + sum(int(out.split()[-1]) for out, _ in said) == MEMBERS == await given(house, job)
    assert await house.database.fetch(ONCE_EACH[job]) == []
    assert await broken(house) == []
