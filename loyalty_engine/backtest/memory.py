"""What a member's life says of them beside visits and money: their tags, how often what happened, and their rhythm.

Only a programme that asks for such things has them remembered: most purchases of a backtest are judged without.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

import rules
from loyalty_engine.awarding import JOINED
from loyalty_engine.deeds import tagged
from loyalty_engine.instants import to_micros
from loyalty_engine.knowing import local_days, reach, usual_interval_days
from loyalty_engine.shelf import Edition

REMEMBERED = frozenset({"tags", "counts", "usual_interval_days", "birthday"})


class Memory:
    """One member's memory under one programme."""

    def __init__(self, counted: frozenset[str], birthday: str | None) -> None:
        """Begin with nothing but what the member has told; of the kinds `counted` every happening is kept."""
        self._counted = counted
        self._birthday = birthday
        self._happened: dict[str, list[int]] = {}
        self._tags: tuple[str, ...] = ()

    def facts(
        self, facts: rules.MemberFacts, event: rules.Purchase | rules.Event, edition: Edition
    ) -> rules.MemberFacts:
        """Add what is remembered to what is known, as it was just before an event."""
        first, last, zone = facts.first_purchase_at, facts.last_purchase_at, edition.programme.zone
        counts = {}
        for kind, days in edition.needs(event.kind).counts.items():
            since, until = reach(event, days)
            instants = sorted(instant for instant in self._of(kind, facts, event) if since < instant <= until)
            if instants:
                counts[kind] = local_days(instants, zone)
        return msgspec.structs.replace(
            facts, tags=self._tags, counts=counts, birthday=facts.birthday or self._birthday,
            usual_interval_days=usual_interval_days(facts.visits, first, last, zone),
        )  # fmt: skip

    def _of(self, kind: str, facts: rules.MemberFacts, event: rules.Purchase | rules.Event) -> Sequence[int]:
        if kind == JOINED:
            return () if facts.joined_at is None or event.kind == JOINED else (to_micros(facts.joined_at),)
        return self._happened.get(kind, ())

    def happened(self, kind: str, occurred_at: datetime, outcome: rules.Outcome | None) -> None:
        """Remember that something happened, and the tags that came of it."""
        if kind in self._counted:
            self._happened.setdefault(kind, []).append(to_micros(occurred_at))
        if outcome is not None and outcome.effects:
            self._tags = tagged(self._tags, outcome.effects)
