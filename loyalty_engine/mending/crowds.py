"""Which members are meant: a cohort as a condition that the database judges."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from loyalty_engine.instants import to_micros
from loyalty_engine.mending.asked import Cohort


class Asked(NamedTuple):
    """A condition on members as SQL, with its parameters from `$3` on."""

    where: str
    args: tuple[Any, ...]


def conditions(cohort: Cohort) -> Asked:
    """Write a cohort as a condition on `members m`; `$1` is the business."""
    parts, args = ["m.business_id = $1", "m.presence IS NULL"], list[Any]()

    def hold(where: str, *values: Any) -> None:
        for value in values:
            args.append(to_micros(value) if isinstance(value, datetime) else value)
            where = where.replace("?", f"${len(args) + 3}", 1)
        parts.append(where)

    if cohort.tier is not None:
        hold("m.tier IN (" + ", ".join("?" * len(cohort.tier)) + ")", *cohort.tier)
    if cohort.tag is not None:
        hold("m.tags LIKE ? ESCAPE '!'", _tagged(cohort.tag))
    for value, where in (
        (cohort.visits_min, "m.visits >= ?"), (cohort.visits_max, "m.visits <= ?"),
        (cohort.spend_min_minor, "m.spend_minor >= ?"), (cohort.joined_before, "m.joined_at < ?"),
        (cohort.last_purchase_before, "m.last_purchase_at < ?"),
        (cohort.last_purchase_after, "m.last_purchase_at >= ?"),
    ):  # fmt: skip
        if value is not None:
            hold(where, value)
    if (bought := cohort.bought) is not None:
        place = "" if bought.location is None else " AND j.location = ?"
        hold(
            "EXISTS (SELECT 1 FROM journal j WHERE j.business_id = m.business_id AND j.member_id = m.id "
            "AND j.kind = 'purchase' AND j.status = 201 AND j.occurred_at >= ? AND j.occurred_at < ?" + place + ")",
            bought.since, bought.until, *(() if bought.location is None else (bought.location,)),
        )  # fmt: skip
    return Asked(" AND ".join(parts), tuple(args))


def _tagged(tag: str) -> str:
    """Give the pattern of a list of tags, as it is kept, with this one in it."""
    written = msgspec.json.encode(tag).decode()
    for special in "!%_":
        written = written.replace(special, "!" + special)
    return f"%{written}%"
