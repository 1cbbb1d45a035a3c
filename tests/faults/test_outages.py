"""The database goes away, stands locked or runs full while tills are served: 503 meanwhile, and nothing lost."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest

from tests.conftest import sqlite_url
from tests.faults.books import differences, rows
from tests.faults.server import BROKEN, PATIENCE, USUAL, Standing
from tests.faults.tills import Reply, Till, answers, busy, more_answers, until
from tests.postgres import Cluster, Server

TILLS = 8
WORKERS = 2
# Each worker has its pool of 8, and a reading and a writing connection in each of its 2 lanes.
CONNECTIONS = WORKERS * (8 + 2 * 2)


def unavailable(reply: Reply) -> None:
    """A till that is told to come back is told so in the way it understands."""
    problem = msgspec.json.decode(reply.body)
    assert reply.status == 503, problem
    assert reply.headers["content-type"] == "application/problem+json"
    assert int(reply.headers["retry-after"]) >= 1
    assert problem["status"] == 503
    assert problem["retryable"] is True


@pytest.fixture
def outage(postgres_cluster: Cluster, tmp_path: Path) -> Iterator[Standing]:
    """An installation on a PostgreSQL that may be stopped."""
    url = Server(postgres_cluster.url, postgres_cluster).create(f"outage_{uuid4().hex}")
    standing = Standing(url, tmp_path, workers=WORKERS)
    yield standing
    standing.kill()
    if not postgres_cluster.running():
        postgres_cluster.start()


@pytest.mark.pg
@pytest.mark.parametrize(
    "ends", [["fast"], pytest.param(["fast", "immediate", "kill"] * 3, marks=pytest.mark.fault_long)]
)
async def test_while_postgresql_is_away_tills_are_told_to_come_back_and_afterwards_all_is_there(
    outage: Standing, postgres_cluster: Cluster, ends: list[str]
) -> None:
    outage.start()
    async with busy(outage, TILLS) as tills:
        for how in ends:
            await until(more_answers(tills, 60), "business")
            await asyncio.to_thread(end, postgres_cluster, how)
            await until(all_refused(tills), "refusal at every till")
            status, headers, body = await asyncio.to_thread(outage.asked, "GET", "/health/ready")
            unavailable(Reply(status, headers, body))
            await asyncio.to_thread(postgres_cluster.start)
            await until(more_answers(tills, 60), "business after the database is back")
    given = answers(tills)

    for till in tills:
        for refusal in till.refusals:
            unavailable(refusal)
    assert {one.status for one in given} == {201}
    together = await asyncio.gather(
        *(asyncio.to_thread(outage.asked, "GET", "/v1/programme/versions") for _ in range(16))
    )
    assert {status for status, _, _ in together} == {200}
    [[connections]] = await rows(
        outage.database_url,
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'loyalty' AND datname = current_database()",
    )
    assert 0 < connections <= CONNECTIONS
    await asyncio.to_thread(outage.kill)
    found = await differences(outage.database_url, given)
    assert found.none, found
    assert outage.verified() == ""


def end(cluster: Cluster, how: str) -> None:
    if how == "kill":
        cluster.kill()
    else:
        cluster.stop(how)


def all_refused(tills: list[Till]) -> Callable[[], bool]:
    so_far = [len(till.refusals) for till in tills]
    return lambda: all(len(till.refusals) > before for till, before in zip(tills, so_far, strict=True))


HOLDS_THE_LOCK = """
import sys, time, apsw
connection = apsw.Connection(sys.argv[1])
connection.set_busy_timeout(20_000)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
time.sleep(2)
connection.execute("ROLLBACK")
"""


async def test_while_another_process_holds_the_file_tills_wait_or_are_told_to_come_back(
    standing_on_file: Standing,
) -> None:
    standing_on_file.start()
    file = standing_on_file.database_url.removeprefix("sqlite:///")
    async with busy(standing_on_file, TILLS) as tills:
        await until(more_answers(tills, 100), "business")
        locker = await asyncio.create_subprocess_exec(
            sys.executable, "-c", HOLDS_THE_LOCK, file, stdout=asyncio.subprocess.PIPE
        )
        assert locker.stdout is not None
        assert await asyncio.wait_for(locker.stdout.readline(), PATIENCE) == b"locked\n"
        assert (await asyncio.to_thread(standing_on_file.asked, "GET", "/health/live"))[0] == 200
        during = len(answers(tills))
        assert await asyncio.wait_for(locker.wait(), PATIENCE) == 0
        # An answer may have been on its way to each till when the lock was taken.
        assert len(answers(tills)) - during <= 2 * TILLS
        await until(more_answers(tills, 100), "business after the lock is gone")
    await asyncio.to_thread(standing_on_file.kill)

    for till in tills:
        for refusal in till.refusals:
            unavailable(refusal)
    found = await differences(standing_on_file.database_url, answers(tills))
    assert found.none, found
    assert standing_on_file.verified() == ""


async def test_when_the_disk_is_full_tills_are_told_to_come_back_and_the_books_stay_whole(
    standing_on_file: Standing,
) -> None:
    standing_on_file.module, standing_on_file.extra = BROKEN, {"LOYALTY_FAULT": "full"}
    standing_on_file.start()
    async with busy(standing_on_file, TILLS) as tills:
        await until(all_refused(tills), "end of the disk")
        # What can still be told is told: the server reads, and says how it is.
        assert (await asyncio.to_thread(standing_on_file.asked, "GET", "/health/live"))[0] == 200
        assert (await asyncio.to_thread(standing_on_file.asked, "GET", "/v1/programme/versions"))[0] == 200
        await asyncio.to_thread(standing_on_file.kill)
        assert standing_on_file.verified() == ""
        standing_on_file.module, standing_on_file.extra = USUAL, {}
        await asyncio.to_thread(standing_on_file.start)
        await until(more_answers(tills, 50), "business after the disk has room again")
    await asyncio.to_thread(standing_on_file.kill)

    assert all(till.refusals for till in tills)
    for till in tills:
        for refusal in till.refusals:
            unavailable(refusal)
    found = await differences(standing_on_file.database_url, answers(tills))
    assert found.none, found
    assert standing_on_file.verified() == ""


@pytest.fixture
def small_disk(sqlite_template: Path, tmp_path: Path) -> Iterator[Path]:
    """A disk of four megabytes, where this machine lets us have one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("a small disk may not be mounted here; the file with a page limit is tried instead")
    yield Path(shutil.copy(sqlite_template, disk / "loyalty.db"))
    subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.fault_long
async def test_when_a_real_disk_runs_full_nothing_acknowledged_is_lost(small_disk: Path, tmp_path: Path) -> None:
    standing = Standing(sqlite_url(small_disk), tmp_path)
    standing.start()
    try:
        async with busy(standing, TILLS) as tills:
            await until(all_refused(tills), "end of the disk")
            assert (await asyncio.to_thread(standing.asked, "GET", "/health/live"))[0] == 200
            remount = ["mount", "-o", "remount,size=64m", str(small_disk.parent)]
            await asyncio.to_thread(subprocess.run, remount, check=True)
            await until(more_answers(tills, 50), "business after the disk has room again")
    finally:
        await asyncio.to_thread(standing.kill)

    for till in tills:
        for refusal in till.refusals:
            unavailable(refusal)
    found = await differences(standing.database_url, answers(tills))
    assert found.none, found
    assert standing.verified() == ""
