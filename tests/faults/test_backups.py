"""A copy made while tills are served is a whole shop: what was acknowledged before it was begun is in it."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import apsw
import pytest

from tests.conftest import do_without, sqlite_url
from tests.faults.books import rows
from tests.faults.server import Standing
from tests.faults.tills import answers, busy, until
from tests.postgres import Server, find_programs

TILLS = 8


def vacuumed(source: str, target: str) -> None:
    with closing(apsw.Connection(source)) as connection:
        connection.set_busy_timeout(20_000)
        connection.execute("VACUUM INTO ?", (target,))


def copied_page_by_page(source: str, target: str) -> None:
    with (
        closing(apsw.Connection(source)) as reading,
        closing(apsw.Connection(target)) as writing,
        writing.backup("main", reading, "main") as backup,
    ):
        while not backup.done:
            backup.step(20)  # written to meanwhile, it begins again by itself, until it fits between two writes
            if backup.remaining > 40:
                continue
            backup.step(-1)


def copied_byte_by_byte(source: str, target: str) -> None:
    """What one should not do: the file is copied while it is written, and without its log."""
    Path(target).write_bytes(Path(source).read_bytes())


async def keys_before_and_after(standing: Standing, backup: object) -> tuple[set[str], set[str]]:
    """Serve tills, back up under load, and serve on: what was acknowledged before the backup, and in the end."""
    assert callable(backup)
    await asyncio.to_thread(standing.start)
    async with busy(standing, TILLS) as tills:
        await until(lambda: len(answers(tills)) > 100, "business")
        before = {one.told.key for one in answers(tills)}
        await asyncio.to_thread(backup)
        seen = len(answers(tills))
        await until(lambda: len(answers(tills)) > seen + 50, "business after the backup")
    await asyncio.to_thread(standing.kill)
    return before, {one.told.key for one in answers(tills)}


async def restored_is_whole(standing: Standing, restored_url: str, before: set[str], after: set[str]) -> None:
    there = {key for (key,) in await rows(restored_url, "SELECT key FROM journal WHERE kind IN ('purchase', 'refund')")}
    standing.database_url = restored_url
    assert standing.verified() == ""
    assert before <= there <= after
    assert there != after, "the backup was not made under load"
    # The restored shop opens and serves.
    await asyncio.to_thread(standing.start)
    async with busy(standing, 2) as tills:
        await until(lambda: len(answers(tills)) > 20, "business in the restored shop")
    await asyncio.to_thread(standing.kill)
    assert standing.verified() == ""


@pytest.mark.parametrize(
    "backup",
    [
        pytest.param(vacuumed, id="vacuum into"),
        pytest.param(copied_page_by_page, id="backup interface", marks=pytest.mark.fault_long),
    ],
)
async def test_a_sqlite_shop_backed_up_under_load_is_restored_whole(
    standing_on_file: Standing, tmp_path: Path, backup: object
) -> None:
    assert callable(backup)
    source, copy = standing_on_file.database_url.removeprefix("sqlite:///"), str(tmp_path / "copy.db")

    before, after = await keys_before_and_after(standing_on_file, lambda: backup(source, copy))

    await restored_is_whole(standing_on_file, sqlite_url(Path(copy)), before, after)


@pytest.mark.fault_long
async def test_a_file_copied_without_its_log_is_seen_to_lack_what_was_acknowledged(
    standing_on_file: Standing, tmp_path: Path
) -> None:
    source, copy = standing_on_file.database_url.removeprefix("sqlite:///"), str(tmp_path / "copy.db")

    before, _ = await keys_before_and_after(standing_on_file, lambda: copied_byte_by_byte(source, copy))

    try:
        there = {key for (key,) in await rows(sqlite_url(Path(copy)), "SELECT key FROM journal")}
    except apsw.Error:
        there = set()  # it is not even a database
    assert not before <= there


def program(name: str) -> str:
    folder = find_programs()
    if folder is None or not (Path(folder) / name).exists():
        do_without(f"{name} is not here")
    return str(Path(folder) / name)


@pytest.fixture
def restored_url(postgres_server: Server) -> Iterator[str]:
    """An empty database to restore into."""
    name = f"restored_{uuid4().hex}"
    yield postgres_server.create(name)
    postgres_server.drop(name)


@pytest.mark.pg
async def test_a_postgresql_shop_dumped_under_load_is_restored_whole(
    standing_on_postgres: Standing, restored_url: str, tmp_path: Path
) -> None:
    dump, restore, copy = program("pg_dump"), program("pg_restore"), str(tmp_path / "copy.dump")
    source = standing_on_postgres.database_url

    def run(*command: str) -> None:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=60, env=os.environ | {"LC_ALL": "C"}
        )
        assert done.returncode == 0, done.stderr

    before, after = await keys_before_and_after(
        standing_on_postgres, lambda: run(dump, "--format=custom", f"--file={copy}", source)
    )
    await asyncio.to_thread(run, restore, "--exit-on-error", f"--dbname={restored_url}", copy)

    await restored_is_whole(standing_on_postgres, restored_url, before, after)
