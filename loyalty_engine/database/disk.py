"""The thread that waits for the disk, so that the event loop does not; an executor's futures cost more than a flush."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread


class Disk:
    """A thread that waits for the disk, handed one thing after the other."""

    def __init__(self) -> None:
        """Begin with nothing to do; the thread starts with the first."""
        self._asked: SimpleQueue[tuple[Callable[[], object], asyncio.Future[None]] | None] = SimpleQueue()
        self._thread: Thread | None = None

    def carry_out(self, work: Callable[[], object]) -> asyncio.Future[None]:
        """Do it in the thread; the future is done when it is, or has what it raised."""
        if self._thread is None:
            self._thread = Thread(target=self._run, name="disk", daemon=True)
            self._thread.start()
        done = asyncio.get_running_loop().create_future()
        self._asked.put((work, done))
        return done

    def _run(self) -> None:
        while (asked := self._asked.get()) is not None:
            work, done = asked
            problem = None
            try:
                work()
            except BaseException as raised:  # noqa: BLE001  # whatever it is, the one who waits must hear of it
                problem = raised
            with suppress(RuntimeError):  # the loop is closed: nobody waits
                done.get_loop().call_soon_threadsafe(_told, done, problem)

    def close(self) -> None:
        """End the thread when it has done what was asked."""
        if self._thread is not None:
            self._asked.put(None)
            self._thread.join()


def _told(done: asyncio.Future[None], problem: BaseException | None) -> None:
    if done.done():
        return  # the one who asked has gone away
    if problem is None:
        done.set_result(None)
    else:
        done.set_exception(problem)
