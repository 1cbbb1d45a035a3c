"""A member says something new of themselves: a name, a language, another number, confirmed from the new one by a code.

Invariant: a number or address becomes a member's only when a code sent to it has been said back within ten minutes and
five tries; the code is kept as a keyed hash, and the number sealed. Whether it is another member's already is told to
nobody but its holder.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import UNSET

from loyalty_engine import ids, journal
from loyalty_engine.answers import Answer
from loyalty_engine.commands import MemberRef
from loyalty_engine.database import MemberState, Opening, Page
from loyalty_engine.errors import (
    BodyInvalid,
    MemberUnknown,
)
from loyalty_engine.identifiers import Identifier, mask
from loyalty_engine.identity import dormancy
from loyalty_engine.identity.people import ChangeAnswer, ChangeMember, CodeSent, VerifyMember
from loyalty_engine.instants import shown, to_micros
from loyalty_engine.members import identifiers_of, moved, named, profile_of, seal_profile, state_of
from loyalty_engine.messages import outbox
from loyalty_engine.rows import Posting
from loyalty_engine.wording import language_for

if TYPE_CHECKING:
    from loyalty_engine.businesses import Caller
    from loyalty_engine.commands import Ticket
    from loyalty_engine.house import House

_TEN_MINUTES: Final = 10 * 60 * 1_000_000
FIELD: Final = "confirmation"
_SAYS: Final = {
    "nb": "Koden din er {code}. Den gjelder i ti minutter.",
    "nn": "Koden din er {code}. Han gjeld i ti minutt.",
    "sv": "Din kod är {code}. Den gäller i tio minuter.",
    "da": "Din kode er {code}. Den gælder i ti minutter.",
    "fi": "Koodisi on {code}. Se on voimassa kymmenen minuuttia.",
    "en": "Your code is {code}. It is good for ten minutes.",
}


async def change(house: House, caller: Caller, member_id: str, command: ChangeMember, ticket: Ticket) -> Answer:
    """Change what is known of a member, once. Answers 200 with ChangeAnswer.

    A number or address only gets its code sent. Refused in this order: two at once, one that cannot be read, a member
    who is not here.
    """
    edition = await house.shelf.current(caller.business_id)
    new = _new_identifier(house, caller, command, edition.programme.country)
    at, business_id = to_micros(ticket.at), caller.business_id
    replaced = None
    if command.replaces is not UNSET:
        replaced = named(
            house, business_id, command.replaces, edition.programme.country, pointer="/replaces"
        ).blind_index
    opening = Opening(business_id=business_id, key=ticket.key, member_id=member_id, occurred_at=at, now=at)
    told = journal.Told(
        kind="change", ticket=ticket, opening=opening,
        fingerprint=journal.fingerprint(house, business_id, "change", command, member_id),
    )  # fmt: skip

    async def decide(page: Page, reader: journal.Reader) -> Posting:
        if page.member is None:
            raise MemberUnknown
        state = page.member
        if command.name is not UNSET or command.birthday is not UNSET:
            # Both are what a doubted number is held against.
            newest = await house.shelf.valid_at(business_id, at, published=page.version)
            await dormancy.sure_at_the_till(reader, caller, newest, state, at)
        profile = profile_of(house, business_id, state) | _said(command)
        profile = {name: value for name, value in profile.items() if value}
        language = state.language if command.language is UNSET else command.language
        member = moved(
            business_id, state, language=language,
            sealed_profile=seal_profile(house, business_id, state.id, state.wrapped_key, profile),
        )  # fmt: skip
        extra: tuple[msgspec.Struct, ...] = ()
        code = None
        if new is not None:
            row, note, code = await _code(
                house, business_id, state, new, at, purpose="add", replaces=replaced, language=language
            )
            extra = (row, note)
        masked = tuple(mask(one) for one in await identifiers_of(house, business_id, state, reader))
        answer = ChangeAnswer(state.id, masked, language, None, None, code)
        line = journal.line(
            told, ids.new("jnl", at // 1000), status=200, answer=msgspec.json.encode(answer), member_id=state.id,
            revision=member.revision,
        )  # fmt: skip
        return Posting(business_id=business_id, expected=state.revision, member=member, journal=line, extra=extra)

    answer = await journal.once(house, told, decide)
    kept = msgspec.json.decode(answer.body, type=ChangeAnswer)
    state = await state_of(house, business_id, kept.id, at)
    if await dormancy.doubted(house.database, business_id, await house.shelf.current(business_id), state, at):
        return msgspec.structs.replace(
            answer, body=msgspec.json.encode(msgspec.structs.replace(kept, masked=(), language=None))
        )
    profile = profile_of(house, business_id, state)
    full = msgspec.structs.replace(kept, name=profile.get("name"), birthday=profile.get("birthday"))
    return msgspec.structs.replace(answer, body=msgspec.json.encode(full))


def _new_identifier(house: House, caller: Caller, command: ChangeMember, country: str) -> Identifier | None:
    if command.phone is not UNSET and command.email is not UNSET:
        message = "one number or address at a time: each gets a code of its own"
        raise BodyInvalid(message, pointer="/email")
    if command.phone is not UNSET:
        return named(house, caller.business_id, MemberRef(phone=command.phone), country, pointer="").identifier
    if command.email is not UNSET:
        return named(house, caller.business_id, MemberRef(email=command.email), country, pointer="").identifier
    return None


def _said(command: ChangeMember) -> dict[str, str]:
    said = {}
    if command.name is not UNSET:
        said["name"] = command.name or ""
    if command.birthday is not UNSET:
        said["birthday"] = command.birthday.isoformat() if command.birthday else ""
    return said


class ConfirmationRow(msgspec.Struct, frozen=True):
    """A code that was sent, hashed, and what it confirms, sealed with the member's key."""

    TABLE = "confirmations"
    KEY = 2

    business_id: int
    id: str
    member_id: str
    purpose: str
    kind: str
    sealed: str
    replaces: str | None
    code_hash: str
    tries: int
    created_at: int
    expires_at: int
    done_at: int | None = None


