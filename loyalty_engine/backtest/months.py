"""What came of a life, month by month: what each rule gave and refunds took back of it, and what was bought."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import rules

RuleAndUnit = tuple[str, str]
# How much was awarded, how often, and how much of it was taken back.
Given = list[int]
# Purchases, refunds, and the money of the ones less that of the others.
Spent = list[int]


class Sheet:
    """One month of purchases under one programme: what was bought, and how much each rule, by its number, gave."""

    __slots__ = ("amounts", "bought", "minor", "times")

    def __init__(self, size: int, member: rules.MemberFacts) -> None:
        """Begin with nothing for so many rules."""
        self.amounts = [0] * size
        self.times = [0] * size
        self.bought, self.minor = -member.visits, -member.spend_minor

    def close(self, member: rules.MemberFacts) -> None:
        """Let what the member has bought since then stand on it."""
        self.bought += member.visits
        self.minor += member.spend_minor


class Months:
    """The months of one life."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.given: dict[str, dict[RuleAndUnit, Given]] = {}
        self.spent: dict[str, Spent] = {}

    def traded(self, month: str, *, bought: int = 0, refunded: int = 0, minor: int = 0) -> None:
        """Count purchases and refunds."""
        spent = self.spent.get(month)
        if spent is None:
            spent = self.spent[month] = [0, 0, 0]
        spent[0] += bought
        spent[1] += refunded
        spent[2] += minor

    def gave(self, month: str, awards: Iterable[rules.Award]) -> None:
        """Count what was awarded."""
        given = self.given.setdefault(month, {})
        for award in awards:
            _add(given, (award.rule, award.unit), award.amount, 1)

    def took_back(self, month: str, key: RuleAndUnit, amount: int) -> None:
        """Count what was taken back of a rule's awards."""
        self.given.setdefault(month, {}).setdefault(key, [0, 0, 0])[2] += amount

    def sum_up(self, month: str, sheet: Sheet, keys: Sequence[RuleAndUnit]) -> None:
        """Count what stands on a sheet, where `keys` tells which rule and unit a number stands for."""
        self.traded(month, bought=sheet.bought, minor=sheet.minor)
        given = self.given.setdefault(month, {})
        for number, times in enumerate(sheet.times):
            if times:
                _add(given, keys[number], sheet.amounts[number], times)


def _add(given: dict[RuleAndUnit, Given], key: RuleAndUnit, amount: int, times: int) -> None:
    so_far = given.get(key)
    if so_far is None:
        given[key] = [amount, times, 0]
    else:
        so_far[0] += amount
        so_far[1] += times
