"""Tills that never give up: each sends what it has to tell again and again, under one key, until it is answered."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import msgspec

from tests.faults.server import PATIENCE, Standing
from tests.faults.shop import FLAT_WHITE, purchase, regular

GIVES_UP_AFTER = 60.0  # seconds one command may take with all its retries


class Told(msgspec.Struct, frozen=True):
    """Something a till has to tell."""

    key: str
    path: str
    body: bytes


class Acknowledged(msgspec.Struct, frozen=True):
    """What a till was told in the end."""

    told: Told
    status: int
    body: bytes

    @property
    def says(self) -> dict[str, Any]:
        said: dict[str, Any] = msgspec.json.decode(self.body)
        return said


class Reply(msgspec.Struct, frozen=True):
    """One answer of the server."""

    status: int
    headers: dict[str, str]
    body: bytes


class Line:
    """A till's connection, made again where it has broken."""

    def __init__(self, port: int, api_key: str) -> None:
        self._port = port
        self._api_key = api_key
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, told: Told) -> Reply:
        """Send one command and read the answer; raises OSError or EOFError where the line breaks."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        try:
            writer.write(
                f"POST {told.path} HTTP/1.1\r\nhost: till\r\nauthorization: Bearer {self._api_key}\r\n"
                f"idempotency-key: {told.key}\r\ncontent-type: application/json\r\n"
                f"content-length: {len(told.body)}\r\n\r\n".encode()
                + told.body
            )
            await writer.drain()
            first, *rest = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
        except BaseException:
            self.hang_up()
            raise
        if headers.get("connection") == "close":
            self.hang_up()
        return Reply(int(first.split()[1]), headers, body)

    def hang_up(self) -> None:
        if self._streams is not None:
            with contextlib.suppress(OSError):
                self._streams[1].close()
            self._streams = None


class Till:
    """One till: a flow of commands, the answers it holds, and everything it was told on the way."""

    def __init__(self, standing: Standing, flow: Callable[[Till], Iterator[Told]]) -> None:
        self._line = Line(standing.port, standing.key)
        self._flow = flow(self)
        self._pending: Told | None = None
        self.acknowledged: list[Acknowledged] = []
        self.statuses: Counter[int] = Counter()
        self.refusals: list[Reply] = []
        self.lines_broken = 0

    async def work(self, closing: asyncio.Event) -> None:
        """Work until the shop closes; what is under way then is told to its end."""
        while not closing.is_set():
            await self.finish()
            self._pending = next(self._flow)
        await self.finish()
        self._line.hang_up()

    async def finish(self) -> None:
        """Send what is pending until it has been answered."""
        if self._pending is None:
            return
        async with asyncio.timeout(GIVES_UP_AFTER):
            reply = await self._answered(self._pending)
        self.acknowledged.append(Acknowledged(self._pending, reply.status, reply.body))
        self._pending = None

    async def _answered(self, told: Told) -> Reply:
        while True:
            try:
                async with asyncio.timeout(PATIENCE):
                    reply = await self._line.send(told)
            except (OSError, EOFError, TimeoutError):
                self._line.hang_up()
                self.lines_broken += 1
                await asyncio.sleep(0.02)
                continue
            self.statuses[reply.status] += 1
            if reply.status < 500:
                return reply
            self.refusals.append(reply)
            await asyncio.sleep(0.05)


_names = count(1)


def mixed(till: Till) -> Iterator[Told]:
    """A morning at one till: purchases by a few regulars all tills share, and after every third a part refund of it."""
    mine = next(_names)
    name = f"t{mine}"
    for number in count():
        body = purchase(f"{name}-{number}", regular((number + mine) % 6), flat_whites=1 + number % 3)
        yield Told(f"{name}-buy-{number}", "/v1/purchases", msgspec.json.encode(body))
        if number % 3 == 2 and till.acknowledged[-1].status == 201:
            bought = till.acknowledged[-1].says["id"]
            back = msgspec.json.encode({"receipt": f"{name}-back-{number}", "amount_minor": FLAT_WHITE})
            yield Told(f"{name}-back-{number}", f"/v1/purchases/{bought}/refunds", back)


@contextlib.asynccontextmanager
async def busy(standing: Standing, number: int, flow: Callable[[Till], Iterator[Told]] = mixed) -> Any:
    """Let tills work while something happens to the shop; leaving, they finish what they were telling."""
    tills = [Till(standing, flow) for _ in range(number)]
    closing = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for till in tills:
            group.create_task(till.work(closing))
        try:
            yield tills
        finally:
            closing.set()


async def until(happened: Callable[[], bool], what: str) -> None:
    """Wait for something to have happened, for as long as patience lasts."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            while not happened():  # noqa: ASYNC110 - what is waited for happens in another process
                await asyncio.sleep(0.005)
    assert happened(), f"in {PATIENCE} s there was no {what}"


def answers(tills: list[Till]) -> list[Acknowledged]:
    return [one for till in tills for one in till.acknowledged]


def more_answers(tills: list[Till], number: int) -> Callable[[], bool]:
    """Whether the tills have so many more answers than now."""
    enough = len(answers(tills)) + number
    return lambda: len(answers(tills)) >= enough


async def together(standing: Standing, commands: list[Told]) -> list[Acknowledged]:
    """Send all commands at the same moment, each on a connection of its own; the answers in their order."""

    async def one(told: Told) -> Acknowledged:
        line = Line(standing.port, standing.key)
        try:
            async with asyncio.timeout(PATIENCE):
                reply = await line.send(told)
        finally:
            line.hang_up()
        return Acknowledged(told, reply.status, reply.body)

    return list(await asyncio.gather(*map(one, commands)))