async def _code(
    house: House, business_id: int, state: MemberState, identifier: Identifier, at: int, *, purpose: str,
    replaces: str | None, language: str | None,
) -> tuple[ConfirmationRow, outbox.MessageRow, CodeSent]:  # fmt: skip
    """Make a code, what is kept of it, and the message that carries it."""
    programme = (await house.shelf.current(business_id)).programme
    speaks = language_for(programme, language)
    code = f"{secrets.randbelow(10**6):06d}"
    confirmation_id = ids.new("cnf", at // 1000)
    sealed = house.vault.seal(business_id, state.id, state.wrapped_key, FIELD, identifier.value)
    row = ConfirmationRow(
        business_id, confirmation_id, state.id, purpose, identifier.kind, sealed, replaces,
        hashed(house, business_id, confirmation_id, code), 0, at, at + _TEN_MINUTES,
    )  # fmt: skip
    note = outbox.Note(
        channel="email" if identifier.kind == "email" else "sms", purpose="code", language=speaks,
        text=_SAYS.get(speaks, _SAYS["en"]).format(code=code), once=f"code:{confirmation_id}",
        expires_at=at + _TEN_MINUTES,
    )  # fmt: skip
    message = outbox.to_stranger(house, business_id, identifier, note, at=at)
    return row, message, CodeSent(confirmation_id, mask(identifier), shown(at + _TEN_MINUTES))


def hashed(house: House, business_id: int, confirmation_id: str, code: str) -> str:
    return house.vault.keyed_hash(business_id, f"code {confirmation_id} {code}".encode())


async def verify(house: House, caller: Caller, member_id: str, command: VerifyMember, ticket: Ticket) -> Answer:
    """Send a code to a number or address the member has. Answers 202 with CodeSent; MemberUnknown without any."""
    at, business_id = to_micros(ticket.at), caller.business_id
    wanted = None
    if command.identifier is not UNSET:
        country = (await house.shelf.current(business_id)).programme.country
        wanted = named(house, business_id, command.identifier, country, pointer="/identifier").identifier
    opening = Opening(business_id=business_id, key=ticket.key, member_id=member_id, occurred_at=at, now=at)
    told = journal.Told(
        kind="verification", ticket=ticket, opening=opening,
        fingerprint=journal.fingerprint(house, business_id, "verification", command, member_id),
    )  # fmt: skip

    async def decide(page: Page, reader: journal.Reader) -> Posting:
        if page.member is None:
            raise MemberUnknown
        state = page.member
        theirs = await identifiers_of(house, business_id, state, reader)
        chosen = [one for one in theirs if wanted is None or one == wanted]
        if not chosen:
            raise MemberUnknown(pointer="/identifier")
        row, note, code = await _code(
            house, business_id, state, chosen[-1], at, purpose="verify", replaces=None, language=state.language
        )
        line = journal.line(
            told, ids.new("jnl", at // 1000), status=202, answer=msgspec.json.encode(code), member_id=state.id
        )
        return Posting(business_id=business_id, expected=None, member=None, journal=line, extra=(row, note))

    return await journal.once(house, told, decide)
