"""That was not me: what is set aside in a member's name at a till is let go of, at their word, while it may be.

Invariant: nothing that was spent comes back by a text, as its origin can be forged; a person reads each of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from loyalty_engine import ledger
from loyalty_engine.members import accounts_of
from loyalty_engine.redemption import holding, lapsing
from loyalty_engine.texts.answering import answer, not_understood
from loyalty_engine.texts.asking import Asked, Reaction
from loyalty_engine.texts.sayings import listed

if TYPE_CHECKING:
    from loyalty_engine.rows import LimitUseRow


async def not_me(asked: Asked) -> Reaction:
    """Release every hold of the member's that is active; what was captured already is for a person to look into."""
    member = asked.member
    if member is None:
        return not_understood(asked)
    active = await lapsing.active(asked.reader, asked.business_id, member.id, asked.at)
    if not active:
        return Reaction(text=answer(asked, "nothing_to_undo"), review=True)
    sheet = ledger.Sheet(
        business_id=asked.business_id, member_id=member.id, revision=member.revision + 1,
        accounts=accounts_of(member).values(), journal_id=asked.line_id, version=asked.edition.version,
        occurred_at=asked.at, recorded_at=asked.at,
    )  # fmt: skip
    rows: list[msgspec.Struct] = []
    freed: dict[tuple[str, str], LimitUseRow] = {}
    says = []
    for hold in active:
        edition = await asked.house.shelf.numbered(asked.business_id, hold.version)
        says.append(holding.says_of(hold, edition, asked.language))
        rows += await lapsing.closed(asked.house, sheet, hold, "released", asked.reader)
        for row in holding.limits_freed(hold, member, edition):
            before = freed.get((row.subject, row.window))
            once_more = row if before is None else msgspec.structs.replace(before, times=max(0, before.times - 1))
            freed[row.subject, row.window] = once_more
    # The balance that is known here is the one before.
    text = answer(asked, "undone", perk=listed(asked.language, says), balance="")
    return Reaction(text=text, review=True, rows=tuple(rows), sheet=sheet, limit_uses=tuple(freed.values()))
