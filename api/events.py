"""What happened besides buying: a course done, a parcel that came late, a bag carried in by the customer."""

from __future__ import annotations

from litestar import post
from litestar.params import JSONBody
from litestar.types import ASGIApp

from api.asking import Ask, reply_stored
from api.calls import EVENTS, promised
from loyalty_engine import happenings
from loyalty_engine.answers import EventAnswer
from loyalty_engine.commands import RecordEvent
from loyalty_engine.errors import (
    EventRaisedHere,
    IdempotencyKeyReused,
    IdentifierInvalid,
    LocationNotYours,
    LocationUndeclared,
    MemberNotFoundByNumber,
    MemberUnknown,
    OccurredInFuture,
    OccurredTooLongAgo,
    ProgrammeMissing,
    ReferenceConflict,
)


@post(
    "/events",
    **promised(
        scopes=EVENTS,
        answers={201: EventAnswer},
        refusals=(
            EventRaisedHere, LocationNotYours, OccurredInFuture, OccurredTooLongAgo, ProgrammeMissing,
            IdentifierInvalid, IdempotencyKeyReused, ReferenceConflict, MemberUnknown, MemberNotFoundByNumber,
            LocationUndeclared,
        ),
        changes=True,
    ),
)  # fmt: skip
async def record_event(request: Ask, data: JSONBody[RecordEvent]) -> ASGIApp:
    """Record that something happened to a member, and give what the programme gives for it, once."""
    return reply_stored(await happenings.record_event(request.house, request.caller, data, request.ticket()))


ROUTES = [record_event]
