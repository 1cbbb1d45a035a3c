"""What a till hears of a number: whose it is, what they have, what they could have, and what they have nearly reached.

Invariant: it keeps nothing, and what nobody's programme has is not asked for: a programme without perks costs one page.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from loyalty_engine.answers import LookupAnswer
from loyalty_engine.consent import prompts
from loyalty_engine.instants import to_micros
from loyalty_engine.members import facts_of, recognise
from loyalty_engine.redemption import offering, vouchers

if TYPE_CHECKING:
    from loyalty_engine.businesses import Caller
    from loyalty_engine.commands import MemberRef
    from loyalty_engine.house import House


async def lookup(house: House, caller: Caller, ref: MemberRef, *, at: datetime) -> LookupAnswer:
    """Tell a till what a number has here; an unknown one is answered, not refused."""
    answer, state = await recognise(house, caller, ref, at=at)
    edition = await house.shelf.current(caller.business_id)
    now = to_micros(at)
    known, language = (state.id, state.language) if state is not None else (None, None)
    asked = await prompts.due(house.database, edition.programme, caller.business_id, known, language, at=now)
    if asked:
        answer = msgspec.structs.replace(answer, consent_prompts=asked)
    if state is None or not edition.programme.perks:
        return answer
    wallet = offering.wallet(
        house.database, caller.business_id, edition, facts_of(state, now), occurred=at, language=state.language
    )
    held = vouchers.current(state.vouchers, at=now)
    return msgspec.structs.replace(
        answer, perks=await offering.offers(wallet, None), nudges=offering.nudges(wallet),
        vouchers=tuple([await vouchers.as_shown(house, row, state.language, at=now) for row in held]),
    )  # fmt: skip
