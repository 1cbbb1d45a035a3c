"""What is done by the clock: a refund that nobody saw come is found on the next round."""

from __future__ import annotations

import asyncio
from datetime import datetime

import pytest
from click.testing import CliRunner

from loyalty_engine.businesses import Caller
from loyalty_engine.cli import main
from loyalty_engine.errors import Busy
from loyalty_engine.house import House
from loyalty_engine.upkeep import Done, Job, go_round, keep_up
from tests.engine.shop import KEY, MONDAY, broken, buys, flat_whites, has, returns_by_receipt, sees

pytestmark = pytest.mark.anyio


async def test_a_refund_parked_behind_its_purchase_is_settled_on_the_next_round(house: House, cafe: Caller) -> None:
    await buys(house, cafe, flat_whites("late"))
    await returns_by_receipt(house, cafe, "later", "R1", full=True)
    await house.database.write_transaction(
        lambda tx: tx.fetch("UPDATE parked_refunds SET purchase_natural = 'purchase:11:grunerlokka:late'")
    )

    rounds = asyncio.create_task(keep_up(house, lambda: MONDAY))
    while await broken(house):  # noqa: ASYNC110  # the round is what is waited for
        await asyncio.sleep(0.01)
    rounds.cancel()
    await asyncio.gather(rounds, return_exceptions=True)

    assert has(await sees(house, cafe)) == 0


async def test_a_round_books_what_has_run_out_and_says_so(house: House, cafe: Caller) -> None:
    await buys(house, cafe, flat_whites("1"))

    done = {one.says: one.count for one in await go_round(house, MONDAY.replace(year=2027))}

    assert done["lots expired"] == 2
    assert await broken(house) == []


async def test_a_job_that_fails_does_not_keep_the_next_from_its_turn(house: House, cafe: Caller) -> None:
    tried = []

    async def breaks(_: House, __: datetime) -> int:
        raise OSError

    async def is_busy_at_first(_: House, __: datetime) -> int:
        tried.append(1)
        if len(tried) < 3:
            raise Busy
        return 7

    jobs = (Job("broken", breaks), Job("busy", is_busy_at_first))

    assert await go_round(house, MONDAY, jobs) == (Done("broken", 0, "OSError"), Done("busy", 7))


async def test_upkeep_at_a_terminal_says_what_it_did(sqlite_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOYALTY_DATABASE_URL", sqlite_database_url)
    monkeypatch.setenv("LOYALTY_KEY", KEY)

    said = await asyncio.to_thread(CliRunner().invoke, main, ["upkeep"])

    assert said.exit_code == 0, said.output
    assert "0  lots expired" in said.output
