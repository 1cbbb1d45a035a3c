"""The ambassadors' report: who brought whom, what it gave them, what their friends spent, and where they were lost."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from loyalty_engine.identifiers import mask
from loyalty_engine.instants import shown, to_micros
from loyalty_engine.members import identifiers_of
from loyalty_engine.referrals import people
from loyalty_engine.referrals.answers import AmbassadorBrought, AmbassadorsReport, FriendBrought, Why
from loyalty_engine.referrals.course import COLUMNS, REASONS, ReferralRow
from loyalty_engine.referrals.picture import Edge, draw

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from fractions import Fraction

    import rules
    from loyalty_engine.businesses import Caller
    from loyalty_engine.house import House

# So many ambassadors and friends are shown; the sums are of all of them.
_SHOWN: Final = 100
_DRAWN: Final = 150
_ON_THE_WAY: Final = ("joined", "held", "credited", "returning", "clawed_back")


class _Counted:
    """Referrals in the order they were named, by ambassador, with what their friends have spent."""

    def __init__(self, rows: Sequence[ReferralRow], spent: dict[str, int]) -> None:
        self.rows, self.spent = rows, spent
        self.by_ambassador: dict[str, list[ReferralRow]] = {}
        for row in rows:
            self.by_ambassador.setdefault(row.ambassador_id, []).append(row)

    def spent_by(self, rows: Iterable[ReferralRow]) -> int:
        """Add up what friends who count have spent, each once."""
        friends = {row.friend_id for row in rows if row.state in _ON_THE_WAY}
        return sum(self.spent.get(one or "", 0) for one in friends)


async def ambassadors(house: House, caller: Caller, *, since: datetime, until: datetime) -> AmbassadorsReport:
    """Tell who brought whom: of the referrals named in a time, as they stand now."""
    programme = (await house.shelf.current(caller.business_id)).programme
    span = (caller.business_id, to_micros(since), to_micros(until))
    found = await house.database.study(
        f"SELECT {COLUMNS} FROM referrals WHERE business_id = $1 AND named_at >= $2 AND named_at < $3 "
        "ORDER BY named_at, id",
        *span,
    )  # fmt: skip
    rows = [ReferralRow(*one) for one in found]
    paid = await house.database.study(
        "SELECT DISTINCT m.id, m.spend_minor FROM referrals r JOIN members m ON m.business_id = r.business_id "
        "AND m.id = r.friend_id WHERE r.business_id = $1 AND r.named_at >= $2 AND r.named_at < $3",
        *span,
    )  # fmt: skip
    counted = _Counted(rows, {row[0]: row[1] for row in paid})
    masks = await _masks(house, caller.business_id, _named(counted))
    joined = [row for row in rows if row.state in _ON_THE_WAY]
    credited = [row for row in rows if row.state == "credited"]
    given = _given(credited)
    reviewed = [row.review for row in rows if row.review is not None]
    return AmbassadorsReport(
        since=shown(span[1]), until=shown(span[2]), named=len(rows), joined=len(joined),
        held=sum(row.state == "held" for row in rows), credited=len(credited),
        joined_permille=1000 * len(joined) // len(rows) if rows else None,
        credited_permille=1000 * len(credited) // len(joined) if joined else None,
        given=given, cost_minor=_cost(programme, given), friends_spent_minor=counted.spent_by(rows),
        ambassadors=_ranked(counted, masks),
        refused=_why([row.reason or "" for row in rows if row.state in {"refused", "lapsed"}]),
        review=_why(reviewed), picture=_picture(programme.name, joined, masks),
    )  # fmt: skip


def _ranked(counted: _Counted, masks: dict[str, str]) -> tuple[AmbassadorBrought, ...]:
    """Give the ambassadors whose friends spent most first."""
    found = []
    for member, rows in counted.by_ambassador.items():
        credited = [row for row in rows if row.state == "credited"]
        earned: dict[str, int] = {}
        for row in credited:
            _add(earned, row.ambassador_unit, row.ambassador_amount)
        friends = tuple(
            FriendBrought(
                row.id, row.friend_id, masks.get(row.friend_id or ""), "review" if row.review else row.state,
                REASONS.get(row.reason or row.review or ""),
                counted.spent.get(row.friend_id or "", 0) if row.state in _ON_THE_WAY else 0,
            )
            for row in rows[:_SHOWN]
        )  # fmt: skip
        found.append(
            AmbassadorBrought(
                member, masks.get(member), len(rows), sum(row.state in _ON_THE_WAY for row in rows), len(credited),
                sum(row.state == "refused" for row in rows), earned, counted.spent_by(rows), friends,
            )
        )  # fmt: skip
    found.sort(key=lambda one: (-one.friends_spent_minor, -one.credited, -one.joined, one.member))
    return tuple(found[:_SHOWN])


def _named(counted: _Counted) -> list[str]:
    """Name the members whose last digits are shown."""
    found = dict.fromkeys(counted.by_ambassador)
    found |= dict.fromkeys(row.friend_id for row in counted.rows if row.friend_id is not None)
    return list(found)[: 2 * _SHOWN + _DRAWN]


async def _masks(house: House, business_id: int, members: Sequence[str]) -> dict[str, str]:
    masks = {}
    for member in members:
        state = await people.person(house, business_id, member)
        known = await identifiers_of(house, business_id, state) if state is not None else ()
        if known:
            masks[member] = mask(known[0])
    return masks


def _given(credited: Iterable[ReferralRow]) -> dict[str, int]:
    given: dict[str, int] = {}
    for row in credited:
        _add(given, row.ambassador_unit, row.ambassador_amount)
        _add(given, row.friend_unit, row.friend_amount)
    return given


def _add(sums: dict[str, int], unit: str | None, amount: int | None) -> None:
    if unit is not None and amount is not None:
        sums[unit] = sums.get(unit, 0) + amount


def _cost(programme: rules.Programme, given: dict[str, int]) -> int | None:
    """Give what was given in money; nothing is said where the worth of one of the units is not known."""
    total = 0
    for unit, amount in given.items():
        worth: Fraction | None = programme.worth_minor(unit) if unit in programme.units else None
        if worth is None:
            return None
        total += amount * worth.numerator // worth.denominator
    return total


def _why(reasons: Sequence[str]) -> tuple[Why, ...]:
    counts = {reason: reasons.count(reason) for reason in reasons}
    ordered = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    return tuple(Why(reason, REASONS.get(reason, reason), count) for reason, count in ordered)


def _picture(name: str, joined: Sequence[ReferralRow], masks: dict[str, str]) -> str:
    edges = [
        Edge(row.ambassador_id, row.friend_id, "review" if row.review else row.state)
        for row in joined
        if row.friend_id is not None
    ]
    return draw(edges[:_DRAWN], masks, title=f"Who brought whom: {name}", left_out=max(0, len(edges) - _DRAWN))
