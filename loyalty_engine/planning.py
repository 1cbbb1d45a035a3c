"""Before and after publishing: what would change, and back to how it was.

Invariant: going back is going on: a further version that says what an old one said, never the old one itself.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import UNSET, Struct

from loyalty_engine import programmes
from loyalty_engine.answers import Answer
from loyalty_engine.backtest.answer import BacktestAnswer
from loyalty_engine.backtest.calendar import Span
from loyalty_engine.backtest.running import Trial, backtest
from loyalty_engine.changes import Changed, changes
from loyalty_engine.commands import BacktestProgramme, RollBack
from loyalty_engine.database import ask
from loyalty_engine.errors import BodyInvalid, VersionUnknown
from loyalty_engine.tables import Version

if TYPE_CHECKING:
    from loyalty_engine.businesses import Caller
    from loyalty_engine.commands import Ticket
    from loyalty_engine.house import House


class Difference(Struct, frozen=True):
    """What differs between two programmes, each named, and every change as a sentence."""

    before: str
    after: str
    changes: tuple[Changed, ...]


async def roll_back(house: House, caller: Caller, command: RollBack, ticket: Ticket) -> Answer:
    """Publish once more what an older version said; the one before the current, where none is named.

    Answers 201 with VersionAnswer (200 where that is what is current already). Raises VersionUnknown, and
    ProgrammeRefused where what was fine then is refused today.
    """
    number = command.to
    if number is None:
        number = len(await house.shelf.every(caller.business_id)) - 1
    found = await ask(
        house.database,
        Version.select(Version.source, Version.format).where(
            (Version.business_id == caller.business_id) & (Version.version == number)
        ),
    )
    if not found:
        raise VersionUnknown
    return await programmes.publish(house, caller, command, ticket, source=found[0]["source"], form=found[0]["format"])


async def difference(house: House, caller: Caller, before: int | None, after: int | None) -> Difference:
    """Tell what differs between two versions. Left out, the current version comes before and the draft after.

    Raises ProgrammeMissing, VersionUnknown, DraftMissing, and ProgrammeRefused where the draft cannot be read.
    """
    editions = await house.shelf.every(caller.business_id)
    numbers = [len(editions) if before is None else before, len(editions) if after is None else after]
    if not all(1 <= number <= len(editions) for number in numbers):
        raise VersionUnknown
    old, new = (editions[number - 1].programme for number in numbers)
    if after is None:
        source, form = await programmes.draft_source(house, caller)
        new = programmes.judgeable(source, form)
    called = "the draft" if after is None else f"version {after}"
    return Difference(f"version {numbers[0]}", called, changes(old, new))


async def try_out(house: House, caller: Caller, command: BacktestProgramme, *, at: datetime) -> BacktestAnswer:
    """Try a programme on everything in the journal; nothing is kept.

    Raises BodyInvalid, DraftMissing, ProgrammeRefused, ProgrammeMissing, VersionUnknown and BacktestRunning.
    """
    if command.programme is not UNSET and command.toml is not UNSET:
        message = "send the programme once, as a document or as TOML"
        raise BodyInvalid(message, pointer="/toml")
    if command.since is not None and command.until is not None and command.since >= command.until:
        message = "the span ends before it begins"
        raise BodyInvalid(message, pointer="/until")
    if command.programme is not UNSET:
        programme, called = programmes.judgeable(bytes(command.programme).decode(), "json"), "the programme sent"
    elif command.toml is not UNSET:
        programme, called = programmes.judgeable(command.toml, "toml"), "the programme sent"
    else:
        programme, called = programmes.judgeable(*await programmes.draft_source(house, caller)), "the draft"
    trial = Trial(
        programme=programme, called=called, against=command.against, span=Span(command.since, command.until),
        worth=command.worth,
    )  # fmt: skip
    return await backtest(house, caller, trial, at=at)
