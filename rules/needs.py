"""What a programme asks to be told of a member: no more than some rule reads."""

from collections.abc import Mapping

import msgspec

from rules.conditions import MemberCount
from rules.judging import Condition


class Needs(msgspec.Struct, frozen=True):
    """Which member facts are read: their names in MemberFacts, and for each kind of event that is counted how many
    days back from today the longest period reaches.
    """

    facts: frozenset[str]
    counts: Mapping[str, int]


def needs_of(parts: list[Condition]) -> Needs:
    """Collect what conditions read."""
    counts: dict[str, int] = {}
    for part in parts:
        if isinstance(part, MemberCount):
            counts[part.of] = max(counts.get(part.of, 0), part.within.most_days())
    return Needs(frozenset(fact for part in parts for fact in part.reads), counts)
