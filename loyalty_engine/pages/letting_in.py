"""Somebody types a number on the join page, says the code back that was sent to it, and is in: new or known alike.

Invariant: until the code is said back, nothing tells whether the number is a member's: the same answer, the same row,
the same text. A number typed by somebody else becomes nobody's. Codes are few: one a minute and five a day to one
number, thirty an hour to numbers beside each other, three hundred an hour in all; what is above is counted, not sent.
"""

from __future__ import annotations

import hmac
import secrets
from datetime import datetime
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from loyalty_engine import enrolling, ids
from loyalty_engine.answers import MemberAnswer
from loyalty_engine.businesses import Caller
from loyalty_engine.commands import EnrolMember, MemberRef, ReferredBy, Ticket
from loyalty_engine.consent import consenting
from loyalty_engine.consent.commands import Evidence, RecordConsent
from loyalty_engine.errors import LoyaltyError
from loyalty_engine.identifiers import Identifier, parse_email, parse_phone
from loyalty_engine.identity import dormancy
from loyalty_engine.identity.errors import VerificationNeeded
from loyalty_engine.instants import to_micros
from loyalty_engine.members import state_of
from loyalty_engine.messages import outbox
from loyalty_engine.pages import visits
from loyalty_engine.pages.errors import DoorCodeWrong
from loyalty_engine.texts.sayings import say
from loyalty_engine.wording import language_for, said_in, unit_name

if TYPE_CHECKING:
    from loyalty_engine.database import MemberState, Transaction
    from loyalty_engine.house import House

_SECOND: Final = 1_000_000
_MINUTE, _HOUR, _DAY = 60 * _SECOND, 3600 * _SECOND, 24 * 3600 * _SECOND
_GOOD_FOR: Final = 10 * _MINUTE
_TRIES: Final = 5
_TO_A_NUMBER, _TO_A_BLOCK, _IN_ALL = 5, 30, 300
_BLOCK_DIGITS: Final = 3
_FIELD: Final = "door"
CODE_SAYS: Final = {
    "nb": "{business}: koden din er {code}. Den gjelder i ti minutter. Ikke gi den til noen.",
    "nn": "{business}: koden din er {code}. Han gjeld i ti minutt. Ikkje gje han til nokon.",
    "sv": "{business}: din kod är {code}. Den gäller i tio minuter. Ge den inte till någon.",
    "da": "{business}: din kode er {code}. Den gælder i ti minutter. Giv den ikke til nogen.",
    "fi": "{business}: koodisi on {code}. Se on voimassa kymmenen minuuttia. Älä anna sitä kenellekään.",
    "en": "{business}: your code is {code}. It is good for ten minutes. Give it to nobody.",
}


class Wanted(Struct, frozen=True, kw_only=True):
    """What somebody filled in: number or address, name, the wordings they ticked, where they were, who sent them."""

    kind: str
    value: str
    language: str
    name: str | None = None
    agreed: tuple[str, ...] = ()
    location: str | None = None
    # The code of the member whose link they followed.
    friend: str | None = None
    page: str = ""
    address: str | None = None
    agent: str | None = None

    def __repr__(self) -> str:
        """Show nothing."""
        return "Wanted(...)"


class LetIn(Struct, frozen=True):
    """Somebody who is in: the token of the link to their page, and whether they are new."""

    token: str
    new: bool


def read(typed: str, country: str) -> Identifier:
    """Read what was typed as a number or an address; raise IdentifierRefused."""
    return parse_email(typed) if "@" in typed else parse_phone(typed, country)


