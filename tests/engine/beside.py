"""The machine that does whatever a shop can do in whatever order, and holds the engine against the plain shop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from loyalty_engine import expiring
from loyalty_engine.errors import InsufficientBalance, NothingLeftToRefund
from loyalty_engine.house import House
from loyalty_engine.redemption import handing_out, holding, holds
from loyalty_engine.redemption.commands import CaptureHold, IssueVoucher, PlaceHold, ReleaseHold
from loyalty_engine.redemption.errors import HoldClosed, VoucherExpired, VoucherUsed
from loyalty_engine.standing import reviewing
from loyalty_engine.verify import INVARIANTS
from tests.engine.plain_shop import (
    BEGUN,
    COFFEE,
    PENDING,
    SHOP,
    VOUCHER_LASTS,
    Bought,
    Kept,
    Out,
    Parcel,
    Person,
    Voucher,
    micros,
)
from tests.engine.shop import INGRID, OLAV, adjusts, broken, buys, flat_whites, open_shop, returns, sees, ticket

PEOPLE = (INGRID, OLAV)
LEFT = (
    "SELECT member_id, expires_at, CAST(sum(remaining) AS BIGINT) FROM lots WHERE remaining > 0 AND expires_at > $1 "
    "GROUP BY member_id, expires_at"
)
# What waits for a hold at a till is not booked before that has ended.
DUE = (
    "SELECT CAST(coalesce(sum(l.remaining), 0) AS BIGINT) FROM lots l JOIN accounts a ON a.member_id = l.member_id "
    "AND a.unit = l.unit WHERE l.expires_at <= $1 AND a.held = 0"
)
# After every step those that look at what a step moves; all of them at the end of a life.
QUICK = " UNION ALL ".join(
    f"SELECT '{one.id}' FROM ({one.query}) AS found_{number}"
    for number, one in enumerate(INVARIANTS)
    if one.id in {"I03", "I04", "I05", "I06", "I12"}
)


class Beside(RuleBasedStateMachine):
    """The shop and its model, step by step."""

    begin: Callable[[], tuple[House, asyncio.Runner]]
    runs: int

    @initialize()
    def opens(self) -> None:
        self.house, self.runner = type(self).begin()
        self.at = BEGUN
        self.people = {phone: Person() for phone in PEOPLE}
        self.ids: dict[str, str] = {}
        self.numbers = iter(range(10**6))
        self.cafe = self.run(open_shop(self.house, source=SHOP))
        for phone in PEOPLE:
            self._bought(phone, 5, {}, list, None)
        self.at += PENDING

    def run(self, doing: Any) -> Any:
        return self.runner.run(doing)

    @rule(phone=st.sampled_from(PEOPLE), cups=st.integers(1, 6))
    def buys(self, phone: str, cups: int) -> None:
        self._bought(phone, cups, {}, list, None)

    def _bought(self, phone: str, cups: int, redeem: dict[str, str], spend: Callable[[], Out], paper: Any) -> None:
        """Buy so many cups; where something is redeemed, one of them is free and earns nothing."""
        person, number = self.people[phone], next(self.numbers)
        asked = {"redeem": [redeem]} if redeem else {}
        command = flat_whites(f"{number}", cups, phone=phone, **asked)
        answer = self.run(buys(self.house, self.cafe, command, at=self.at))
        gained = 4900 * (cups - bool(redeem)) // 1000 * (2 if person.gold(self.at) else 1)
        assert sum(award.amount for award in answer.awards) == gained
        self.ids[phone] = answer.member.id
        person.bought.append(Bought(answer.id, number, spend(), paper))
        person.earns(gained, number, self.at)
        self.same()

    @rule(phone=st.sampled_from(PEOPLE), cups=st.integers(1, 3))
    def redeems_units(self, phone: str, cups: int) -> None:
        person, at = self.people[phone], self.at
        if person.available(at) >= COFFEE:
            self._bought(phone, cups, {"perk": "free-coffee"}, lambda: person.spends(COFFEE, at), None)
        elif phone in self.ids:
            with pytest.raises(InsufficientBalance):
                self._bought(phone, cups, {"perk": "free-coffee"}, list, None)

    @rule(phone=st.sampled_from(PEOPLE))
    def is_given_a_voucher(self, phone: str) -> None:
        if phone in self.ids:
            command = IssueVoucher(perk="free-coffee", reason="it was a long queue")
            answer = self.run(handing_out.issue(self.house, self.cafe, self.ids[phone], command, ticket(at=self.at)))
            code = msgspec.json.decode(answer.body)["voucher"]["code"]
            self.people[phone].vouchers.append(Voucher(code, self.at + VOUCHER_LASTS))
            self.same()

    @rule(phone=st.sampled_from(PEOPLE), which=st.integers(0, 9))
    def redeems_a_voucher(self, phone: str, which: int) -> None:
        person, at = self.people[phone], self.at
        if not person.vouchers:
            return
        paper = person.vouchers[which % len(person.vouchers)]
        asks = {"voucher": paper.code}
        if paper.state(at) != "issued":
            with pytest.raises(VoucherUsed):
                self._bought(phone, 1, asks, list, paper)
        elif paper.until <= at:
            with pytest.raises(VoucherExpired):
                self._bought(phone, 1, asks, list, paper)
        else:
            paper.used = True
            self._bought(phone, 1, asks, list, paper)

    @rule(phone=st.sampled_from(PEOPLE), amount=st.integers(0, 15), hours=st.integers(1, 24), which=st.integers(0, 9))
    def sets_aside(self, phone: str, amount: int, hours: int, which: int) -> None:
        """Set so many units aside; none means a coffee, by voucher where there is one."""
        person, at = self.people[phone], self.at
        if phone not in self.ids:
            return
        papers = [one for one in person.vouchers if one.state(at) == "issued" and one.until > at]
        paper = papers[which % len(papers)] if papers and not amount else None
        what: dict[str, Any] = {"voucher": paper.code} if paper else {"perk": "free-coffee"}
        if amount:
            what = {"unit": "points", "amount": amount}
        wanted = 0 if paper else amount or COFFEE
        command = msgspec.convert({"member": {"phone": phone}, "ttl_seconds": hours * 3600} | what, PlaceHold)
        try:
            answer = self.run(holds.place(self.house, self.cafe, command, ticket(at=at)))
        except InsufficientBalance:
            assert person.available(at) < wanted
            return
        assert person.available(at) >= wanted
        kept = Kept(wanted, at, at + timedelta(hours=hours), coffee=not amount, voucher=paper)
        kept.id = msgspec.json.decode(answer.body)["id"]
        person.holds.append(kept)
        if paper is not None:
            paper.hold = kept
        self.same()

    def _hold(self, phone: str, which: int) -> Kept | None:
        """One of the last few holds, over or not."""
        kept = self.people[phone].holds[-3:]
        return kept[which % len(kept)] if kept else None

    @rule(phone=st.sampled_from(PEOPLE), which=st.integers(0, 2), part=st.integers(0, 15))
    def captures(self, phone: str, which: int, part: int) -> None:
        kept, at = self._hold(phone, which), self.at
        if kept is None:
            return
        amount = min(part, kept.amount) if part and not kept.coffee else None
        command = msgspec.convert({"amount": amount} if amount else {}, CaptureHold)
        over = self._refused(lambda: holds.capture(self.house, self.cafe, kept.id, command, ticket(at=at)))
        assert over == (kept.status(at) if kept.status(at) != "active" else None)
        if over is None:
            spent = self.people[phone].captures(kept, amount or kept.amount, at)
            assert sum(part for _, part in spent) == (amount or kept.amount), "what was set aside is there"
        self.same()

    @rule(phone=st.sampled_from(PEOPLE), which=st.integers(0, 2), cups=st.integers(1, 3))
    def redeems_what_is_set_aside(self, phone: str, which: int, cups: int) -> None:
        kept, at, person = self._hold(phone, which), self.at, self.people[phone]
        if kept is None or not kept.coffee:
            return
        if kept.status(at) != "active":
            with pytest.raises(HoldClosed):
                self._bought(phone, cups, {"hold": kept.id}, list, None)
        else:
            paper = kept.voucher
            self._bought(phone, cups, {"hold": kept.id}, lambda: person.captures(kept, kept.amount, at), paper)

    @rule(phone=st.sampled_from(PEOPLE), which=st.integers(0, 2))
    def lets_go(self, phone: str, which: int) -> None:
        kept, at = self._hold(phone, which), self.at
        if kept is None:
            return
        business = self.cafe.business_id
        over = self._refused(lambda: holds.release(self.house, business, kept.id, ReleaseHold(), ticket(at=at)))
        assert over == (kept.status(at) if kept.status(at) != "active" else None)
        if over is None:
            kept.over = "released"
        self.same()

    def _refused(self, doing: Callable[[], Any]) -> str | None:
        """Tell how a hold had ended that somebody wants to end; None where it is ended by that."""
        try:
            self.run(doing())
        except HoldClosed as closed:
            return str(closed.facts["status"])
        return None

    @rule(phone=st.sampled_from(PEOPLE), which=st.integers(0, 50))
    def brings_back(self, phone: str, which: int) -> None:
        person, at = self.people[phone], self.at
        if not person.bought:
            return
        bought = person.bought[which % len(person.bought)]
        try:
            back = self.run(returns(self.house, self.cafe, bought.id, f"R{next(self.numbers)}", full=True, at=at))
        except NothingLeftToRefund:
            assert bought.back
            return
        assert not bought.back
        taken = sum(one.amount for one in back.taken_back), sum(one.shortfall for one in back.taken_back)
        assert taken == person.brings_back(bought, at)
        self.same()

    @rule(phone=st.sampled_from(PEOPLE), amount=st.integers(-30, 15).filter(bool))
    def adjusts(self, phone: str, amount: int) -> None:
        if phone not in self.ids:
            return
        person, at = self.people[phone], self.at
        refused = False
        try:
            self.run(adjusts(self.house, self.cafe, self.ids[phone], amount, at=at))
        except InsufficientBalance:
            refused = True
        assert refused == (amount < 0 and person.available(at) < -amount)
        if amount > 0:
            person.parcels.append(Parcel(amount, at, timedelta(0), None))
        elif not refused:
            person.spends(-amount, at)
        self.same()

    @rule(hours=st.integers(1, 24 * 20))
    def time_passes(self, hours: int) -> None:
        self.at += timedelta(hours=hours)
        self.same()

    @rule(before=st.sampled_from([timedelta(0), timedelta(hours=1)]))
    def comes_to_the_next_end(self, before: timedelta) -> None:
        """Stand at the very instant at which something runs out, or an hour before it."""
        people = self.people.values()
        ends = [one.until - before for person in people for one in person.parcels]
        ends += [one.until - before for person in people for one in person.holds]
        if ahead := [until for until in ends if until > self.at]:
            self.at = min(ahead)
            self.same()

    @rule()
    def goes_round(self) -> None:
        self.run(holding.lapse(self.house, at=self.at))
        self.run(expiring.expire(self.house, at=self.at))
        self.run(reviewing.review(self.house, at=self.at))
        [[left]] = self.run(self.house.database.fetch(DUE, micros(self.at)))
        assert left == 0, "what was due is booked"
        self.same()

    def same(self) -> None:
        """Hold the shop against the model, and the quick invariants against the books."""
        at, found = self.at, dict[str, dict[int, int]]()
        for member, until, remaining in self.run(self.house.database.fetch(LEFT, micros(at))):
            found.setdefault(member, {})[until] = remaining
        for phone, member in self.ids.items():
            person, seen = self.people[phone], self.run(sees(self.house, self.cafe, phone, at=at))
            points = seen.balances[0]
            shown = (points.available, points.pending, points.held)
            assert shown == (person.available(at), person.pending(at), person.aside(at))
            left: dict[int, int] = {}
            for one in person.live(at):
                if one.left:
                    left[micros(one.until)] = left.get(micros(one.until), 0) + one.left
            assert found.get(member, {}) == left, "each lot holds what the model says"
            assert seen.tier.id == ("gold" if person.gold(at) else None)
            usable = {one.code for one in person.vouchers if one.state(at) == "issued" and one.until > at}
            assert {one.code for one in seen.vouchers} == usable
        assert self.run(self.house.database.fetch(QUICK)) == []

    def teardown(self) -> None:
        """Hold every invariant against the books of a whole life."""
        if hasattr(self, "cafe"):
            assert self.run(broken(self.house)) == []
