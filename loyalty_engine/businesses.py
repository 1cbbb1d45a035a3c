"""Businesses with their locations and keys: who is asking, for whom, and what they may do.

Invariant: a caller's business comes from their key and from nowhere else. A key is kept as its SHA-256 only.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any

import msgspec
from msgspec import Struct

import rules
from loyalty_engine import api_keys, ids, journal
from loyalty_engine.answers import Answer
from loyalty_engine.answers_of_doors import KeyAnswer, LocationAnswer
from loyalty_engine.commands import CreateKey, DeclareLocation, Ticket
from loyalty_engine.database import Database, Opening, Page, Transaction, ask
from loyalty_engine.errors import (
    BusinessUnknown,
    KeyIdUnknown,
    KeyUnknown,
    LocationNotYours,
    LocationUndeclared,
    LocationUnknown,
)
from loyalty_engine.house import House
from loyalty_engine.instants import shown, shown_or_none, to_micros
from loyalty_engine.rows import LocationRow, Posting
from loyalty_engine.tables import Business, Key, Location

_SLUG = re.compile("[a-z0-9-]{1,60}")
# How long a key that was found valid is taken to be valid without asking again, in microseconds.
_TRUSTED_FOR = 1_000_000
_KEYS_REMEMBERED = 10_000
# Where a till that names no location is: a business with one shop never has to name it.
ONLY_LOCATION = "main"


class Caller(Struct, frozen=True):
    """Who asks: one business, through one key, perhaps from one location only."""

    business_id: int
    slug: str
    key_id: str
    scopes: frozenset[str]
    location: str | None


def business_id_of(slug: str) -> int:
    """Give the id a business has by its slug: so no unique index is needed that stands outside a business."""
    return int.from_bytes(hashlib.sha256(b"business:" + slug.encode()).digest()[:8]) >> 1


async def found_business(house: House, slug: str, name: str, *, at: int) -> int:
    """Give a business its place, once; raise ValueError where the slug cannot be had."""
    if not _SLUG.fullmatch(slug):
        message = f"a business is named by lower-case letters, digits and hyphens, not {slug!r}"
        raise ValueError(message)
    business_id = business_id_of(slug)
    vault = house.vault.fingerprint()

    async def work(transaction: Transaction) -> None:
        existing = await ask(transaction, Business.select(Business.slug).where(Business.business_id == business_id))
        if not existing:
            new = Business(business_id=business_id, slug=slug, name=name, created_at=at, version=0, vault=vault)
            await ask(transaction, Business.insert(new))
        elif existing[0]["slug"] != slug:
            message = f"the name {slug!r} is taken"
            raise ValueError(message)

    await house.database.write_transaction(work)
    return business_id


async def business_called(database: Database, slug: str) -> int:
    """Give the id of a business that exists; raise BusinessUnknown."""
    business_id = business_id_of(slug)
    found = await ask(
        database, Business.select(Business.slug).where((Business.business_id == business_id) & (Business.slug == slug))
    )
    if not found:
        raise BusinessUnknown
    return business_id


def owner(business_id: int, slug: str) -> Caller:
    """Give the caller who sits at the machine itself: the command line, for one business."""
    return Caller(business_id, slug, "cli", frozenset({"till", "manage", "events", "read"}), None)


async def authenticate(house: House, key_text: str, *, at: datetime) -> Caller:
    """Tell who holds a key; raise KeyUnknown where nobody does any more.

    A key found valid is trusted for a second, so a key revoked through another process works for that long at most.
    """
    now = to_micros(at)
    fingerprint = api_keys.fingerprint(key_text)
    seen = house.keys_seen.get(fingerprint)
    if seen is not None and seen[0] > now:
        caller: Caller = seen[1]
        return caller
    try:
        parsed = api_keys.parse(key_text)
    except api_keys.KeyMalformed as malformed:
        raise KeyUnknown from malformed
    found = await house.database.fetch(
        "SELECT k.business_id, b.slug, k.id, k.scopes, k.location, k.fingerprint, k.expires_at, k.revoked_at "
        "FROM keys k JOIN businesses b ON b.business_id = k.business_id WHERE k.id = $1",
        parsed.id,
    )
    for business_id, slug, key_id, scopes, location, kept, expires_at, revoked_at in found:
        alive = revoked_at is None and (expires_at is None or expires_at > now)
        if alive and hmac.compare_digest(kept, fingerprint):
            caller = Caller(business_id, slug, key_id, frozenset(scopes.split()), location)
            until = min(now + _TRUSTED_FOR, expires_at or now + _TRUSTED_FOR)
            if len(house.keys_seen) > _KEYS_REMEMBERED:
                house.keys_seen.clear()
            house.keys_seen[fingerprint] = (until, caller)
            return caller
    house.keys_seen.pop(fingerprint, None)
    raise KeyUnknown


def place_of(caller: Caller, location: str | None) -> str:
    """Tell where a command happened; raise LocationNotYours where the key belongs to another location."""
    if caller.location is not None and location not in {None, caller.location}:
        raise LocationNotYours(pointer="/location")
    return location or caller.location or ONLY_LOCATION


def location_rows(
    business_id: int, location: str, page: Page, programme: rules.Programme, at: int
) -> tuple[LocationRow, ...]:
    """Give the row of a location seen for the first time; raise LocationUndeclared where it must be declared first."""
    if page.location_known:
        return ()
    if programme.about.locations == "declared":
        raise LocationUndeclared(pointer="/location")
    return (LocationRow(business_id, location, None, at),)


async def create_key(house: House, caller: Caller, command: CreateKey, ticket: Ticket) -> Answer:
    """Make an API key; its text is in this answer and nowhere else. A key of one location makes keys for it only."""
    if caller.location is not None and command.location != caller.location:
        raise LocationNotYours(pointer="/location")
    at = to_micros(ticket.at)
    minted = api_keys.mint()
    made = KeyAnswer(
        minted.id, command.name, tuple(sorted(set(command.scopes))), command.location, minted.last4, shown(at),
        shown_or_none(to_micros(command.expires_at)) if command.expires_at else None, None, minted.key,
    )  # fmt: skip
    new = Key(
        business_id=caller.business_id, id=minted.id, fingerprint=minted.sha256_hex, name=command.name,
        scopes=" ".join(made.scopes), location=command.location, last4=minted.last4, created_at=at,
        expires_at=to_micros(command.expires_at) if command.expires_at else None, revoked_at=None,
    )  # fmt: skip

    async def work(transaction: Transaction) -> int:
        await ask(transaction, Key.insert(new))
        return HTTPStatus.CREATED

    return await managed(house, caller, "key", command, ticket, made, work, shown_once=("key",))


async def list_keys(house: House, caller: Caller) -> tuple[KeyAnswer, ...]:
    """List the keys of a business, oldest first, without their text."""
    found = await ask(
        house.database, Key.select().where(Key.business_id == caller.business_id).order_by(Key.created_at)
    )
    return tuple(
        KeyAnswer(
            row["id"],
            row["name"],
            tuple(row["scopes"].split()),
            row["location"],
            row["last4"],
            shown(row["created_at"]),
            shown_or_none(row["expires_at"]),
            shown_or_none(row["revoked_at"]),
        )
        for row in found
    )


async def revoke_key(house: House, caller: Caller, key_id: str, *, at: datetime) -> None:
    """Make a key worthless from now on; raise KeyIdUnknown where the business has none such."""

    async def work(transaction: Transaction) -> Sequence[Any]:
        return await transaction.fetch(
            "UPDATE keys SET revoked_at = coalesce(revoked_at, $3) WHERE business_id = $1 AND id = $2 RETURNING id",
            caller.business_id, key_id, to_micros(at),
        )  # fmt: skip

    if not await house.database.write_transaction(work):
        raise KeyIdUnknown
    house.keys_seen.clear()


async def list_locations(house: House, caller: Caller) -> tuple[LocationAnswer, ...]:
    """List the shops of a business by name."""
    found = await ask(
        house.database,
        Location.select().where(Location.business_id == caller.business_id).order_by(Location.location),
    )
    return tuple(LocationAnswer(row["location"], row["name"], shown(row["created_at"])) for row in found)


async def declare_location(house: House, caller: Caller, command: DeclareLocation, ticket: Ticket) -> Answer:
    """Declare a shop; one that is known gets the name given."""
    at = to_micros(ticket.at)
    place_of(caller, command.location)
    made = LocationAnswer(command.location, command.name, shown(at))

    async def work(transaction: Transaction) -> int:
        mine = Location.business_id == caller.business_id
        known = await ask(transaction, Location.exists().where(mine & (Location.location == command.location)))
        await transaction.fetch(
            "INSERT INTO locations (business_id, location, name, created_at) VALUES ($1, $2, $3, $4) "
            "ON CONFLICT (business_id, location) DO UPDATE SET name = excluded.name",
            caller.business_id, command.location, command.name, at,
        )  # fmt: skip
        return HTTPStatus.OK if known else HTTPStatus.CREATED

    return await managed(house, caller, "location", command, ticket, made, work)


async def remove_location(house: House, caller: Caller, location: str) -> None:
    """Take a shop off the list; what happened there stays in the journal."""
    place_of(caller, location)

    async def work(transaction: Transaction) -> Sequence[Any]:
        return await transaction.fetch(
            "DELETE FROM locations WHERE business_id = $1 AND location = $2 RETURNING location",
            caller.business_id, location,
        )  # fmt: skip

    if not await house.database.write_transaction(work):
        raise LocationUnknown


async def managed(
    house: House, caller: Caller, kind: str, command: Struct, ticket: Ticket, made: Struct,
    work: Callable[[Transaction], Awaitable[int]],
    *, shown_once: tuple[str, ...] = (),
) -> Answer:  # fmt: skip
    """Carry out a command that touches no member, once, in a transaction of its own.

    Fields named in `shown_once` are answered the first time and never kept: a retry gets the rest of the answer.
    """
    at = to_micros(ticket.at)
    opening = Opening(business_id=caller.business_id, key=ticket.key, occurred_at=at, now=at)
    told = journal.Told(
        kind=kind,
        ticket=ticket,
        opening=opening,
        fingerprint=journal.fingerprint(house, caller.business_id, kind, command),
    )
    kept = msgspec.structs.replace(made, **dict.fromkeys(shown_once))

    async def together(transaction: Transaction) -> Answer:
        page = await transaction.open(opening)
        if (seen := journal.answered(told, page)) is not None:
            return seen
        status = await work(transaction)
        written = journal.line(told, ids.new("jnl", at // 1000), status=status, answer=msgspec.json.encode(kept))
        posting = Posting(business_id=caller.business_id, expected=None, member=None, journal=written)
        await transaction.keep(posting)
        return Answer(status=status, body=msgspec.json.encode(made))

    return await house.database.write_transaction(together)
