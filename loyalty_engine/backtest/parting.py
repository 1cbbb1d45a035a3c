"""A file's members over all cores: every process reads its own part of them, and the sums are added up.

Invariant: what is sent to a process is text and plain values, so that it can start anew and know everything.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

import rules
from loyalty_engine.backtest.calendar import Span
from loyalty_engine.backtest.counting import Contest, Count
from loyalty_engine.backtest.filing import Filed, Reading, histories
from loyalty_engine.backtest.judge import Judge
from loyalty_engine.backtest.tally import Sums
from loyalty_engine.backtest.worth import Worth
from loyalty_engine.shelf import Edition

# After so many purchases a process says how far it is.
_SAID_EVERY = 5000


class Brief(Struct, frozen=True):
    """A contest as a process is told of it: each programme as TOML, with its version and since when it is valid."""

    tried: tuple[tuple[int, int, str], ...]
    against: tuple[tuple[int, int, str], ...] | None
    called: tuple[str, str | None]
    span: Span
    worth: Mapping[str, Worth]

    def contest(self) -> Contest:
        """Make ready what is judged by."""
        return Contest(
            _judge(self.tried), _judge(self.against) if self.against else None, self.called, self.span, self.worth
        )


def _judge(told: tuple[tuple[int, int, str], ...]) -> Judge:
    return Judge(
        tuple(
            Edition(version, since, rules.compile_programme(rules.read(source, "toml")))
            for version, since, source in told
        )
    )


def brief(contest: Contest) -> Brief:
    """Put a contest into words."""
    tried, against = (None if judge is None else judge.told() for judge in (contest.tried, contest.against))
    assert tried is not None, "something is tried"
    return Brief(tried, against, contest.called, contest.span, contest.worth)


def counted(
    filed: Filed, contest: Contest, *, processes: int, progress: Callable[[int], None] | None = None
) -> tuple[Sums, Reading]:
    """Count a whole file, in so many processes; `progress` hears how many purchases have been judged."""
    if processes == 1:
        return _count(filed, contest, progress or (lambda _: None))
    sums, reading = Count(contest).sums, Reading()
    with _started(filed, brief(contest), processes) as pipes:
        judged = dict.fromkeys(pipes, 0)
        waiting = set(pipes)
        while waiting:
            for pipe in wait(list(waiting)):
                assert isinstance(pipe, Connection), "we wait for pipes"
                said = _heard(pipe)
                if isinstance(said, int):
                    judged[pipe] = said
                    if progress is not None:
                        progress(sum(judged.values()))
                    continue
                waiting.discard(pipe)
                sums.join(said[0])
                reading.join(said[1])
    return sums, reading


def processes_here() -> int:
    """Give how many processes this machine has cores for."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _heard(pipe: Connection) -> Any:
    try:
        said = pipe.recv()
    except EOFError:
        raise RuntimeError("a process of the backtest has ended before it was done") from None
    if isinstance(said, BaseException):
        raise said
    return said


@contextmanager
def _started(filed: Filed, told: Brief, processes: int) -> Iterator[list[Connection]]:
    """Start the processes; whatever happens, none is left behind."""
    context = multiprocessing.get_context("spawn")
    running: list[SpawnProcess] = []
    pipes = []
    try:
        for part in range(processes):
            ours, theirs = context.Pipe(duplex=False)
            process = context.Process(
                target=work, args=(replace(filed, part=part, parts=processes), told, theirs), daemon=True
            )
            process.start()
            theirs.close()
            running.append(process)
            pipes.append(ours)
        yield pipes
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.join()


def work(filed: Filed, told: Brief, pipe: Connection) -> None:
    """Count one part: what a process of a backtest does."""
    gc.disable()  # purchases hold no circles, and looking for them again and again is a tenth of the time
    try:
        pipe.send(_count(filed, told.contest(), pipe.send))
    except Exception as problem:  # noqa: BLE001  # whatever it is, it is for whoever waits to say
        pipe.send(problem)


def _count(filed: Filed, contest: Contest, progress: Callable[[int], None]) -> tuple[Sums, Reading]:
    count, reading = Count(contest), Reading()
    judged = said = 0
    for history in histories(filed, contest.tried.newest.programme, reading):
        count.take(history)
        judged += len(history.happened)
        if judged - said >= _SAID_EVERY:
            said = judged
            progress(judged)
    progress(judged)
    return count.sums, reading
