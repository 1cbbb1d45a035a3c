"""Says no so that both the till and the cashier understand: every failure as RFC 9457 problem details.

Invariant: nothing leaves here but what an error class says of itself; an exception that is not ours becomes
"something went wrong on our side", and its story goes to the log under the request's id.
"""

from __future__ import annotations

from http import HTTPMethod
from typing import Any, Final, cast

import structlog
from litestar import Litestar, Request, Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap, Receive, Scope, Send

from api import cashier
from api.asking import Reply, encode
from api.wire import Away
from loyalty_engine.errors import (
    BodyTooLarge,
    InternalError,
    LoyaltyError,
    MethodNotAllowed,
    NotSignedIn,
    ParameterMalformed,
    RouteUnknown,
)

MEDIA_TYPE: Final = b"application/problem+json"
_OURS: Final = {404: RouteUnknown, 413: BodyTooLarge, 405: MethodNotAllowed}
_SERVER: Final = 500
_log = structlog.get_logger("loyalty.problems")


def problem(error: LoyaltyError, request_id: str, cashier_reads: str | None = None) -> dict[str, Any]:
    """Give the problem document of an error, with a sentence for the cashier where a till has asked.

    The error's figures are added to it and never hide a member of its own.
    """
    said: dict[str, Any] = {
        "type": f"/problems/{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        "errors": error.details,
        "request_id": error.request_id or request_id,
        "retryable": error.retryable,
    }
    if cashier_reads is not None and (sentence := cashier.sentence(error, cashier_reads)):
        said["cashier_message"] = sentence
    return error.facts | said


async def language_of(app: Litestar, business_id: int | None) -> str:
    """Tell in which language a cashier of this business reads; English where there is no programme to ask."""
    if business_id is None:
        return "en"
    try:
        edition = await app.state.house.shelf.current(business_id)
    except LoyaltyError:
        return "en"
    return cast("str", edition.programme.languages[0])


def read_exception(error: Exception, request_id: str) -> LoyaltyError:
    """Give the error of ours that an exception amounts to, and log what only we may read."""
    if isinstance(error, LoyaltyError):
        return error
    if isinstance(error, Away):
        return ParameterMalformed("The connection was closed before the request was complete.")
    if isinstance(error, HTTPException) and error.status_code < _SERVER:
        ours = _OURS.get(error.status_code, ParameterMalformed)
        return ours()
    _log.error("unhandled", request_id=request_id, exc_info=error)
    return InternalError()


class Problem:
    """A refusal on its way out."""

    def __init__(self, error: Exception) -> None:
        """Take the exception; who it is told to is found in the scope it is sent with."""
        self.error = error

    def to_asgi_response(self, *_: object, **__: object) -> Problem:
        """Stand where Litestar expects a Response."""
        return self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Write the problem in the language of the caller's business, and send it."""
        request_id = scope["state"].get("request_id", "")
        error = read_exception(self.error, request_id)
        body = encode(problem(error, request_id, await _cashier_reads(scope, error)))
        scope["state"]["code"] = error.code
        answer = Reply(error.status, body, *_headers(error, scope), media_type=MEDIA_TYPE)
        await answer(scope, receive, send)


async def _cashier_reads(scope: Scope, error: LoyaltyError) -> str | None:
    """Tell in which language a cashier reads this; None where a program has asked, not a till.

    While we are in trouble ourselves nobody is asked: the sentence is English.
    """
    route = cast("dict[str, Any]", scope).get("route_handler")  # none, where no route takes the request
    call = route.opt.get("call") if route is not None else None
    if call is None or "till" not in call.scopes:
        return None
    caller = scope.get("auth")
    business_id = caller.business_id if caller is not None and error.status < _SERVER else None
    return await language_of(scope["litestar_app"], business_id)


def _headers(error: LoyaltyError, scope: Scope) -> list[tuple[bytes, bytes]]:
    headers = []
    if error.hit:
        headers.append((b"idempotency-hit", b"true"))
    if error.retryable and error.status != _SERVER:
        headers.append((b"retry-after", b"%d" % error.facts.get("retry_after_seconds", 1)))
    if isinstance(error, NotSignedIn):
        headers.append((b"www-authenticate", b"Bearer"))
    if isinstance(error, MethodNotAllowed):
        headers.append((b"allow", ", ".join(_methods_at(scope)).encode()))
    return headers


def _methods_at(scope: Scope) -> list[str]:
    router = scope["litestar_app"].asgi_router
    found = []
    for method in HTTPMethod:
        try:
            router.handle_routing(path=scope["path"].rstrip("/") or "/", method=method.value)
        except HTTPException:
            continue
        found.append(method.value)
    return found


def _answer(_: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    return cast("Response[Any]", Problem(error))


HANDLERS: Final[ExceptionHandlersMap] = {Exception: _answer, HTTPException: _answer}
