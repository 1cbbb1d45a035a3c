"""A backtest over a business's own journal: which programme, beside which, and then member after member.

Invariant: it only reads; one at a time for a business, and between two slices of work everybody else has their turn.
Cancelled, it leaves nothing behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec import Struct

import rules
from loyalty_engine import members
from loyalty_engine.backtest.answer import BacktestAnswer
from loyalty_engine.backtest.answering import answered
from loyalty_engine.backtest.calendar import Span
from loyalty_engine.backtest.counting import Contest, Count
from loyalty_engine.backtest.history import History
from loyalty_engine.backtest.judge import Judge
from loyalty_engine.backtest.reading import histories, trade
from loyalty_engine.backtest.tally import Sums
from loyalty_engine.backtest.worth import worths
from loyalty_engine.errors import BacktestRunning, VersionUnknown
from loyalty_engine.identifiers import mask
from loyalty_engine.instants import to_micros
from loyalty_engine.knowing import month_and_day
from loyalty_engine.shelf import Edition

if TYPE_CHECKING:
    from loyalty_engine.businesses import Caller
    from loyalty_engine.house import House

Against = int | Literal["current", "published"]
# Hears how many purchases are judged, of how many.
Progress = Callable[[int, int], None]


class Trial(Struct, frozen=True, kw_only=True):
    """What is asked: a programme and its name, beside which one, over which span, with units worth how much.

    Without a programme the published versions are tried, each in its own days: the ledger's own figures.
    """

    programme: rules.Programme | None
    called: str = "the programme"
    against: Against | None = "current"
    span: Span = Span()
    worth: Mapping[str, str] = msgspec.field(default_factory=dict)


def tried_alone(programme: rules.Programme) -> Judge:
    """Let one programme judge everything."""
    return Judge((Edition(0, 0, rules.compile_programme(programme)),))


async def judged_by(house: House, caller: Caller, against: Against) -> tuple[Judge, str]:
    """Give the published version that is meant, or all of them in their days; raises VersionUnknown."""
    editions = await house.shelf.every(caller.business_id)
    if against == "published":
        return Judge(editions), "what was published"
    number = editions[-1].version if against == "current" else against
    if not 1 <= number <= len(editions):
        raise VersionUnknown
    return Judge((editions[number - 1],)), f"version {number}"


async def contest_of(house: House, caller: Caller, trial: Trial, average_minor: Fraction) -> Contest:
    """Make everything ready that is judged by."""
    against, beside = (None, None) if trial.against is None else await judged_by(house, caller, trial.against)
    if trial.programme is None:
        tried, called = await judged_by(house, caller, "published")
    else:
        tried, called = tried_alone(trial.programme), trial.called
    # A unit that only the other programme has is worth what its perks say there.
    worth = worths(tried.newest.programme, trial.worth, average_minor)
    if against is not None:
        worth = worths(against.newest.programme, trial.worth, average_minor) | worth
    return Contest(tried, against, (called, beside), trial.span, worth)


async def backtest(
    house: House, caller: Caller, trial: Trial, *, at: datetime, progress: Progress | None = None
) -> BacktestAnswer:
    """Try a programme on everything recorded up to an instant.

    Raises BacktestRunning, ProgrammeMissing where nothing has been published to compare with, and VersionUnknown.
    """
    async with _alone(house, caller.business_id):
        contest, sums = await _counted(house, caller, trial, at, progress)
        sums.movers.settle()
        named = {mover.member: await _masked(house, caller, mover.member) for mover in sums.movers.both()}
        return answered(contest, sums, lambda member: (member, named[member]))


async def _counted(
    house: House, caller: Caller, trial: Trial, at: datetime, progress: Progress | None
) -> tuple[Contest, Sums]:
    """Live every member's history, in slices between which everybody else has their turn."""
    instant = to_micros(at)
    purchases, paid = await trade(house.database, caller.business_id, at=instant)
    contest = await contest_of(house, caller, trial, Fraction(paid, purchases) if purchases else Fraction(0))
    count, done = Count(contest), 0
    async for history in histories(house.database, caller.business_id, at=instant):
        if any(judge.asks_birthday for judge in contest.judges()):
            history = await _with_birthday(house, caller.business_id, history)  # noqa: PLW2901  # the same history
        for _ in count.steps(history):
            await asyncio.sleep(0)
        done += history.purchases()
        if progress is not None:
            progress(done, purchases)
    return contest, count.sums


@asynccontextmanager
async def _alone(house: House, business_id: int) -> AsyncIterator[None]:
    if business_id in house.backtests:
        raise BacktestRunning
    house.backtests.add(business_id)
    try:
        yield
    finally:
        house.backtests.discard(business_id)


async def _with_birthday(house: House, business_id: int, history: History) -> History:
    """Add the day on which a member has their birthday; the year stays sealed."""
    state = await members.state_of(house, business_id, history.member, 0)
    profile = members.profile_of(house, business_id, state)
    return msgspec.structs.replace(history, birthday=month_and_day(profile.get("birthday")))


async def _masked(house: House, caller: Caller, member: str) -> str:
    state = await members.state_of(house, caller.business_id, member, 0)
    known = await members.identifiers_of(house, caller.business_id, state)
    return mask(known[0]) if known else ""
