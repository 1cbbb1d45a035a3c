"""Opens the café for the HTTP part: a database with its members, a key, and server processes that are stopped again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

import httpx
import msgspec

from benchmarks import basket
from loyalty_engine import businesses, earning, ids, programmes
from loyalty_engine.commands import CreateKey, PublishProgramme, RecordPurchase, Ticket
from loyalty_engine.house import House, open_house
from loyalty_engine.instants import to_micros
from loyalty_engine.settings import Settings

ROOT: Final = Path(__file__).parent.parent
SLUG: Final = "corner-cafe"
_AT_ONCE: Final = 64


class Opened(NamedTuple):
    """A café whose members have each bought once; `key` is its till's."""

    url: str
    key: str
    key_file: Path


def open_cafe(url: str, folder: Path, name: str, members: int) -> Opened:
    """Publish the programme, let every member buy once, and make a key."""
    key_file = folder / f"{name}.key"
    key = asyncio.run(_open(Settings(database_url=url, key_file=str(key_file)), members))
    return Opened(url, key, key_file)


async def _open(settings: Settings, members: int) -> str:
    house = await open_house(settings)
    try:
        at = datetime.now(UTC)
        business_id = await businesses.found_business(house, SLUG, "Corner Café", at=to_micros(at))
        owner = businesses.owner(business_id, SLUG)
        source = basket.programme()
        await programmes.publish(house, owner, PublishProgramme(), _ticket("publish", at), source=source, form="toml")
        made = await businesses.create_key(house, owner, CreateKey(scopes=("till", "read")), _ticket("key", at))
        for first in range(0, members, _AT_ONCE):
            numbers = range(first, min(first + _AT_ONCE, members))
            await asyncio.gather(*(_buy(house, owner, number, at) for number in numbers))
    finally:
        await house.close()
    return str(msgspec.json.decode(made.body)["key"])


async def _buy(house: House, owner: businesses.Caller, number: int, at: datetime) -> None:
    told = basket.purchase(f"seed-{number}", basket.phone(number), at)
    await earning.record_purchase(house, owner, msgspec.convert(told, RecordPurchase), _ticket(f"seed-{number}", at))


def _ticket(key: str, at: datetime) -> Ticket:
    return Ticket(key=key, request_id=ids.new("req", to_micros(at) // 1000), at=at)


@contextlib.contextmanager
def serving(opened: Opened, workers: int) -> Iterator[str]:
    """Run the real server with its usual settings, its log in a file, and give its address."""
    port = _free_port()
    command = ["-m", "loyalty_engine.cli", "serve", "--port", str(port), "--workers", str(workers)]
    environment = {
        "LOYALTY_DATABASE_URL": opened.url, "LOYALTY_KEY_FILE": str(opened.key_file), "LOYALTY_RATE_PER_SECOND": "0",
        "LOYALTY_LOOKUPS_PER_HOUR": "0", "LOYALTY_LOOKUPS_PER_BLOCK": "0",
    }  # fmt: skip
    with _process(command, environment, opened.key_file.with_suffix(".log")):
        yield _ready(f"http://127.0.0.1:{port}", "/health/ready", workers)


@contextlib.contextmanager
def serving_bare(workers: int, folder: Path) -> Iterator[str]:
    """Run the application that only decodes, under the same server program, and give its address."""
    port = _free_port()
    command = ["-m", "uvicorn", "benchmarks.bare:create_app", "--factory", "--port", str(port), "--no-access-log"]
    with _process([*command, "--log-level", "warning", "--workers", str(workers)], {}, folder / f"bare-{workers}.log"):
        yield _ready(f"http://127.0.0.1:{port}", "/", workers)


@contextlib.contextmanager
def _process(command: list[str], environment: dict[str, str], log: Path) -> Iterator[None]:
    """Run one of our servers; when the block fails, the end of its log is told."""
    with log.open("wb") as written:
        process = subprocess.Popen(
            [sys.executable, *command], cwd=ROOT, env=os.environ | environment, stdout=written, stderr=written,
            start_new_session=True,
        )  # fmt: skip
    try:
        yield
    except BaseException:
        print(log.read_text(errors="replace")[-2000:], file=sys.stderr)
        raise
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _ready(address: str, path: str, workers: int) -> str:
    """Wait until somebody answers; each further process is given a moment of its own."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(address + path).status_code in {200, 404}:
                time.sleep(0.5 * (workers - 1))
                return address
        time.sleep(0.05)
    message = f"the server at {address} does not answer"
    raise TimeoutError(message)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
