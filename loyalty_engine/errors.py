"""Everything the counting house refuses, as one tree; the class is the code, its docstring is what a cashier reads.

    LoyaltyError
    ├── NotUnderstood (400)   MalformedBody, IdempotencyKeyMissing, IdempotencyKeyMalformed, CursorMalformed,
    │                         ParameterMalformed
    ├── NotSignedIn (401)     KeyMissing, KeyUnknown
    ├── NotAllowed (403)      ScopeMissing, LocationNotYours, KeyInUrl
    ├── NotFound (404)        MemberUnknown, PurchaseUnknown, LocationUnknown, EntryUnknown, KeyIdUnknown,
    │                         VersionUnknown, DraftMissing, BusinessUnknown, RouteUnknown, MergeUnknown,
    │                         RequestUnknown
    ├── NotHere (405)         MethodNotAllowed
    ├── InConflict (409)      InProgress, BacktestRunning, MergeNotTheLast, HoldsInTheWay
    ├── TooLarge (413)        BodyTooLarge
    ├── WrongType (415)       NotJson
    ├── Refused (422)         BodyInvalid, IdempotencyKeyReused, ReceiptConflict, ReferenceConflict, EventRaisedHere,
    │                         IdentifierInvalid, OccurredInFuture, OccurredTooLongAgo, CurrencyMismatch,
    │                         LinesDoNotAddUp, ProgrammeMissing,
    │                         ProgrammeRefused, LocationUndeclared, LineUnknown, RefundExceedsPurchase,
    │                         NothingLeftToRefund, InsufficientBalance, UnitUnknown,
    │                         MemberNotFoundByNumber, BalanceTooLarge, NotInThisEdition, PurposeUnknown,
    │                         WordingUnknown, LanguageUnknown, MemberTooYoung, ConsentNotAskedFor
    ├── TooMany (429)         TooManyRequests
    ├── OurFault (500)        InternalError
    └── Unavailable (503)     Busy, DatabaseAway

A refusal that names a field carries its JSON pointer. `facts` are the figures the sentence speaks of; they reach
the caller as extra members of the problem. Adding an error is adding one class here: the HTTP status comes from its
branch, the code from its name, the reference page from its docstring.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, ClassVar

import msgspec


class Detail(msgspec.Struct, frozen=True):
    """One thing wrong with a body: where (`/lines/0/amount_minor`), a stable code, and a sentence."""

    pointer: str
    code: str
    detail: str


class LoyaltyError(Exception):
    """Something went wrong at the counter."""

    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False
    # Whether the refusal is an outcome of the business, kept under the idempotency key and repeated on a retry.
    kept: ClassVar[bool] = False
    code: ClassVar[str] = "loyalty_error"
    title: ClassVar[str] = ""

    def __init_subclass__(cls) -> None:
        """Derive the stable code from the class name and the title from the docstring's first line."""
        cls.code = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()
        cls.title = (cls.__doc__ or "").strip().splitlines()[0]

    def __init__(self, detail: str = "", *, pointer: str = "", details: tuple[Detail, ...] = (), **facts: Any) -> None:
        """Take the sentence for this very case (the title when left out), its place, and its figures."""
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.details = details or ((Detail(pointer, self.code, self.detail),) if pointer else ())
        self.facts = facts
        # Set when a stored refusal is answered again, so that the second answer equals the first.
        self.hit, self.request_id = False, ""
        # What is written with the refusal where it is kept, such as that a code was tried.
        self.along: tuple[msgspec.Struct, ...] = ()


class NotUnderstood(LoyaltyError):
    """The request could not be read."""

    status = 400


class MalformedBody(NotUnderstood):
    """The body is not the JSON this call takes."""


class IdempotencyKeyMissing(NotUnderstood):
    """This call needs an Idempotency-Key header, so that a retry is never counted twice."""


class IdempotencyKeyMalformed(NotUnderstood):
    """An Idempotency-Key is 1 to 255 printable ASCII characters."""


class CursorMalformed(NotUnderstood):
    """The cursor is not one this call gave out."""


class ParameterMalformed(NotUnderstood):
    """A parameter in the address is not what this call takes."""


class NotSignedIn(LoyaltyError):
    """The caller is not known."""

    status = 401


class KeyMissing(NotSignedIn):
    """Send the API key as Authorization: Bearer lyl_live_..."""


class KeyUnknown(NotSignedIn):
    """This API key is not valid: it is mistyped, has expired or has been revoked."""


class NotAllowed(LoyaltyError):
    """The caller may not do this."""

    status = 403


class ScopeMissing(NotAllowed):
    """This API key may not do that."""


class LocationNotYours(NotAllowed):
    """This API key belongs to another location."""


class KeyInUrl(NotAllowed):
    """An API key was sent in the address, where it is logged; send it as a header, and replace that key."""


class NotFound(LoyaltyError):
    """There is no such thing here. What belongs to another business gets the same answer."""

    status = 404


class RouteUnknown(NotFound):
    """There is nothing at this address."""


class MemberUnknown(NotFound):
    """There is no such member."""


class PurchaseUnknown(NotFound):
    """There is no such purchase."""


class LocationUnknown(NotFound):
    """There is no such location."""


