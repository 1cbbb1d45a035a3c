"""Who stands at either end of a referral: found as they were named, by whomever they sleep in now, and compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from loyalty_engine.commands import ReferredBy
from loyalty_engine.database import Opening
from loyalty_engine.errors import BodyInvalid
from loyalty_engine.identifiers import folded_email
from loyalty_engine.identity import presence
from loyalty_engine.members import Named, identifiers_of, named
from loyalty_engine.referrals import codes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from loyalty_engine.commands import MemberRef
    from loyalty_engine.database import MemberState
    from loyalty_engine.house import House
    from loyalty_engine.identifiers import Identifier
    from loyalty_engine.journal import Reader

_PAID_WITH: Final = '"paid_with":"'
_HASH_LENGTH: Final = 32


def read(house: House, business_id: int, ref: MemberRef, country: str, pointer: str) -> Named | str:
    """Read how an ambassador is named: as members are, or by their code, which is given as it stands."""
    if isinstance(ref, ReferredBy) and isinstance(ref.code, str):
        if any(isinstance(getattr(ref, other), str) for other in ("phone", "email", "id")):
            message = "name an ambassador by exactly one of phone, email, id or code"
            raise BodyInvalid(message, pointer=pointer)
        return ref.code
    return named(house, business_id, ref, country, pointer=pointer)


async def ambassador(house: House, reader: Reader, business_id: int, who: Named | str) -> MemberState | None:
    """Find the ambassador who was named; None where nobody is."""
    if isinstance(who, str):
        member_id = await codes.member_of(reader, business_id, who)
        return None if member_id is None else await person(house, business_id, member_id)
    return await _opened(house.database, business_id, member_id=who.member_id, blind_index=who.blind_index)


async def person(
    house: House, business_id: int, member_id: str, asked: presence.Asked | None = None, *, at: int = 0
) -> MemberState | None:
    """Read a member by id, or whom they sleep in by now; None where they are gone."""
    return await _opened(asked or house.database, business_id, member_id=member_id, occurred_at=at, now=at)


async def _opened(asked: presence.Asked, business_id: int, **whom: Any) -> MemberState | None:
    page = await presence.page_of(asked, Opening(business_id=business_id, **whom))
    state = page.member if page else None
    return None if state is None or state.presence == presence.ERASED else state


def mailboxes(identifiers: Iterable[Identifier]) -> set[str]:
    """Give the mailboxes behind somebody's addresses, without tags and dots that lead to the same one."""
    return {folded_email(one) for one in identifiers if one.kind == "email"}


async def shares_mailbox(
    house: House, reader: Reader, state: MemberState, business_id: int, theirs: Iterable[Identifier]
) -> bool:
    """Tell whether one of these addresses leads to a mailbox of this member's."""
    wanted = mailboxes(theirs)
    return bool(wanted) and not wanted.isdisjoint(mailboxes(await identifiers_of(house, business_id, state, reader)))


async def paid_with(reader: Reader, business_id: int, members: Iterable[str]) -> set[str]:
    """Give the keyed hashes of what members have paid with, as far as their tills have said."""
    found = set()
    for member_id in members:
        rows = await reader.fetch(
            "SELECT input FROM journal WHERE business_id = $1 AND member_id = $2 AND kind = 'purchase' "
            "AND status = 201 AND input LIKE '%' || $3 || '%'",
            business_id, member_id, _PAID_WITH,
        )  # fmt: skip
        found |= {row[0].partition(_PAID_WITH)[2][:_HASH_LENGTH] for row in rows}
    return found


def token_hash(house: House, business_id: int, token: str) -> str:
    """Hash a terminal's token of a card, so that two purchases can be told to be paid alike and nothing else."""
    return house.vault.keyed_hash(business_id, f"paid\0{token}".encode())
