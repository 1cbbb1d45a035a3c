"""A till asks whose number this is: counted first, answered then, and told to a person where somebody asks too much."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from loyalty_engine.errors import TooManyRequests
from loyalty_engine.identity import alerts, budgets

if TYPE_CHECKING:
    from loyalty_engine.businesses import Caller
    from loyalty_engine.database import Transaction
    from loyalty_engine.house import House
    from loyalty_engine.identifiers import Identifier
    from loyalty_engine.identity.budgets import Share

_SAYS: Final = {
    "key": "an API key has asked for more numbers in an hour than one may",
    "business": "the keys of this business have together asked for more numbers in an hour than they may",
    "block": "an API key has asked for number after number of one block, as a machine does and no till",
    "miss": "an API key asks for numbers of which hardly any is a member's, as a machine does and no till",
}


async def count(house: House, caller: Caller, identifier: Identifier | None, now: int) -> Share:
    """Count a look-up before it is made; raise TooManyRequests where it is one too many, and tell a person."""
    try:
        return house.budgets.spend(caller.business_id, caller.key_id, identifier, now)
    except TooManyRequests:
        await _tell(house, caller, house.budgets.of(caller.key_id, now), now)
        raise


async def found_nobody(house: House, caller: Caller, share: Share, now: int) -> None:
    """Note a miss, and tell a person where a key has had far too many."""
    budgets.missed(share)
    if share.told:
        await _tell(house, caller, share, now)


async def joined(house: House, caller: Caller, now: int) -> None:
    """Note that an enrolment found nobody: it tells as much of a number as a look-up does."""
    share = house.budgets.of(caller.key_id, now)
    share.asked += 1
    await found_nobody(house, caller, share, now)


async def _tell(house: House, caller: Caller, share: Share, now: int) -> None:
    for kind in budgets.alarms(share):

        async def work(transaction: Transaction, kind: str = kind) -> None:
            await alerts.put(
                transaction, caller.business_id, f"lookups_{kind}", _SAYS[kind], key_id=caller.key_id, at=now
            )

        await house.database.write_transaction(work)
