"""A process dies in the middle of a command: it is in the books as a whole or not at all, and a retry ends it."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys

import pytest

from loyalty_engine import refunding
from loyalty_engine.errors import DatabaseAway
from tests.faults.deaths import DEATHS, carry_out, prepare
from tests.faults.server import ROOT
from tests.faults.shop import MORNING, Shop, open_shop, purchase, regular, told


async def test_a_command_is_whole_or_absent_wherever_the_process_dies_and_a_retry_completes_it(
    database_url: str, anyio_backend: str
) -> None:
    shop = await open_shop(database_url)
    for death in DEATHS:
        await prepare(shop, death)
    await shop.house.close()

    died = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "tests.faults.deaths", database_url, *(death.name for death in DEATHS)],
        cwd=ROOT, check=False, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert died.returncode == 0, died.stderr

    shop = await open_shop(database_url)
    there = {key for (key,) in await shop.rows("SELECT key FROM journal")}
    assert {death.name for death in DEATHS if death.name in there} == {death.name for death in DEATHS if death.written}
    await refunding.settle_all(shop.house, at=MORNING)  # as the server does when it starts
    assert [found.id for found in await shop.broken()] == []

    for death in DEATHS:
        answer = await carry_out(shop, death)
        kept = await shop.rows("SELECT answer FROM journal WHERE key = $1", death.name)
        # A newcomer's name is told back and kept sealed only, so it is not in the answer that is kept.
        said = re.sub(rb'"name":"[^"]*"', b'"name":null', answer.body)
        assert [text.encode() for (text,) in kept] == [said], death.name
        assert answer.hit is death.written, death.name
    assert await shop.count("parked_refunds", "settled_by IS NULL") == 1 + 1  # of purchases that never came
    assert [found.id for found in await shop.broken()] == []
    assert await shop.count("versions") == 1 + 3
    await shop.house.close()


async def test_a_refund_that_waited_is_settled_though_the_database_went_away_just_after_its_purchase(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shop.refund_receipt("back", "r-1", receipt="back", full=True)

    async def nobody_answers(*_: object, **__: object) -> None:
        raise DatabaseAway

    with monkeypatch.context() as away:
        away.setattr(refunding, "settle", nobody_answers)
        with pytest.raises(DatabaseAway):
            await shop.buy("buy", purchase("r-1", regular(1)))

    again = await shop.buy("buy", purchase("r-1", regular(1)))

    assert again.hit
    await found_by_the_clock(shop)


async def test_a_refund_parked_between_reading_and_keeping_its_purchase_is_settled(
    two_doors: tuple[Shop, Shop], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, other = two_doors
    keep = shop.house.database.keep

    async def keep_a_little_later(posting: object) -> bool:
        monkeypatch.undo()
        parked = await other.refund_receipt("back", "r-1", receipt="back", full=True)
        assert told(parked)["status"] == "parked"
        return await keep(posting)  # type: ignore[arg-type]

    monkeypatch.setattr(shop.house.database, "keep", keep_a_little_later)
    await shop.buy("buy", purchase("r-1", regular(1)))

    await found_by_the_clock(shop)


async def found_by_the_clock(shop: Shop) -> None:
    """Neither till can see such a refund; the auditor does until the clock's next round, which settles it once."""
    assert [found.id for found in await shop.broken()] in ([], ["I09c"])
    await refunding.settle_all(shop.house, at=MORNING)
    await refunding.settle_all(shop.house, at=MORNING)

    assert await shop.broken() == []
    assert await shop.rows("SELECT balance FROM accounts") == [(0,)]
    assert await shop.count("entries", "kind = 'reversal'") == 1
