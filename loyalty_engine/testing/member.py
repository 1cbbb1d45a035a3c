"""A member in a test: they buy and meet things, and remember what a rule may ask of them the next time.

Invariant: what is judged is judged by the evaluator that answers tills, on the member as they were just before.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

import rules
from loyalty_engine.backtest.judge import Limits
from loyalty_engine.backtest.purse import Purse
from loyalty_engine.instants import to_micros
from loyalty_engine.shelf import Edition
from loyalty_engine.testing.clock import Clock

_INSTANTS = ("joined_at", "first_purchase_at", "last_purchase_at")


class Story(list[str]):
    """What happened in a test so far, in the words of the rules."""


class Came:
    """What came of a purchase or an event.

    `came["points"]` is how many were given, `came.fired` the rules that gave something, `came.because` why each rule
    fired or did not, `came.effects` whatever else happened, by rule, and `came.outcome` all of it.
    """

    def __init__(self, edition: Edition, outcome: rules.Outcome, because: tuple[rules.Because, ...]) -> None:
        """Take what the programme said."""
        self.outcome = outcome
        self.units: dict[str, int] = {}
        for award in outcome.awards:
            self.units[award.unit] = self.units.get(award.unit, 0) + award.amount
        self.fired = outcome.fired
        self.because = {one.rule: one.because for one in because}
        self.effects: dict[str, list[str]] = {}
        for one in outcome.effects:
            self.effects.setdefault(one.rule, []).append(one.effect)
        self._known = edition.programme.units

    def __getitem__(self, unit: str) -> int:
        """Give how many of a unit; a unit that the programme does not have is a slip of the test."""
        if unit not in self._known:
            raise KeyError(f"the programme has no unit {unit!r}, only {', '.join(self._known)}")
        return self.units.get(unit, 0)

    def __repr__(self) -> str:
        """Tell it rule by rule."""
        given = ", ".join(f"{amount} {unit}" for unit, amount in self.units.items()) or "nothing"
        reasons = [f"  {award.rule}: {award.amount} {award.unit} ({award.reason})" for award in self.outcome.awards]
        others = [f"  {rule}: {', '.join(effects)}" for rule, effects in self.effects.items()]
        silent = [f"  not {rule}: {said}" for rule, said in self.because.items() if rule not in self.fired]
        return "\n".join([given, *reasons, *others, *silent])


class Member:
    """Somebody who buys. `facts` is what a rule would be told of them now."""

    def __init__(self, edition: Edition, clock: Clock, story: Story, known: Mapping[str, Any]) -> None:
        """Make them as they are said to be; raises ValueError for what a member cannot be in this programme."""
        self._edition, self._clock, self._story = edition, clock, story
        self._limits, self._purse = Limits(), Purse()
        self._known = _facts(edition.programme, clock, known)
        self._limits.used.update(self._known.used)
        for unit, amount in self._known.balance.items():
            self._purse.credit(unit, amount, (0, None), by="", at=0)

    @property
    def facts(self) -> rules.MemberFacts:
        """Give what a rule would be told now."""
        return msgspec.structs.replace(self._known, balance=self.balance, used=dict(self._limits.used))

    @property
    def balance(self) -> dict[str, int]:
        """Give what could be spent of each unit now: not what is pending, and not what has run out."""
        held = self._purse.available(to_micros(self._clock.utc))
        return dict.fromkeys(self._edition.programme.units, 0) | held

    def buys(self, purchase: rules.Purchase) -> Came:
        """Let them buy something now."""
        now = self._clock.utc
        came = self._lives(msgspec.structs.replace(purchase, occurred_at=now))
        facts = self._known
        self._known = msgspec.structs.replace(
            facts, visits=facts.visits + 1, spend_minor=facts.spend_minor + purchase.total_minor,
            first_purchase_at=min(facts.first_purchase_at or now, now),
            last_purchase_at=max(facts.last_purchase_at or now, now),
        )  # fmt: skip
        return came

    def meets(self, event: rules.Event) -> Came:
        """Let something else happen to them now."""
        return self._lives(msgspec.structs.replace(event, occurred_at=self._clock.utc))

    def _lives(self, happened: rules.Purchase | rules.Event) -> Came:
        if self._known.joined_at is None:
            self._known = msgspec.structs.replace(self._known, joined_at=happened.occurred_at)
        facts, compiled = self.facts, self._edition.compiled
        outcome = compiled.evaluate(happened, facts)
        came = Came(self._edition, outcome, compiled.explain(happened, facts, outcome))
        self._story.append(f"{self._clock}, {happened.kind}: {came!r}")
        self._limits.take(outcome.uses)
        at = to_micros(happened.occurred_at)
        for award in outcome.awards:
            dates = self._edition.lot_dates(award.unit, happened.occurred_at)
            self._purse.credit(award.unit, award.amount, dates, by="", at=at)
        self._remember(happened.kind, outcome)
        return came

    def _remember(self, kind: str, outcome: rules.Outcome) -> None:
        """Keep that it happened, and the tags that it put on or took off."""
        counts = self._known.counts
        tags = list(self._known.tags)
        for one in outcome.effects:
            if one.effect == "tag":
                written = msgspec.structs.asdict(one.values)
                tags = [tag for tag in tags if tag not in (written["remove"] or ())]
                tags += [tag for tag in written["add"] or () if tag not in tags]
        days = (*counts.get(kind, ()), self._clock.now.date())
        self._known = msgspec.structs.replace(self._known, tags=tuple(tags), counts={**counts, kind: days})


def _facts(programme: rules.Programme, clock: Clock, known: Mapping[str, Any]) -> rules.MemberFacts:
    """Read what a test says of a member, as an example's member is read."""
    for name in known:
        if name not in rules.MemberFacts.__struct_fields__:
            known_as = ", ".join(rules.MemberFacts.__struct_fields__)
            raise ValueError(f"nothing is known of a member as {name!r}, but {known_as}")
    instants = {name: _instant(known[name], clock) for name in _INSTANTS if name in known}
    facts = msgspec.convert({**known, **instants}, rules.MemberFacts)
    tiers = [tier.id for tier in programme.tiers]
    if facts.tier is not None and facts.tier not in tiers:
        raise ValueError(f"the programme has no tier {facts.tier!r}, only {', '.join(tiers) or 'none'}")
    if strange := facts.balance.keys() - programme.units.keys():
        raise ValueError(f"the programme has no unit {', '.join(sorted(strange))}")
    return facts


def _instant(said: str | datetime, clock: Clock) -> datetime:
    """Read an instant; without an offset it is by the clock on the wall."""
    instant = datetime.fromisoformat(said) if isinstance(said, str) else said
    return instant if instant.tzinfo else instant.replace(tzinfo=clock.now.tzinfo)