class EntryUnknown(NotFound):
    """There is no such entry on the ledger."""


class KeyIdUnknown(NotFound):
    """There is no such API key."""


class VersionUnknown(NotFound):
    """The programme has no such version."""


class DraftMissing(NotFound):
    """There is no draft of the programme."""


class MergeUnknown(NotFound):
    """There is no such merge, or it has been undone."""


class RequestUnknown(NotFound):
    """There is no such request."""


class BusinessUnknown(NotFound):
    """There is no such business."""


class NotHere(LoyaltyError):
    """This address does not take that."""

    status = 405


class MethodNotAllowed(NotHere):
    """This address does not take that method."""


class InConflict(LoyaltyError):
    """Something else is in the way."""

    status = 409


class InProgress(InConflict):
    """The same command is being carried out right now; ask again in a moment."""

    retryable = True


class MergeNotTheLast(InConflict):
    """The member has been merged on since then: undo the later merge first."""


class HoldsInTheWay(InConflict):
    """Something is set aside for one of these members: capture or release it first."""

    retryable = True


class BacktestRunning(InConflict):
    """A backtest of this business is running already; ask again when it is done."""

    retryable = True


class TooLarge(LoyaltyError):
    """The request is too large."""

    status = 413


class BodyTooLarge(TooLarge):
    """The body is larger than this call takes."""


class WrongType(LoyaltyError):
    """The body is of a kind this call does not take."""

    status = 415


class NotJson(WrongType):
    """Send the body as application/json."""


class Refused(LoyaltyError):
    """The request was understood and is refused."""

    status = 422


class BodyInvalid(Refused):
    """Something in the body is not as this call needs it."""


class IdempotencyKeyReused(Refused):
    """This Idempotency-Key came before with another body."""


class ReceiptConflict(Refused):
    """This receipt is already recorded, with another amount."""

    kept = True


class ReferenceConflict(Refused):
    """This reference is already recorded for this kind of event, with other details."""

    kept = True


class EventRaisedHere(Refused):
    """This event is raised by the programme itself and cannot be told from outside."""


class IdentifierInvalid(Refused):
    """This is not a phone number or e-mail address we can use."""


class OccurredInFuture(Refused):
    """The time given lies in the future."""


class OccurredTooLongAgo(Refused):
    """The time given lies further back than this business takes."""


class CurrencyMismatch(Refused):
    """The purchase is in another currency than the programme."""


class LinesDoNotAddUp(Refused):
    """The lines do not add up to the total."""


class ProgrammeMissing(Refused):
    """This business has not published a programme yet."""


class ProgrammeRefused(Refused):
    """The programme has mistakes and is not published."""


class LocationUndeclared(Refused):
    """This location has not been declared, and the programme takes declared ones only."""

    kept = True


class LineUnknown(Refused):
    """The purchase has no such line."""

    kept = True


class RefundExceedsPurchase(Refused):
    """More is given back than is left of the purchase."""

    kept = True


class NothingLeftToRefund(Refused):
    """This purchase has been refunded in full already."""

    kept = True


class InsufficientBalance(Refused):
    """There are not enough units for that."""

    kept = True


class BalanceTooLarge(Refused):
    """The balance would grow past what can be kept; check the programme."""


class UnitUnknown(Refused):
    """The programme has no such unit."""

    kept = True


class MemberNotFoundByNumber(Refused):
    """Nobody has joined with this number or address yet."""

    kept = True


class PurposeUnknown(Refused):
    """The programme knows no such purpose that a member could agree to."""

    kept = True


class WordingUnknown(Refused):
    """The programme has no such wording for this purpose and channel."""

    kept = True


class LanguageUnknown(Refused):
    """The wording is not written in this language."""

    kept = True


class MemberTooYoung(Refused):
    """The member is too young to agree to this alone."""

    kept = True


class ConsentNotAskedFor(Refused):
    """Nothing waits to be confirmed: nobody was asked, or too long ago."""

    kept = True


class NotInThisEdition(Refused):
    """This edition cannot do that yet, so the request is refused rather than half kept."""


class TooMany(LoyaltyError):
    """Too much at once."""

    status = 429
    retryable = True


class TooManyRequests(TooMany):
    """Too many requests with this API key; wait a little."""


class OurFault(LoyaltyError):
    """Something is wrong with us."""

    retryable = True


class InternalError(OurFault):
    """Something went wrong on our side; nothing was kept. Send the same request again with the same key."""


class Unavailable(LoyaltyError):
    """The service cannot answer now."""

    status = 503
    retryable = True


class Busy(Unavailable):
    """Too many were at this member's account at once; nothing was kept. Send it again with the same key."""


class DatabaseAway(Unavailable):
    """The database cannot be reached; nothing is lost. Send it again with the same key."""


def every(parent: type[LoyaltyError] = LoyaltyError) -> Iterator[type[LoyaltyError]]:
    """Give every kind of failure below a branch, in the order of the tree; those of other rooms once imported."""
    for child in parent.__subclasses__():
        if child.__module__.startswith("loyalty_engine."):
            yield child
            yield from every(child)


def named(name: str) -> type[LoyaltyError]:
    """Give the kind of failure with this class name."""
    return next(kind for kind in every() if kind.__name__ == name)
