"""What is done by the clock and not by a till: what a crash or a race left undone is found and finished."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

import structlog

from loyalty_engine import refunding

if TYPE_CHECKING:
    from loyalty_engine.house import House

_log = structlog.get_logger("loyalty.upkeep")


async def keep_up(house: House, now: Callable[[], datetime], *, every: int = 60) -> None:
    """Go round every so many seconds until cancelled; a round that fails is said in the log and made up for later.

    A purchase and the refund that came before it may be told to two processes in the same instant, so that neither
    sees the other: the round finds the refund and settles it.
    """
    while True:
        try:
            settled = await refunding.settle_all(house, at=now())
        except Exception as problem:  # noqa: BLE001  # whatever stopped this round, the next one comes
            _log.warning("upkeep", problem=type(problem).__name__)
        else:
            if settled:
                _log.info("upkeep", refunds_settled=settled)
        await asyncio.sleep(every)
