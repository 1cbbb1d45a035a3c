"""The composition root: the only place where doors, counting house and clock are put together."""

from __future__ import annotations

import gc
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from typing import Final

from litestar import Litestar, Router
from litestar.datastructures import State

from api import access, batches, documentation, health, keys, members, programmes, purchases
from api.asking import Ask
from api.front import Front
from api.logbook import clock, configure_log
from api.problems import HANDLERS
from loyalty_engine.house import House, open_house
from loyalty_engine.settings import Settings

_GC_THRESHOLD: Final = 50_000


def create_app(
    settings: Settings | None = None, house: House | None = None, *, now: Callable[[], datetime] = clock
) -> Litestar:
    """Make the HTTP application.

    Without `house` it opens its own from `settings` (by default those of the environment) when it starts, and
    closes it when it stops; a house that is given stays its owner's. `now` is the clock.
    """
    chosen = house.settings if house is not None else settings or Settings.from_environ(os.environ)
    configure_log(chosen.log_level)
    doors = (members, purchases, batches, programmes, keys)
    app = Litestar(
        route_handlers=[
            Router("/v1", route_handlers=[route for door in doors for route in door.ROUTES],
                   before_request=access.signed_in),
            *health.ROUTES,
            *documentation.ROUTES,
        ],
        request_class=Ask,
        exception_handlers=HANDLERS,
        lifespan=[_opened(chosen)] if house is None else [],
        state=State({"house": house, "counter": access.Counter(chosen.rate_per_second, chosen.rate_burst)}),
        openapi_config=None,
        logging_config=None,
    )  # fmt: skip
    app.state.openapi = documentation.write(app)
    app.asgi_handler = Front(app.asgi_handler, now)
    return app


def _opened(settings: Settings) -> Callable[[Litestar], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        house = await open_house(settings)
        app.state.house = house
        thresholds = gc.get_threshold()
        # What is alive now stays alive; a collection that walks it again under load is a pause for nothing.
        gc.collect()
        gc.freeze()
        gc.set_threshold(_GC_THRESHOLD, *thresholds[1:])
        try:
            yield
        finally:
            gc.set_threshold(*thresholds)
            gc.unfreeze()
            await house.close()

    return lifespan
