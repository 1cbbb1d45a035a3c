"""The composition root: the only place where doors, counting house and clock are put together."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import datetime
from typing import Final

from litestar import Litestar, Router
from litestar.datastructures import State

from api import (
    access,
    awards,
    batches,
    consents,
    documentation,
    events,
    gateways,
    health,
    identity,
    keys,
    leave,
    ledger,
    members,
    privacy,
    programmes,
    purchases,
    redemptions,
    referrals,
    reports,
    webhooks,
)
from api.asking import Ask
from api.front import Front
from api.logbook import clock, configure_log
from api.pages import dress, join, own, posters
from api.problems import HANDLERS
from api.texts import carrier, hatch
from loyalty_engine.house import House, open_house
from loyalty_engine.settings import Settings
from loyalty_engine.upkeep import keep_up

_GC_THRESHOLD: Final = 50_000
_SWITCH_INTERVAL: Final = 0.0005


def create_app(
    settings: Settings | None = None, house: House | None = None, *, now: Callable[[], datetime] = clock
) -> Litestar:
    """Make the HTTP application.

    Without `house` it opens its own from `settings` (by default those of the environment) when it starts, and
    closes it when it stops; a house that is given stays its owner's. `now` is the clock.
    """
    chosen = house.settings if house is not None else settings or Settings.from_environ(os.environ)
    configure_log(chosen.log_level)
    doors = (
        members,
        identity,
        privacy,
        consents,
        ledger,
        purchases,
        redemptions,
        referrals,
        events,
        batches,
        programmes,
        keys,
        gateways,
        webhooks,
        awards,
        reports,
    )
    app = Litestar(
        route_handlers=[
            Router("/v1", route_handlers=[route for door in doors for route in door.ROUTES],
                   before_request=access.signed_in),
            *health.ROUTES,
            *hatch.ROUTES,
            *leave.ROUTES,
            *(route for page in (join, own, posters, dress) for route in page.ROUTES),
            *documentation.ROUTES,
        ],
        request_class=Ask,
        exception_handlers=HANDLERS,
        lifespan=[_opened(chosen, now)] if house is None else [],
        state=State({"house": house, "counter": access.Counter(chosen.rate_per_second, chosen.rate_burst)}),
        openapi_config=None,
        logging_config=None,
    )  # fmt: skip
    app.state.openapi = documentation.write(app)
    app.asgi_handler = Front(app.asgi_handler, now)
    return app


def _opened(settings: Settings, now: Callable[[], datetime]) -> Callable[[Litestar], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        house = await open_house(settings)
        app.state.house = house
        thresholds = gc.get_threshold()
        # What is alive now stays alive; a collection that walks it again under load is a pause for nothing.
        gc.collect()
        gc.freeze()
        gc.set_threshold(_GC_THRESHOLD, *thresholds[1:])
        # The thread that waits for the disk gets its turn soon, not after the usual five milliseconds.
        switching = sys.getswitchinterval()
        sys.setswitchinterval(_SWITCH_INTERVAL)
        client = carrier.new_client()
        house.carrier_of = carrier.carriers(house, client, now)
        upkeep = asyncio.create_task(keep_up(house, now), name="upkeep")
        try:
            yield
        finally:
            upkeep.cancel()
            with suppress(asyncio.CancelledError):
                await upkeep
            await client.aclose()
            sys.setswitchinterval(switching)
            gc.set_threshold(*thresholds)
            gc.unfreeze()
            await house.close()

    return lifespan
