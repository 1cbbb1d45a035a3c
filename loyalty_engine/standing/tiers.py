"""A member's standing in the shop: read beside a command, moved by what it brings, and shown at the till.

The marks that count towards a tier are kept beside the uses of limits, in windows that are as long as they count: the
page of a command brings exactly those that count at its instant. Invariant: whether and when upkeep has been round
changes nothing, as a tier past its date is looked at again by whoever reads it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from loyalty_engine.answers import NextTier, TierSeen
from loyalty_engine.database import MemberState
from loyalty_engine.instants import from_micros, shown_or_none
from loyalty_engine.rows import LimitUseRow, MemberRow
from loyalty_engine.standing.ladder import FLOOR, MARK, NONE, Gained, Held, Mark, sums_at
from loyalty_engine.wording import language_for

if TYPE_CHECKING:
    from loyalty_engine.journal import Reader
    from loyalty_engine.ledger import Sheet
    from loyalty_engine.shelf import Edition


class Standing(Struct, frozen=True):
    """Where a member stands after a command: the tier, what counts now, and the marks that changed."""

    held: Held
    sums: dict[str, int]
    marks: tuple[LimitUseRow, ...] = ()


async def standing(reader: Reader, business_id: int, edition: Edition, state: MemberState | None, at: int) -> Held:
    """Give the tier a member has at an instant; one past its date is looked at again."""
    ladder = edition.ladder
    if state is None or ladder is None:
        return Held()
    held = Held(ladder.place(state.tier), state.tier_until)
    if held.place == NONE or held.until is None or held.until > at:
        return held
    return ladder.lapsed(held, await marks_of(reader, business_id, state.id), at)


def counting(state: MemberState | None) -> dict[str, int]:
    """Add up what counts towards tiers on a member's page."""
    sums: dict[str, int] = {}
    for use in (state.used if state is not None else None) or ():
        if use.subject.startswith(MARK):
            sums[use.subject] = sums.get(use.subject, 0) + use.amount
    return sums


async def after(
    reader: Reader, edition: Edition, state: MemberState | None, sheet: Sheet, brought: Gained
) -> Standing | None:
    """Count what a command brings, and give the tier that is reached by it; None where the programme has no tiers."""
    ladder = edition.ladder
    if ladder is None:
        return None
    occurred_at, recorded_at = from_micros(sheet.occurred_at), from_micros(sheet.recorded_at)
    held = await standing(reader, sheet.business_id, edition, state, sheet.recorded_at)
    sums, have = counting(state), {(use.subject, use.window): use.amount for use in (state and state.used) or ()}
    changed = []
    for subject in ladder.subjects:
        if amount := brought.of(subject):
            mark = ladder.mark(subject, occurred_at, amount)
            changed.append(mark._replace(amount=amount + have.get((subject, mark.window), 0)))
            sums[subject] = sums.get(subject, 0) + amount
    held = ladder.reached(held, sums, sheet.occurred_at)
    if changed and ladder.day(occurred_at) != ladder.day(recorded_at):
        # Told late: what happened since then counts as well, and is not on a page read for that day.
        every = with_these(await marks_of(reader, sheet.business_id, sheet.member_id), changed)
        sums = sums_at(every, sheet.recorded_at)
        held = ladder.reached(held, sums, sheet.recorded_at)
    return Standing(held, sums, tuple(as_row(sheet.business_id, sheet.member_id, mark) for mark in changed))


async def after_refund(
    reader: Reader, business_id: int, edition: Edition, state: MemberState, bought_at: datetime, back: Gained, at: int
) -> Standing | None:
    """Count no longer what came back: standing is as if it had never been bought, where that makes a difference."""
    ladder = edition.ladder
    if ladder is None:
        return None
    held = await standing(reader, business_id, edition, state, at)
    before, day = await marks_of(reader, business_id, state.id), ladder.day(bought_at)
    changed = [
        mark._replace(amount=max(0, mark.amount - back.of(mark.subject)))
        for mark in before
        if mark.window == day and mark.subject != FLOOR and back.of(mark.subject)
    ]
    after = with_these(before, changed)
    as_it_was, as_it_is = ladder.lived(before, at), ladder.lived(after, at)
    held = as_it_is if as_it_is != as_it_was else held
    rows = tuple(as_row(business_id, state.id, mark) for mark in changed)
    return Standing(held, sums_at(after, at), rows)


def with_these(marks: Iterable[Mark], changed: Sequence[Mark]) -> tuple[Mark, ...]:
    """Give marks with some of them put in the place of what they were."""
    found = {(mark.subject, mark.window, mark.ends_at): mark for mark in (*marks, *changed)}
    return tuple(found.values())


def seen(edition: Edition, stands: Standing | None, language: str | None) -> TierSeen | None:
    """Show a member's tier, until when it is kept, and what the next one takes."""
    ladder = edition.ladder
    if ladder is None or stands is None:
        return None
    held, sums = stands.held, stands.sums
    spoken = language_for(edition.programme, language)
    following = None
    if held.place + 1 < len(ladder.tiers):
        tier = ladder.tiers[held.place + 1]
        have = sums.get(ladder.subject(held.place + 1), 0)
        following = NextTier(
            tier.id, tier.says.get(spoken, tier.id), tier.needs.measure, tier.needs.unit, tier.needs.amount, have,
            max(0, tier.needs.amount - have),
        )  # fmt: skip
    if held.place == NONE:
        return TierSeen(None, None, None, following)
    tier = ladder.tiers[held.place]
    return TierSeen(tier.id, tier.says.get(spoken, tier.id), shown_or_none(held.until), following)


def moved_to(member: MemberRow, edition: Edition, stands: Standing | None) -> MemberRow:
    """Give a member's row with the tier they stand in; as it is where the programme has none."""
    ladder = edition.ladder
    if stands is None or ladder is None:
        return member
    return msgspec.structs.replace(member, tier=ladder.id(stands.held), tier_until=stands.held.until)


def marks(stands: Standing | None) -> tuple[LimitUseRow, ...]:
    """Give the marks that changed."""
    return () if stands is None else stands.marks


async def marks_of(reader: Reader, business_id: int, member_id: str) -> tuple[Mark, ...]:
    """Read all that ever counted towards a tier of a member."""
    found = await reader.fetch(
        'SELECT subject, "window", starts_at, ends_at, amount FROM limit_uses WHERE business_id = $1 '
        "AND member_id = $2 AND subject >= 'tier:' AND subject < 'tier;'",
        business_id, member_id,
    )  # fmt: skip
    return tuple(Mark(*row) for row in found)


def as_row(business_id: int, member_id: str, mark: Mark) -> LimitUseRow:
    """Give the row that keeps a mark."""
    return LimitUseRow(business_id, member_id, mark.ends_at, mark.subject, mark.window, mark.starts_at, 1, mark.amount)
