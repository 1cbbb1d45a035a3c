"""May both be credited? What has changed since the friend joined is asked once more, of the people as they are now.

Refused in this order: a friend or an ambassador who has left, one person at both ends, a friend who is somebody older,
a cycle, one means of payment, an ambassador credited often enough, a friend credited once. Invariant: nothing is
credited without a mark for each of the friend's numbers, and a mark is laid once for ever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

import rules
from loyalty_engine import tombstones
from loyalty_engine.identity import presence
from loyalty_engine.instants import from_micros, to_micros
from loyalty_engine.members import identifiers_of
from loyalty_engine.referrals import people

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loyalty_engine.database import MemberState
    from loyalty_engine.identifiers import Identifier
    from loyalty_engine.referrals.ends import Ends


async def why_not(ends: Ends) -> str | None:
    """Tell why nobody is credited; None where both are, and then the marks are laid."""
    ambassador, friend, row = ends.ambassador, ends.friend, ends.row
    if friend is None:
        return "friend_left"
    if ambassador is None:
        return "ambassador_left"
    said = await identifiers_of(ends.house, row.business_id, friend, ends.transaction)
    if ambassador.id == friend.id or await people.shares_mailbox(
        ends.house, ends.transaction, ambassador, row.business_id, said
    ):
        return "self"
    if friend.id != row.friend_id and await _older(ends, friend):
        return "already_member"
    if await _descends(ends, ambassador.id, friend.id):
        return "cycle"
    if await _paid_alike(ends, ambassador, friend):
        return "same_payment"
    if await _often_enough(ends):
        return "limit"
    return None if await _marked(ends, friend, said) else "already_credited"


async def _older(ends: Ends, friend: MemberState) -> bool:
    """Tell whether the friend sleeps in somebody who was a member before they came."""
    found = await ends.transaction.fetch(
        "SELECT joined_at FROM members WHERE business_id = $1 AND id = $2", ends.row.business_id, ends.row.friend_id
    )
    joined_at: int = found[0][0]
    return friend.joined_at < joined_at


async def _descends(ends: Ends, ambassador_id: str, friend_id: str) -> bool:
    """Tell whether the friend stands above the ambassador: whoever is one person by now counts as one."""
    above, seen, business_id = [ambassador_id], set[str](), ends.row.business_id
    while above:
        one = above.pop()
        if one in seen:
            continue
        seen.add(one)
        for name in (one, *(await presence.sleepers(ends.transaction, business_id, one))):
            found = await ends.transaction.fetch(
                "SELECT ambassador_id FROM referrals WHERE business_id = $1 AND friend_id = $2 "
                "AND state IN ('credited', 'returning', 'clawed_back')",
                business_id, name,
            )  # fmt: skip
            for row in found:
                state = await people.person(ends.house, business_id, row[0], ends.transaction)
                above.append(row[0] if state is None else state.id)
    return friend_id in seen


async def _paid_alike(ends: Ends, *both: MemberState) -> bool:
    paid = []
    for state in both:
        everybody = [state.id, *(await presence.sleepers(ends.transaction, ends.row.business_id, state.id))]
        paid.append(await people.paid_with(ends.transaction, ends.row.business_id, everybody))
    return not paid[0].isdisjoint(paid[1])


async def _often_enough(ends: Ends) -> bool:
    """Tell whether one more credit is past what an ambassador is credited for in a period."""
    row, programme = ends.row, ends.edition.programme
    if programme.referral is None or row.qualified_at is None or ends.ambassador is None:
        return False
    day = from_micros(row.qualified_at).astimezone(programme.zone).date()
    everybody = [ends.ambassador.id, *(await presence.sleepers(ends.transaction, row.business_id, ends.ambassador.id))]
    for limit in programme.referral.limit:
        times = units = 0
        if limit.per != "purchase":
            window = rules.window(limit.per, day, programme.zone)
            for one in everybody:
                found = await ends.transaction.fetch(
                    "SELECT count(*), CAST(coalesce(sum(ambassador_amount), 0) AS BIGINT) FROM referrals "
                    "WHERE business_id = $1 AND ambassador_id = $2 AND state = 'credited' AND qualified_at >= $3 "
                    "AND qualified_at < $4",
                    row.business_id, one, to_micros(window.starts_at), to_micros(window.ends_at),
                )  # fmt: skip
                times, units = times + found[0][0], units + found[0][1]
        if limit.times is not None and times + 1 > limit.times:
            return True
        if limit.amount is not None and units + (row.ambassador_amount or 0) > limit.amount:
            return True
    return False


async def _marked(ends: Ends, friend: MemberState, said: Sequence[Identifier]) -> bool:
    """Lay a mark for the friend and each of their numbers; False where one of them was laid before."""
    row, transaction = ends.row, ends.transaction
    known = await tombstones.hashing_now(ends.house, transaction, row.business_id, ends.at)
    if known.new is not None:
        await transaction.fetch(
            "INSERT INTO secrets (business_id, name, wrapped, made_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
            *msgspec.structs.astuple(known.new),
        )  # fmt: skip
        known = await tombstones.hashing_now(ends.house, transaction, row.business_id, ends.at)
    everybody = [friend.id, *(await presence.sleepers(transaction, row.business_id, friend.id))]
    marks = [known.of(one) for one in said] + [known.of_text(f"member\0{one}") for one in everybody]
    laid = 0
    for mark in sorted(set(marks)):
        found = await transaction.fetch(
            "INSERT INTO referral_marks (business_id, mark, referral_id, laid_at) VALUES ($1, $2, $3, $4) "
            "ON CONFLICT DO NOTHING RETURNING mark",
            row.business_id, mark, row.id, ends.at,
        )  # fmt: skip
        laid += len(found)
    return laid == len(set(marks))
