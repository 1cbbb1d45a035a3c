"""A member's life lived again under a programme: every purchase judged, every refund taken back, in the old order.

Invariant: what the rules are told of the member comes from this very life, so that limits, caps, first purchases,
visits and balances are those the programme would have brought about. Under the versions that were published it gives
the ledger's own figures.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import cast

import msgspec

import rules
from loyalty_engine import evidence, purchases
from loyalty_engine.answers import Awarded
from loyalty_engine.awarding import JOINED
from loyalty_engine.backtest.calendar import Calendar
from loyalty_engine.backtest.history import Bought, Corrected, Happened, History, Joined, Returned, Told
from loyalty_engine.backtest.judge import Judge, Limits
from loyalty_engine.backtest.memory import Memory
from loyalty_engine.backtest.purse import Purse
from loyalty_engine.commands import RefundPurchase, ReturnedLine
from loyalty_engine.errors import NothingLeftToRefund
from loyalty_engine.instants import to_micros
from loyalty_engine.returns import due_from, measure, takings, undone
from loyalty_engine.shelf import Edition

RuleAndUnit = tuple[str, str]
# How much was awarded, how often, and how much of it was taken back.
Given = list[int]
# Purchases, refunds, and the money of the ones less that of the others.
Spent = list[int]


class Life:
    """One member under one judge. `given` and `spent` are what came of it so far, by month."""

    def __init__(self, history: History, judge: Judge, calendar: Calendar) -> None:
        """Begin with nothing; `live` goes on from there."""
        self.given: dict[str, dict[RuleAndUnit, Given]] = {}
        self.spent: dict[str, Spent] = {}
        self._judge = judge
        self._calendar = calendar
        self._limits = Limits()
        self._purse = Purse() if judge.asks_balance or not history.is_plain() else None
        self._given_back = history.given_back()
        self._memory = Memory(judge.counted, history.birthday) if judge.remembers else None
        self._seen: dict[str, _Seen] = {}
        self._visits = self._spend_minor = 0
        self._joined_at: datetime | None = None
        self._bought_at: tuple[datetime | None, datetime | None] = (None, None)

    def live(self, happened: Sequence[Happened]) -> None:
        """Live the next part of the history."""
        for kind, run in groupby(happened, type):
            if kind is Bought:
                self._buys(cast("Iterator[Bought]", run))
                continue
            for one in run:
                if isinstance(one, Returned):
                    self._returns(one)
                elif isinstance(one, Corrected):
                    self._corrected(one)
                elif isinstance(one, Told):
                    self._tells(one)
                elif isinstance(one, Joined):
                    self._joined_at = one.at
                    self._joins(one.at, one.at, one.known, location=one.location)

    def _joins(
        self, occurred_at: datetime, at: datetime, known: rules.MemberFacts | None, *, location: str | None,
        staff: str | None = None, by: str = "",
    ) -> None:  # fmt: skip
        """Live through joining, where a rule welcomes."""
        if self._judge.welcomes:
            event = rules.Event(kind=JOINED, occurred_at=occurred_at, location=location, staff=staff)
            facts = rules.MemberFacts(joined_at=occurred_at, used=self._limits.used)
            self._judged(event, facts if known is None else _with_known(facts, known), at, by=by)

    def _comes(self, bought: Bought) -> datetime:
        """Let somebody join by buying; tell when they did."""
        joined_at = min(bought.purchase.occurred_at, bought.at)
        where = {"location": bought.purchase.location, "staff": bought.purchase.staff}
        self._joins(joined_at, bought.at, None, by=bought.id, **where)
        return joined_at

    def _tells(self, told: Told) -> None:
        """Live through an event."""
        balance = {} if self._purse is None else self._purse.available(to_micros(told.at))
        facts = rules.MemberFacts(
            visits=self._visits, spend_minor=self._spend_minor, joined_at=self._joined_at, balance=balance,
            first_purchase_at=self._bought_at[0], last_purchase_at=self._bought_at[1], used=self._limits.used,
        )  # fmt: skip
        self._judged(told.event, facts if told.known is None else _with_known(facts, told.known), told.at)

    def _judged(self, event: rules.Event, facts: rules.MemberFacts, at: datetime, *, by: str = "") -> None:
        """Judge an event, and live with what comes of it."""
        edition, memory = self._judge.edition(event.occurred_at, at), self._memory
        if memory is not None:
            facts = memory.facts(facts, event, edition)
        outcome = edition.compiled.amounts(event, facts)
        self._limits.take(outcome.uses)
        if self._purse is not None:
            _hold(self._purse, outcome.awards, edition, occurred=event.occurred_at, at=at, by=by)
        if memory is not None:
            memory.happened(event.kind, event.occurred_at, outcome)
        month = self._calendar.month(event.occurred_at)
        if month is not None and outcome.awards:
            self.spent.setdefault(month, [0, 0, 0])
            self._gave(month, outcome.awards)

    def _buys(self, run: Iterator[Bought]) -> None:
        """Live purchases that follow each other. Most of a backtest is spent here, so all that is known is local."""
        edition_at, purse, given_back, used = self._judge.edition, self._purse, self._given_back, self._limits.used
        visits, spend_minor, joined_at, (first, last) = (
            self._visits,
            self._spend_minor,
            self._joined_at,
            self._bought_at,
        )
        facts_of, take, count, month_of = rules.MemberFacts, self._limits.take, self._count, self._calendar.month
        memory = self._memory
        balance: dict[str, int] = {}
        for bought in run:
            purchase, known, at = bought.purchase, bought.known, bought.at
            occurred_at, total_minor = purchase.occurred_at, purchase.total_minor
            if joined_at is None:
                joined_at = self._comes(bought)
            if purse is not None:
                balance = purse.available(to_micros(at))
            facts = facts_of(
                visits=visits, spend_minor=spend_minor, joined_at=joined_at, first_purchase_at=first,
                last_purchase_at=last, balance=balance, used=used,
            )  # fmt: skip
            if known is not None:
                facts = _with_known(facts, known)
            edition = edition_at(occurred_at, at)
            if memory is not None:
                facts = memory.facts(facts, purchase, edition)
            if bought.id in given_back:
                outcome = self._keeps(bought, edition, facts)
            else:
                outcome = edition.compiled.amounts(purchase, facts)
            if outcome.uses:
                take(outcome.uses)
            if purse is not None:
                _renew(purse, edition, occurred_at, at)
                _hold(purse, outcome.awards, edition, occurred=occurred_at, at=at, by=bought.id)
            if memory is not None:
                memory.happened("purchase", occurred_at, outcome)
            visits += 1
            spend_minor += total_minor
            if last is None or first is None:
                first = last = occurred_at
            elif occurred_at > last:
                last = occurred_at
            elif occurred_at < first:
                first = occurred_at
            month = month_of(occurred_at)
            if month is not None:
                count(month, total_minor, outcome.awards)
        self._visits, self._spend_minor, self._joined_at, self._bought_at = (
            visits,
            spend_minor,
            joined_at,
            (first, last),
        )

    def _keeps(self, bought: Bought, edition: Edition, facts: rules.MemberFacts) -> rules.Outcome:
        """Judge a purchase that something comes back of later, and keep what that was judged on."""
        facts = msgspec.structs.replace(facts, used=dict(facts.used))
        outcome = edition.compiled.amounts(bought.purchase, facts)
        self._seen[bought.id] = _Seen(bought, edition, facts, outcome)
        return outcome

    def _count(self, month: str, total_minor: int, awards: tuple[rules.Award, ...]) -> None:
        spent = self.spent.get(month)
        if spent is None:
            spent = self.spent[month] = [0, 0, 0]
        spent[0] += 1
        spent[2] += total_minor
        self._gave(month, awards)

    def _gave(self, month: str, awards: tuple[rules.Award, ...]) -> None:
        given = self.given.get(month)
        if given is None:
            given = self.given[month] = {}
        for award in awards:
            key = (award.rule, award.unit)
            so_far = given.get(key)
            if so_far is None:
                given[key] = [award.amount, 1, 0]
            else:
                so_far[0] += award.amount
                so_far[1] += 1

    def _corrected(self, correction: Corrected) -> None:
        """Carry what was moved by hand, as far as this programme knows the unit and the member would have had it."""
        purse, at = self._purse, to_micros(correction.at)
        assert purse is not None, "a life with corrections is not plain"
        edition = self._judge.edition_of(correction)
        if correction.kind == "breakage":
            purse.lapse(correction.unit, at=at)
        elif correction.amount < 0:
            purse.spend(correction.unit, -correction.amount, at=at)
        elif correction.unit in edition.programme.units:
            dates = (at, edition.lot_dates(correction.unit, correction.at)[1])
            purse.credit(correction.unit, correction.amount, dates, by="", at=at)

    def _returns(self, returned: Returned) -> None:
        seen, purse = self._seen[returned.purchase], self._purse
        assert purse is not None, "a life with refunds is not plain"
        told = returned.evidence
        named = [ReturnedLine(one.line, one.quantity, one.amount_minor) for one in told.returns]
        command = RefundPurchase(
            receipt=told.receipt, lines=tuple(named) or None, amount_minor=told.amount_minor or None, full=told.full
        )
        try:
            back = measure(seen.bought, command, seen.earlier)
        except NothingLeftToRefund:
            return  # it was paid for with perks alone, so that the rules saw nothing of it
        due = due_from(seen.bought, back, seen.earlier, seen.edition)
        at = to_micros(returned.at)
        self._take_back(purse, seen, due, month=self._calendar.month(returned.occurred_at), at=at)
        for use, times, amount in undone(seen.bought, back, seen.edition):
            self._limits.give_back(use, times, amount)
        parts = tuple((award.rule, award.unit, part) for award, part in due)
        seen.earlier = (*seen.earlier, msgspec.structs.replace(back.evidence, due=parts))
        self._visits = max(0, self._visits - back.gone)
        self._spend_minor = max(0, self._spend_minor - back.refunded_minor)
        month = self._calendar.month(returned.occurred_at)
        if month is not None:
            spent = self.spent.setdefault(month, [0, 0, 0])
            spent[1] += 1
            spent[2] -= back.refunded_minor

    def _take_back(
        self, purse: Purse, seen: _Seen, due: tuple[tuple[Awarded, int], ...], *, month: str | None, at: int
    ) -> None:
        """Take back what is due, as the ledger would have: what has run out by then is let go of first."""
        policy = seen.edition.programme.refund
        for unit in dict.fromkeys(award.unit for award, _ in due):
            of_unit = [(award, part) for award, part in due if award.unit == unit]
            purse.lapse(unit, at=at)
            free = purse.balances.get(unit, 0)
            for taken in takings(of_unit, policy, free, purse.held(unit), seen.bought.id):
                if not taken.amount:
                    continue
                purse.debit(unit, taken.amount, taken.out)
                if month is not None:
                    given = self.given.setdefault(month, {})
                    given.setdefault((taken.award.rule, unit), [0, 0, 0])[2] += taken.amount


def _with_known(facts: rules.MemberFacts, known: rules.MemberFacts) -> rules.MemberFacts:
    """What is known of a member for another reason than their purchases, with what their purchases tell."""
    return msgspec.structs.replace(
        known, visits=facts.visits, spend_minor=facts.spend_minor, joined_at=facts.joined_at,
        first_purchase_at=facts.first_purchase_at, last_purchase_at=facts.last_purchase_at, balance=facts.balance,
        used=facts.used,
    )  # fmt: skip


def _renew(purse: Purse, edition: Edition, occurred: datetime, at: datetime) -> None:
    """Let units last longer that last as long as the member keeps buying."""
    for unit in edition.renewed:
        until = edition.lot_dates(unit, occurred)[1]
        if until is not None:
            purse.stretch(unit, until, at=to_micros(at))


def _hold(
    purse: Purse, awards: tuple[rules.Award, ...], edition: Edition, *, occurred: datetime, at: datetime, by: str
) -> None:
    """Put what was given into the purse."""
    dates: dict[str, tuple[int, int | None]] = {}
    for award in awards:
        unit = award.unit
        if unit not in dates:
            dates[unit] = edition.lot_dates(unit, occurred)
        purse.credit(unit, award.amount, dates[unit], by=by, at=to_micros(at))


class _Seen:
    """A purchase that something comes back of later: what it gave, and what has come back so far."""

    def __init__(self, bought: Bought, edition: Edition, facts: rules.MemberFacts, outcome: rules.Outcome) -> None:
        self.edition = edition
        self.earlier: tuple[evidence.RefundEvidence, ...] = ()
        self.bought = purchases.Bought(
            id=bought.id, member_id="", location="", occurred_at=0, version=edition.version,
            evidence=evidence.PurchaseEvidence("", "", bought.purchase, facts),
            awards=tuple(Awarded("", one.rule, one.unit, one.amount, "", "", None) for one in outcome.awards),
        )  # fmt: skip
