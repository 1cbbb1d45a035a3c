"""A basket before it is paid: what it would earn, what could be redeemed with it, and what is nearly reached.

Invariant: nothing is kept, not even that somebody asked.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from loyalty_engine import awarding
from loyalty_engine.answers import QuoteAnswer, Total, WouldAward
from loyalty_engine.baskets import opening_of, read
from loyalty_engine.earning import judge
from loyalty_engine.identity import dormancy, looking_up, presence
from loyalty_engine.instants import to_micros
from loyalty_engine.members import accounts_of, balances
from loyalty_engine.redemption import offering, spending
from loyalty_engine.wording import language_for

if TYPE_CHECKING:
    from loyalty_engine.businesses import Caller
    from loyalty_engine.commands import QuotePurchase
    from loyalty_engine.house import House


async def quote(house: House, caller: Caller, command: QuotePurchase, *, at: datetime) -> QuoteAnswer:
    """Tell what a basket would earn, and what could be redeemed with it, if it were paid now."""
    basket = await read(house, caller, command, at)
    now = to_micros(at)
    share = await looking_up.count(house, caller, basket.who.identifier, now)
    page = await presence.page_of(house.database, opening_of(caller, basket, at))
    assert page is not None, "the caller's business exists"
    if page.member is not None:
        presence.here(page.member)
    else:
        await looking_up.found_nobody(house, caller, share, now)
    judged = await judge(house, caller, basket, page, at, house.database)
    programme = judged.edition.programme
    language = language_for(programme, judged.state.language if judged.state else None)
    awards = [award for came in judged.came for award in came.outcome.awards]
    totals: dict[str, int] = {}
    for award in awards:
        totals[award.unit] = totals.get(award.unit, 0) + award.amount
    wallet = offering.wallet(
        house.database, caller.business_id, judged.edition, judged.bought.facts,
        occurred=basket.purchase.occurred_at, language=language,
    )  # fmt: skip
    answer = QuoteAnswer(
        member={"known": judged.state is not None},
        awards=tuple(WouldAward(award.rule, award.unit, award.amount, award.reason) for award in awards),
        totals=tuple(Total(unit, amount) for unit, amount in totals.items()),
        perks=await offering.offers(wallet, basket.purchase),
        balances=balances(programme, accounts_of(judged.state)),
        explanation=awarding.explained(judged.came),
        programme_version=judged.edition.version,
        redeemed=spending.tell(judged.plan, programme, language) if judged.plan else (),
        to_pay_minor=judged.paid_minor,
        nudges=offering.nudges(wallet),
    )
    if await dormancy.doubted(house.database, caller.business_id, judged.edition, judged.state, now):
        return msgspec.structs.replace(answer, balances=(), explanation=(), perks=(), nudges=())
    return answer
