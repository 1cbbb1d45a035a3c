"""The real server over HTTP, on SQLite and on PostgreSQL, beside pgbench and a handler that needs no database.

Server, load generator and database share this machine. A figure counts only if every answer was a success and the
journal holds every purchase that was acknowledged.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import apsw
import httpx
import msgspec

from benchmarks import basket, own_client, sampling, shop, tables
from benchmarks.sampling import CONNECTIONS, Measured, Sample
from benchmarks.yardsticks import Pgbench
from tests import postgres

SCRIPT: Final = Path(__file__).parent / "till.lua"
PG_WORKERS: Final = 2


class Done(msgspec.Struct, frozen=True):
    """What till.lua prints."""

    sent: int
    answered: int
    refused: int
    broken: int
    seconds: float
    p50_ms: float
    p99_ms: float


class Till:
    """wrk at one server, with one kind of request; counts what it sent and what was answered."""

    def __init__(self, address: str, path: str, body: str, key: str, members: int, *, keyed: bool) -> None:
        """Remember what to say."""
        self._address = address
        self._said = {
            "BENCH_PATH": path, "BENCH_BODY": body, "BENCH_KEY": key, "BENCH_MEMBERS": str(members),
            "BENCH_KEYED": "yes" if keyed else "no",
        }  # fmt: skip
        self.sent = self.answered = 0

    def run(self, connections: int, seconds: float) -> Sample:
        """Send for so long over so many connections."""
        said = self._said | {"BENCH_PREFIX": f"{datetime.now(UTC):%Y-%m-%d}-{secrets.token_hex(5)}"}
        done = _send(self._address, said, connections, max(1, round(seconds)))
        found = msgspec.json.decode(done.strip().splitlines()[-1], type=Done)
        failed = found.refused + found.broken
        assert failed == 0, f"{failed} of {found.sent} requests failed at {self._address}: {done}"
        self.sent += found.sent
        self.answered += found.answered
        return Sample(
            per_second=found.answered / found.seconds, p50_ms=found.p50_ms, p99_ms=found.p99_ms,
            answered=found.answered, sent=found.sent, failed=failed,
        )  # fmt: skip


class Tills(NamedTuple):
    """The tills that keep purchases, each with the database they are kept in."""

    sqlite: Till
    postgres: Till


def measure(*, quick: bool) -> None:
    """Open both shops, measure everything in turn, and print."""
    members, rounds, seconds = (2_000, 2, 1) if quick else (10_000, 3, 2)
    with tempfile.TemporaryDirectory(prefix="loyalty-bench-") as scratch, cluster_on_disk() as cluster:
        server = postgres.Server(cluster.url, cluster)
        folder = Path(scratch)
        lite = shop.open_cafe(f"sqlite:///{folder}/cafe.db", folder, "sqlite", members)
        large = shop.open_cafe(server.create("cafe"), folder, "postgres", members)
        yard = Pgbench(cluster.programs, server.create("yard", "cafe"), members)
        asyncio.run(postgres.fetch(large.url, "VACUUM ANALYZE"))
        print(f"HTTP: {members} members; client, server and database share the {os.cpu_count()} cores; {tables.load()}")
        print(f"A purchase is {len(basket.purchase_template(datetime.now(UTC)))} bytes and leaves {yard.wrote}")
        print(
            f"{rounds} rounds of {seconds} s in turn after a warm-up; medians. pgbench tells its mean, not its p50.\n"
        )
        with (
            shop.serving(lite, 1) as lite_address,
            shop.serving(large, PG_WORKERS) as large_address,
            shop.serving_bare(1, folder) as bare_address,
            shop.serving_bare(PG_WORKERS, folder) as bares_address,
        ):
            at = datetime.now(UTC)
            buys = Tills(_buying(lite_address, lite.key, at, members), _buying(large_address, large.key, at, members))
            targets = {
                "award, SQLite, 1 process": buys.sqlite.run,
                "award, PostgreSQL, 2 processes": buys.postgres.run,
                "pgbench, the same rows in one statement": yard.award,
                "look-up, SQLite, 1 process": _asking(lite_address, lite.key, members).run,
                "look-up, PostgreSQL, 2 processes": _asking(large_address, large.key, members).run,
                "pgbench, member and accounts by key": yard.lookup,
                "bare handler, 1 process": _buying(bare_address, "none", at, members).run,
                "bare handler, 2 processes": _buying(bares_address, "none", at, members).run,
            }
            tried = _try_one(lite_address, lite.key, at) + _try_one(large_address, large.key, at)
            measured = sampling.take(targets, rounds=rounds, seconds=seconds)
        yard.close()
        _print(measured)
        _balance("SQLite", _in_sqlite(folder / "cafe.db"), buys.sqlite, members + tried // 2)
        _balance("PostgreSQL", _in_postgres(large.url), buys.postgres, members + tried // 2)
        print()


@contextlib.contextmanager
def cluster_on_disk() -> Iterator[postgres.Cluster]:
    """A PostgreSQL of our own with its usual durability, on a disk: the tests' lies in memory."""
    postgres.MEMORY = Path(tempfile.gettempdir())
    cluster = postgres.make()
    try:
        with (cluster.data / "postgresql.conf").open("a") as settings:
            settings.write("shared_buffers = 256MB\nmax_wal_size = 1GB\n")
        cluster.stop()
        cluster.start()
        yield cluster
    finally:
        cluster.destroy()


