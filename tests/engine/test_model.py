"""A shop beside a plain model of it: whatever is done in whatever order, both come to the same, and the books hold."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from loyalty_engine import ledger, lots, refunding
from loyalty_engine.house import House, open_house
from loyalty_engine.redemption import lapsing
from loyalty_engine.settings import Settings
from tests.conftest import ENGINES, sqlite_url
from tests.engine.beside import Beside
from tests.engine.shop import KEY

# So many lives in an ordinary run; LOYALTY_MODEL_RUNS asks for another number. PostgreSQL lives a quarter of them: what
# is decided is decided by the same code, and each of its steps costs several times as much.
RUNS = int(os.environ.get("LOYALTY_MODEL_RUNS", "200"))


@pytest.fixture(params=ENGINES)
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[type[Beside]]:
    """The machine on an engine: each of its runs begins with an empty shop."""
    runner, opened = asyncio.Runner(), list[House]()
    template: Path | None = None if request.param == "postgres" else request.getfixturevalue("sqlite_template")
    url = request.getfixturevalue("postgres_database_url") if template is None else sqlite_url(tmp_path / "shop.db")

    async def afresh() -> House:
        if template is None and opened:
            tables = [row[0] for row in await opened[0].database.fetch(_TABLES)]
            await opened[0].database.write_transaction(lambda tx: tx.fetch(f"TRUNCATE {', '.join(tables)}"))
        while opened:
            await opened.pop().close()
        if template is not None:
            shutil.copy(template, tmp_path / "shop.db")
            for more in ("shop.db-wal", "shop.db-shm"):
                (tmp_path / more).unlink(missing_ok=True)
        opened.append(await open_house(Settings(database_url=url, key=KEY, auto_migrate=False)))
        return opened[0]

    class OnEngine(Beside):
        begin = staticmethod(lambda: (runner.run(afresh()), runner))
        runs = RUNS if template is not None else RUNS // 4

    yield OnEngine
    for house in opened:
        runner.run(house.close())
    with suppress(RuntimeError):
        runner.close()


_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'migration'"
_HOW: dict[str, Any] = {
    "deadline": None, "stateful_step_count": 20, "database": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
}  # fmt: skip


def test_the_shop_and_its_model_come_to_the_same(machine: type[Beside]) -> None:
    run_state_machine_as_test(machine, settings=settings(max_examples=machine.runs, **_HOW))


@pytest.mark.fault_long
def test_ten_thousand_lives_of_the_shop_and_its_model_come_to_the_same(machine: type[Beside]) -> None:
    run_state_machine_as_test(machine, settings=settings(max_examples=10_000, **_HOW))


def _newest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lots, "burn_order", lambda lot: (-(lot.expires_at or 0), lot.recorded_at, lot.id))


def _taken_back_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    async def none_earlier(*_: Any) -> tuple[()]:
        return ()

    monkeypatch.setattr(refunding, "earlier_refunds", none_earlier)


def _a_day_late(monkeypatch: pytest.MonkeyPatch) -> None:
    due = lots.due
    monkeypatch.setattr(ledger, "due", lambda held, *, at: due(held, at=at - 86_400 * 10**6))


def _allocation_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    debit = ledger.Sheet.debit

    def loses(sheet: ledger.Sheet, *args: Any, **more: Any) -> Any:
        entry = debit(sheet, *args, **more)
        del sheet.allocations[-1:]
        return entry

    monkeypatch.setattr(ledger.Sheet, "debit", loses)


def _never_lapsing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lapsing, "status_of", lambda hold, _: hold.status)


@pytest.mark.parametrize("planted", [_newest_first, _taken_back_twice, _a_day_late, _allocation_lost, _never_lapsing])
@pytest.mark.parametrize("machine", ["sqlite"], indirect=True)
def test_a_planted_bug_is_caught(
    machine: type[Beside], planted: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    planted(monkeypatch)

    with pytest.raises(AssertionError):
        run_state_machine_as_test(
            machine, settings=settings(max_examples=200, phases=[Phase.generate], derandomize=True, **_HOW)
        )
