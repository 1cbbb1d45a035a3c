"""What comes of a rule besides units, carried out in the order of the file: one entry for each effect.

Invariant: an effect is the ledger's, or is carried out here, or is named as one that waits for its room, and the check
of a programme warns of those. A deed is kept with the command that brought it about, or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

import msgspec
from msgspec import Struct

import rules
from loyalty_engine import ids
from loyalty_engine.messages import outbox
from loyalty_engine.messages.outbox import Note
from loyalty_engine.rows import JournalLine, MemberRow

if TYPE_CHECKING:
    from loyalty_engine.house import House
    from loyalty_engine.ledger import Sheet

# Effects that are entries and lots: see awarding.py.
OF_THE_LEDGER = frozenset({"award", "multiply"})
# Effects that another room carries out with what earned them: see granting.py.
GIVEN = frozenset({"grant"})
# Effects that the language knows and no room carries out yet; a room that does takes its name from here.
TO_COME = frozenset({"ask", "open_case", "promise"})
# What the journal calls a line that is only there to be told to the business's own systems.
NOTICE = "notice"


class Doing:
    """What one command does to a member besides moving units: their row as it will be, and rows that go with it."""

    def __init__(self, member: MemberRow, house: House, sheet: Sheet) -> None:
        """Begin with the member as the command leaves them otherwise, and the sheet of its entries."""
        self.member = member
        self.house = house
        self.sheet = sheet
        self.rows: list[Struct] = []

    def carry_out(self, happenings: Iterable[rules.Happening]) -> None:
        """Carry out what comes of one event, in the order of the file."""
        for happening in happenings:
            carry = CARRIED_OUT.get(happening.effect)
            if carry is not None:
                carry(self, happening)


Carry = Callable[[Doing, rules.Happening], None]


def tags_of(member: MemberRow) -> tuple[str, ...]:
    """Give a member's tags, in the order they were put on."""
    return () if member.tags == "[]" else msgspec.json.decode(member.tags, type=tuple[str, ...])


def tagged(tags: tuple[str, ...], happenings: Iterable[rules.Happening]) -> tuple[str, ...]:
    """Give a member's tags after what came of an event."""
    for happening in happenings:
        if happening.effect == "tag":
            effect = cast("rules.TagMember", happening.values)
            kept = tuple(tag for tag in tags if tag not in (effect.remove or ()))
            tags = (*kept, *(tag for tag in dict.fromkeys(effect.add or ()) if tag not in kept))
    return tags


def _tag(doing: Doing, happening: rules.Happening) -> None:
    tags = tagged(tags_of(doing.member), (happening,))
    doing.member = msgspec.structs.replace(doing.member, tags=msgspec.json.encode(tags).decode())


def _message(doing: Doing, happening: rules.Happening) -> None:
    """Put a text into the outbox; whether it may leave is judged when it would."""
    effect, member, sheet = cast("rules.SendMessage", happening.values), doing.member, doing.sheet
    language = member.language if member.language in effect.text else next(iter(effect.text))
    assert language is not None, "a text is written in some language"
    detail = effect.purpose.rpartition(".")[2]
    note = Note(
        channel=detail if detail in rules.CHANNELS and detail != "any" else "sms", purpose=effect.purpose,
        text=effect.text[language], language=language, journal_id=sheet.journal_id,
    )  # fmt: skip
    doing.rows.append(
        outbox.to_member(doing.house, sheet.business_id, member.id, member.wrapped_key, note, at=sheet.recorded_at)
    )


def _notify(doing: Doing, happening: rules.Happening) -> None:
    """Write down that the business's own systems are to be told: the journal is their outbox."""
    effect, sheet = cast("rules.NotifySystems", happening.values), doing.sheet
    told = msgspec.json.encode({"rule": happening.rule, "cause": sheet.journal_id}).decode()
    doing.rows.append(
        JournalLine(
            business_id=sheet.business_id, id=ids.new("evt", sheet.recorded_at // 1000), revision=None, kind=NOTICE,
            key=None, natural=None, fingerprint="", member_id=doing.member.id, subject=effect.event, location=None,
            occurred_at=sheet.occurred_at, recorded_at=sheet.recorded_at, version=sheet.version, amount_minor=None,
            input=told, status=HTTPStatus.CREATED, answer="", request_id="",
        )
    )  # fmt: skip


CARRIED_OUT: dict[str, Carry] = {"tag": _tag, "message": _message, "notify": _notify}
