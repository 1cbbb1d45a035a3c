"""Members: found by what they say aloud, enrolled when they are new, and shown to the rules as plain facts.

Invariant: whatever names a person is sealed with that member's own key; the tables hold an opaque id, a keyed hash and
numbers. One identifier finds at most one member of a business.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET, Struct

import rules
from loyalty_engine import ids, journal
from loyalty_engine.answers import (
    Balance,
    LedgerEntry,
    LedgerPage,
    LookupAnswer,
    MemberAnswer,
    MemberLookedUp,
    TierSeen,
)
from loyalty_engine.businesses import Caller
from loyalty_engine.commands import KnownElsewhere, MemberRef
from loyalty_engine.database import MemberState, Opening
from loyalty_engine.database.pages import AccountState
from loyalty_engine.errors import BodyInvalid, CursorMalformed, Detail, IdentifierInvalid, MemberUnknown
from loyalty_engine.house import House
from loyalty_engine.identifiers import Identifier, IdentifierRefused, mask, parse_email, parse_phone
from loyalty_engine.identity import dormancy, looking_up, presence
from loyalty_engine.identity.errors import VerificationNeeded
from loyalty_engine.instants import from_micros, shown, to_micros
from loyalty_engine.rows import IdentifierRow, MemberRow
from loyalty_engine.shelf import Edition
from loyalty_engine.standing import tiers
from loyalty_engine.standing.ladder import MARK

# A revision as it stands in a cursor: what a whole number of the database can hold, and no more.
_REVISION = re.compile("[0-9]{1,18}")
_NOBODY = LookupAnswer(
    known=False, member=None, balances=(), tier=None, vouchers=(), perks=(), nudges=(), hint=None, consent_prompts=()
)


class Named(Struct, frozen=True):
    """A member as the caller named them: by an identifier, or by id."""

    identifier: Identifier | None
    member_id: str | None
    blind_index: str | None


class Newcomer(Struct, frozen=True):
    """The rows that enrol a member."""

    member: MemberRow
    identifier: IdentifierRow


def named(house: House, business_id: int, ref: MemberRef, country: str, *, pointer: str = "/member") -> Named:
    """Read how a member is named; raise BodyInvalid unless it is one way, IdentifierInvalid where it cannot be read."""
    if isinstance(ref, KnownElsewhere):
        known = Identifier("external", ref.external)
        return Named(known, None, house.vault.blind_index(business_id, known))
    said = [field for field in ("phone", "email", "id") if getattr(ref, field) is not UNSET]
    if len(said) != 1:
        message = "name a member by exactly one of phone, email or id"
        raise BodyInvalid(message, pointer=pointer)
    if ref.id is not UNSET:
        return Named(None, ref.id, None)
    try:
        found = parse_phone(ref.phone, country) if ref.phone is not UNSET else parse_email(str(ref.email))
    except IdentifierRefused as refused:
        detail = Detail(f"{pointer}/{said[0]}", refused.code, refused.says)
        raise IdentifierInvalid(refused.says, details=(detail,)) from refused
    return Named(found, None, house.vault.blind_index(business_id, found))


def enrol_rows(
    house: House, business_id: int, identifier: Identifier, *, at: int, language: str | None = None,
    profile: dict[str, str] | None = None,
) -> Newcomer:  # fmt: skip
    """Make the rows of a new member: a key of their own, the identifier sealed with it, and no history."""
    member_id = ids.new("mem", at // 1000)
    vault = house.vault
    key = vault.new_member_key(business_id, member_id)
    sealed_profile = seal_profile(house, business_id, member_id, key, profile or {})
    member = MemberRow(business_id, member_id, 1, at, 0, 0, None, None, language, None, "[]", key, sealed_profile)
    sealed = vault.seal(business_id, member_id, key, "identifier", identifier.value)
    index = vault.blind_index(business_id, identifier)
    return Newcomer(member, IdentifierRow(business_id, index, member_id, identifier.kind, sealed, at))


def seal_profile(house: House, business_id: int, member_id: str, key: str, profile: dict[str, str]) -> str | None:
    """Seal a member's name and birthday with their key; nothing to seal is nothing kept."""
    if not profile:
        return None
    return house.vault.seal(business_id, member_id, key, "profile", msgspec.json.encode(profile).decode())


def moved(business_id: int, state: MemberState, **changes: Any) -> MemberRow:
    """Give a member's row as it is after a command: one revision on, with these fields changed."""
    kept = {name: getattr(state, name) for name in MemberRow.__struct_fields__ if name != "business_id"}
    return MemberRow(business_id=business_id, **kept | {"revision": state.revision + 1} | changes)


