"""Tells a load balancer whether we are alive, and whether we can serve."""

from __future__ import annotations

from litestar import get
from litestar.types import ASGIApp
from msgspec import Struct

from api.asking import Ask, reply
from api.calls import promised
from loyalty_engine.errors import DatabaseAway


class Health(Struct, frozen=True):
    """How we are."""

    status: str


@get("/health/live", **promised(scopes=frozenset(), answers={200: Health}))
async def live() -> ASGIApp:
    """Answer as long as the process runs; asks nobody else."""
    return reply(Health("live"))


@get("/health/ready", **promised(scopes=frozenset(), answers={200: Health}, refusals=(DatabaseAway,)))
async def ready(request: Ask) -> ASGIApp:
    """Answer when purchases can be recorded."""
    await request.house.ready()
    return reply(Health("ready"))


ROUTES = [live, ready]
