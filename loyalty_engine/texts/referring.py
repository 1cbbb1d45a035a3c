"""REFER, VERV, VÄRVA: a member asks for their code to share, or names a friend's number; and friends join with a code.

Invariant: whatever number a member names, they get the same answer, so that nobody learns who is a member.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from loyalty_engine.identifiers import IdentifierRefused, parse_phone
from loyalty_engine.referrals import arriving, codes, naming
from loyalty_engine.referrals.arriving import Brought, Coming
from loyalty_engine.referrals.course import Moment
from loyalty_engine.texts.answering import answer, by_hand
from loyalty_engine.texts.asking import Reaction

if TYPE_CHECKING:
    from msgspec import Struct

    from loyalty_engine.database import MemberState
    from loyalty_engine.texts.asking import Asked


async def refer(asked: Asked) -> Reaction:
    """Answer with the member's code and link, and keep the friend they named, if they named one."""
    member = asked.member
    if member is None or asked.doubted or asked.edition.programme.referral is None:
        return await by_hand(asked)
    code, made = await codes.code_along(asked.house, asked.reader, asked.business_id, member.id, at=asked.at)
    named = await _friend(asked, member) if asked.wish.rest else ()
    link = codes.link_of(asked.house, code) if asked.house.settings.public_url else ""
    rows: tuple[Struct, ...] = (*made, *(named or ()))
    return Reaction(text=answer(asked, "refer", code=code, link=link), rows=rows, review=named is None)


async def _friend(asked: Asked, member: MemberState) -> tuple[Struct, ...] | None:
    """Give the rows of the friend who was named; None where what was said is no number, and a person reads it."""
    try:
        friend = parse_phone(asked.wish.rest, asked.edition.programme.country)
    except IdentifierRefused:
        return None
    index = asked.house.vault.blind_index(asked.business_id, friend)
    known = await naming.friend_by(asked.house, asked.business_id, index)
    _, rows = await naming.name(
        naming.Naming(
            house=asked.house, reader=asked.reader, business_id=asked.business_id, ambassador=member, friend=known,
            identifier=friend, how="text", moment=Moment(asked.at, asked.incoming.gateway, asked.line_id),
        )
    )  # fmt: skip
    return rows


async def brought_by(asked: Asked, member_id: str, line_id: str) -> Brought:
    """Tell who brought somebody who joins by text: whose code they sent along, or who has named their number."""
    programme = asked.edition.programme
    if programme.referral is None:
        return arriving.NOBODY
    return await arriving.arrive(
        Coming(
            house=asked.house, business_id=asked.business_id, programme=programme, member_id=member_id,
            identifier=asked.identifier, by=codes.read_code(asked.wish.rest), how="text",
            moment=Moment(asked.at, asked.incoming.gateway, line_id), reader=asked.reader,
        )
    )  # fmt: skip
