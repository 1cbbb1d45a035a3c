"""A member's life lived again under a programme: every purchase judged, every refund taken back, in the old order.

Invariant: what the rules are told of the member comes from this very life, so that limits, caps, first purchases,
visits and balances are those the programme would have brought about. Under the versions that were published it gives
the ledger's own figures.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import cast

import msgspec

import rules
from loyalty_engine import evidence, purchases
from loyalty_engine.answers import Awarded
from loyalty_engine.awarding import JOINED
from loyalty_engine.backtest.calendar import BEGINNING, Calendar
from loyalty_engine.backtest.history import Bought, Corrected, Happened, History, Joined, Returned, Told
from loyalty_engine.backtest.judge import AtOnce, Judge, Limits
from loyalty_engine.backtest.memory import Memory
from loyalty_engine.backtest.months import Months, Sheet
from loyalty_engine.backtest.present import Present
from loyalty_engine.backtest.purse import Purse
from loyalty_engine.commands import RefundPurchase, ReturnedLine
from loyalty_engine.errors import NothingLeftToRefund
from loyalty_engine.instants import to_micros
from loyalty_engine.returns import due_from, measure, takings, undone
from loyalty_engine.shelf import Edition


class Life:
    """One member under one judge. `months` is what came of it so far."""

    def __init__(self, history: History, judge: Judge, calendar: Calendar) -> None:
        """Begin with nothing; `live` goes on from there."""
        self.months = Months()
        self._judge = judge
        self._calendar = calendar
        self._limits = Limits()
        self._purse = Purse() if judge.asks_balance or not history.is_plain() else None
        self._at_once = judge.at_once if self._purse is None else None
        self._given_back = history.given_back()
        self._memory = Memory(judge.counted, history.birthday) if judge.remembers else None
        self._seen: dict[str, _Seen] = {}
        self._present = Present(used=self._limits.used)

    def live(self, happened: Sequence[Happened]) -> None:
        """Live the next part of the history."""
        if self._at_once is not None and set(map(type, happened)) == {Bought}:
            self._buys_at_once(cast("Sequence[Bought]", happened), self._at_once)
            return
        for kind, run in groupby(happened, type):
            if kind is Bought:
                bought = cast("Iterator[Bought]", run)
                if self._at_once is None:
                    self._buys(bought)
                else:
                    self._buys_at_once(bought, self._at_once)
                continue
            for one in run:
                if isinstance(one, Returned):
                    self._returns(one)
                elif isinstance(one, Corrected):
                    self._corrected(one)
                elif isinstance(one, Told):
                    self._tells(one)
                elif isinstance(one, Joined):
                    self._present.joined_at = one.at
                    self._joins(one.at, one.at, one.known, location=one.location)

    def _joins(
        self, occurred_at: datetime, at: datetime, known: rules.MemberFacts | None, *, location: str | None,
        staff: str | None = None, by: str = "",
    ) -> None:  # fmt: skip
        """Live through joining, where a rule welcomes."""
        if self._judge.welcomes:
            event = rules.Event(kind=JOINED, occurred_at=occurred_at, location=location, staff=staff)
            facts = Present(joined_at=occurred_at, used=self._limits.used)
            self._judged(event, facts.with_known(known), at, by=by)

    def _comes(self, bought: Bought) -> datetime:
        """Let somebody join by buying; tell when they did."""
        joined_at = min(bought.purchase.occurred_at, bought.at)
        where = {"location": bought.purchase.location, "staff": bought.purchase.staff}
        self._joins(joined_at, bought.at, None, by=bought.id, **where)
        return joined_at

    def _tells(self, told: Told) -> None:
        """Live through an event."""
        present = self._present
        present.balance = {} if self._purse is None else self._purse.available(to_micros(told.at))
        self._judged(told.event, present.with_known(told.known), told.at)

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
            self.months.traded(month)
            self.months.gave(month, outcome.awards)

    def _buys_at_once(self, run: Iterable[Bought], judge: AtOnce) -> None:
        """Live purchases that follow each other, where nobody asks for more than sums: most of a backtest is this."""
        present, calendar, count = self._present, self._calendar, judge.count
        since = until = BEGINNING
        sheet, sheets = Sheet(0, present), []
        for bought in run:
            purchase = bought.purchase
            if present.joined_at is None:
                present.joined_at = self._comes(bought)
            if not since <= purchase.occurred_at < until:
                sheet.close(present)
                since, until, month = calendar.page(purchase.occurred_at)
                sheets.append((month, sheet := Sheet(len(judge.keys), present)))
            facts = present if bought.known is None else present.with_known(bought.known)
            if not count(purchase, facts, sheet.amounts, sheet.times):
                self._judged_alone(purchase, facts, judge)
            present.buys(purchase)
        sheet.close(present)
        for month, sheet in sheets:
            if month is not None:
                self.months.sum_up(month, sheet, judge.keys)

    def _judged_alone(self, purchase: rules.Purchase, facts: rules.MemberFacts, judge: AtOnce) -> None:
        """Judge a purchase that is too intricate to be judged and summed up at once."""
        outcome = judge.edition.compiled.amounts(purchase, facts)
        self._limits.take(outcome.uses)
        month = self._calendar.month(purchase.occurred_at)
        if month is not None:
            self.months.gave(month, outcome.awards)

    def _buys(self, run: Iterator[Bought]) -> None:
        """Live purchases that follow each other and that something else rests on than sums."""
        present, purse, memory = self._present, self._purse, self._memory
        for bought in run:
            purchase, known, at = bought.purchase, bought.known, bought.at
            occurred_at = purchase.occurred_at
            if present.joined_at is None:
                present.joined_at = self._comes(bought)
            if purse is not None:
                present.balance = purse.available(to_micros(at))
            facts = present.with_known(known)
            edition = self._judge.edition(occurred_at, at)
            if memory is not None:
                facts = memory.facts(facts, purchase, edition)
            if bought.id in self._given_back:
                outcome = self._keeps(bought, edition, facts)
            else:
                outcome = edition.compiled.amounts(purchase, facts)
            if outcome.uses:
                self._limits.take(outcome.uses)
            if purse is not None:
                _renew(purse, edition, occurred_at, at)
                _hold(purse, outcome.awards, edition, occurred=occurred_at, at=at, by=bought.id)
            if memory is not None:
                memory.happened("purchase", occurred_at, outcome)
            present.buys(purchase)
            month = self._calendar.month(occurred_at)
            if month is not None:
                self.months.traded(month, bought=1, minor=purchase.total_minor)
                self.months.gave(month, outcome.awards)

    def _keeps(self, bought: Bought, edition: Edition, facts: rules.MemberFacts) -> rules.Outcome:
        """Judge a purchase that something comes back of later, and keep what that was judged on."""
        facts = msgspec.structs.replace(facts, used=dict(facts.used))
        outcome = edition.compiled.amounts(bought.purchase, facts)
        self._seen[bought.id] = _Seen(bought, edition, facts, outcome)
        return outcome

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
        self._present.returns(back.gone, back.refunded_minor)
        month = self._calendar.month(returned.occurred_at)
        if month is not None:
            self.months.traded(month, refunded=1, minor=-back.refunded_minor)

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
                    self.months.took_back(month, (taken.award.rule, unit), taken.amount)


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
