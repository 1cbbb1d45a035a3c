"""The book at the door: every command is written down once, with its answer, and answered from the book ever after.

Invariant: one line per idempotency key and one per natural key, kept by unique indexes; the line, the ledger rows and
the balances of a command are written together or not at all. Deciding happens between reading a page and keeping a
posting; when the member has moved in between, the decision is thrown away and taken again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from loyalty_engine import errors, ids
from loyalty_engine.answers import Answer
from loyalty_engine.commands import Ticket, fingerprint_text
from loyalty_engine.database import Opening, Page, Seen, Transaction, Uncertain
from loyalty_engine.errors import (
    BusinessUnknown,
    Detail,
    IdempotencyKeyReused,
    LoyaltyError,
    OccurredInFuture,
    OccurredTooLongAgo,
    ReceiptConflict,
    ReferenceConflict,
)
from loyalty_engine.house import House
from loyalty_engine.identity import presence
from loyalty_engine.instants import shown, to_micros
from loyalty_engine.rows import JournalLine, Posting
from loyalty_engine.settings import Settings

# How often a decision is taken without a lock before the member's row is locked instead.
_FREELY = 5


class Reader(Protocol):
    """What a decision may read from besides its page: the database, or the transaction it is taken in."""

    async def fetch(self, sql: str, *args: Any) -> Any:
        """Run a reading statement and give its rows."""


Decide = Callable[[Page, Reader], Awaitable[Posting]]


class Told(Struct, frozen=True, kw_only=True):
    """A command as the journal knows it, before it is decided."""

    kind: str
    ticket: Ticket
    opening: Opening
    fingerprint: str
    amount_minor: int | None = None
    # Whether a receipt stands for the whole command and not for its amount alone, as a refund's does.
    whole: bool = False
    # Whether it is carried out for a member who was erased, too: goods come back even when their buyer is nobody.
    of_anybody: bool = False


class _Refusal(Struct, frozen=True):
    """A refusal as it is kept: enough to refuse again in the same words."""

    error: str
    detail: str
    details: tuple[Detail, ...]
    facts: dict[str, Any]


def fingerprint(house: House, business_id: int, kind: str, command: Struct, *path: str) -> str:
    """Give what tells two commands under one key apart: kind, path and canonical body, hashed with the vault's key.

    The body holds the number as it was typed: an unkeyed hash, beside the rest of the body, would give it away.
    """
    body = "\n".join((kind, *path, "")).encode() + fingerprint_text(command)
    return house.vault.keyed_hash(business_id, body)


def hashed(text: str) -> str:
    """Give the fingerprint of a command that is known by a text alone."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def natural_key(kind: str, location: str, receipt: str) -> str:
    """Give the key a command has in the world: its kind, where, and which receipt. The length keeps it unambiguous."""
    return f"{kind}:{len(location)}:{location}:{receipt}"


def happened_at(settings: Settings, told: datetime | None, at: datetime) -> datetime:
    """Tell when something happened: as told, unless that lies ahead of us or further back than is taken."""
    if told is None:
        return at
    if told > at + timedelta(seconds=settings.clock_skew_seconds):
        raise OccurredInFuture(pointer="/occurred_at", now=shown(to_micros(at)))
    if told < at - timedelta(days=settings.backdate_days):
        raise OccurredTooLongAgo(pointer="/occurred_at", days=settings.backdate_days)
    return told.astimezone(UTC)


def line(told: Told, line_id: str, *, status: int, answer: bytes, **fields: Any) -> JournalLine:
    """Make the journal line of a command that has been decided; `fields` are what the kind of command adds."""
    nothing: dict[str, Any] = dict.fromkeys(("member_id", "revision", "subject", "version", "input"))
    opening = told.opening
    usual = {"amount_minor": told.amount_minor, "occurred_at": opening.occurred_at, "location": opening.location}
    filled = nothing | usual | fields
    return JournalLine(
        business_id=opening.business_id, id=line_id, kind=told.kind, key=opening.key, natural=opening.natural,
        fingerprint=str(told.fingerprint), recorded_at=to_micros(told.ticket.at), status=status, answer=answer.decode(),
        request_id=told.ticket.request_id, **filled,
    )  # fmt: skip


