"""A yes is asked for twice where the programme or its country wants that: it waits until its number says it again.

Invariant: the question goes out once for each decision, with the record that waits for its answer, or neither is kept;
and as long as one waits, no second one is sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from loyalty_engine.consent import reading, recording
from loyalty_engine.consent.commands import Evidence, as_recorded
from loyalty_engine.instants import from_micros
from loyalty_engine.messages import outbox
from loyalty_engine.messages.outbox import Note
from loyalty_engine.wording import confirming_text, language_for

if TYPE_CHECKING:
    from msgspec import Struct

    from loyalty_engine.commands import EnrolMember, RecordPurchase
    from loyalty_engine.consent.reading import Reader
    from loyalty_engine.consent.records import ConsentRow
    from loyalty_engine.house import House
    from loyalty_engine.ledger import Sheet
    from loyalty_engine.rows import MemberRow
    from loyalty_engine.shelf import Edition

# A yes to letters is confirmed from the letter box and not from the telephone.
_BY_LETTER: Final = "email"


async def along(
    house: House, key_id: str, command: RecordPurchase | EnrolMember, edition: Edition, member: MemberRow,
    sheet: Sheet, reader: Reader,
) -> tuple[Struct, ...]:  # fmt: skip
    """Give the rows of what was agreed to along with a purchase or an enrolment; none where nothing was said."""
    if not command.consents:
        return ()
    if any(edition.programme.consent.wording(given.wording) is None for given in command.consents):
        # A wording newer than the purchase: a till may ask in today's words about what was bought this morning.
        edition = await house.shelf.current(sheet.business_id)
    before = await reading.records_of(reader, sheet.business_id, member.id)
    evidence = Evidence(
        location=command.location, till=getattr(command, "till", None), staff=getattr(command, "staff", None)
    )
    happened = from_micros(min(sheet.occurred_at, sheet.recorded_at))
    told = [as_recorded(given, evidence, happened) for given in command.consents]
    writing = recording.Writing(
        business_id=sheet.business_id, journal_id=sheet.journal_id, key_id=key_id, location=command.location,
        recorded_at=sheet.recorded_at,
    )  # fmt: skip
    pointers = [f"/consents/{n}" for n in range(len(told))]
    person = recording.person_of(house, sheet.business_id, member)
    written = recording.write(house, edition, person, before, told, writing, pointers=pointers)
    return (*written.rows(), *questions(house, edition, person, written))


def asked_of(written: recording.Written) -> tuple[ConsentRow, ...]:
    """Name the new records that wait for their number to say it again, and were not waiting before."""
    return tuple(
        record
        for record in written.new
        if record.decision == "requested"
        and written.states[record.purpose, record.channel].record_id == record.id
        and (record.purpose, record.channel) not in written.waited
        and record.channel != _BY_LETTER
    )


def questions(
    house: House, edition: Edition, person: recording.Person, written: recording.Written
) -> tuple[outbox.MessageRow, ...]:
    """Write to the member what they are asked to say again; it makes sense for as long as the yes may wait."""
    rows = []
    for record in asked_of(written):
        language = language_for(edition.programme, person.language or record.language)
        wording = edition.programme.consent.wording(record.wording)
        words = wording.says.get(language) or wording.says.get(record.language, "") if wording else ""
        note = Note(
            channel="sms", purpose="service.confirm", text=confirming_text(edition.programme.name, language, words),
            language=language, once=f"confirm:{record.id}", journal_id=record.journal_id, expires_at=record.expires_at,
        )  # fmt: skip
        rows.append(
            outbox.to_member(
                house, record.business_id, person.id, person.wrapped_key, note, at=record.recorded_at
            )
        )  # fmt: skip
    return tuple(rows)
