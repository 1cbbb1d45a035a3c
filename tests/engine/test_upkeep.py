"""What is done by the clock: a refund that nobody saw come is found on the next round."""

from __future__ import annotations

import asyncio

import pytest

from loyalty_engine.businesses import Caller
from loyalty_engine.house import House
from loyalty_engine.upkeep import keep_up
from tests.engine.shop import MONDAY, broken, buys, flat_whites, has, returns_by_receipt, sees

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
