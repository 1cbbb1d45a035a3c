"""What each call promises: who may ask, what it answers, what it may refuse; the source of the reference."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Literal

from msgspec import Struct

from api.wire import BODY_LIMIT, Kind
from loyalty_engine.errors import LanguageUnknown, LoyaltyError, MemberTooYoung, PurposeUnknown, WordingUnknown

Scope = Literal["till", "manage", "events", "read"]

TILL: Final = frozenset({"till", "manage"})
MANAGE: Final = frozenset({"manage"})
READ: Final = frozenset({"manage", "read"})
EVENTS: Final = frozenset({"till", "manage", "events"})
# What may be refused of a decision that a member takes.
CONSENT: Final = (PurposeUnknown, WordingUnknown, LanguageUnknown, MemberTooYoung)
TILL_OR_READ: Final = frozenset({"till", "manage", "read"})


class Call(Struct, frozen=True, kw_only=True):
    """One call as it is promised. `answers` maps each status to the type of its body (None: no body).

    `changes` says that the call wants an Idempotency-Key, `takes` which bodies it reads, of at most `limit`
    bytes; `body` is the type of a body that the route reads by itself; `pages` that it is read page by page;
    `asks` names what may stand in the address after the question mark, each with its shape.
    """

    scopes: frozenset[Scope]
    answers: dict[int, Any]
    refusals: tuple[type[LoyaltyError], ...] = ()
    changes: bool = False
    takes: tuple[Kind, ...] = ("json",)
    limit: int = BODY_LIMIT
    body: Any = None
    body_required: bool = True
    pages: bool = False
    asks: Mapping[str, str] = MappingProxyType({})

    def __deepcopy__(self, memo: dict[int, Any]) -> Call:
        """Stay the same value: a router copies its routes, and some types in a promise cannot be copied."""
        return self


def promised(**promise: Any) -> dict[str, Any]:  # the fields of Call
    """Give the arguments with which a route says what it promises: `@post("/quotes", **promised(...))`."""
    return {"opt": {"call": Call(**promise)}, "status_code": min(promise["answers"])}
