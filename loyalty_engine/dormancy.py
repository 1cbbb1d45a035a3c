"""A number that nobody has used for long may belong to somebody else by now: it collects, and neither shows nor spends.

Operators give numbers out again. Invariant: from the programme's period without a purchase on, or from the moment a
message could not be delivered, until the member has verified the number, no balance is told to whoever says it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from loyalty_engine import presence
from loyalty_engine.errors_of_identity import VerificationNeeded
from loyalty_engine.instants import from_micros, to_micros

if TYPE_CHECKING:
    from loyalty_engine.answers import PurchaseAnswer
    from loyalty_engine.database import MemberState
    from loyalty_engine.journal import Reader
    from loyalty_engine.rows import MemberRow
    from loyalty_engine.shelf import Edition


async def doubted(reader: Reader, business_id: int, edition: Edition, state: MemberState | None, now: int) -> bool:
    """Tell whether a member must first show that the number is still theirs; asks more only where it looks so."""
    if state is None:
        return False
    if state.presence == presence.DOUBTED:
        return True
    about = edition.programme.about
    if about.dormant_after is None:
        return False
    used = max(state.last_purchase_at or 0, state.joined_at)
    if to_micros(about.dormant_after.after(from_micros(used), about.timezone)) > now:
        return False
    found = await reader.fetch(
        "SELECT max(verified_at) FROM identifiers WHERE business_id = $1 AND member_id = $2", business_id, state.id
    )
    verified = found[0][0]
    return verified is None or to_micros(about.dormant_after.after(from_micros(verified), about.timezone)) <= now


async def sure(reader: Reader, business_id: int, edition: Edition, state: MemberState | None, now: int) -> None:
    """Raise VerificationNeeded where a member must first show that the number is still theirs."""
    if await doubted(reader, business_id, edition, state, now):
        raise VerificationNeeded


def veiled(member: MemberRow, answer: PurchaseAnswer) -> tuple[MemberRow, PurchaseAnswer]:
    """Mark a member as doubted, and take out of an answer what whoever holds the number now must not see."""
    text = tuple(line.rpartition(" (")[0] or line for line in answer.receipt_text)
    hidden = msgspec.structs.replace(answer, balances=(), tier=None, explanation=(), receipt_text=text)
    return msgspec.structs.replace(member, presence=presence.DOUBTED), hidden
