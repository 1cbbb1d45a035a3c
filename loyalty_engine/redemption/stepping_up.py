"""When spending takes a one-time code, and the code itself: sent to the member, kept as a keyed hash, tried five times.

Invariant: a code is never written down in clear and never logged; who has used up its tries makes a new hold.
"""

from __future__ import annotations

import hmac
import secrets
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from loyalty_engine.instants import from_micros, to_micros
from loyalty_engine.members import identifiers_of
from loyalty_engine.messages import outbox
from loyalty_engine.messages.outbox import MessageRow, Note
from loyalty_engine.redemption.errors import CodeUsedUp, CodeWrong
from loyalty_engine.redemption.rows import HoldRow, HoldTryRow
from loyalty_engine.wording import language_for, spending_text

if TYPE_CHECKING:
    from loyalty_engine.database import MemberState
    from loyalty_engine.house import House
    from loyalty_engine.journal import Reader
    from loyalty_engine.shelf import Edition

TRIES = 5
MINUTES = 10
_MICROS_PER_MINUTE = 60 * 1_000_000


async def needed(
    edition: Edition, business_id: int, state: MemberState, *, unit: str | None, amount: int, location: str | None,
    at: datetime, reader: Reader,
) -> bool:  # fmt: skip
    """Tell whether the programme wants a code: for so much, at this location, of somebody who was away or is new."""
    policy = edition.programme.about.step_up
    if policy is None:
        return False
    if unit is not None and amount > policy.above.get(unit, amount):
        return True
    zone = edition.programme.timezone
    if policy.dormant is not None:
        last = state.last_purchase_at or state.joined_at
        if policy.dormant.after(from_micros(last), zone) < at:
            return True
    if policy.new_location and location is not None:
        found = await reader.fetch(
            "SELECT 1 FROM journal WHERE business_id = $1 AND member_id = $2 AND kind = 'purchase' AND location = $3 "
            "AND status = 201 LIMIT 1",
            business_id, state.id, location,
        )  # fmt: skip
        if not found:
            return True
    if policy.changed_within is not None:
        [[added]] = await reader.fetch(
            "SELECT max(added_at) FROM identifiers WHERE business_id = $1 AND member_id = $2", business_id, state.id
        )  # fmt: skip
        # Who has just joined has a new number as everybody has; a number that came later is another thing.
        changed = added is not None and added > state.joined_at
        return changed and policy.changed_within.after(from_micros(added), zone) > at
    return False


def new_code() -> str:
    """Make a code of six digits."""
    return f"{secrets.randbelow(10**6):06}"


def code_hash(house: House, business_id: int, hold_id: str, code: str) -> str:
    """Give the keyed hash under which a code of one hold is kept."""
    return house.vault.keyed_hash(business_id, f"step-up:{hold_id}:{code}".encode())


def with_code(house: House, hold: HoldRow, code: str) -> HoldRow:
    """Let a hold want this code."""
    until = hold.held_at + MINUTES * _MICROS_PER_MINUTE
    hashed = code_hash(house, hold.business_id, hold.id, code)
    return msgspec.structs.replace(hold, step_up="required", code_hash=hashed, code_until=until)


def check(house: House, hold: HoldRow, code: str | None, *, at: datetime) -> None:
    """Raise CodeUsedUp where a code may not be tried any more, CodeWrong where this is not the one that was sent."""
    if hold.tries >= TRIES or hold.code_until is None or hold.code_until <= to_micros(at):
        raise CodeUsedUp(pointer="/code")
    given = code_hash(house, hold.business_id, hold.id, code or "")
    if not hmac.compare_digest(given, hold.code_hash or ""):
        wrong = CodeWrong(pointer="/code", tries_left=TRIES - hold.tries - 1)
        wrong.along = (HoldTryRow(*msgspec.structs.astuple(hold)),)
        raise wrong


async def notice(
    house: House, edition: Edition, state: MemberState, hold: HoldRow, *, says: str, code: str | None, token: str,
    reader: Reader,
) -> tuple[MessageRow, ...]:  # fmt: skip
    """Write to the member what is being spent, with the code where one is wanted, and how to say that it was not them.

    Nobody is written to who has neither a phone number nor an address.
    """
    known = await identifiers_of(house, hold.business_id, state, reader)
    channel = next((_CHANNELS[one.kind] for one in known if one.kind in _CHANNELS), None)
    if channel is None:
        return ()
    language = language_for(edition.programme, state.language)
    text = spending_text(edition.programme, language, says=says, code=code, undo=f"{hold.id}.{token}")
    note = Note(
        channel=channel, purpose="code" if code else "service.redemption", text=text, language=language,
        once=f"hold:{hold.id}", journal_id=hold.id, expires_at=hold.expires_at,
    )  # fmt: skip
    return (outbox.to_member(house, hold.business_id, state.id, state.wrapped_key, note, at=hold.held_at),)


_CHANNELS = {"phone": "sms", "email": "email"}