def alone(business_id: int, kind: str, member_id: str, revision: int, at: int) -> JournalLine:
    """Make the journal line of something that happens to a member without a command of its own."""
    line_id = ids.new("jnl", at // 1000)
    return JournalLine(
        business_id=business_id, id=line_id, revision=revision, kind=kind, key=None, natural=None, fingerprint="",
        member_id=member_id, subject=None, location=None, occurred_at=at, recorded_at=at, version=None,
        amount_minor=None, input=None, status=200, answer="{}", request_id=line_id,
    )  # fmt: skip


async def once(house: House, told: Told, decide: Decide) -> Answer:
    """Carry a command out exactly once: answer from the book, or decide and keep.

    Raises what the decision raises, IdempotencyKeyReused and ReceiptConflict where a key stands for something else,
    and errors.Busy where the member stays contended.
    """
    opening = told.opening
    async with house.turns.of((opening.business_id, opening.member_id or opening.blind_index or opening.key)):
        for _ in range(_FREELY):
            page = await house.database.open(opening)
            if page is not None and page.member is not None and page.member.presence is not None:
                page = await presence.page_of(house.database, opening)
            if (seen := answered(told, page)) is not None:
                return seen
            posting = await _decided(told, decide, page, house.database)
            try:
                if await house.database.keep(posting):
                    return given(posting)
            except Uncertain:
                continue  # the next page says under our key whether it was kept
        return await _under_lock(house, told, decide)


async def _under_lock(house: House, told: Told, decide: Decide) -> Answer:
    """Decide with the member's row locked: slower, but nobody can be faster."""

    async def work(transaction: Transaction) -> Answer | Posting:
        page = await presence.page_of(transaction, told.opening)
        if page is not None and page.member is not None:
            await house.database.lock_member(transaction, told.opening.business_id, page.member.id)
            page = await presence.page_of(transaction, told.opening)
        if (seen := answered(told, page)) is not None:
            return seen
        posting = await _decided(told, decide, page, transaction)
        await transaction.keep(posting)
        return posting

    found = await house.database.write_transaction(work)
    # A refusal is raised only now: raised inside, it would undo the line that keeps it.
    return given(found)


async def _decided(told: Told, decide: Decide, page: Page | None, reader: Reader) -> Posting:
    if page is None:
        raise BusinessUnknown
    try:
        if _conflicts(told, page):
            if told.kind == "event":
                raise ReferenceConflict(pointer="/reference")
            raise ReceiptConflict(pointer="/receipt", recorded_minor=page.seen and page.seen.amount_minor)
        if page.member is not None and not told.of_anybody:
            presence.here(page.member)
        return await decide(page, reader)
    except LoyaltyError as refusal:
        if not refusal.kept or told.opening.key is None:
            raise
        return _refused(told, refusal)


def kept(refusal: LoyaltyError) -> bytes:
    """Give a refusal as it is written down."""
    return msgspec.json.encode(_Refusal(type(refusal).__name__, refusal.detail, refusal.details, refusal.facts))


def _refused(told: Told, refusal: LoyaltyError) -> Posting:
    """Write a refusal down under the idempotency key alone: the receipt stays free for a corrected command."""
    at = to_micros(told.ticket.at)
    written = line(told, ids.new("jnl", at // 1000), status=refusal.status, answer=kept(refusal))
    written = msgspec.structs.replace(written, natural=None, amount_minor=None)
    return Posting(
        business_id=told.opening.business_id, expected=None, member=None, journal=written, extra=refusal.along
    )


def given(found: Answer | Posting) -> Answer:
    """Give the answer of a command: as it was found in the book, or as it has just been written there."""
    if isinstance(found, Answer):
        return found
    written = found.journal
    if written.status >= HTTPStatus.BAD_REQUEST:
        raise _raised_again(written.answer, written.request_id, hit=False)
    return Answer(status=written.status, body=written.answer.encode())


def answered(told: Told, page: Page | None) -> Answer | None:
    """Answer from the book, in this order: the same key, then the same receipt; None where the command is new."""
    seen = page.seen if page is not None else None
    if page is None or seen is None:
        return None
    if page.by_key and (seen.kind != told.kind or seen.fingerprint != told.fingerprint):
        raise IdempotencyKeyReused
    return None if _conflicts(told, page) else _replayed(seen)


def _conflicts(told: Told, page: Page) -> bool:
    """Tell whether the receipt stands for another amount: then it is no retry, and is refused when it is decided."""
    seen = page.seen
    if page.by_key or seen is None:
        return False
    if told.whole:
        return seen.fingerprint != told.fingerprint
    return told.amount_minor not in {None, seen.amount_minor}


def _replayed(seen: Seen) -> Answer:
    if seen.status >= HTTPStatus.BAD_REQUEST:
        raise _raised_again(seen.answer, seen.request_id, hit=True)
    return Answer(status=seen.status, body=seen.answer.encode(), hit=True)


def _raised_again(answer: str, request_id: str, *, hit: bool) -> LoyaltyError:
    was = msgspec.json.decode(answer, type=_Refusal)
    refusal = errors.named(was.error)(was.detail, details=was.details, **was.facts)
    refusal.hit, refusal.request_id = hit, request_id
    return refusal
