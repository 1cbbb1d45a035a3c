"""PAGE, SIDE, SIDA: a member asks for their own page, and the number that asked is sent the link that opens it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loyalty_engine.identity import presence
from loyalty_engine.pages import visits
from loyalty_engine.texts.answering import answer
from loyalty_engine.texts.asking import Reaction

if TYPE_CHECKING:
    from loyalty_engine.texts.asking import Asked


async def ask_page(asked: Asked) -> Reaction:
    """Answer with a link; a person reads it where there is none to give, or the number may be another's by now."""
    if asked.member is None:
        return Reaction(text=answer(asked, "stranger"))
    if asked.member.presence == presence.DOUBTED or not asked.house.settings.public_url:
        return Reaction(text=answer(asked, "help"), review=True)
    token, row = visits.new_link(asked.business_id, asked.member.id, origin="text", at=asked.at)
    return Reaction(text=answer(asked, "page", link=visits.address(asked.house, token)), rows=(row,))
