"""Who judges a history: one programme throughout, or each published version its own days, as it was."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property

from msgspec import Struct

import rules
from loyalty_engine.awarding import JOINED
from loyalty_engine.backtest.history import Corrected
from loyalty_engine.backtest.memory import REMEMBERED
from loyalty_engine.instants import to_micros
from loyalty_engine.shelf import Edition
from rules.counting import Counter

_NONE_USED = (0, 0)


class AtOnce(Struct, frozen=True):
    """An edition that judges and sums up at once, and the rule and unit that each of its numbers stands for."""

    edition: Edition
    count: Counter
    keys: list[tuple[str, str]]


class Judge:
    """The editions that judge, and what they ask that is not cheap to know."""

    def __init__(self, editions: tuple[Edition, ...]) -> None:
        """Take one edition for a whole history, or all that were published, oldest first."""
        self._editions = editions
        self._only = editions[0] if len(editions) == 1 else None
        needs = [edition.programme.needs() for edition in editions]
        asked = frozenset(fact for one in needs for fact in one.facts)
        self.asks_balance = "balance" in asked
        self.asks_birthday = "birthday" in asked
        # Whether a life has to be remembered beyond visits and money, and how often what happened.
        self.remembers = not asked.isdisjoint(REMEMBERED)
        self.counted = frozenset(kind for one in needs for kind in one.counts)
        self.welcomes = any(JOINED in edition.programme.kinds() for edition in editions)

    @property
    def newest(self) -> Edition:
        """Give the edition that judges today."""
        return self._editions[-1]

    @cached_property
    def at_once(self) -> AtOnce | None:
        """Give who counts without telling: where one edition judges, and nothing rests on what a purchase gave."""
        count = None if self._only is None or self.remembers else self._only.compiled.count
        if count is None or self._only is None:
            return None
        return AtOnce(self._only, count, [(rule.id, rule.unit or "") for rule in self._only.programme.rules])

    def told(self) -> tuple[tuple[int, int, str], ...]:
        """Give every edition as text: its version, since when it is valid, and the programme as TOML."""
        return tuple((one.version, one.valid_from, rules.write_toml(one.programme)) for one in self._editions)

    def edition(self, occurred_at: datetime, at: datetime) -> Edition:
        """Give the edition valid when something happened, of those published when it was recorded."""
        if self._only is not None:
            return self._only
        instant = to_micros(min(occurred_at, at))
        for edition in reversed(self._editions):
            if edition.valid_from <= instant:
                return edition
        return self._editions[0]

    def edition_of(self, correction: Corrected) -> Edition:
        """Give the edition a correction was made under: the one the journal names, where there are several."""
        if self._only is None and correction.version is not None:
            return self._editions[correction.version - 1]
        return self.edition(correction.at, correction.at)


class Limits:
    """What one member has used of limits and caps, in every window at once: a window's name tells its days."""

    def __init__(self) -> None:
        """Begin with nothing used."""
        self.used: dict[str, tuple[int, int]] = {}

    def take(self, uses: tuple[rules.Use, ...]) -> None:
        """Count what a purchase used."""
        used = self.used
        for use in uses:
            key = f"{use.subject}|{use.window}"
            times, amount = used.get(key, _NONE_USED)
            used[key] = (times + use.times, amount + use.amount)

    def give_back(self, use: rules.Use, times: int, amount: int) -> None:
        """Let what was undone no longer count."""
        key = f"{use.subject}|{use.window}"
        if key in self.used:
            before = self.used[key]
            self.used[key] = (max(0, before[0] - times), max(0, before[1] - amount))