def bought(member: MemberRow, occurred_at: int, total_minor: int, *, first: bool = False) -> MemberRow:
    """Give a member's row with a purchase counted; told out of order, the first and last stay first and last."""
    earlier, later = member.first_purchase_at, member.last_purchase_at
    return msgspec.structs.replace(
        member, visits=member.visits + 1, spend_minor=member.spend_minor + total_minor,
        first_purchase_at=occurred_at if earlier is None else min(earlier, occurred_at),
        last_purchase_at=occurred_at if later is None else max(later, occurred_at),
        joined_at=min(member.joined_at, occurred_at) if first else member.joined_at,
    )  # fmt: skip


def facts_of(state: MemberState | None, at: int) -> rules.MemberFacts:
    """Tell the rules what they may know of a member just before a command; None is somebody who is joining."""
    if state is None:
        return rules.MemberFacts(joined_at=from_micros(at))
    return rules.MemberFacts(
        visits=state.visits,
        spend_minor=state.spend_minor,
        joined_at=from_micros(state.joined_at),
        first_purchase_at=_instant(state.first_purchase_at),
        last_purchase_at=_instant(state.last_purchase_at),
        tier=state.tier,
        tags=() if state.tags == "[]" else msgspec.json.decode(state.tags, type=tuple[str, ...]),
        language=state.language,
        balance={account.unit: account.available for account in state.accounts or ()},
        used={
            f"{use.subject}|{use.window}": (use.times, use.amount)
            for use in state.used or ()
            if not use.subject.startswith(MARK)
        },
    )


def _instant(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)


def balances(programme: rules.Programme | None, accounts: dict[str, AccountState]) -> tuple[Balance, ...]:
    """Give what a member has of each unit, in the programme's order; a unit never held is shown as nothing."""
    order = dict.fromkeys((*(programme.units if programme else ()), *accounts))
    empty = AccountState("", 0, 0, 0, None, 0, 0)
    found = ((unit, accounts.get(unit, empty)) for unit in order)
    return tuple(Balance(unit, account.available, account.set_aside, account.pending) for unit, account in found)


def accounts_of(state: MemberState | None) -> dict[str, AccountState]:
    """Give a member's accounts by unit."""
    return {account.unit: account for account in (state.accounts if state else None) or ()}


async def identifiers_of(
    house: House, business_id: int, state: MemberState, reader: journal.Reader | None = None
) -> tuple[Identifier, ...]:
    """Unseal the phone numbers and addresses of a member, oldest first."""
    found = await (reader or house.database).fetch(
        "SELECT kind, sealed FROM identifiers WHERE business_id = $1 AND member_id = $2 ORDER BY added_at, blind_index",
        business_id, state.id,
    )  # fmt: skip
    unseal = house.vault.open
    return tuple(
        Identifier(kind=kind, value=unseal(business_id, state.id, state.wrapped_key, "identifier", sealed))
        for kind, sealed in found
    )


async def masked_name(
    house: House, business_id: int, who: Named, state: MemberState, reader: journal.Reader | None = None
) -> str:
    """Give the number or address as it may be shown at a till; a member named by id shows their oldest one."""
    if who.identifier is not None:
        return mask(who.identifier)
    known = await identifiers_of(house, business_id, state, reader)
    return mask(known[0]) if known else ""


async def recognise(
    house: House, caller: Caller, ref: MemberRef, *, at: datetime
) -> tuple[LookupAnswer, MemberState | None]:
    """Tell whose a number is and what they have; an unknown one is answered, not refused. See greeting.py."""
    edition = await house.shelf.current(caller.business_id)
    who = named(house, caller.business_id, ref, edition.programme.about.country)
    now = to_micros(at)
    share = await looking_up.count(house, caller, who.identifier, now)
    opening = Opening(
        business_id=caller.business_id, blind_index=who.blind_index, member_id=who.member_id, occurred_at=now, now=now
    )
    page = await presence.page_of(house.database, opening)
    state = page.member if page else None
    if state is not None and state.presence == presence.ERASED:
        raise MemberUnknown
    if state is None:
        await looking_up.found_nobody(house, caller, share, now)
        if who.member_id is not None:
            raise MemberUnknown
        return _NOBODY, None
    name = profile_of(house, caller.business_id, state).get("name")
    masked = await masked_name(house, caller.business_id, who, state)
    seen = MemberLookedUp(state.id, masked, new=False, initial=name[0].upper() + "." if name else None)
    held = balances(edition.programme, accounts_of(state))
    newest = await house.shelf.valid_at(caller.business_id, now, published=page.version if page else 0)
    if await dormancy.doubted(house.database, caller.business_id, newest, state, now):
        unsure = msgspec.structs.replace(seen, initial=None)
        return msgspec.structs.replace(_NOBODY, known=True, member=unsure, hint=VerificationNeeded.title), None
    tier = await tier_of(house, caller.business_id, newest, state, now)
    return msgspec.structs.replace(_NOBODY, known=True, member=seen, balances=held, tier=tier), state


