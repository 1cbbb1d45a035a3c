"""A merge was a mistake: the member who sleeps wakes up again, with what is left of what was theirs.

Invariant: per unit and per limit, what the two have after is what the one had before. What was done while they were one
stays with the member it was done under; what came back meanwhile of the sleeper's own purchases is counted as theirs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from loyalty_engine import journal
from loyalty_engine.database import MemberState
from loyalty_engine.errors import MergeNotTheLast, MergeUnknown
from loyalty_engine.identity import handing, merging, presence
from loyalty_engine.identity.lot_by_lot import carry_back
from loyalty_engine.identity.merging import Carried
from loyalty_engine.instants import to_micros
from loyalty_engine.members import moved, profile_of, seal_profile
from loyalty_engine.redemption import holding
from loyalty_engine.rows import LimitUseRow, MemberRow, Posting

if TYPE_CHECKING:
    from loyalty_engine.answers import Answer
    from loyalty_engine.businesses import Caller
    from loyalty_engine.commands import Ticket
    from loyalty_engine.database import Transaction
    from loyalty_engine.house import House


async def undo(house: House, caller: Caller, merge_id: str, ticket: Ticket) -> Answer:
    """Undo a merge, once. Answers 201 with MergeAnswer.

    Refused in this order: an unknown merge or one that is undone, a member who was merged on, something on hold.
    """
    told = merging.told_of(house, caller, "merge_undone", ticket, None, merge_id)
    pair = await house.database.fetch(
        "SELECT member_id, into_id FROM merges WHERE business_id = $1 AND id = $2", caller.business_id, merge_id
    )
    await holding.lapse_of(house, caller.business_id, tuple(pair[0]) if pair else (), at=ticket.at)

    async def work(transaction: Transaction) -> Answer | Posting:
        page = await transaction.open(told.opening)
        if (seen := journal.answered(told, page)) is not None:
            return seen
        found = await transaction.fetch(
            "SELECT member_id, into_id, merged_at, carried FROM merges WHERE business_id = $1 AND id = $2 "
            "AND undone_at IS NULL",
            caller.business_id, merge_id,
        )  # fmt: skip
        if not found:
            raise MergeUnknown
        member_id, into_id, merged_at, carried = found[0]
        asleep, stay = await merging.both_of(house, transaction, caller.business_id, member_id, into_id, asleep=True)
        if stay.presence == presence.MERGED:
            raise MergeNotTheLast
        undoing = Undoing(house, transaction, told, merge_id, merged_at, msgspec.json.decode(carried, type=Carried))
        return await undoing.carry_out(asleep, stay)

    return journal.given(await house.database.write_transaction(work))


class Undoing:
    """The steps of waking a member up again."""

    def __init__(
        self, house: House, transaction: Transaction, told: journal.Told, merge_id: str, merged_at: int,
        carried: Carried,
    ) -> None:  # fmt: skip
        self.house, self.transaction, self.told = house, transaction, told
        self.business_id, self.at = told.opening.business_id, to_micros(told.ticket.at)
        self.merge_id, self.merged_at, self.carried = merge_id, merged_at, carried

    async def carry_out(self, asleep: MemberState, stay: MemberState) -> Posting:
        business_id, carried = self.business_id, self.carried
        touched = [one.lot for one in carried.lots]
        there = [one.there for one in carried.lots] + [lot for debt in carried.debts for lot, _ in debt.paid_by]
        kept = await handing.side_of(self.transaction, business_id, stay, self.at, lots_too=there)
        went = await handing.side_of(self.transaction, business_id, asleep, self.at, lots_too=touched)
        carry_back(kept, went, carried.lots, carried.debts)
        gone, back_minor = await self._returned(asleep.id)
        wakes = {
            "presence": None,
            "visits": max(0, asleep.visits - gone),
            "spend_minor": max(0, asleep.spend_minor - back_minor),
        }
        await handing.rehome(self.house, self.transaction, business_id, stay, asleep, back=True)
        await handing.give_rows_back(self.transaction, business_id, asleep.id, stay.id, carried.rows)
        await self.transaction.fetch(
            "UPDATE merges SET undone_at = $3 WHERE business_id = $1 AND id = $2", business_id, self.merge_id, self.at
        )
        theirs, ours = await self._limits_parted(asleep.id, stay.id)
        await self.transaction.keep(merging.sleeper(self.told, went, asleep, self.merge_id, theirs, **wakes))
        member = await self._alone(asleep, stay, gone, back_minor)
        answer = await merging.answer_of(
            self.house, self.told, self.merge_id, "undone", (asleep.id, stay.id), stay, kept
        )
        posting = merging.stayer(self.told, kept, stay.revision, member, answer, ours)
        await self.transaction.keep(posting)
        return posting

    async def _returned(self, member_id: str) -> tuple[int, int]:
        """Tell what came back of the sleeper's own purchases meanwhile: whole purchases, and money."""
        found = await self.transaction.fetch(
            "SELECT r.amount_minor, r.answer FROM journal r JOIN journal p ON p.business_id = r.business_id "
            "AND p.id = r.subject WHERE r.business_id = $1 AND p.member_id = $2 AND p.kind = 'purchase' "
            "AND r.kind = 'refund' AND r.status = 201 AND r.member_id <> $2 AND r.recorded_at >= $3",
            self.business_id, member_id, self.merged_at,
        )  # fmt: skip
        gone = sum(msgspec.json.decode(answer)["left_minor"] == 0 for _, answer in found)
        return gone, sum(amount for amount, _ in found)

    async def _limits_parted(self, theirs_id: str, ours_id: str) -> tuple[tuple[LimitUseRow, ...], ...]:
        """Give the sleeper back what of their limits is still used, and take it off the other."""
        now = {one.place: one for one in await handing.limits_of(self.transaction, self.business_id, ours_id)}
        theirs, ours = [], []
        for was in self.carried.limits:
            used = now.get(was.place)
            if used is None:
                continue
            times, amount = min(was.times, used.times), min(was.amount, used.amount)
            theirs.append(was.row(self.business_id, theirs_id, times, amount))
            ours.append(was.row(self.business_id, ours_id, used.times - times, used.amount - amount))
        return tuple(theirs), tuple(ours)

    async def _alone(self, asleep: MemberState, stay: MemberState, gone: int, back_minor: int) -> MemberRow:
        """Give the other member's row as it is without the sleeper."""
        business_id, carried = self.business_id, self.carried
        others = [
            await handing.state_of(self.transaction, business_id, one)
            for one in await presence.sleepers(self.transaction, business_id, stay.id)
        ]
        own = carried.own
        done = await self.transaction.fetch(
            "SELECT min(occurred_at), max(occurred_at) FROM journal WHERE business_id = $1 AND member_id = $2 "
            "AND kind = 'purchase' AND status = 201",
            business_id, stay.id,
        )  # fmt: skip
        first = [own.first_purchase_at, done[0][0], *(one.first_purchase_at for one in others)]
        last = [own.last_purchase_at, done[0][1], *(one.last_purchase_at for one in others)]
        theirs = profile_of(self.house, business_id, asleep)
        profile = {
            name: value for name, value in profile_of(self.house, business_id, stay).items()
            if not (name in carried.profile and theirs.get(name) == value)
        }  # fmt: skip
        tags = [tag for tag in handing.tags(stay) if tag not in carried.tags]
        return moved(
            business_id, stay,
            visits=max(0, stay.visits - (asleep.visits - gone)),
            spend_minor=max(0, stay.spend_minor - (asleep.spend_minor - back_minor)),
            joined_at=min([own.joined_at, *(one.joined_at for one in others)]),
            first_purchase_at=min((one for one in first if one is not None), default=None),
            last_purchase_at=max((one for one in last if one is not None), default=None),
            language=None if carried.language and stay.language == asleep.language else stay.language,
            tier=None if carried.tier and stay.tier == asleep.tier else stay.tier,
            tier_until=None if carried.tier and stay.tier == asleep.tier else stay.tier_until,
            tags=msgspec.json.encode(tags).decode(),
            referral=None if stay.referral == asleep.referral else stay.referral,
            sealed_profile=seal_profile(self.house, business_id, stay.id, stay.wrapped_key, profile),
        )  # fmt: skip
