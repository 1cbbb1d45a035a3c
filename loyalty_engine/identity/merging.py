"""Two members turn out to be one person: the one goes to sleep in the other, and wakes again where that was a mistake.

What the sleeping member had is carried over lot by lot, their numbers find the other, and what is told under the old id
is answered as the other. Their own history stays under their own id. Invariant: undoing gives every unit, lot and limit
back as far as it was not used meanwhile; what was done while they were one stays with the member it was done under.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec
from msgspec import Struct

from loyalty_engine import ids, journal
from loyalty_engine.database import MemberState, Opening
from loyalty_engine.database.pages import AccountState
from loyalty_engine.errors import (
    BodyInvalid,
    BusinessUnknown,
    HoldsInTheWay,
    MemberUnknown,
)
from loyalty_engine.identity import handing, presence
from loyalty_engine.identity.lot_by_lot import CarriedDebt, CarriedLot, Side, carry_over
from loyalty_engine.identity.people import MergeAnswer, MergeMembers
from loyalty_engine.instants import shown, to_micros
from loyalty_engine.members import accounts_of, balances, moved, profile_of, seal_profile
from loyalty_engine.redemption import holding
from loyalty_engine.rows import LimitUseRow, MemberRow, Posting

if TYPE_CHECKING:
    from loyalty_engine.answers import Answer
    from loyalty_engine.businesses import Caller
    from loyalty_engine.commands import Ticket
    from loyalty_engine.database import Transaction
    from loyalty_engine.house import House


class Own(Struct, frozen=True):
    """What a member is by themselves, whoever sleeps in them."""

    joined_at: int
    first_purchase_at: int | None
    last_purchase_at: int | None


class Carried(Struct, frozen=True, kw_only=True):
    """All that a merge changed and undoing needs."""

    own: Own
    lots: tuple[CarriedLot, ...] = ()
    debts: tuple[CarriedDebt, ...] = ()
    limits: tuple[handing.Limit, ...] = ()
    profile: tuple[str, ...] = ()
    language: bool = False
    tier: bool = False
    tags: tuple[str, ...] = ()
    rows: dict[str, tuple[tuple[str | int, ...], ...]] = {}


async def merge(house: House, caller: Caller, member_id: str, command: MergeMembers, ticket: Ticket) -> Answer:
    """Merge two members, once. Answers 201 with MergeAnswer.

    Refused in this order: a member merged into themselves, an unknown member, one with something on hold.
    """
    if command.into == member_id:
        message = "a member cannot be merged into themselves"
        raise BodyInvalid(message, pointer="/into")
    told = told_of(house, caller, "merge", ticket, command, member_id)
    await holding.lapse_of(house, caller.business_id, (member_id, command.into), at=ticket.at)

    async def work(transaction: Transaction) -> Answer | Posting:
        page = await transaction.open(told.opening)
        if (seen := journal.answered(told, page)) is not None:
            return seen
        if page is None:
            raise BusinessUnknown
        pair = await both_of(house, transaction, caller.business_id, member_id, command.into)
        return await _merged(house, transaction, told, *pair)

    return journal.given(await house.database.write_transaction(work))


def told_of(
    house: House, caller: Caller, kind: str, ticket: Ticket, command: MergeMembers | None, path: str
) -> journal.Told:
    at = to_micros(ticket.at)
    said = command or MergeMembers("")
    return journal.Told(
        kind=kind, ticket=ticket,
        opening=Opening(business_id=caller.business_id, key=ticket.key, occurred_at=at, now=at),
        fingerprint=journal.fingerprint(house, caller.business_id, kind, said, path),
    )  # fmt: skip


async def both_of(
    house: House, transaction: Transaction, business_id: int, member_id: str, into_id: str, *, asleep: bool = False
) -> tuple[MemberState, MemberState]:
    """Lock both members in one fixed order, and read them; in a merge both must be here."""
    for one in sorted((member_id, into_id)):
        await house.database.lock_member(transaction, business_id, one)
    states = []
    for one, pointer in ((member_id, ""), (into_id, "/into")):
        page = await transaction.open(Opening(business_id=business_id, member_id=one, occurred_at=0, now=0))
        state = page.member if page else None
        gone = {presence.ERASED} if asleep else {presence.ERASED, presence.MERGED}
        if state is None or state.presence in gone:
            if pointer:
                message = "there is no such member to merge into"
                raise BodyInvalid(message, pointer=pointer)
            raise MemberUnknown
        if any(account.held for account in state.accounts or ()):
            raise HoldsInTheWay
        states.append(state)
    return states[0], states[1]


async def _merged(
    house: House, transaction: Transaction, told: journal.Told, come: MemberState, stay: MemberState
) -> Posting:
    business_id, at = told.opening.business_id, to_micros(told.ticket.at)
    merge_id = ids.new("mrg", at // 1000)
    gone, kept = (
        await handing.side_of(transaction, business_id, come, at),
        await handing.side_of(transaction, business_id, stay, at),
    )
    carried_lots, debts = carry_over(gone, kept)
    limits = await handing.limits_of(transaction, business_id, come.id)
    carried = Carried(
        own=await _own(transaction, business_id, stay), lots=tuple(carried_lots), debts=tuple(debts),
        limits=tuple(limits), language=stay.language is None and come.language is not None,
        tier=stay.tier is None and come.tier is not None,
        tags=tuple(sorted(set(handing.tags(come)) - set(handing.tags(stay)))),
        profile=tuple(sorted(profile_of(house, business_id, come).keys() - profile_of(house, business_id, stay))),
        rows=await handing.move_rows(transaction, business_id, come.id, stay.id),
    )  # fmt: skip
    member = _as_one(house, business_id, come, stay, carried)
    await handing.rehome(house, transaction, business_id, come, stay)
    await transaction.keep(sleeper(told, gone, come, merge_id, presence=presence.MERGED))
    await transaction.fetch(
        "INSERT INTO merges (business_id, id, member_id, into_id, merged_at, carried) VALUES ($1, $2, $3, $4, $5, $6)",
        business_id, merge_id, come.id, stay.id, at, msgspec.json.encode(carried).decode(),
    )  # fmt: skip
    more = await handing.limits_of(transaction, business_id, stay.id)
    answer = await answer_of(house, told, merge_id, "merged", (come.id, stay.id), stay, kept)
    posting = stayer(told, kept, stay.revision, member, answer, handing.added(business_id, stay.id, more, limits))
    await transaction.keep(posting)
    return posting


def _as_one(house: House, business_id: int, come: MemberState, stay: MemberState, carried: Carried) -> MemberRow:
    """Give the row of the member who stays, as it is with the other in them."""
    profile, theirs = profile_of(house, business_id, stay), profile_of(house, business_id, come)
    profile |= {name: theirs[name] for name in carried.profile}
    firsts = [one for one in (come.first_purchase_at, stay.first_purchase_at) if one is not None]
    lasts = [one for one in (come.last_purchase_at, stay.last_purchase_at) if one is not None]
    return moved(
        business_id, stay,
        visits=stay.visits + come.visits, spend_minor=stay.spend_minor + come.spend_minor,
        joined_at=min(stay.joined_at, come.joined_at),
        first_purchase_at=min(firsts, default=None), last_purchase_at=max(lasts, default=None),
        language=come.language if carried.language else stay.language,
        tier=come.tier if carried.tier else stay.tier,
        tier_until=come.tier_until if carried.tier else stay.tier_until,
        tags=msgspec.json.encode([*handing.tags(stay), *carried.tags]).decode(),
        referral=stay.referral or come.referral,
        sealed_profile=seal_profile(house, business_id, stay.id, stay.wrapped_key, profile),
    )  # fmt: skip


async def _own(transaction: Transaction, business_id: int, stay: MemberState) -> Own:
    """Tell what a member is by themselves: as they stand, or as they stood before the first who sleeps in them."""
    found = await transaction.fetch(
        "SELECT carried FROM merges WHERE business_id = $1 AND into_id = $2 AND undone_at IS NULL ORDER BY id LIMIT 1",
        business_id, stay.id,
    )  # fmt: skip
    if found:
        return msgspec.json.decode(found[0][0], type=Carried).own
    return Own(stay.joined_at, stay.first_purchase_at, stay.last_purchase_at)


def sleeper(
    told: journal.Told, side: Side, state: MemberState, merge_id: str, limits: tuple[LimitUseRow, ...] = (),
    **changes: Any,
) -> Posting:  # fmt: skip
    """Write what becomes of the member who goes to sleep, or wakes: the other half of the command, without its key."""
    line = journal.line(
        told, side.journal_id, status=200, answer=b"{}", member_id=state.id, revision=side.revision, subject=merge_id
    )
    return Posting(
        business_id=side.business_id, expected=state.revision, member=moved(side.business_id, state, **changes),
        journal=msgspec.structs.replace(line, key=None), entries=tuple(side.entries), lots=tuple(side.opened),
        burns=side.burns, allocations=tuple(side.allocations), accounts=side.accounts, limit_uses=limits,
    )  # fmt: skip


def stayer(
    told: journal.Told, side: Side, expected: int, member: MemberRow, answer: MergeAnswer,
    limits: tuple[LimitUseRow, ...],
) -> Posting:  # fmt: skip
    line = journal.line(
        told, side.journal_id, status=201, answer=msgspec.json.encode(answer), member_id=member.id,
        revision=side.revision, subject=answer.id,
    )  # fmt: skip
    return Posting(
        business_id=side.business_id, expected=expected, member=member, journal=line, entries=tuple(side.entries),
        lots=tuple(side.opened), burns=side.burns, allocations=tuple(side.allocations), accounts=side.accounts,
        limit_uses=limits,
    )  # fmt: skip


async def answer_of(
    house: House, told: journal.Told, merge_id: str, status: Literal["merged", "undone"], pair: tuple[str, str],
    stay: MemberState, side: Side,
) -> MergeAnswer:  # fmt: skip
    edition = await house.shelf.current(side.business_id)
    empty = AccountState("", 0, 0, 0, None, 0, 0)
    accounts = accounts_of(stay) | {
        unit: msgspec.structs.replace(accounts_of(stay).get(unit, empty), unit=unit, balance=balance)
        for unit, balance in side.balances.items()
    }
    has = balances(edition.programme, accounts)
    return MergeAnswer(merge_id, status, *pair, shown(to_micros(told.ticket.at)), has)
