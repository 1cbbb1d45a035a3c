"""Writes the reference document (OpenAPI 3.1) from what the routes promise and the types they really read.

Nothing is told twice: shapes and bounds come from the types that decode the bodies, refusals from the errors.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any, Final

import msgspec
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute
from msgspec import Struct

from api import examples, programme_shapes
from api.calls import Call
from api.wire import Kind
from loyalty_engine import errors
from loyalty_engine.errors import Detail, LoyaltyError

Json = dict[str, Any]

_REF: Final = "#/components/schemas/{name}"
_PATH_SHAPES: Final = {
    "member_id": ("^mem_[0-9a-z]{26}$", "mem_01m7q5cqg0envvna4f65046jha"),
    "entry_id": ("^ent_[0-9a-z]{26}$", "ent_01m7q5cqg0envvna4f65046jhd"),
    "award_id": ("^awd_[0-9a-z]{26}$", "awd_01m7q5cqg0envvna4f65046jhw"),
    "merge_id": ("^mrg_[0-9a-z]{26}$", "mrg_01m7q5cqg0envvna4f65046jhm"),
    "request_id": ("^rqs_[0-9a-z]{26}$", "rqs_01m7q5cqg0envvna4f65046jhr"),
    "purchase_id": ("^pur_[0-9a-z]{26}$", "pur_01m7q5cqg0envvna4f65046jhb"),
    "hold_id": ("^hld_[0-9a-z]{26}$", "hld_01m7q5cqg0envvna4f65046jhh"),
    "voucher_id": ("^vch_[0-9a-z]{26}$", "vch_01m7q5cqg0envvna4f65046jhi"),
    "key_id": ("^[0-9A-Za-z]{8}$", "7Q2mX0aB"),
    "number": ("^[1-9][0-9]{0,8}$", "7"),
    "gateway": ("^[a-z0-9_]{1,30}$", "twilio"),
    "referral_id": ("^ref_[0-9a-z]{26}$", "ref_01m7q5cqg0envvna4f65046jhf"),
    "webhook_id": ("^whk_[0-9a-z]{26}$", "whk_01m7q5cqg0envvna4f65046jha"),
    "text_id": ("^jnl_[0-9a-z]{26}$", "jnl_01m7q5cqg0envvna4f65046jhx"),
    "location": ("^[^/]{1,100}$", "grunerlokka"),
}
_MEDIA: Final[dict[Kind, str]] = {
    "json": "application/json",
    "toml": "application/toml",
    "ndjson": "application/x-ndjson",
}
# Printable ASCII that neither begins nor ends with a space; a quotation mark would open a quoted key.
_KEY_SHAPE: Final = "^[!#-~]([ -~]*[!-~])?$"
_TITLES: Final = {
    "members": "Members",
    "identity": "Identity",
    "consents": "Consent",
    "privacy": "Privacy",
    "ledger": "The ledger",
    "purchases": "Purchases and refunds",
    "events": "Events",
    "redemptions": "Holds and vouchers",
    "batches": "Batches",
    "programmes": "The programme",
    "referrals": "Bringing friends",
    "keys": "Keys and locations",
    "gateways": "Texts and gateways",
    "webhooks": "Webhooks",
    "awards": "Tiers and goodwill by hand",
    "reports": "Reports",
    "health": "Health",
}
# What a type cannot say of itself.
_FURTHER: Final[dict[str, Json]] = {
    "MemberRef": {"minProperties": 1, "maxProperties": 1},
    "ReferredBy": {"minProperties": 1, "maxProperties": 1},
    "Redeem": {"minProperties": 1, "maxProperties": 2},
}
_EVERYWHERE: Final = (errors.InternalError, errors.Busy, errors.DatabaseAway)
_SIGNED_IN: Final = (
    errors.KeyMissing, errors.KeyUnknown, errors.ScopeMissing, errors.KeyInUrl, errors.TooManyRequests,
)  # fmt: skip
_WITH_BODY: Final = (errors.MalformedBody, errors.BodyTooLarge, errors.NotJson, errors.BodyInvalid)
_WITH_KEY: Final = (errors.IdempotencyKeyMissing, errors.IdempotencyKeyMalformed, errors.InProgress)


class Problem(Struct, frozen=True, kw_only=True):
    """A failure (RFC 9457). Further members are the figures the sentence speaks of.

    `code` is stable; `errors` names each place in the body; `retryable` says that the same request may be
    sent again as it is; `cashier_message` is for the person at the till, in the language of the programme.
    """

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: tuple[Detail, ...]
    request_id: str
    retryable: bool
    cashier_message: str | None = None


def every_error() -> Iterator[type[LoyaltyError]]:
    """Give every error that a caller can meet, in the order of the tree."""

    def below(parent: type[LoyaltyError]) -> Iterator[type[LoyaltyError]]:
        children = [each for each in parent.__subclasses__() if each.__module__.startswith("loyalty_engine.")]
        if not children:
            yield parent
        for child in children:
            yield from below(child)

    return below(LoyaltyError)


def document(app: Litestar) -> Json:
    """Write the document of an app."""
    found = list(_routes(app))
    types = {each for _, _, route, call in found for each in (_body(route, call), *call.answers.values()) if each}
    ordered = sorted(types, key=repr)
    references, components = msgspec.json.schema_components([*ordered, Problem], ref_template=_REF)
    schemas: dict[Any, Json] = dict(zip([*ordered, Problem], references, strict=True))
    schemas[dict[str, Any]] = programme_shapes.REF  # the one body that is a document of its own
    components = programme_shapes.filled_in(components)
    paths: Json = {}
    for path, method, route, call in found:
        paths.setdefault(path, {})[method.lower()] = _operation(route, call, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Loyalty engine",
            "version": "1",  # of the contract, not of the program
            "description": _introduction(),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "tags": [{"name": title} for title in _TITLES.values()],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": {name: shape | _FURTHER.get(name, {}) for name, shape in sorted(components.items())},
            "headers": _HEADERS,
            "examples": dict(_problems()),
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key (`lyl_live_...`): it names the business, maybe one location.",
                }
            },
        },
    }


def _problems() -> Iterator[tuple[str, Json]]:
    # By code: the order of the tree is the order in which its files happen to be loaded.
    for error in sorted(every_error(), key=lambda each: each.code):
        yield error.code, {"value": examples.problem(error, at_till=False)}
        yield f"{error.code}-at-till", {"value": examples.problem(error, at_till=True)}


def _routes(app: Litestar) -> Iterator[tuple[str, str, HTTPRouteHandler, Call]]:
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for method, (handler, _) in sorted(route.route_handler_map.items()):
                if (call := handler.opt.get("call")) is not None:
                    yield route.path_format, method, handler, call


def _body(route: HTTPRouteHandler, call: Call) -> Any:  # a type, or an annotation such as list[Row]
    data = route.parsed_fn_signature.parameters.get("data")
    return call.body if data is None else data.annotation


def _operation(route: HTTPRouteHandler, call: Call, schemas: dict[Any, Json]) -> Json:
    said = inspect.cleandoc(route.fn.__doc__ or "")
    operation: Json = {
        "operationId": route.fn.__name__,
        "summary": said.splitlines()[0].partition("; ")[0].rstrip("."),
        "description": said + _scopes(call),
        "tags": [_TITLES[route.fn.__module__.removeprefix("api.")]],
        "parameters": list(_parameters(route, call)),
        "responses": dict(_responses(route, call, schemas)),
    }
    if not call.scopes:
        operation["security"] = []
    if (body := _body(route, call)) is not None:
        operation["requestBody"] = _request(route.fn.__name__, call, schemas[body])
    return operation


def _scopes(call: Call) -> str:
    if not call.scopes:
        return ""
    return f"\n\nFor keys with the scope {' or '.join(f'`{scope}`' for scope in sorted(call.scopes))}."


def _parameters(route: HTTPRouteHandler, call: Call) -> Iterator[Json]:
    for name in route.parsed_fn_signature.parameters:
        if name in _PATH_SHAPES:
            pattern, example = _PATH_SHAPES[name]
            schema = {"type": "string", "pattern": pattern}
            yield {"name": name, "in": "path", "required": True, "schema": schema, "example": example}
    if call.changes:
        yield {
            "name": "Idempotency-Key", "in": "header", "required": True,
            "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": _KEY_SHAPE},
            "example": "6f9b1c1e-till-1-000123",
            "description": "Names this command: with the same body, the first answer is given again.",
        }  # fmt: skip
    for name, pattern in call.asks.items():
        yield {"name": name, "in": "query", "required": False, "schema": {"type": "string", "pattern": pattern}}
    if call.pages:
        limit = {"type": "integer", "minimum": 1, "maximum": 100, "default": 25}
        yield {"name": "limit", "in": "query", "required": False, "schema": limit}
        cursor = {"type": "string", "pattern": "^[0-9A-Za-z._-]{1,80}$"}
        yield {
            "name": "cursor", "in": "query", "required": False, "schema": cursor,
            "description": "`next_cursor` of the page before.",
        }  # fmt: skip


def _request(name: str, call: Call, schema: Json) -> Json:
    content: Json = {}
    for kind in call.takes:
        shape: Json = {"schema": schema if kind == "json" else {"type": "string"}}
        if (example := examples.REQUESTS.get(f"{name}:{kind}" if kind != "json" else name)) is not None:
            shape["example"] = example
        content[_MEDIA[kind]] = shape
    return {"required": call.body_required, "content": content}


def _responses(route: HTTPRouteHandler, call: Call, schemas: dict[Any, Json]) -> Iterator[tuple[str, Json]]:
    hit = {"Idempotency-Hit": {"$ref": "#/components/headers/Idempotency-Hit"}} if call.changes else {}
    always = {name: {"$ref": f"#/components/headers/{name}"} for name in ("X-Request-Id", "Server-Timing")}
    for status, answer in sorted(call.answers.items()):
        response: Json = {"description": _DONE[status], "headers": always | hit}
        if answer is not None:
            shape: Json = {"schema": schemas[answer]}
            if (example := examples.ANSWERS.get(route.fn.__name__)) is not None:
                shape["example"] = example
            response["content"] = {"application/json": shape}
        yield str(status), response
    by_status: dict[int, list[type[LoyaltyError]]] = {}
    for error in _refusals(route, call):
        by_status.setdefault(error.status, []).append(error)
    for status, refusals in sorted(by_status.items()):
        stored = hit if status in {404, 422} else {}
        place = "-at-till" if "till" in call.scopes else ""
        shown = {error.code: {"$ref": f"#/components/examples/{error.code}{place}"} for error in refusals}
        yield str(status), _refused(status, refusals, schemas[Problem], always | stored, shown)


def _refusals(route: HTTPRouteHandler, call: Call) -> tuple[type[LoyaltyError], ...]:
    named = (
        *(_SIGNED_IN if call.scopes else ()),
        *(_WITH_KEY if call.changes else ()),
        *(_WITH_BODY if _body(route, call) is not None else ()),
        *call.refusals,
        *(_EVERYWHERE if call.scopes else (errors.InternalError,)),
    )
    return tuple(dict.fromkeys(named))


def _refused(status: int, refusals: list[type[LoyaltyError]], schema: Json, headers: Json, shown: Json) -> Json:
    further = {"Retry-After": {"$ref": "#/components/headers/Retry-After"}} if status in {409, 429, 503} else {}
    return {
        "description": "\n".join(f"- `{error.code}`: {error.title}" for error in refusals),
        "headers": headers | further,
        "content": {
            "application/problem+json": {"schema": schema, "examples": shown},
        },
    }


def _introduction() -> str:
    rows = "\n".join(
        f"| `{error.code}` | {error.status} | {error.title} |"
        for error in sorted(every_error(), key=lambda each: (each.status, each.code))
    )
    return f"{examples.INTRODUCTION}\n\n| code | status | meaning |\n|---|---|---|\n{rows}\n"


_DONE: Final = {
    200: "Done, or as it stands.",
    201: "Done, and written down.",
    202: "Kept until what it refers to is here.",
    204: "Done.",
}
_HEADERS: Final[Json] = {
    "Idempotency-Hit": {
        "description": "`true` when this answer was stored by an earlier request.",
        "schema": {"type": "string", "const": "true"},
    },
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}},
    "Server-Timing": {"description": "How long we took.", "schema": {"type": "string"}},
    "X-Request-Id": {
        "description": "The name of this request in our log; the caller's own, if it sent a sane one.",
        "schema": {"type": "string"},
    },
}