async def ask(house: House, caller: Caller, wanted: Wanted, *, at: int) -> str:
    """Send a code to a number, within the budgets; give the name by which it can be said back."""
    business_id, vault = caller.business_id, house.vault
    who = _who(wanted)
    door_id = ids.new("dor", at // 1000)
    key = vault.new_member_key(business_id, door_id)
    sealed = vault.seal(business_id, door_id, key, _FIELD, msgspec.json.encode(wanted).decode())
    index = vault.blind_index(business_id, who)
    beside = who.value[:-_BLOCK_DIGITS] if who.kind == "phone" else who.value.rpartition("@")[2]
    block = vault.keyed_hash(business_id, f"block {who.kind} {beside}".encode())
    code = f"{secrets.randbelow(10**6):06d}"
    programme = (await house.shelf.current(business_id)).programme
    text = CODE_SAYS.get(wanted.language, CODE_SAYS["en"]).format(business=programme.name, code=code)
    note = outbox.Note(
        channel="email" if who.kind == "email" else "sms", purpose="code", language=wanted.language, text=text,
        subject=programme.name if who.kind == "email" else None, once=f"door:{door_id}", expires_at=at + _GOOD_FOR,
    )  # fmt: skip

    async def work(transaction: Transaction) -> None:
        sent = await _within_budget(transaction, business_id, index, block, at)
        await transaction.fetch(
            "INSERT INTO door_codes (business_id, id, number_index, block_index, wrapped_key, sealed, code_hash, "
            "tries, asked_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $9)",
            business_id, door_id, index, block, key, sealed,
            _hashed(house, business_id, door_id, code) if sent else "", at, at + _GOOD_FOR,
        )  # fmt: skip
        # Also to a member it goes as to a stranger: nothing about it differs.
        message = outbox.to_stranger(house, business_id, who, note, at=at)
        if sent:
            await outbox.put(transaction, message)

    await house.database.write_transaction(work)
    return door_id


async def _within_budget(transaction: Transaction, business_id: int, index: str, block: str, at: int) -> bool:
    """Count the codes that were sent to this number, to those beside it, and in all; whoever counts is alone."""
    await transaction.fetch("UPDATE businesses SET slug = slug WHERE business_id = $1", business_id)

    async def sent(where: str, since: int, *values: str) -> int:
        found = await transaction.fetch(
            f"SELECT count(*) FROM door_codes WHERE business_id = $1 AND asked_at > $2 AND code_hash <> '' {where}",
            business_id, since, *values,
        )  # fmt: skip
        count: int = found[0][0]
        return count

    return (
        await sent("AND number_index = $3", at - _MINUTE, index) == 0
        and await sent("AND number_index = $3", at - _DAY, index) < _TO_A_NUMBER
        and await sent("AND block_index = $3", at - _HOUR, block) < _TO_A_BLOCK
        and await sent("", at - _HOUR) < _IN_ALL
    )


async def confirm(house: House, caller: Caller, door_id: str, code: str, *, at: datetime) -> LetIn:
    """Take a code back: whoever says it is let in, and is a member from now on if they were none.

    Raises DoorCodeWrong, and VerificationNeeded where the number may have gone to somebody else.
    """
    now, business_id = to_micros(at), caller.business_id
    wanted = await _said_back(house, business_id, door_id, code.strip().replace(" ", ""), now)
    if wanted is None:
        raise DoorCodeWrong(pointer="/code")
    enrolled = await _enrolled(house, caller, wanted, Ticket(f"page\n{door_id}", door_id, at))
    state = await state_of(house, business_id, enrolled.id, now)
    edition = await house.shelf.current(business_id)
    if not enrolled.new and await dormancy.doubted(house.database, business_id, edition, state, now):
        raise VerificationNeeded
    await _agreed(house, caller, enrolled.id, wanted, door_id, at)
    return await _opened(house, caller, state, wanted, door_id, now, new=enrolled.new)


async def _said_back(house: House, business_id: int, door_id: str, code: str, now: int) -> Wanted | None:
    """Hold a code against the newest that was sent to the same number: a second form may have sent none."""

    async def work(transaction: Transaction) -> Wanted | None:
        mine = await transaction.fetch(
            "SELECT number_index, wrapped_key, sealed FROM door_codes WHERE business_id = $1 AND id = $2 "
            "AND expires_at > $3 AND done_at IS NULL",
            business_id, door_id, now,
        )  # fmt: skip
        if not mine or mine[0][1] is None:
            return None
        index, key, sealed = mine[0]
        sent = await transaction.fetch(
            "UPDATE door_codes SET tries = tries + 1 WHERE business_id = $1 AND id = (SELECT id FROM door_codes "
            "WHERE business_id = $1 AND number_index = $2 AND code_hash <> '' AND expires_at > $3 "
            "ORDER BY id DESC LIMIT 1) AND tries < $4 AND done_at IS NULL RETURNING id, code_hash",
            business_id, index, now, _TRIES,
        )  # fmt: skip
        if not sent or not hmac.compare_digest(sent[0][1], _hashed(house, business_id, sent[0][0], code)):
            return None
        return msgspec.json.decode(house.vault.open(business_id, door_id, key, _FIELD, sealed), type=Wanted)

    return await house.database.write_transaction(work)


async def _enrolled(house: House, caller: Caller, wanted: Wanted, ticket: Ticket) -> MemberAnswer:
    ref = MemberRef(phone=wanted.value) if wanted.kind == "phone" else MemberRef(email=wanted.value)
    location = await _known(house, caller.business_id, wanted.location)
    by = None if wanted.friend is None else ReferredBy(code=wanted.friend)
    command = EnrolMember(member=ref, name=wanted.name, language=wanted.language, location=location, referred_by=by)
    answer = await enrolling.enrol(house, caller, command, ticket)
    return msgspec.json.decode(answer.body, type=MemberAnswer)


async def _known(house: House, business_id: int, location: str | None) -> str | None:
    """Give a location only where it is one: nobody declares a shop by typing an address."""
    if location is None:
        return None
    found = await house.database.fetch(
        "SELECT 1 FROM locations WHERE business_id = $1 AND location = $2", business_id, location
    )
    return location if found else None


async def _agreed(house: House, caller: Caller, member_id: str, wanted: Wanted, door_id: str, at: datetime) -> None:
    """Write down what was ticked, in the words that stood beside it; what was not ticked is no answer."""
    asked = (await house.shelf.current(caller.business_id)).programme.consent
    evidence = Evidence(source="page", page=wanted.page or None, address=wanted.address, agent=wanted.agent)
    for wording_id in wanted.agreed:
        wording = asked.wording(wording_id)
        if wording is None:
            continue
        command = RecordConsent(
            purpose=wording.purpose, channel=wording.channel, decision="given", wording=wording.id,
            language=said_in(wording, wanted.language), evidence=evidence,
        )  # fmt: skip
        ticket = Ticket(f"page\n{door_id}\n{wording_id}", door_id, at)
        try:
            await consenting.record_consent(house, caller, member_id, command, ticket)
        except LoyaltyError:
            continue  # a yes that cannot be taken is none; it keeps nobody out


async def _opened(
    house: House, caller: Caller, state: MemberState, wanted: Wanted, door_id: str, now: int, *, new: bool
) -> LetIn:  # fmt: skip
    business_id = caller.business_id
    token, link = visits.new_link(business_id, state.id, origin="code", at=now)
    welcome = await _welcome(house, caller, state, wanted, now) if new else None

    async def work(transaction: Transaction) -> bool:
        taken = await transaction.fetch(
            "UPDATE door_codes SET done_at = $3, sealed = '', wrapped_key = NULL WHERE business_id = $1 AND id = $2 "
            "AND done_at IS NULL RETURNING number_index",
            business_id, door_id, now,
        )  # fmt: skip
        if not taken:
            return False
        await transaction.fetch(
            "UPDATE door_codes SET done_at = $3, sealed = '', wrapped_key = NULL WHERE business_id = $1 "
            "AND number_index = $2 AND done_at IS NULL",
            business_id, taken[0][0], now,
        )  # fmt: skip
        await transaction.fetch(
            "UPDATE identifiers SET verified_at = $3, bounced_at = NULL WHERE business_id = $1 AND blind_index = $2",
            business_id, taken[0][0], now,
        )  # fmt: skip
        await visits.keep(transaction, link)
        if welcome is not None:
            await outbox.put(transaction, welcome)
        return True

    if not await house.database.write_transaction(work):
        raise DoorCodeWrong(pointer="/code")
    return LetIn(token, new)


async def _welcome(
    house: House, caller: Caller, state: MemberState, wanted: Wanted, now: int
) -> outbox.MessageRow:  # fmt: skip
    """Say welcome with the terms and the way out, once."""
    programme = (await house.shelf.current(caller.business_id)).programme
    public = house.settings.public_url
    language = language_for(programme, wanted.language)
    unit = unit_name(programme, next(iter(programme.units)), 2, language)
    text = say(
        language, "welcome", business=programme.name, unit=unit,
        terms=f"{public}/j/{caller.slug}" if public else "", question="",
    )  # fmt: skip
    note = outbox.Note(
        channel="email" if wanted.kind == "email" else "sms", purpose="service.welcome", language=language, text=text,
        subject=programme.name if wanted.kind == "email" else None, once=f"welcome:{state.id}",
    )  # fmt: skip
    return outbox.to_member(house, caller.business_id, state.id, state.wrapped_key, note, at=now)


def at_the_door(business_id: int, slug: str) -> Caller:
    """Give the caller who stands at a page: no key, no scope, and only what the page itself lets through."""
    return Caller(business_id, slug, "page", frozenset(), None)


def _who(wanted: Wanted) -> Identifier:
    return Identifier("email" if wanted.kind == "email" else "phone", wanted.value)


def _hashed(house: House, business_id: int, door_id: str, code: str) -> str:
    return house.vault.keyed_hash(business_id, f"door {door_id} {code}".encode())
