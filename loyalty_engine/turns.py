"""Who is next: commands about the same member take turns inside one process, so that they do not decide in vain."""

from __future__ import annotations

import asyncio
from types import TracebackType


class Turns:
    """Locks that exist only while somebody holds or awaits them."""

    def __init__(self) -> None:
        """Begin with nobody waiting."""
        self._held: dict[object, list[asyncio.Future[None]]] = {}

    def of(self, whom: object) -> _Turn:
        """Give the turn of one member: `async with turns.of(key)`."""
        return _Turn(self._held, whom)


class _Turn:
    """First come, first served; released turns are handed to whoever has waited longest."""

    __slots__ = ("_held", "_whom")

    def __init__(self, held: dict[object, list[asyncio.Future[None]]], whom: object) -> None:
        self._held = held
        self._whom = whom

    async def __aenter__(self) -> None:
        waiting = self._held.get(self._whom)
        if waiting is None:
            self._held[self._whom] = []
            return
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting.append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                self._pass_on()  # it was handed to us just as we left
            else:
                waiting.remove(mine)
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pass_on()

    def _pass_on(self) -> None:
        waiting = self._held[self._whom]
        while waiting:
            following = waiting.pop(0)
            if not following.done():
                following.set_result(None)
                return
        del self._held[self._whom]
