"""The course of one referral: the states it goes through, each step written down beside it.

    named ── joined ── held ── credited ── returning ── clawed_back
      │        │ └──◄───┘          (goods came back before it was credited: it waits for another purchase)
    lapsed   refused, from any of the first three

Invariant: a step is taken once: a row is changed only where it still has the number of steps it was read with.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final, Literal

import msgspec
from msgspec import Struct

from loyalty_engine import ids
from loyalty_engine.referrals.answers import ReferralSeen

State = Literal["named", "joined", "held", "credited", "returning", "clawed_back", "refused", "lapsed"]
OPEN: Final = ("named", "joined", "held")

REASONS: Final[dict[str, str]] = {
    "self": "ambassador and friend are one person",
    "already_member": "the friend was a member already",
    "was_member": "somebody with this number has been a member before",
    "already_credited": "this friend has been credited once",
    "came_by_another": "the friend came by another ambassador",
    "cycle": "the friend has brought the ambassador, or who brought them",
    "same_payment": "friend and ambassador paid by the same means",
    "limit": "the ambassador has been credited as often as the programme allows",
    "ambassador_unknown": "no member has this number or code",
    "ambassador_left": "the ambassador is no longer a member",
    "friend_left": "the friend is no longer a member",
    "not_offered": "the programme gives nothing for bringing friends",
    "returned": "what qualified has come back",
    "not_joined": "the friend has not joined in time",
    "declined": "a person has looked at it and refused it",
    "approved": "a person has looked at it and let it pass",
    "velocity": "the ambassador has brought unusually many friends at once",
}


class ReferralRow(Struct, frozen=True):
    """A referral: `friend_hash` finds the friend until they join, and is gone from then on."""

    TABLE: ClassVar[str] = "referrals"

    business_id: int
    id: str
    ambassador_id: str
    friend_id: str | None
    friend_hash: str | None
    how: str
    state: str
    reason: str | None
    review: str | None
    steps: int
    named_at: int
    joined_at: int | None
    qualified_at: int | None
    due_at: int | None
    ended_at: int | None
    purchase_id: str | None
    version: int | None
    ambassador_unit: str | None
    ambassador_amount: int | None
    friend_unit: str | None
    friend_amount: int | None


COLUMNS: Final = ", ".join(ReferralRow.__struct_fields__)
_CHANGED: Final = ReferralRow.__struct_fields__[2:]


class Step(Struct, frozen=True):
    """A step a referral took; never changed."""

    TABLE: ClassVar[str] = "referral_steps"

    business_id: int
    referral_id: str
    number: int
    state: str
    reason: str | None
    by: str
    journal_id: str | None
    at: int


class Change(ReferralRow, frozen=True):
    """A referral as it is from now on, where it has taken no step since it was read."""

    STATEMENT: ClassVar[str] = (
        "UPDATE referrals SET "
        + ", ".join(f"{name} = ${n}" for n, name in enumerate(_CHANGED, start=3))
        + f" WHERE business_id = $1 AND id = $2 AND steps = ${len(_CHANGED) + 3}"
    )

    was: int = 0


class Moment(Struct, frozen=True):
    """When a step is taken, by whom, and with which journal line."""

    at: int
    by: str
    journal_id: str | None = None


class Course:
    """A referral while one command moves it: the row as it will be, and the steps taken so far."""

    def __init__(self, row: ReferralRow, *, new: bool = False) -> None:
        """Begin with the row as it was read, or with a new one that has taken no step."""
        self.row = row
        self._was = None if new else row.steps
        self.steps: list[Step] = []

    def step(self, state: State, moment: Moment, *, reason: str | None = None, **changes: Any) -> None:
        """Take a step: into a state, for a reason, with these fields changed."""
        over = state in {"credited", "clawed_back", "refused", "lapsed"}
        if over:
            changes |= {"ended_at": moment.at, "friend_hash": None, "review": None}
        number = self.row.steps + 1
        self.row = msgspec.structs.replace(self.row, state=state, steps=number, reason=reason, **changes)
        self.steps.append(
            Step(
                self.row.business_id, self.row.id, number, state, reason or self.row.review, moment.by,
                moment.journal_id, moment.at,
            )
        )  # fmt: skip

    def rows(self) -> tuple[Struct, ...]:
        """Give the rows that keep it; none where it has not moved."""
        if not self.steps:
            return ()
        first = self.row if self._was is None else Change(**msgspec.structs.asdict(self.row), was=self._was)
        return (first, *self.steps)


def begun(
    business_id: int, ambassador_id: str, how: str, moment: Moment, *, friend_hash: str | None = None,
    friend_id: str | None = None,
) -> Course:  # fmt: skip
    """Begin a new referral; it takes its first step by what comes of it."""
    nothing: dict[str, Any] = dict.fromkeys(ReferralRow.__struct_fields__)
    filled = nothing | {
        "business_id": business_id, "id": ids.new("ref", moment.at // 1000), "ambassador_id": ambassador_id,
        "friend_id": friend_id, "friend_hash": friend_hash, "how": how, "state": "named", "steps": 0,
        "named_at": moment.at,
    }  # fmt: skip
    return Course(ReferralRow(**filled), new=True)


def seen(row: ReferralRow) -> ReferralSeen:
    """Show what a till hears of a referral."""
    reason = row.reason or row.review
    return ReferralSeen(row.id, "review" if row.review else row.state, reason, REASONS.get(reason or ""))


def refused_unseen(reason: str) -> ReferralSeen:
    """Say that nothing comes of a referral that has no ambassador, or no programme; nothing is kept of it."""
    return ReferralSeen(None, "refused", reason, REASONS[reason])
