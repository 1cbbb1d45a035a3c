"""A number that nobody has used for long may belong to somebody else by now: it collects, and neither shows nor spends.

Operators give numbers out again. Invariant: from the programme's period without a purchase on, or from the moment a
message could not be delivered, until the member has verified the number, no balance, voucher or name is told to
whoever says it, and nothing is spent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from loyalty_engine.identity import presence
from loyalty_engine.identity.errors import VerificationNeeded
from loyalty_engine.instants import from_micros, to_micros

if TYPE_CHECKING:
    from loyalty_engine.answers import PurchaseAnswer
    from loyalty_engine.businesses import Caller
    from loyalty_engine.database import MemberState
    from loyalty_engine.journal import Reader
    from loyalty_engine.rows import MemberRow
    from loyalty_engine.shelf import Edition

_Answer = TypeVar("_Answer", bound=msgspec.Struct)
# Keys that see everything anyway: the business itself, and what it reads its own books with.
_OWN_BOOKS = frozenset({"manage", "read"})


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


async def sure_at_the_till(
    reader: Reader, caller: Caller, edition: Edition, state: MemberState | None, now: int
) -> None:
    """Raise VerificationNeeded where a till asks, and a member must first show that the number is still theirs."""
    if not caller.scopes & _OWN_BOOKS:
        await sure(reader, caller.business_id, edition, state, now)


def bare(answer: _Answer) -> _Answer:
    """Take out of an answer what whoever holds the number now must not see of what was there before."""
    changes: dict[str, object] = {"balances": ()}
    if "tier" in answer.__struct_fields__:
        changes["tier"] = None
    if "receipt_text" in answer.__struct_fields__:
        lines = answer.receipt_text  # type: ignore[attr-defined]  # it has one
        changes["receipt_text"] = tuple(line.rpartition(" (")[0] or line for line in lines)
    return msgspec.structs.replace(answer, **changes)


def veiled(member: MemberRow, answer: PurchaseAnswer) -> tuple[MemberRow, PurchaseAnswer]:
    """Mark a member as doubted, and take out of an answer what whoever holds the number now must not see."""
    hidden = msgspec.structs.replace(bare(answer), explanation=())
    return msgspec.structs.replace(member, presence=presence.DOUBTED), hidden
