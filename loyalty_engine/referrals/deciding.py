"""A person looks at a referral that raised doubts, or at any that is open, and lets it pass or end."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import msgspec

from loyalty_engine import ids, journal
from loyalty_engine.database import Opening, Page
from loyalty_engine.instants import to_micros
from loyalty_engine.referrals import reading
from loyalty_engine.referrals.course import OPEN, Course, Moment
from loyalty_engine.referrals.errors import ReferralOver, ReferralUnknown
from loyalty_engine.referrals.qualifying import read_row
from loyalty_engine.rows import Posting

if TYPE_CHECKING:
    from loyalty_engine.answers import Answer
    from loyalty_engine.businesses import Caller
    from loyalty_engine.commands import Ticket
    from loyalty_engine.house import House
    from loyalty_engine.referrals.course import State
    from loyalty_engine.referrals.told import ReviewReferral


async def decide_about(
    house: House, caller: Caller, referral_id: str, command: ReviewReferral, ticket: Ticket
) -> Answer:  # fmt: skip
    """Let a referral pass or end, once. Answers 201 with ReferralAnswer; raises ReferralUnknown and ReferralOver."""
    at = to_micros(ticket.at)
    told = journal.Told(
        kind="referral_review", ticket=ticket,
        opening=Opening(business_id=caller.business_id, key=ticket.key, occurred_at=at, now=at),
        fingerprint=journal.fingerprint(house, caller.business_id, "referral_review", command, referral_id),
    )  # fmt: skip

    async def decide(_: Page, reader: journal.Reader) -> Posting:
        row = await read_row(reader, caller.business_id, referral_id)
        if row is None:
            raise ReferralUnknown
        if row.state not in OPEN:
            raise ReferralOver
        line_id = ids.new("jnl", at // 1000)
        one, moment = Course(row), Moment(at, command.by, line_id)
        if command.decision == "approve":
            one.step(cast("State", row.state), moment, reason="approved", review=None)
        else:
            one.step("refused", moment, reason="declined")
        answer = await reading.shown(house, reader, one.row, steps=one.steps)
        line = journal.line(
            told, line_id, status=201, answer=msgspec.json.encode(answer), member_id=row.ambassador_id,
            subject=referral_id, input=msgspec.json.encode(command).decode(),
        )  # fmt: skip
        return Posting(business_id=caller.business_id, expected=None, member=None, journal=line, extra=one.rows())

    return await journal.once(house, told, decide)
