"""Tiers are looked at again when their time is up: who qualifies keeps theirs, and who does not falls as it is written.

Invariant: a member comes to what they would be read as holding in any case; the review writes it down, tells the rules,
and does so once, however many go round at the same time.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from loyalty_engine import awarding, happenings, ids, journal
from loyalty_engine.commands import Ticket
from loyalty_engine.database import MemberState, Opening, Page
from loyalty_engine.instants import to_micros
from loyalty_engine.knowing import facts_before
from loyalty_engine.members import Named, moved
from loyalty_engine.rows import Posting
from loyalty_engine.standing import tiers

if TYPE_CHECKING:
    from loyalty_engine.house import House
    from loyalty_engine.shelf import Edition

_PAGE = 512
# So many members at once: their decisions share statements, and tills find a turn between them.
_TOGETHER = 16
_Place = tuple[int, str]


class _NothingDue(Exception):
    """Somebody else has looked already."""


async def review(house: House, *, at: datetime) -> int:
    """Look again at every tier whose time is up, in every business; gives how many members that were."""
    businesses = await house.database.fetch("SELECT business_id FROM businesses ORDER BY business_id")
    return sum([await _review_of(house, business_id, at) for [business_id] in businesses])


async def _review_of(house: House, business_id: int, at: datetime) -> int:
    reviewed, after = 0, (-(1 << 62), "")
    while found := await house.database.fetch(
        "SELECT tier_until, id FROM members WHERE business_id = $1 AND tier_until <= $2 "
        "AND (tier_until, id) > ($3, $4) ORDER BY tier_until, id LIMIT $5",
        business_id, to_micros(at), *after, _PAGE,
    ):  # fmt: skip
        for first in range(0, len(found), _TOGETHER):
            some = found[first : first + _TOGETHER]
            reviewed += sum(
                await asyncio.gather(*(_look_again(house, business_id, member, until, at) for until, member in some))
            )
        after = (found[-1][0], found[-1][1])
    return reviewed


async def _look_again(house: House, business_id: int, member_id: str, until: int, at: datetime) -> bool:
    """Look at one member's tier again; False where there was nothing to do any more."""
    now = to_micros(at)
    told = journal.Told(
        kind="event", ticket=Ticket(key="", request_id="upkeep", at=at), fingerprint="",
        opening=Opening(
            business_id=business_id, natural=f"tier:{member_id}:{until}", member_id=member_id, occurred_at=now, now=now
        ),
    )  # fmt: skip

    async def decide(page: Page, reader: journal.Reader) -> Posting:
        state = page.member
        assert state is not None, "members are never removed"
        if state.tier_until is None or state.tier_until > now:
            raise _NothingDue
        edition = await house.shelf.valid_at(business_id, now, published=page.version)
        held = await tiers.standing(reader, business_id, edition, state, now)
        tier = None if edition.ladder is None else edition.ladder.id(held)
        if tier == state.tier or edition.ladder is None:
            return _noted(told, edition, state, tier, held.until)
        event = awarding.tier_event(at, state.tier, tier)
        facts = await facts_before(house, business_id, edition, event, state=state, at=now, reader=reader)
        came = awarding.judge(edition, event, awarding.with_tier(facts, tier))
        return await happenings.posted(house, told, came, Named(None, member_id, None), page, state, reader)

    try:
        return not (await journal.once(house, told, decide)).hit
    except _NothingDue:
        return False


def _noted(told: journal.Told, edition: Edition, state: MemberState, tier: str | None, until: int | None) -> Posting:
    """Write down that a tier is kept for another time, or that the programme has tiers no more."""
    line = journal.line(
        msgspec.structs.replace(told, kind="tier_kept"), ids.new("jnl", told.opening.now // 1000), status=201,
        answer=msgspec.json.encode({"tier": tier}), member_id=state.id, revision=state.revision + 1,
        version=edition.version,
    )  # fmt: skip
    member = moved(told.opening.business_id, state, tier=tier, tier_until=until)
    return Posting(business_id=told.opening.business_id, expected=state.revision, member=member, journal=line)
