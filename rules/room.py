"""What a counting function (rules/counting.py) asks while it counts: the keys of a day, and what a cap lets through."""

from collections.abc import Sequence
from datetime import date, tzinfo
from typing import Final, TypeAlias

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


def capped(
    given: list[Given], uses: dict[str, tuple[int, int]], keys: Sequence[str], room: int, limited: dict[int, list[int]]
) -> tuple[list[Given], int]:
    """What a cap lets through of its unit, in file order, and what that comes to; limits count what is given in
    the end.

    `limited` names the rules that award the unit, with the places of the keys their limits are counted under.
    """
    kept, left = [], max(room, 0)
    for number, wanted in sorted(given):
        n = wanted
        if number in limited:
            n = min(wanted, left)
            left -= n
            for place in limited[number] if n < wanted else ():
                times, amount = uses.pop(keys[place])
                if n:
                    uses[keys[place]] = times, amount - wanted + n
        if n:
            kept.append((number, n))
    return kept, max(room, 0) - left