async def tier_of(house: House, business_id: int, edition: Edition, state: MemberState, at: int) -> TierSeen | None:
    """Show the tier a member has at an instant, on a page read for that instant."""
    if edition.ladder is None:
        return None
    has = await tiers.standing(house.database, business_id, edition, state, at)
    return tiers.seen(edition, tiers.Standing(has, tiers.counting(state)), state.language)


def profile_of(house: House, business_id: int, state: MemberState) -> dict[str, str]:
    """Unseal what is personal of a member besides their numbers and addresses: name and birthday, as far as told."""
    if not state.sealed_profile:
        return {}
    opened = house.vault.open(business_id, state.id, state.wrapped_key, "profile", state.sealed_profile)
    return msgspec.json.decode(opened, type=dict[str, str])


async def as_shown(
    house: House, business_id: int, state: MemberState, programme: rules.Programme, reader: journal.Reader | None = None
) -> MemberAnswer:
    profile = profile_of(house, business_id, state)
    masked = tuple(mask(one) for one in await identifiers_of(house, business_id, state, reader))
    return MemberAnswer(
        state.id, masked, state.language, profile.get("name"), profile.get("birthday"), shown(state.joined_at),
        state.visits, state.spend_minor, balances(programme, accounts_of(state)),
    )  # fmt: skip


async def state_of(house: House, business_id: int, member_id: str, at: int) -> MemberState:
    """Read a member by id; MemberUnknown where this business has none such."""
    opening = Opening(business_id=business_id, member_id=member_id, occurred_at=at, now=at)
    page = await presence.page_of(house.database, opening)
    return presence.here(page.member if page else None)


async def read_member(house: House, caller: Caller, member_id: str, *, at: datetime) -> MemberAnswer:
    """Show one member; the numbers stay masked."""
    state = await state_of(house, caller.business_id, member_id, to_micros(at))
    edition = await house.shelf.current(caller.business_id)
    answer = await as_shown(house, caller.business_id, state, edition.programme)
    tier = await tier_of(house, caller.business_id, edition, state, to_micros(at))
    return msgspec.structs.replace(answer, tier=tier)


# An entry with the command that caused it, as `ledger_entry` reads it.
ENTRY_COLUMNS = (
    "e.id, e.kind, e.unit, e.amount, e.balance_after, e.rule, e.says, e.version, e.journal_id, e.occurred_at, "
    "e.recorded_at, j.kind, j.subject"
)


def ledger_entry(row: Sequence[Any]) -> LedgerEntry:
    """Show an entry as it is listed, out of ENTRY_COLUMNS."""
    entry_id, kind, unit, amount, after, rule, says, version, line, occurred_at, recorded_at, cause, subject = row[:13]
    purchase = {"purchase": line, "refund": subject}.get(cause)
    return LedgerEntry(
        entry_id, kind, unit, amount, after, rule, says, version, purchase, line,
        shown(occurred_at), shown(recorded_at), subject if cause == "event" else None,
    )  # fmt: skip


async def ledger_page(house: House, caller: Caller, member_id: str, *, limit: int, cursor: str | None) -> LedgerPage:
    """Give a member's entries, newest first, each with the sentence that was decided when it was written."""
    member_id = (await state_of(house, caller.business_id, member_id, 0)).id
    revision, _, entry = (cursor or "").partition(".")
    if cursor is not None and not (_REVISION.fullmatch(revision) and ids.is_id(entry, "ent")):
        raise CursorMalformed
    before = (int(revision), entry) if cursor else (1 << 62, "")
    found = await house.database.fetch(
        f"SELECT {ENTRY_COLUMNS}, e.revision FROM entries e JOIN journal j "
        "ON j.business_id = e.business_id AND j.id = e.journal_id "
        "WHERE e.business_id = $1 AND e.member_id = $2 AND (e.revision, e.id) < ($3, $4) "
        "ORDER BY e.revision DESC, e.id DESC LIMIT $5",
        caller.business_id, member_id, *before, limit + 1,
    )  # fmt: skip
    items = tuple(ledger_entry(row) for row in found[:limit])
    more = f"{found[limit - 1][13]}.{found[limit - 1][0]}" if len(found) > limit else None
    return LedgerPage(items, more)
