"""Why an entry stands: the question a member asks at the counter, answered from what was known then."""

from __future__ import annotations

from litestar import get
from litestar.params import FromPath
from litestar.types import ASGIApp

from api.asking import Ask, reply
from api.calls import TILL_OR_READ, promised
from loyalty_engine import explaining, ids
from loyalty_engine.errors import EntryUnknown, ParameterMalformed
from loyalty_engine.explaining import EntryExplained
from loyalty_engine.identity.errors import VerificationNeeded


@get(
    "/ledger/{entry_id:str}/explanation",
    **promised(
        scopes=TILL_OR_READ,
        answers={200: EntryExplained},
        refusals=(EntryUnknown, ParameterMalformed, VerificationNeeded),
        asks={"language": "^[a-z]{2,3}(-[A-Z]{2})?$"},
    ),
)
async def explain_entry(request: Ask, entry_id: FromPath[str]) -> ASGIApp:
    """Say why an entry stands, in English or in the language asked for: the very sentences answered at the till."""
    language = request.asked().get("language")
    if not ids.is_id(entry_id, "ent"):
        raise EntryUnknown
    explained = await explaining.asked_at_the_counter(
        request.house, request.caller, entry_id, at=request.received_at, language=language
    )
    return reply(explained)


ROUTES = [explain_entry]
