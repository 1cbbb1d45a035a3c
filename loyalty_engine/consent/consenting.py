"""A member decides what they agree to: at the till, by text, on a page, over the telephone; and may say no at any time.

A no stands from the moment it is written down: what waits in the outbox is judged by it when it would leave.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from loyalty_engine import ids, journal
from loyalty_engine.answers import Answer
from loyalty_engine.businesses import Caller, place_of
from loyalty_engine.commands import Ticket
from loyalty_engine.consent import agreeing, fold, reading, recording
from loyalty_engine.consent.answers import (
    ConsentAnswer,
    ConsentRecord,
    ConsentsAnswer,
    ConsentStanding,
    ConsentWords,
)
from loyalty_engine.consent.commands import RecordConsent
from loyalty_engine.consent.export import as_dpv
from loyalty_engine.consent.records import ConsentRow
from loyalty_engine.database import Opening, Page
from loyalty_engine.errors import MemberUnknown
from loyalty_engine.instants import shown, shown_or_none, to_micros
from loyalty_engine.members import moved, state_of
from loyalty_engine.rows import Posting

if TYPE_CHECKING:
    from datetime import datetime

    from loyalty_engine.house import House


async def record_consent(
    house: House, caller: Caller, member_id: str, command: RecordConsent, ticket: Ticket
) -> Answer:
    """Write down what a member decided, once. Answers 201 with ConsentAnswer.

    Raises MemberUnknown, PurposeUnknown, WordingUnknown, LanguageUnknown, MemberTooYoung and ConsentNotAskedFor.
    """
    at = to_micros(ticket.at)
    location = place_of(caller, command.evidence.location) if caller.location else command.evidence.location
    happened = to_micros(journal.happened_at(house.settings, command.occurred_at, ticket.at))
    opening = Opening(
        business_id=caller.business_id, key=ticket.key, member_id=member_id, location=location, occurred_at=happened,
        now=at,
    )  # fmt: skip
    told = journal.Told(
        kind="consent",
        ticket=ticket,
        opening=opening,
        fingerprint=journal.fingerprint(house, caller.business_id, "consent", command, member_id),
    )
    edition = await house.shelf.current(caller.business_id)

    async def decide(page: Page, reader: journal.Reader) -> Posting:
        state = page.member
        if state is None:
            raise MemberUnknown
        line_id = ids.new("jnl", at // 1000)
        before = await reading.records_of(reader, caller.business_id, state.id)
        writing = recording.Writing(
            business_id=caller.business_id, journal_id=line_id, key_id=caller.key_id, location=location, recorded_at=at
        )
        person = recording.person_of(house, caller.business_id, state)
        written = recording.write(house, edition, person, before, (command,), writing, pointers=("",))
        [record] = written.new
        says = await _says(house, record)
        answer = ConsentAnswer(_shown(record, says), standings(written.states, at))
        line = journal.line(
            told, line_id, status=201, answer=msgspec.json.encode(answer), member_id=state.id,
            revision=state.revision + 1, subject=record.id, version=edition.version,
        )  # fmt: skip
        return Posting(
            business_id=caller.business_id, expected=state.revision, member=moved(caller.business_id, state),
            journal=line, extra=(*written.rows(), *agreeing.questions(house, edition, person, written)),
        )  # fmt: skip

    return await journal.once(house, told, decide)


async def consents_of(house: House, caller: Caller, member_id: str, *, at: datetime) -> ConsentsAnswer:
    """Show what a member agrees to, and every record of it, newest first. Raises MemberUnknown."""
    now = to_micros(at)
    state = await state_of(house, caller.business_id, member_id, now)
    records = await reading.records_of(house.database, caller.business_id, state.id)
    items = [_shown(record, await _says(house, record)) for record in reversed(records)]
    return ConsentsAnswer(state.id, standings(fold.fold(records), now), tuple(items))


async def exported(house: House, caller: Caller, member_id: str, *, at: datetime) -> dict[str, Any]:
    """Give a member's consent records as ISO/IEC TS 27560 fields in DPV JSON-LD. Raises MemberUnknown."""
    state = await state_of(house, caller.business_id, member_id, to_micros(at))
    edition = await house.shelf.current(caller.business_id)
    records = await reading.records_of(house.database, caller.business_id, state.id)
    words = {record.id: await _says(house, record) for record in records}
    return as_dpv(edition.programme, state.id, records, lambda record: words[record.id])


def standings(states: fold.States, at: int) -> tuple[ConsentStanding, ...]:
    """Show where a member stands at an instant, by purpose and channel."""
    return tuple(
        ConsentStanding(
            purpose, channel, one.state, fold.allows(states, purpose, channel, at) is not None, shown(one.since),
            shown_or_none(one.expires_at), one.record_id,
        )
        for (purpose, channel), one in sorted(states.items())
    )  # fmt: skip


async def _says(house: House, record: ConsentRow) -> str | None:
    """Find the words themselves again, in the version of the programme that was published with them."""
    edition = await house.shelf.numbered(record.business_id, record.wording_version)
    wording = edition.programme.consent.wording(record.wording)
    return wording.says.get(record.language) if wording is not None else None


def _shown(record: ConsentRow, says: str | None) -> ConsentRecord:
    words = ConsentWords(record.wording, record.wording_version, record.language, record.wording_sha256, says)
    return ConsentRecord(
        record.id, record.number, record.purpose, record.channel, record.decision, words, record.source, record.actor,
        record.location, record.jurisdiction, shown(record.occurred_at), shown(record.recorded_at),
        shown_or_none(record.expires_at), record.previous, record.hash,
    )  # fmt: skip
