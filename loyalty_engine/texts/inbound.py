"""THE STORY of a text: it comes in by a gateway, is read once, has one effect, and is answered at most once.

Invariant: a gateway's message id is the command's key, so the same text told fifty times is one journal line, and its
answer, its consent records and its new member are kept together with that line or not at all. The answer goes to the
number that asked and to no other, through the outbox and its gate.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from loyalty_engine import ids, journal
from loyalty_engine.commands import Ticket
from loyalty_engine.consent import reading, recording
from loyalty_engine.database import Opening, Page, Transaction
from loyalty_engine.identifiers import Identifier, IdentifierRefused, parse_phone
from loyalty_engine.identity import dormancy
from loyalty_engine.instants import to_micros
from loyalty_engine.members import Newcomer, enrol_rows, moved
from loyalty_engine.messages import outbox
from loyalty_engine.rows import Posting
from loyalty_engine.texts.asking import Asked, InboundRow, Incoming, Reaction
from loyalty_engine.texts.reacting import react
from loyalty_engine.texts.reading import UNKNOWN, wish_of
from loyalty_engine.texts.referring import brought_by
from rules import sms_parts

if TYPE_CHECKING:
    from loyalty_engine.house import House
    from loyalty_engine.messages.outbox import MessageRow

KIND: Final = "text"
SEALED_AS: Final = "inbound text"
REHEARSED: Final = "rehearsed"
# The pieces of a long text may come so long after one another: a gateway tries for a day.
_PIECES_WITHIN: Final = 24 * 3600 * 1_000_000


class Heard(Struct, frozen=True):
    """What came of a text: what it asked for, the id of its answer, and whether it had come before."""

    wish: str
    answer_id: str | None
    hit: bool = False


class Words(Struct, frozen=True, omit_defaults=True):
    """What is sealed of a text."""

    sender: str
    to: str
    text: str
    part: int = 1
    parts: int = 1
    series: str = ""


async def receive(house: House, business_id: int, slug: str, incoming: Incoming, *, at: datetime) -> Heard:
    """Take a text in, once. Raises ProgrammeMissing where the business has published nothing."""
    edition = await house.shelf.current(business_id)
    now = to_micros(at)
    identifier = _sender(incoming.sender, edition.programme.country)
    index = house.vault.blind_index(business_id, identifier) if identifier is not None else None
    # No key that a till can send has a line break in it: the two never meet.
    key = f"text\n{incoming.gateway}\n{incoming.id}"
    opening = Opening(business_id=business_id, key=key, blind_index=index, occurred_at=now, now=now)
    told = journal.Told(
        kind=KIND, ticket=Ticket(key, ids.new("req", now // 1000), at), opening=opening, fingerprint=journal.hashed(key)
    )

    async def decide(page: Page, reader: journal.Reader) -> Posting:
        wish = wish_of(incoming.text, incoming.words)
        if incoming.parts > 1 and wish.kind not in {"stop", "stop_all"}:
            wish = UNKNOWN  # a piece of a long text: only a STOP in it is heard before the rest is here
        valid = await house.shelf.valid_at(business_id, now, published=page.version)
        asked = Asked(
            house=house, business_id=business_id, slug=slug, edition=valid, incoming=incoming, wish=wish,
            identifier=identifier, number_index=index, member=page.member,
            doubted=await dormancy.doubted(reader, business_id, valid, page.member, now), reader=reader, at=now,
            line_id=ids.new("jnl", now // 1000),
        )  # fmt: skip
        return await _posting(asked, told, await react(asked))

    answer = await journal.once(house, told, decide)
    heard = msgspec.json.decode(answer.body, type=Heard)
    if incoming.parts > 1 and index is not None and heard.wish == "unknown":
        whole = await _whole(house, business_id, index, incoming, now)
        if whole is not None:
            return await receive(house, business_id, slug, whole, at=at)
    return msgspec.structs.replace(heard, hit=answer.hit)


async def _whole(house: House, business_id: int, index: str, piece: Incoming, now: int) -> Incoming | None:
    """Put a long text together once all its pieces are here; None as long as one is missing.

    Looked at after each piece is kept, so that whoever brings the last one finds them all. Two that come at once find
    them both, and the text is known by its first piece: it is read once.
    """
    found = await house.database.fetch(
        "SELECT t.message_id, t.journal_id, t.member_id, t.wrapped_key, m.wrapped_key, t.sealed FROM inbound_texts t "
        "LEFT JOIN members m ON m.business_id = t.business_id AND m.id = t.member_id WHERE t.business_id = $1 "
        "AND t.number_index = $2 AND t.received_at > $3 AND t.gateway = $4 AND t.wish = 'unknown'",
        business_id, index, now - _PIECES_WITHIN, piece.gateway,
    )  # fmt: skip
    pieces: dict[int, tuple[str, str]] = {}
    for message_id, line_id, member_id, own_key, member_key, sealed in found:
        plain = house.vault.open(business_id, member_id or line_id, own_key or member_key or "", SEALED_AS, sealed)
        words = msgspec.json.decode(plain, type=Words)
        if (words.series, words.parts, words.to) == (piece.series, piece.parts, piece.to):
            pieces[words.part] = (message_id, words.text)
    if set(pieces) != set(range(1, piece.parts + 1)):
        return None
    await house.database.write_transaction(
        lambda transaction: _off_the_tray(transaction, business_id, piece.gateway, pieces, now)
    )
    text = "".join(pieces[number][1] for number in sorted(pieces))
    return msgspec.structs.replace(piece, id=f"{pieces[1][0]} whole", text=text, part=1, parts=1, series="")


async def _off_the_tray(
    transaction: Transaction, business_id: int, gateway: str, pieces: dict[int, tuple[str, str]], now: int
) -> None:
    """Let nobody read the pieces of what is read as a whole."""
    for message_id, _ in pieces.values():
        await transaction.fetch(
            "UPDATE inbound_texts SET reviewed_at = coalesce(reviewed_at, $4) WHERE business_id = $1 AND gateway = $2 "
            "AND message_id = $3",
            business_id, gateway, message_id, now,
        )  # fmt: skip


def _sender(number: str, country: str) -> Identifier | None:
    try:
        return parse_phone(number, country)
    except IdentifierRefused:
        return None


async def _posting(asked: Asked, told: journal.Told, reaction: Reaction) -> Posting:
    """Write down all that comes of a text, as one posting."""
    line_id = asked.line_id
    newcomer = _newcomer(asked) if reaction.joins else None
    written = await _consents(asked, reaction, line_id)
    note = _note(asked, reaction, newcomer, line_id)
    kept = _kept(asked, reaction, newcomer, line_id, note)
    wish = asked.wish.kind or "unknown"
    moves = newcomer is not None or bool(written) or reaction.sheet is not None
    state, sheet = asked.member, reaction.sheet
    line = journal.line(
        told, line_id, status=201, answer=msgspec.json.encode(Heard(wish, note.id if note else None)),
        member_id=kept.member_id if moves else None, subject=wish, version=asked.edition.version,
        revision=None if not moves else 1 if newcomer is not None or state is None else state.revision + 1,
    )  # fmt: skip
    extra = (kept, *written, *reaction.rows, *((note,) if note is not None else ()))
    if newcomer is not None:
        line = msgspec.structs.replace(line, location=await _shop(asked))
        brought = await brought_by(asked, newcomer.member.id, line_id)
        member = msgspec.structs.replace(newcomer.member, referral=brought.waits)
        return Posting(
            business_id=asked.business_id, expected=0, member=member, identifiers=(newcomer.identifier,),
            journal=line, extra=(*extra, *brought.rows()),
        )  # fmt: skip
    if moves and state is not None:
        posting = Posting(
            business_id=asked.business_id, expected=state.revision, member=moved(asked.business_id, state),
            journal=line, extra=extra, limit_uses=reaction.limit_uses,
        )  # fmt: skip
        return posting if sheet is None else msgspec.structs.replace(
            posting, entries=tuple(sheet.entries), burns=sheet.burns, allocations=tuple(sheet.allocations),
            accounts=sheet.touched,
        )  # fmt: skip
    return Posting(business_id=asked.business_id, expected=None, member=None, journal=line, extra=extra)


async def _shop(asked: Asked) -> str | None:
    """Name the location whose code somebody joined with, as its poster says; None where there is none such."""
    found = await asked.reader.fetch(
        "SELECT location FROM locations WHERE business_id = $1 AND location = $2",
        asked.business_id,
        asked.wish.rest.lower(),
    )
    return found[0][0] if found else None


def _newcomer(asked: Asked) -> Newcomer:
    assert asked.identifier is not None, "only a number can join by text"
    return enrol_rows(asked.house, asked.business_id, asked.identifier, at=asked.at)


async def _consents(asked: Asked, reaction: Reaction, line_id: str) -> tuple[Struct, ...]:
    if not reaction.records or asked.member is None:
        return ()
    state = asked.member
    before = await reading.records_of(asked.reader, asked.business_id, state.id)
    person = recording.Person(id=state.id, wrapped_key=state.wrapped_key, language=state.language)
    writing = recording.Writing(
        business_id=asked.business_id, journal_id=line_id, key_id=asked.incoming.gateway, location=None,
        recorded_at=asked.at,
    )  # fmt: skip
    return recording.write(asked.house, asked.edition, person, before, reaction.records, writing).rows()


def _note(asked: Asked, reaction: Reaction, newcomer: Newcomer | None, line_id: str) -> MessageRow | None:
    """Make the answer: to the very number that asked, known by the text it answers."""
    if not reaction.text or asked.identifier is None:
        return None
    incoming = asked.incoming
    note = outbox.Note(
        channel="sms", purpose=reaction.purpose, text=reaction.text, language=asked.language,
        once=f"reply:{incoming.gateway}:{incoming.id}", journal_id=line_id,
    )  # fmt: skip
    owner = newcomer.member if newcomer is not None else asked.member
    if owner is None:
        row = outbox.to_stranger(asked.house, asked.business_id, asked.identifier, note, at=asked.at)
    else:
        row = outbox.to_number(
            asked.house, asked.business_id, owner.id, owner.wrapped_key, asked.identifier, note, at=asked.at
        )
    if not incoming.rehearsed:
        return row
    # Nobody sent the text, so nothing leaves: the answer is kept as if it had.
    return msgspec.structs.replace(
        row, state="sent", gateway=REHEARSED, parts=sms_parts(reaction.text), ended_at=asked.at
    )


def _kept(
    asked: Asked, reaction: Reaction, newcomer: Newcomer | None, line_id: str, note: MessageRow | None
) -> InboundRow:  # fmt: skip
    """Seal the text: with the member's key, so that it goes when they are erased; a stranger's with one of its own."""
    incoming, vault = asked.incoming, asked.house.vault
    owner = newcomer.member if newcomer is not None else asked.member
    sealed_for = owner.id if owner is not None else line_id
    key = owner.wrapped_key if owner is not None else vault.new_member_key(asked.business_id, line_id)
    said = Words(incoming.sender, incoming.to, incoming.text, incoming.part, incoming.parts, incoming.series)
    words = msgspec.json.encode(said).decode()
    return InboundRow(
        asked.business_id, incoming.gateway, incoming.id, asked.at, asked.number_index, owner.id if owner else None,
        asked.wish.kind or "unknown", reaction.question, None if owner is not None else key,
        vault.seal(asked.business_id, sealed_for, key, SEALED_AS, words), int(reaction.review), None, line_id,
        note.id if note is not None else None,
    )  # fmt: skip


async def heard_stop(house: House, business_id: int, slug: str, number: str, cause: str, *, at: datetime) -> None:
    """Keep a STOP that a gateway has heard before us: it refused a text, or reported one, for that reason."""
    incoming = Incoming(gateway="stopped", id=cause, sender=number, to="", text="STOP", says_goodbye=True)
    await receive(house, business_id, slug, incoming, at=at)
