"""Referrals as they are shown: to the business with every step and reason, to the ambassador as friends they named."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from loyalty_engine.errors import CursorMalformed
from loyalty_engine.identifiers import mask
from loyalty_engine.identity import presence
from loyalty_engine.instants import shown as instant
from loyalty_engine.instants import shown_or_none, to_micros
from loyalty_engine.members import identifiers_of, state_of
from loyalty_engine.redemption.vouchers import qr_svg
from loyalty_engine.referrals import codes, people
from loyalty_engine.referrals.answers import Ambassador, Credited, Invited, ReferralAnswer, ReferralPage, StepSeen
from loyalty_engine.referrals.course import COLUMNS, REASONS, ReferralRow, Step
from loyalty_engine.referrals.errors import ReferralUnknown
from loyalty_engine.referrals.qualifying import read_row

if TYPE_CHECKING:
    from datetime import datetime

    from loyalty_engine.businesses import Caller
    from loyalty_engine.house import House
    from loyalty_engine.journal import Reader

GIVEN: Final = ("credited", "returning", "clawed_back")
_CURSOR: Final = re.compile(r"[0-9]{1,18}\.ref_[0-9a-z]{26}")
_SHOWN_MOST: Final = 500


async def shown(
    house: House, reader: Reader, row: ReferralRow, *, steps: Sequence[Step] | None = None
) -> ReferralAnswer:  # fmt: skip
    """Show a referral; with the steps that are given, or else with none."""
    reason = row.reason
    return ReferralAnswer(
        id=row.id, state="review" if row.review else row.state, reason=reason, says=REASONS.get(reason or ""),
        review=row.review, how=row.how, ambassador=row.ambassador_id, friend=row.friend_id,
        friend_masked=await _masked(house, reader, row), named_at=instant(row.named_at),
        joined_at=shown_or_none(row.joined_at), qualified_at=shown_or_none(row.qualified_at),
        due_at=shown_or_none(row.due_at), ended_at=shown_or_none(row.ended_at), purchase=row.purchase_id,
        ambassador_gets=_price(row.ambassador_unit, row.ambassador_amount),
        friend_gets=_price(row.friend_unit, row.friend_amount),
        steps=tuple(
            StepSeen(one.state, instant(one.at), one.by, one.reason, REASONS.get(one.reason or ""))
            for one in steps or ()
        ),
    )  # fmt: skip


def _price(unit: str | None, amount: int | None) -> dict[str, int]:
    return {} if unit is None or amount is None else {unit: amount}


async def _masked(house: House, reader: Reader, row: ReferralRow) -> str | None:
    """Give the last digits of a friend who has joined; of one who has not, nobody knows any."""
    if row.friend_id is None:
        return None
    state = await people.person(house, row.business_id, row.friend_id)
    if state is None:
        return None
    known = await identifiers_of(house, row.business_id, state, reader)
    return mask(known[0]) if known else None


async def referral(house: House, caller: Caller, referral_id: str) -> ReferralAnswer:
    """Show one referral with every step it took; ReferralUnknown where it is not this business's."""
    row = await read_row(house.database, caller.business_id, referral_id)
    if row is None:
        raise ReferralUnknown
    steps = await house.database.fetch(
        "SELECT business_id, referral_id, number, state, reason, by, journal_id, at FROM referral_steps "
        "WHERE business_id = $1 AND referral_id = $2 ORDER BY number",
        caller.business_id, referral_id,
    )  # fmt: skip
    return await shown(house, house.database, row, steps=[Step(*one) for one in steps])


async def page(house: House, caller: Caller, *, state: str | None, limit: int, cursor: str | None) -> ReferralPage:
    """List referrals, newest first: all of them, those in one state, or ("review") those a person should look at."""
    before: tuple[int, str] = (1 << 62, "")
    if cursor is not None:
        if not _CURSOR.fullmatch(cursor):
            raise CursorMalformed
        named_at, _, referral_id = cursor.partition(".")
        before = (int(named_at), referral_id)
    which: tuple[Any, ...] = () if state in {None, "review"} else (state,)
    wanted = "" if state is None else " AND review IS NOT NULL" if state == "review" else " AND state = $5"
    found = await house.database.fetch(
        f"SELECT {COLUMNS} FROM referrals WHERE business_id = $1 AND (named_at, id) < ($2, $3){wanted} "  # ours
        "ORDER BY named_at DESC, id DESC LIMIT $4",
        caller.business_id, *before, limit + 1, *which,
    )  # fmt: skip
    rows = [ReferralRow(*one) for one in found[:limit]]
    more = f"{rows[-1].named_at}.{rows[-1].id}" if len(found) > limit else None
    return ReferralPage(tuple([await shown(house, house.database, row) for row in rows]), more)


async def ambassador(house: House, caller: Caller, member_id: str, *, at: datetime) -> Ambassador:
    """Show a member as an ambassador, their code made when it is first asked for; MemberUnknown where there is none."""
    state = await state_of(house, caller.business_id, member_id, to_micros(at))
    code = await codes.code_of(house, caller.business_id, state.id, at=to_micros(at))
    link = codes.link_of(house, code)
    rows: list[ReferralRow] = []
    for one in (state.id, *(await presence.sleepers(house.database, caller.business_id, state.id))):
        found = await house.database.fetch(
            f"SELECT {COLUMNS} FROM referrals WHERE business_id = $1 AND ambassador_id = $2 "
            "ORDER BY named_at DESC, id DESC LIMIT $3",
            caller.business_id, one, _SHOWN_MOST,
        )  # fmt: skip
        rows += [ReferralRow(*columns) for columns in found]
    masked = {row.id: await _masked(house, house.database, row) for row in rows}
    rows.sort(key=lambda row: (row.named_at, row.id), reverse=True)
    return Ambassador(
        code, link, qr_svg(link),
        tuple(
            Invited(
                row.id, row.how, "review" if row.review else row.state, instant(row.named_at), masked[row.id],
                REASONS.get(row.reason or row.review or ""),
            )
            for row in rows
        ),
        tuple(
            Credited(
                row.id, instant(row.ended_at or 0), masked[row.id], row.ambassador_unit or "",
                row.ambassador_amount or 0, row.state != "credited",
            )
            for row in rows
            if row.state in GIVEN
        ),
    )  # fmt: skip
