"""What is done by the clock and not by a till: what ran out, what is due, and what a crash left undone.

Invariant: a job may run any number of times, in several processes at once, and be stopped anywhere: what it does is
claimed or conditional inside the transaction that does it, so that it is done once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING

import structlog
from msgspec import Struct

from loyalty_engine import almanac, expiring, noticing, refunding
from loyalty_engine.errors import Busy
from loyalty_engine.mending import cohorts
from loyalty_engine.messages import sending
from loyalty_engine.privacy import requests, retention
from loyalty_engine.redemption import holding
from loyalty_engine.referrals import rounds
from loyalty_engine.standing import reviewing
from loyalty_engine.vaults import keys
from loyalty_engine.webhooks import telling

if TYPE_CHECKING:
    from loyalty_engine.house import House

_log = structlog.get_logger("loyalty.upkeep")
# How often a job that found the database busy is begun again in one round.
_TRIES = 5


class Job(Struct, frozen=True):
    """One thing that is due now and then: `run(house, at)` does what is due and tells how much that was."""

    says: str
    run: Callable[[House, datetime], Awaitable[int]]


async def _settle(house: House, at: datetime) -> int:
    return await refunding.settle_all(house, at=at)


async def _lapse(house: House, at: datetime) -> int:
    return await holding.lapse(house, at=at)


async def _refer(house: House, at: datetime) -> int:
    return await rounds.go(house, at=at)


async def _expire(house: House, at: datetime) -> int:
    return await expiring.expire(house, at=at)


async def _review(house: House, at: datetime) -> int:
    return await reviewing.review(house, at=at)


async def _carry_on(house: House, at: datetime) -> int:
    return await cohorts.carry_on(house, at=at)


async def _notice(house: House, at: datetime) -> int:
    return await noticing.notice(house, at=at)


async def _send(house: House, at: datetime) -> int:
    return await sending.send_due(house, lambda: at)


async def _remind(house: House, at: datetime) -> int:
    return await requests.remind(house, at=at)


async def _tidy(house: House, at: datetime) -> int:
    return await retention.tidy(house, at=at)


async def _turn(house: House, at: datetime) -> int:
    return await almanac.turn(house, at=at)


async def _tell(house: House, at: datetime) -> int:
    return await telling.tell(house, at)


# In the order they are done. A job of another room is one more line here.
JOBS: tuple[Job, ...] = (
    Job("refunds settled", _settle),
    Job("holds lapsed", _lapse),
    Job("referrals credited or let go of", _refer),
    Job("lots expired", _expire),
    Job("tiers reviewed", _review),
    Job("days of the calendar told", _turn),
    Job("awards to many", _carry_on),
    Job("expiries told of", _notice),
    Job("messages sent", _send),
    Job("webhooks told", _tell),
    Job("requests reminded of", _remind),
    Job("rows at the end of their retention", _tidy),
)


class Done(Struct, frozen=True):
    """What one job of a round came to; `problem` names what stopped it."""

    says: str
    count: int
    problem: str | None = None


async def go_round(house: House, at: datetime, jobs: tuple[Job, ...] = JOBS) -> tuple[Done, ...]:
    """Do everything that is due at an instant, once; a job that fails does not keep the next from its turn."""
    return tuple([await _do(house, at, job) for job in jobs])


async def _do(house: House, at: datetime, job: Job) -> Done:
    problem = ""
    for _ in range(_TRIES):
        try:
            return Done(job.says, await job.run(house, at))
        except Busy as busy:
            problem = type(busy).__name__
        except Exception as stopped:  # noqa: BLE001  # whatever stopped this job, the others have their turn
            problem = type(stopped).__name__
            break
    return Done(job.says, 0, problem)


async def keep_up(
    house: House, now: Callable[[], datetime], *, every: int = 60, jobs: tuple[Job, ...] = JOBS
) -> None:  # fmt: skip
    """Send what is due as it comes, and go round every so many seconds, until cancelled."""
    await asyncio.gather(sending.keep_sending(house, now), _keep_going_round(house, now, every, jobs), keep_keys(house))


async def keep_keys(house: House, *, every: int = 1) -> None:
    """Take in what the key file says as soon as it says something else: a master key is replaced under load."""
    file = house.settings.vault_file
    known = file.stat().st_mtime_ns if house.settings.key is None and file.exists() else None
    while known is not None:
        await asyncio.sleep(every)
        try:
            if (newer := file.stat().st_mtime_ns) != known:
                await keys.read_again(house)
                known = newer
        except Exception as problem:  # noqa: BLE001  # the next look takes it in
            _log.warning("keys", problem=type(problem).__name__)


async def _keep_going_round(house: House, now: Callable[[], datetime], every: int, jobs: tuple[Job, ...]) -> None:
    """Do what is due by the clock; what fails is said in the log and made up for later.

    A purchase and the refund that came before it may be told to two processes in the same instant, so that neither
    sees the other: the round finds the refund and settles it.
    """
    while True:
        for done in await go_round(house, now(), jobs):
            if done.problem:
                _log.warning("upkeep", job=done.says, problem=done.problem)
            elif done.count:
                _log.info("upkeep", job=done.says, count=done.count)
        await asyncio.sleep(every)
