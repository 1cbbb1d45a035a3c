"""What is answered about who brought whom. A friend's number is never shown: only its last digits, once they joined."""

from __future__ import annotations

from msgspec import Struct


class ReferralSeen(Struct, frozen=True):
    """What came of saying who brought whom, as a till hears it: the state, and why where it does not count."""

    id: str | None
    state: str
    reason: str | None = None
    says: str | None = None


class StepSeen(Struct, frozen=True):
    """A step a referral took: when, by whom, and why."""

    state: str
    at: str
    by: str
    reason: str | None
    says: str | None


class ReferralAnswer(Struct, frozen=True, kw_only=True):
    """A referral as it stands. `review` says why a person should look at it before anybody is credited."""

    id: str
    state: str
    reason: str | None
    says: str | None
    review: str | None
    how: str
    ambassador: str
    friend: str | None
    friend_masked: str | None
    named_at: str
    joined_at: str | None
    qualified_at: str | None
    due_at: str | None
    ended_at: str | None
    purchase: str | None
    ambassador_gets: dict[str, int]
    friend_gets: dict[str, int]
    steps: tuple[StepSeen, ...] = ()


class ReferralPage(Struct, frozen=True):
    """A page of referrals, newest first; `next_cursor` is null on the last."""

    items: tuple[ReferralAnswer, ...]
    next_cursor: str | None


class Invited(Struct, frozen=True):
    """A friend a member has named: nobody knows more of them than that until they join."""

    referral: str
    how: str
    state: str
    named_at: str
    friend_masked: str | None
    says: str | None


class Credited(Struct, frozen=True):
    """A friend for whom a member was credited, and what it gave; `taken_back` where the goods came back."""

    referral: str
    credited_at: str
    friend_masked: str | None
    unit: str
    amount: int
    taken_back: bool


class Ambassador(Struct, frozen=True):
    """A member as an ambassador: the code, the link and its picture, whom they named, and what it gave."""

    code: str
    link: str
    qr_svg: str
    invited: tuple[Invited, ...]
    credited: tuple[Credited, ...]


class FriendBrought(Struct, frozen=True):
    """A friend in the report: what became of them, and what they have spent less what came back."""

    referral: str
    member: str | None
    masked: str | None
    state: str
    says: str | None
    spent_minor: int


class AmbassadorBrought(Struct, frozen=True):
    """An ambassador in the report: whom they brought, what it gave them, and what these friends have spent."""

    member: str
    masked: str | None
    named: int
    joined: int
    credited: int
    refused: int
    earned: dict[str, int]
    friends_spent_minor: int
    friends: tuple[FriendBrought, ...]


class Why(Struct, frozen=True):
    """How many referrals did not count, or wait for a person, for one reason."""

    reason: str
    says: str
    count: int


class AmbassadorsReport(Struct, frozen=True, kw_only=True):
    """Who brought whom in a time: referrals named in it, as they stand now.

    Shares are in thousandths: of those who were named how many joined, and of those who joined how many were credited.
    `cost_minor` is what the credits are worth, as far as the units' worth is known. `picture` is the graph in SVG.
    """

    since: str
    until: str
    named: int
    joined: int
    held: int
    credited: int
    joined_permille: int | None
    credited_permille: int | None
    given: dict[str, int]
    cost_minor: int | None
    friends_spent_minor: int
    ambassadors: tuple[AmbassadorBrought, ...]
    refused: tuple[Why, ...]
    review: tuple[Why, ...]
    picture: str
