"""The reading room: the reference document, a page to try the calls on, and what each problem means."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Final

from litestar import Litestar, get
from litestar.params import FromPath
from litestar.types import ASGIApp

from api import openapi
from api.asking import Ask, Reply, encode
from loyalty_engine.errors import RouteUnknown

_STATIC: Final = Path(__file__).parent / "static"
_FILES: Final = {
    "swagger-ui.css": (_STATIC / "swagger" / "swagger-ui.css", b"text/css; charset=utf-8"),
    "swagger-ui-bundle.js": (_STATIC / "swagger" / "swagger-ui-bundle.js", b"text/javascript; charset=utf-8"),
    "start.js": (_STATIC / "start.js", b"text/javascript; charset=utf-8"),
}
_HTML: Final = b"text/html; charset=utf-8"
# Everything from this host only; the page's icons are images inside its style sheet.
_POLICY: Final = (
    b"content-security-policy",
    (
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
)
_PROBLEM: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{code}</title>
<h1>{title}</h1>
<p><code>{code}</code>, HTTP status {status}. {again}</p>
</html>
"""


def write(app: Litestar) -> bytes:
    """Write the reference document of an app, once, when it is made."""
    return encode(openapi.document(app))


@get("/openapi.json")
async def reference(request: Ask) -> ASGIApp:
    """Give the OpenAPI 3.1 document of this server."""
    return Reply(200, request.app.state.openapi)


@get("/docs")
async def page() -> ASGIApp:
    """Show the calls on a page where they can be tried."""
    return Reply(200, (_STATIC / "page.html").read_bytes(), _POLICY, media_type=_HTML)


@get("/docs/{name:str}")
async def file(name: FromPath[str]) -> ASGIApp:
    """Give one of the files the page is made of."""
    if name not in _FILES:
        raise RouteUnknown
    path, media_type = _FILES[name]
    return Reply(200, path.read_bytes(), _POLICY, media_type=media_type)


@get("/problems/{code:str}")
async def meaning(code: FromPath[str]) -> ASGIApp:
    """Say what a problem type means: the address in a problem's `type` leads here."""
    error = next((each for each in openapi.every_error() if each.code == code), None)
    if error is None:
        raise RouteUnknown
    again = "The same request may be sent again." if error.retryable else "Sending it again changes nothing."
    said = _PROBLEM.format(code=html.escape(code), title=html.escape(error.title), status=error.status, again=again)
    return Reply(200, said.encode(), media_type=_HTML)


ROUTES = [reference, page, file, meaning]
