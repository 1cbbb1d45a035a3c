"""Rounds taken in turn: every target at every number of connections, again and again, and the median of each."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

UNSTEADY: Final = 0.35
CONNECTIONS: Final = (1, 8, 32)


class Sample(NamedTuple):
    """One round at one target: how much, how fast, and whether all went well. pgbench tells its mean as p50."""

    per_second: float
    p50_ms: float
    p99_ms: float | None
    answered: int
    sent: int
    failed: int


Target = Callable[[int, float], Sample]
Measured = dict[tuple[str, int], list[Sample]]


def take(targets: Mapping[str, Target], *, rounds: int, seconds: float) -> Measured:
    """Warm every target up, then measure in turn; what swings between rounds is measured again."""
    for target in targets.values():
        target(8, 1)
    taken: Measured = {(name, number): [] for name in targets for number in CONNECTIONS}
    for _ in range(rounds):
        for name, number in taken:
            taken[name, number].append(targets[name](number, seconds))
    for (name, number), samples in taken.items():
        if _swing(samples) > UNSTEADY:
            samples.append(targets[name](number, seconds))
    return taken


def _swing(samples: Sequence[Sample]) -> float:
    rates = [sample.per_second for sample in samples]
    return (max(rates) - min(rates)) / statistics.median(rates)


def rate(samples: Sequence[Sample]) -> float:
    """Give the median rate."""
    return statistics.median(sample.per_second for sample in samples)


def p50(samples: Sequence[Sample]) -> float:
    """Give the median of the rounds' medians, in milliseconds."""
    return statistics.median(sample.p50_ms for sample in samples)


def p99(samples: Sequence[Sample]) -> float | None:
    """Give the median of the rounds' 99th percentiles, in milliseconds."""
    known = [sample.p99_ms for sample in samples if sample.p99_ms is not None]
    return statistics.median(known) if known else None
