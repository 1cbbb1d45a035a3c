"""A load generator for machines without wrk: the same requests from Python, which takes more of the shared cores."""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import time
from collections.abc import Mapping
from urllib.parse import urlsplit


class Told:
    """What the connections have seen so far."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.sent = self.refused = 0
        self.took_ms: list[float] = []


def run(address: str, said: Mapping[str, str], connections: int, seconds: float) -> str:
    """Do what wrk does with till.lua, and print the same line of JSON."""
    return asyncio.run(_run(address, said, connections, seconds))


async def _run(address: str, said: Mapping[str, str], connections: int, seconds: float) -> str:
    told = Told()
    began = time.monotonic()
    await asyncio.gather(*(_speak(address, said, told, began + seconds) for _ in range(connections)))
    took = time.monotonic() - began
    steps = statistics.quantiles(told.took_ms, n=100)
    found = {
        "sent": told.sent, "answered": len(told.took_ms), "refused": told.refused, "broken": 0, "seconds": took,
        "p50_ms": steps[49], "p99_ms": steps[98],
    }  # fmt: skip
    return json.dumps(found)


async def _speak(address: str, said: Mapping[str, str], told: Told, until: float) -> None:
    place = urlsplit(address)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    while time.monotonic() < until:
        told.sent += 1
        began = time.perf_counter()
        writer.write(_request(said, told.sent))
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(length)
        told.took_ms.append((time.perf_counter() - began) * 1000)
        told.refused += head[9:10] != b"2"
    writer.close()


def _request(said: Mapping[str, str], number: int) -> bytes:
    digits = f"{random.randrange(int(said['BENCH_MEMBERS'])):05d}"  # noqa: S311  # a customer, not a secret
    receipt = f"{said['BENCH_PREFIX']}-{number}"
    keyed = said["BENCH_KEYED"] == "yes"
    body = (said["BENCH_BODY"] % ((receipt, digits) if keyed else digits)).encode()
    key = f"Idempotency-Key: {receipt}\r\n" if keyed else ""
    head = (
        f"POST {said['BENCH_PATH']} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {said['BENCH_KEY']}\r\n"
        f"Content-Type: application/json\r\n{key}Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
