"""The way out of letters: mail programs click it by themselves (RFC 8058), and people press its one button."""

from __future__ import annotations

from typing import Final

from litestar import get, post
from litestar.params import FromPath
from litestar.types import ASGIApp

from api.asking import Ask, Reply
from loyalty_engine.messages import leaving_letters

_HTML: Final = b"text/html; charset=utf-8"
_HEAD: Final = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
)
_ASK: Final = (
    f'{_HEAD}<title>Leave</title><main><h1>No more letters?</h1><form method="post"><button>Stop the letters</button>'
    "</form></main></html>"
)
_DONE: Final = f"{_HEAD}<title>Done</title><main><h1>Done</h1><p>No more letters will come.</p></main></html>"


@get("/leave/{business:str}/{message:str}/{proof:str}", status_code=200)
async def ask_to_leave(request: Ask, business: FromPath[str], message: FromPath[str], proof: FromPath[str]) -> ASGIApp:
    """Show the button; looking changes nothing."""
    leaving_letters.check(request.house, business, message, proof)
    return Reply(200, _ASK.encode(), media_type=_HTML)


@post("/leave/{business:str}/{message:str}/{proof:str}", status_code=200)
async def leave(request: Ask, business: FromPath[str], message: FromPath[str], proof: FromPath[str]) -> ASGIApp:
    """End the letters."""
    await leaving_letters.leave(request.house, business, message, proof, at=request.received_at)
    return Reply(200, _DONE.encode(), media_type=_HTML)


ROUTES = [ask_to_leave, leave]