def _send(address: str, said: dict[str, str], connections: int, seconds: int) -> str:
    wrk = _wrk()
    if wrk is None:
        return own_client.run(address, said, connections, seconds)
    return subprocess.run(
        [wrk, "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(SCRIPT), address],
        check=True, capture_output=True, text=True, env=os.environ | said,
    ).stdout  # fmt: skip


@cache
def _wrk() -> str | None:
    """Find wrk, installed where that is possible; None leaves the sending to Python."""
    if shutil.which("wrk") is None and hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "install", "-qq", "-y", "wrk"], check=False, stdout=subprocess.DEVNULL)  # noqa: S607
    found = shutil.which("wrk")
    if found is None:
        print(
            "wrk is missing: requests come from Python, which takes more of the machine; install it for better figures"
        )
    return found


def _buying(address: str, key: str, at: datetime, members: int) -> Till:
    return Till(address, "/v1/purchases", basket.purchase_template(at), key, members, keyed=True)


def _asking(address: str, key: str, members: int) -> Till:
    return Till(address, "/v1/members/lookup", basket.lookup_template(), key, members, keyed=False)


def _try_one(address: str, key: str, at: datetime) -> int:
    """Buy a few times by hand and look at the answers; gives the number of purchases kept."""
    for number in range(5):
        receipt = f"by-hand-{number}"
        answer = httpx.post(
            f"{address}/v1/purchases", json=basket.purchase(receipt, basket.phone(number), at),
            headers={"Authorization": f"Bearer {key}", "Idempotency-Key": receipt},
        )  # fmt: skip
        assert answer.status_code == httpx.codes.CREATED, answer.text
        told = answer.json()
        assert len(told["awards"]) >= 2, told  # points and stamps
        assert told["member"]["new"] is False, told
    return 5


def _print(measured: Measured) -> None:
    rows = []
    for name in dict.fromkeys(name for name, _ in measured):
        row = [name]
        for number in CONNECTIONS:
            samples = measured[name, number]
            slowest = sampling.p99(samples)
            tail = "" if slowest is None else f"{slowest:.1f}"
            row += [f"{sampling.rate(samples):.0f}", f"{sampling.p50(samples):.1f}", tail]
        rows.append(row)
    heading = ["per second, p50 and p99 in ms"]
    for number in CONNECTIONS:
        heading += [f"{number} conn." if number > 1 else "1 conn.", "p50", "p99"]
    tables.show(heading, rows)
    _ratios(measured)


def _ratios(measured: Measured) -> None:
    def at(name: str, number: int = 8) -> float:
        return sampling.rate(measured[name, number])

    lite, large = "award, SQLite, 1 process", "award, PostgreSQL, 2 processes"
    statement, bare, bares = (
        "pgbench, the same rows in one statement", "bare handler, 1 process", "bare handler, 2 processes",
    )  # fmt: skip
    print(f"At 8 connections ({tables.load()})\n")
    tables.ratio("award on PostgreSQL / pgbench in one statement", at(large) / at(statement), least=0.35)
    tables.ratio("award on SQLite / award on PostgreSQL", at(lite) / at(large), least=1.0)
    tables.ratio("look-up on SQLite / bare handler", at("look-up, SQLite, 1 process") / at(bare), least=0.5)
    tables.ratio("look-up on PostgreSQL / bare handler", at("look-up, PostgreSQL, 2 processes") / at(bares), least=0.5)
    tables.ratio("award on SQLite / bare handler", at(lite) / at(bare))
    tables.ratio("award on PostgreSQL / bare handler", at(large) / at(bares))
    for name in (lite, large):
        tables.ratio(f"p99 of {name}", sampling.p99(measured[name, 8]) or 0, most=50, unit=" ms")
    print()


def _balance(engine: str, kept: int, till: Till, before: int) -> None:
    """Say whether the journal holds what was acknowledged; wrk hangs up on what is under way when its time is over."""
    new = kept - before
    assert till.answered <= new <= till.sent, f"{engine}: {till.answered} acknowledged, {new} kept, {till.sent} sent"
    print(
        f"{engine}: {till.answered} purchases acknowledged, {new} in the journal, {till.sent} sent"
        f" ({till.sent - till.answered} were under way when a round ended)"
    )


def _in_sqlite(file: Path) -> int:
    connection = apsw.Connection(str(file))
    try:
        return sum(1 for _ in connection.execute("SELECT 1 FROM journal WHERE kind = 'purchase'"))
    finally:
        connection.close()


def _in_postgres(url: str) -> int:
    return int(asyncio.run(postgres.fetch(url, "SELECT count(*) FROM journal WHERE kind = 'purchase'"))[0][0])
