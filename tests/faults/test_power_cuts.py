"""The plug is pulled at the busiest hour: kill -9 under tills that retry, and nothing is lost or counted twice."""

from __future__ import annotations

import asyncio
import random

import pytest

from tests.faults.books import differences
from tests.faults.server import BROKEN, Standing
from tests.faults.tills import Till, answers, busy, until

TILLS = 16
SHORT = 3
LONG = 10
# Measured below one second; a shop must not wait longer than this even on a machine that does much else.
READY_WITHIN = 10.0


async def pull_the_plug(standing: Standing, times: int) -> list[Till]:
    """Serve tills, and meanwhile kill the server so many times at moments nobody chose; it is stopped afterwards."""
    dice = random.Random(20261122)  # noqa: S311 - which commands are under way is left to the machine anyway
    standing.start()
    async with busy(standing, TILLS) as tills:
        for _ in range(times):
            seen = len(answers(tills))
            more = seen + dice.randint(60, 400)
            await until(lambda more=more: len(answers(tills)) > more, "business")  # type: ignore[misc]
            await asyncio.to_thread(standing.kill)
            await asyncio.to_thread(standing.start)
    standing.kill()
    return list(tills)


@pytest.mark.parametrize("kills", [SHORT, pytest.param(LONG, marks=pytest.mark.fault_long)])
async def test_nothing_acknowledged_is_lost_or_doubled_when_the_server_is_killed(
    standing: Standing, kills: int, record_property: pytest.RecordProperty
) -> None:
    tills = await pull_the_plug(standing, kills)
    given = answers(tills)
    found = await differences(standing.database_url, given)

    assert found.none, found
    assert standing.verified() == ""
    assert {one.status for one in given} == {201}
    assert sum(till.lines_broken for till in tills) >= kills
    assert max(standing.took) < READY_WITHIN
    print(  # noqa: T201 - the figures are what a reader of the long form wants
        f"\n{kills} kills under {TILLS} tills: {len(given)} keys, each once; ready again in "
        f"{', '.join(f'{seconds:.2f}' for seconds in standing.took[1:])} s"
    )


@pytest.mark.parametrize("kills", [SHORT, pytest.param(LONG, marks=pytest.mark.fault_long)])
async def test_a_journal_line_written_in_its_own_transaction_is_found_out(standing: Standing, kills: int) -> None:
    standing.module = BROKEN
    standing.extra = {"LOYALTY_FAULT": "split"}

    tills = await pull_the_plug(standing, kills)
    given = answers(tills)
    found = await differences(standing.database_url, given)

    assert found.unwritten, "no kill fell between the two transactions"
    assert found.balances, "units were given twice, and the balances do not show it"
    assert "I02" in standing.verified()
    more = sum(held - told for told, held in found.balances.values())
    print(  # noqa: T201 - the figures are what a reader of the long form wants
        f"\n{kills} kills, journal line in its own transaction: {len(given)} keys acknowledged, "
        f"{len(found.unwritten)} counted without a line and then again, {more} points too many"
    )
