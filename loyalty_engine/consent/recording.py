"""Writes a decision down: in which words, under which law, until when, and who was there.

Refused in this order: a purpose nobody can agree to, a wording that is not the programme's or is about something else,
a language the wording is not written in, a member too young to agree alone, a confirmation nobody waits for.
A no is never refused for want of words. Invariant: all that is written is known from the record alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

import rules
from loyalty_engine import ids
from loyalty_engine.consent import fold
from loyalty_engine.consent.commands import Evidence, RecordConsent
from loyalty_engine.consent.records import (
    EVERY_PURPOSE,
    NOTHING_BEFORE,
    ConsentRow,
    sealed,
)
from loyalty_engine.errors import (
    BodyInvalid,
    ConsentNotAskedFor,
    LanguageUnknown,
    MemberTooYoung,
    PurposeUnknown,
    WordingUnknown,
)
from loyalty_engine.instants import from_micros, to_micros

if TYPE_CHECKING:
    from loyalty_engine.database import MemberState
    from loyalty_engine.house import House
    from loyalty_engine.rows import MemberRow
    from loyalty_engine.shelf import Edition

# A no may come in the member's own words: these are hashed in the place of a wording.
_OWN_WORDS: Final = "own-words"
_OF_CHANNELS: Final = ("stopped", "started")
_NEEDS_WORDS: Final = ("given", "requested", "confirmed", "refused", "deferred")
_FIELD: Final = "consent evidence"


class Person(Struct, frozen=True, kw_only=True):
    """The member as far as a record needs them: their id and key, their language, and when they were born."""

    id: str
    wrapped_key: str
    language: str | None
    born: date | None = None


class Writing(Struct, frozen=True, kw_only=True):
    """What goes with a record: the journal line that brings it, through which key it came, and when."""

    business_id: int
    journal_id: str
    key_id: str
    location: str | None
    recorded_at: int
    source: str | None = None


class Written(Struct, frozen=True):
    """Records that are new, what all of the member's records come to with them, and what waited for a second yes."""

    new: tuple[ConsentRow, ...]
    states: fold.States
    waited: frozenset[fold.Place] = frozenset()

    def rows(self) -> tuple[Struct, ...]:
        """Give the rows that ride in a posting."""
        if not self.new:
            return ()
        first = self.new[0]
        return (*self.new, *fold.rows(first.business_id, first.member_id, self.states))


def person_of(house: House, business_id: int, member: MemberRow | MemberState) -> Person:
    """Give what a consent record needs of a member; the birthday is unsealed for it."""
    born = None
    if member.sealed_profile:
        opened = house.vault.open(business_id, member.id, member.wrapped_key, "profile", member.sealed_profile)
        said = msgspec.json.decode(opened, type=dict[str, str]).get("birthday")
        born = date.fromisoformat(said) if said else None
    return Person(id=member.id, wrapped_key=member.wrapped_key, language=member.language, born=born)


def write(
    house: House, edition: Edition, person: Person, before: Sequence[ConsentRow], told: Sequence[RecordConsent],
    writing: Writing, *, pointers: Sequence[str] = (),
) -> Written:  # fmt: skip
    """Write decisions down after what is there already; `pointers` are their places in the body, for refusals."""
    records = list(before)
    for n, one in enumerate(told):
        pointer = pointers[n] if pointers else ""
        records.append(_record(house, edition, person, records, one, writing, pointer))
    waited = frozenset(place for place, standing in fold.fold(before).items() if standing.waits(writing.recorded_at))
    return Written(tuple(records[len(before) :]), fold.fold(records), waited)


