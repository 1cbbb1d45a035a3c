"""What a member decides by text of being written to: they stop and start, join, and say yes or no to what was asked.

Invariant: a yes or a no is taken for what was asked of this very number, and for nothing else.
"""

from __future__ import annotations

from typing import Final

import rules
from loyalty_engine.consent import fold, reading
from loyalty_engine.consent.commands import Evidence, RecordConsent
from loyalty_engine.consent.records import EVERY_PURPOSE
from loyalty_engine.texts.answering import answer, not_understood
from loyalty_engine.texts.asking import Asked, Reaction
from loyalty_engine.texts.sayings import Saying
from loyalty_engine.wording import confirming_text

_CHANNEL: Final = "sms"
_DAY: Final = 24 * 3600 * 1_000_000
_LABEL: Final = 100
_NOTE: Final = 1000
_MARKETING: Final = "marketing"


# --- stopping and starting ---


async def stop(asked: Asked) -> Reaction:
    """Close this channel, or every one, at once."""
    everything = asked.wish.kind == "stop_all"
    saying: Saying = "stopped_all" if everything else "stopped"
    text = "" if asked.incoming.says_goodbye else answer(asked, saying)
    record = _decided(asked, "stopped", EVERY_PURPOSE, "any" if everything else _CHANNEL)
    records = (record,) if asked.member is not None else ()
    return Reaction(text=text, purpose="stopped", records=records, review=asked.wish.read_on)


async def start(asked: Asked) -> Reaction:
    """Open the line again. It is no consent to anything: that is asked for, and answered with a yes of its own."""
    if asked.member is None:
        return Reaction(text=answer(asked, "stranger"))
    states = await _states(asked)
    records: tuple[RecordConsent, ...] = ()
    if fold.stopped(states, _CHANNEL) is not None:
        on_all = states.get((EVERY_PURPOSE, "any"))
        channels = (_CHANNEL, "any") if on_all is not None and on_all.state == "stopped" else (_CHANNEL,)
        records = tuple(_decided(asked, "started", EVERY_PURPOSE, channel) for channel in channels)
    return _asking(asked, "started", records=records)


# --- joining ---


async def join(asked: Asked) -> Reaction:
    """Make a member of who is none."""
    if asked.member is None:
        return _asking(asked, "welcome", joins=True)
    return Reaction(text=answer(asked, "already"))


def _asking(
    asked: Asked, saying: Saying, *, joins: bool = False, records: tuple[RecordConsent, ...] = ()
) -> Reaction:  # fmt: skip
    """Answer with the question whether one may write with offers, where the programme has words for it that fit."""
    wording = _question(asked)
    words = rules.plain(wording.says.get(asked.language, "")) if wording else ""
    text = answer(asked, saying, question=words)
    question = wording.id if wording is not None and words and words in text else None
    return Reaction(text=text, joins=joins, records=records, question=question)


def _question(asked: Asked) -> rules.Wording | None:
    wordings = asked.edition.programme.consent.wordings
    return next((one for one in wordings if one.purpose == _MARKETING and one.channel == _CHANNEL), None)


# --- consent ---


async def yes(asked: Asked) -> Reaction:
    """Take a yes for what waits to be confirmed, else for the question that was asked within a day; for nothing else.

    Where a yes is to be said twice, the answer to the first asks for the second.
    """
    if asked.member is None:
        return not_understood(asked)
    waiting = await _waiting(asked)
    if waiting is not None:
        confirmed = _decided(asked, "confirmed", waiting.purpose, waiting.channel, waiting)
        return Reaction(text=_thanks(asked, waiting), records=(confirmed,))
    wording = await _last_question(asked)
    if wording is not None:
        given = _decided(asked, "given", wording.purpose, wording.channel, wording)
        return Reaction(text=await _said_once(asked, wording), records=(given,))
    if fold.stopped(await _states(asked), _CHANNEL) is not None:
        return await start(asked)
    return not_understood(asked)


async def no(asked: Asked) -> Reaction:
    """Take a no for what was asked; said out of the blue it is no STOP, and a person reads it."""
    if asked.member is None:
        return not_understood(asked)
    wording = await _waiting(asked) or await _last_question(asked)
    if wording is None:
        return not_understood(asked)
    record = _decided(asked, "refused", wording.purpose, wording.channel, wording)
    return Reaction(text=answer(asked, "declined"), records=(record,))


async def _said_once(asked: Asked, wording: rules.Wording) -> str:
    """Thank for a yes, or ask for it once more where it does not count yet."""
    programme = asked.edition.programme
    standing = (await _states(asked)).get((wording.purpose, wording.channel))
    if not programme.consent.twice(wording, programme.country) or (standing is not None and standing.holds(asked.at)):
        return _thanks(asked, wording)
    return confirming_text(programme.name, asked.language, _words(asked, wording))


def _thanks(asked: Asked, wording: rules.Wording) -> str:
    if (wording.purpose, wording.channel) == (_MARKETING, _CHANNEL):
        return answer(asked, "given")
    return answer(asked, "noted", question=_words(asked, wording))


def _words(asked: Asked, wording: rules.Wording) -> str:
    return wording.says.get(asked.language) or next(iter(wording.says.values()))


async def _waiting(asked: Asked) -> rules.Wording | None:
    """Find the words of the newest yes that waits to be confirmed from this number, if they are still asked."""
    assert asked.member is not None, "a member has said it"
    records = await reading.records_of(asked.reader, asked.business_id, asked.member.id)
    states = fold.fold(records)
    for record in reversed(records):
        standing = states.get((record.purpose, record.channel))
        if standing is None or standing.record_id != record.id or record.channel == "email":
            continue
        wording = asked.edition.programme.consent.wording(record.wording)
        if standing.waits(asked.at) and wording is not None:
            return wording
    return None


async def _last_question(asked: Asked) -> rules.Wording | None:
    found = await asked.reader.fetch(
        "SELECT asked FROM inbound_texts WHERE business_id = $1 AND number_index = $2 AND received_at > $3 "
        "ORDER BY received_at DESC LIMIT 1",
        asked.business_id, asked.number_index, asked.at - _DAY,
    )  # fmt: skip
    return asked.edition.programme.consent.wording(found[0][0]) if found and found[0][0] else None


def _decided(
    asked: Asked, decision: str, purpose: str, channel: str, wording: rules.Wording | None = None
) -> RecordConsent:  # fmt: skip
    incoming = asked.incoming
    evidence = Evidence(
        source="text", gateway=incoming.gateway, message=incoming.id[:_LABEL],
        text=incoming.text[:_NOTE] or "-", address=incoming.to[:_LABEL] or None,
    )  # fmt: skip
    return RecordConsent(
        purpose=purpose, channel=channel, decision=decision,  # type: ignore[arg-type]  # one of its words
        wording=wording.id if wording else None, language=_spoken(asked, wording), evidence=evidence,
    )  # fmt: skip


def _spoken(asked: Asked, wording: rules.Wording | None) -> str | None:
    if wording is None:
        return None
    return asked.language if asked.language in wording.says else next(iter(wording.says))


async def _states(asked: Asked) -> fold.States:
    member_id = asked.member.id if asked.member else ""
    return fold.fold(await reading.records_of(asked.reader, asked.business_id, member_id))
