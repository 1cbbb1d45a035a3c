"""The queue at the counter: what is asked at the same moment is carried out together, on few connections.

A lane takes everything that waits (up to a limit) and hands it on as one group. Nothing waits for company: an idle
lane carries out a single item at once, and groups form by themselves while a statement is under way.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Answered = TypeVar("Answered")


class Lanes(Generic[Asked, Answered]):
    """`count` workers over one queue; `carry_out(lane, group)` gives one answer, or one exception, per item asked."""

    def __init__(
        self,
        count: int,
        carry_out: Callable[[int, list[Asked]], Awaitable[list[Answered | BaseException]]],
        *,
        most: int = 64,
    ) -> None:
        """Start the workers; must be called inside a running event loop."""
        self._carry_out = carry_out
        self._most = most
        self._waiting: asyncio.Queue[tuple[Asked, asyncio.Future[Answered]]] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        self._workers = [asyncio.create_task(self._work(lane), name=f"lane {lane}") for lane in range(count)]

    async def ask(self, item: Asked) -> Answered:
        """Queue an item and wait for its own answer."""
        answer: asyncio.Future[Answered] = self._loop.create_future()
        self._waiting.put_nowait((item, answer))
        return await answer

    async def _work(self, lane: int) -> None:
        waiting = self._waiting
        while True:
            group = [await waiting.get()]
            while len(group) < self._most and not waiting.empty():
                group.append(waiting.get_nowait())
            await self._serve(lane, group)

    async def _serve(self, lane: int, group: list[tuple[Asked, asyncio.Future[Answered]]]) -> None:
        try:
            answers = await self._carry_out(lane, [item for item, _ in group])
        except Exception as problem:  # noqa: BLE001  # whatever it is, those who wait must hear of it
            answers = [problem] * len(group)
        for (_, future), answer in zip(group, answers, strict=True):
            if future.done():
                continue  # the one who asked has gone away
            if isinstance(answer, BaseException):
                future.set_exception(answer)
            else:
                future.set_result(answer)

    async def close(self) -> None:
        """Stop the workers; whoever still waits is told that the counter is closed."""
        for worker in self._workers:
            worker.cancel()
        for worker in self._workers:
            with contextlib.suppress(asyncio.CancelledError):
                await worker
        while not self._waiting.empty():
            self._waiting.get_nowait()[1].cancel()
