"""What a counting function (rules/counting.py) asks while it counts: the keys of a day, and what a cap lets through."""

from collections.abc import Mapping, Sequence
from datetime import date, tzinfo
from typing import Final, NamedTuple, TypeAlias

from rules.periods import Per, window

Given: TypeAlias = tuple[int, int]
"""A rule's number, and how much it gives."""
_MOST_DAYS: Final = 1000


class Keys(dict[date, tuple[str, ...]]):
    """What limits and caps are counted under on a local day; found out when first asked."""

    def __init__(self, windows: Sequence[tuple[str, Per]], zone: tzinfo) -> None:
        self._windows, self._zone = windows, zone

    def __missing__(self, today: date) -> tuple[str, ...]:
        if len(self) >= _MOST_DAYS:
            self.clear()
        self[today] = keys = tuple([f"{of}|{window(per, today, self._zone).name}" for of, per in self._windows])
        return keys


class Bounded(NamedTuple):
    """An award under a cap: where the keys of its limits stand, and whether multipliers add to it."""

    places: Sequence[int]
    multiplied: bool


def capped(
    given: Sequence[Given],
    uses: dict[str, tuple[int, int]],
    keys: Sequence[str],
    room: int,
    awards: Mapping[int, Bounded],
    giver: int,
    thousandths: int,
) -> tuple[list[Given], int]:
    """What a cap lets through of its unit's `awards`, and what that comes to: each award in file order, then what a
    multiplier, the `giver`, adds to each. Limits count what is given in the end.
    """
    kept = [one for one in given if one[0] not in awards and one[0] != giver]
    ours = sorted([one for one in given if one[0] in awards])
    left = room = max(room, 0)
    through = []
    for _, wanted in ours:
        through.append(min(wanted, left))
        left -= through[-1]
    added = 0
    for (number, wanted), n in zip(ours, through, strict=True):
        places, multiplied = awards[number]
        more = wanted * thousandths // 1000 if multiplied else 0
        let = min(more, left)
        left -= let
        added += let
        if n:
            kept.append((number, n))
        for place in places if n + let < wanted + more else ():
            times, amount = uses.pop(keys[place])
            if n + let:
                uses[keys[place]] = times, amount - wanted - more + n + let
    if added:
        kept.append((giver, added))
    return kept, room - left