def _record(
    house: House, edition: Edition, person: Person, before: Sequence[ConsentRow], told: RecordConsent,
    writing: Writing, pointer: str,
) -> ConsentRow:  # fmt: skip
    programme, asked = edition.programme, edition.programme.consent
    _known(programme, told, pointer)
    at = writing.recorded_at
    # What is told to have happened ahead of us happened now: it must not outlive a STOP that comes meanwhile.
    occurred_at = at if told.occurred_at is None else min(to_micros(told.occurred_at), at)
    wording, language, words = _words(programme, person, told, pointer)
    decision: str = told.decision
    if decision == "given" and wording is not None and asked.twice(wording, programme.country):
        decision = "requested"
    if decision in {"given", "requested", "confirmed"}:
        _old_enough(programme, person, from_micros(occurred_at), pointer)
    if decision == "confirmed" and not _waits(before, told, occurred_at):
        raise ConsentNotAskedFor(pointer=f"{pointer}/decision")
    return sealed(
        ConsentRow(
            writing.business_id, person.id, len(before) + 1, ids.new("con", at // 1000), told.purpose, told.channel,
            decision, told.wording or _OWN_WORDS, edition.version, hashlib.sha256(words.encode()).hexdigest(),
            language, writing.source or told.evidence.source, _actor(told.evidence, writing),
            told.evidence.location or writing.location, _sealed_evidence(house, writing, person, told.evidence),
            asked.under(programme.country).code, occurred_at, at, _expiry(programme, decision, occurred_at),
            writing.journal_id, before[-1].hash if before else NOTHING_BEFORE, "",
        )
    )  # fmt: skip


def _known(programme: rules.Programme, told: RecordConsent, pointer: str) -> None:
    of_channel = told.decision in _OF_CHANNELS
    if of_channel != (told.purpose == EVERY_PURPOSE) or not (of_channel or programme.consent.known(told.purpose)):
        raise PurposeUnknown(pointer=f"{pointer}/purpose")
    if told.channel not in rules.CHANNELS:
        says = f"a channel is one of {', '.join(rules.CHANNELS)}"
        raise BodyInvalid(says, pointer=f"{pointer}/channel")


def _words(
    programme: rules.Programme, person: Person, told: RecordConsent, pointer: str
) -> tuple[rules.Wording | None, str, str]:
    """Find the words a decision is about, and the language they were said in."""
    wording = programme.consent.wording(told.wording) if told.wording is not None else None
    language = told.language or person.language or programme.languages[0]
    if told.decision not in _NEEDS_WORDS and (wording is None or language not in wording.says):
        return None, language, told.evidence.text or told.wording or told.decision
    if wording is None or (wording.purpose, wording.channel) != (told.purpose, told.channel):
        raise WordingUnknown(pointer=f"{pointer}/wording")
    if language not in wording.says:
        if told.language is not None:
            raise LanguageUnknown(pointer=f"{pointer}/language", languages=list(wording.says))
        language = next(iter(wording.says))
    return wording, language, wording.says[language]


def _old_enough(programme: rules.Programme, person: Person, on: datetime, pointer: str) -> None:
    """Refuse a yes of somebody who is known to be too young for it."""
    if person.born is None:
        return
    day = on.astimezone(programme.zone).date()
    years = day.year - person.born.year - ((day.month, day.day) < (person.born.month, person.born.day))
    if years < programme.consent.age:
        raise MemberTooYoung(pointer=f"{pointer}/decision", age=programme.consent.age)


def _waits(before: Sequence[ConsentRow], told: RecordConsent, at: int) -> bool:
    standing = fold.fold(before).get((told.purpose, told.channel))
    return standing is not None and standing.waits(at)


def _expiry(programme: rules.Programme, decision: str, occurred_at: int) -> int | None:
    """Tell until when a yes holds: as the programme says, and never longer than its law lets it."""
    asked, law = programme.consent, programme.consent.under(programme.country)
    now, zone = from_micros(occurred_at), programme.timezone
    if decision == "requested":
        return to_micros(asked.confirm_within.after(now, zone))
    if decision not in {"given", "confirmed"}:
        return None
    until = (asked.lasts or law.lasts).after(now, zone)
    return to_micros(min(until, law.lasts.after(now, zone)) if law.lasts_at_most else until)


def _actor(evidence: Evidence, writing: Writing) -> str:
    """Say who wrote it down: who of the staff, at which till, or through which message, page or key."""
    named = [
        f"{kind} {value}"
        for kind, value in (("staff", evidence.staff), ("till", evidence.till), ("message", evidence.message))
        if value
    ]
    return ", ".join(named) or f"key {writing.key_id}"


def _sealed_evidence(house: House, writing: Writing, person: Person, evidence: Evidence) -> str | None:
    if evidence == Evidence(source=evidence.source):
        return None
    plain = msgspec.json.encode(evidence).decode()
    return house.vault.seal(writing.business_id, person.id, person.wrapped_key, _FIELD, plain)


def evidence_of(house: House, record: ConsentRow, wrapped_key: str) -> Evidence | None:
    """Unseal what proves a record; raise VaultClosed where the member was erased."""
    if record.evidence is None:
        return None
    plain = house.vault.open(record.business_id, record.member_id, wrapped_key, _FIELD, record.evidence)
    return msgspec.json.decode(plain, type=Evidence)
