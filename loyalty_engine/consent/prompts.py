"""What the cashier asks the member in front of them, in the very words that are kept as proof.

Nobody is asked who has answered not long ago: a yes is asked for anew shortly before it runs out, and a no is left in
peace for as long as the programme says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import rules
from loyalty_engine.consent.fold import States, stopped
from loyalty_engine.consent.questions import ConsentPrompt
from loyalty_engine.consent.reading import Reader, states_of
from loyalty_engine.instants import from_micros, to_micros
from loyalty_engine.wording import language_for

if TYPE_CHECKING:
    from loyalty_engine.consent.fold import Standing


async def due(
    reader: Reader,
    programme: rules.Programme,
    business_id: int,
    member_id: str | None,
    language: str | None,
    *,
    at: int,
) -> tuple[ConsentPrompt, ...]:
    """Give what is to be asked at the till now; somebody who is no member yet is asked everything."""
    asked = [wording for wording in programme.consent.wordings if wording.ask == "till"]
    if not asked:
        return ()
    states = await states_of(reader, business_id, member_id) if member_id is not None else {}
    spoken = language_for(programme, language)
    return tuple(_prompt(programme, wording, spoken) for wording in asked if _open(programme, wording, states, at))


def _prompt(programme: rules.Programme, wording: rules.Wording, language: str) -> ConsentPrompt:
    twice = programme.consent.twice(wording, programme.country)
    said = language if language in wording.says else next(iter(wording.says))
    return ConsentPrompt(wording.purpose, wording.channel, wording.id, said, wording.says[said], twice)


def _open(programme: rules.Programme, wording: rules.Wording, states: States, at: int) -> bool:
    standing = states.get((wording.purpose, wording.channel))
    stop = stopped(states, wording.channel)
    if stop is not None:
        standing = stop
    return standing is None or at >= _ask_again(programme, standing)


def _ask_again(programme: rules.Programme, standing: Standing) -> int:
    asked, zone = programme.consent, programme.timezone
    since = from_micros(standing.since)
    if standing.state == "given":
        if standing.expires_at is None:
            return 1 << 62
        early = rules.Period(asked.renew_before.most_days(), "day")
        return max(standing.since, standing.expires_at - _micros(early))
    if standing.state == "requested":
        return standing.expires_at or 0
    if standing.state in {"deferred", "started"}:
        return 0
    return to_micros(asked.ask_again_after.after(since, zone))


def _micros(days: rules.Period) -> int:
    return days.days() * 24 * 3600 * 1_000_000
