"""A shop beside a plain model of it: whatever is done in whatever order, both come to the same, and the books hold.

The model knows no ledger: a list of lots for each member, spent earliest expiry first, and what was earned on a day.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from loyalty_engine import expiring, ledger, lots, refunding, reviewing
from loyalty_engine.errors import InsufficientBalance, NothingLeftToRefund
from loyalty_engine.house import House, open_house
from loyalty_engine.settings import Settings
from loyalty_engine.verify import INVARIANTS
from tests.conftest import ENGINES, sqlite_url
from tests.engine.shop import INGRID, KEY, OLAV, adjusts, buys, flat_whites, open_shop, returns, sees

BEGUN = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
# So many lives in an ordinary run; LOYALTY_MODEL_RUNS asks for another number.
RUNS = int(os.environ.get("LOYALTY_MODEL_RUNS", "25"))
PEOPLE = (INGRID, OLAV)
SHOP = """
[programme]
name = "Corner Café"
country = "NO"
currency = "NOK"
timezone = "Etc/UTC"
languages = ["en"]

[units.points]
expires_after = "30 days"
pending_for = "2 days"

[[rules]]
id = "base"
on = "purchase"
then.award = { unit = "points", amount = 1, per_minor = 1000 }

[[rules]]
id = "gold-double"
on = "purchase"
when.member.tier = ["gold"]
then.multiply = { unit = "points", by = 2 }

[[tiers]]
id = "gold"
needs = { earned = { unit = "points", amount = 40 }, within = "20 days" }
keeps_for = "25 days"
"""
PENDING, LASTS, WITHIN, KEEPS = timedelta(days=2), timedelta(days=30), timedelta(days=20), timedelta(days=25)


class Parcel:
    """A lot as the model knows it."""

    def __init__(self, amount: int, came: datetime, pending: timedelta, by: int | None) -> None:
        self.left, self.from_, self.until, self.by = amount, came + pending, came + LASTS, by


class Person:
    """A member as the model knows them."""

    def __init__(self) -> None:
        self.parcels: list[Parcel] = []
        self.earned: list[list[Any]] = []  # (day, amount, purchase)
        self.gold_until: datetime | None = None

    def live(self, at: datetime) -> list[Parcel]:
        return sorted((one for one in self.parcels if one.until > at), key=lambda one: one.until)

    def available(self, at: datetime) -> int:
        return sum(one.left for one in self.live(at) if one.from_ <= at)

    def pending(self, at: datetime) -> int:
        return sum(one.left for one in self.live(at) if one.from_ > at)

    def earned_by(self, at: datetime) -> int:
        return sum(amount for day, amount, _ in self.earned if day <= at < day + WITHIN)

    def gold(self, at: datetime) -> bool:
        while self.gold_until is not None and self.gold_until <= at:
            last = self.gold_until - timedelta(microseconds=1)
            kept = self.earned_by(last) >= 40
            self.gold_until = _day_after(self.gold_until + KEEPS) if kept else None
        return self.gold_until is not None

    def lives_again(self, at: datetime) -> None:
        """Come to the standing that what is still earned leads to."""
        self.gold_until = None
        for day in sorted({day for day, _, _ in self.earned}):
            if not self.gold(day) and self.earned_by(day) >= 40:
                self.gold_until = _day_after(day + KEEPS)
        self.gold(at)


def _day(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def _micros(at: datetime) -> int:
    return int(at.timestamp()) * 10**6


def _day_after(at: datetime) -> datetime:
    return _day(at) + timedelta(days=1)


class Beside(RuleBasedStateMachine):
    """The shop and its model, step by step."""

    begin: Callable[[], tuple[House, asyncio.Runner]]

    @initialize()
    def opens(self) -> None:
        self.house, self.runner = type(self).begin()
        self.at = BEGUN
        self.people = {phone: Person() for phone in PEOPLE}
        self.bought: list[tuple[str, str, int]] = []
        self.ids: dict[str, str] = {}
        self.numbers = iter(range(10**6))
        self.cafe = self.run(open_shop(self.house, source=SHOP))

    def run(self, doing: Any) -> Any:
        return self.runner.run(doing)

    @rule(phone=st.sampled_from(PEOPLE), cups=st.integers(1, 6))
    def buys(self, phone: str, cups: int) -> None:
        person, number = self.people[phone], next(self.numbers)
        doubled = person.gold(self.at)
        answer = self.run(buys(self.house, self.cafe, flat_whites(f"{number}", cups, phone=phone), at=self.at))
        gained = 4900 * cups // 1000 * (2 if doubled else 1)
        assert sum(award.amount for award in answer.awards) == gained
        self.ids[phone] = answer.member.id
        self.bought.append((answer.id, phone, number))
        person.parcels.append(Parcel(gained, self.at, PENDING, number))
        person.earned.append([_day(self.at), gained, number])
        if not doubled and person.earned_by(self.at) >= 40:
            person.gold_until = _day_after(self.at + KEEPS)
        self.same()

    @rule(which=st.integers(0, 50))
    def brings_back(self, which: int) -> None:
        if not self.bought:
            return
        purchase, phone, number = self.bought[which % len(self.bought)]
        person, at = self.people[phone], self.at
        try:
            back = self.run(returns(self.house, self.cafe, purchase, f"R{next(self.numbers)}", full=True, at=at))
        except NothingLeftToRefund:
            assert all(amount == 0 for _, amount, by in person.earned if by == number)
            return
        gained = sum(amount for _, amount, by in person.earned if by == number)
        person.gold(at)
        person.earned = [[day, 0 if by == number else amount, by] for day, amount, by in person.earned]
        person.lives_again(at)
        live = person.live(at)
        taken, due = 0, gained
        for parcel in [*(one for one in live if one.by == number), *(one for one in live if one.by != number)]:
            part = min(parcel.left, due)
            parcel.left, due, taken = parcel.left - part, due - part, taken + part
        assert (sum(one.amount for one in back.taken_back), sum(one.shortfall for one in back.taken_back)) == (
            taken,
            due,
        )
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
            for parcel in person.live(at):
                part = min(parcel.left, -amount) if parcel.from_ <= at else 0
                parcel.left, amount = parcel.left - part, amount + part
        self.same()

    @rule(hours=st.integers(1, 24 * 20))
    def time_passes(self, hours: int) -> None:
        self.at += timedelta(hours=hours)
        self.same()

    @rule()
    def comes_to_the_next_expiry(self) -> None:
        """Stand at the very instant at which something runs out."""
        ahead = [one.until for person in self.people.values() for one in person.parcels if one.until > self.at]
        if ahead:
            self.at = min(ahead)
            self.same()

    @rule()
    def goes_round(self) -> None:
        self.run(expiring.expire(self.house, at=self.at))
        self.run(reviewing.review(self.house, at=self.at))
        [[left]] = self.run(
            self.house.database.fetch(
                "SELECT CAST(coalesce(sum(remaining), 0) AS BIGINT) FROM lots WHERE expires_at <= $1",
                _micros(self.at),
            )
        )
        assert left == 0, "what was due is booked"
        self.same()

    def same(self) -> None:
        """Hold the shop against the model, and every invariant against the books."""
        for phone in self.ids:
            person, seen = self.people[phone], self.run(sees(self.house, self.cafe, phone, at=self.at))
            points = seen.balances[0]
            assert (points.available, points.pending) == (person.available(self.at), person.pending(self.at))
            found = self.run(
                self.house.database.fetch(
                    "SELECT expires_at, CAST(sum(remaining) AS BIGINT) FROM lots WHERE member_id = $1 "
                    "AND remaining > 0 AND expires_at > $2 GROUP BY expires_at ORDER BY expires_at",
                    self.ids[phone], _micros(self.at),
                )
            )  # fmt: skip
            left: dict[int, int] = {}
            for one in person.live(self.at):
                if one.left:
                    left[_micros(one.until)] = left.get(_micros(one.until), 0) + one.left
            assert {row[0]: row[1] for row in found} == left, "each lot holds what the model says"
            assert seen.tier.id == ("gold" if person.gold(self.at) else None)
        broken = " UNION ALL ".join(
            f"SELECT '{one.id}', count(*) FROM ({one.query}) AS found_{number}" for number, one in enumerate(INVARIANTS)
        )
        assert [row[0] for row in self.run(self.house.database.study(broken)) if row[1]] == []


@pytest.fixture(params=ENGINES)
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[type[Beside]]:
    """The machine on an engine: each of its runs begins with an empty shop."""
    runner, opened = asyncio.Runner(), list[House]()
    template: Path | None = None if request.param == "postgres" else request.getfixturevalue("sqlite_template")
    url = request.getfixturevalue("postgres_database_url") if template is None else sqlite_url(tmp_path / "shop.db")

    async def afresh() -> House:
        if template is None and opened:
            tables = [row[0] for row in await opened[0].database.fetch(_TABLES)]
            await opened[0].database.write_transaction(lambda tx: tx.fetch(f"TRUNCATE {', '.join(tables)}"))
        while opened:
            await opened.pop().close()
        if template is not None:
            shutil.copy(template, tmp_path / "shop.db")
            for more in ("shop.db-wal", "shop.db-shm"):
                (tmp_path / more).unlink(missing_ok=True)
        opened.append(await open_house(Settings(database_url=url, key=KEY, auto_migrate=False)))
        return opened[0]

    class OnEngine(Beside):
        begin = staticmethod(lambda: (runner.run(afresh()), runner))

    yield OnEngine
    for house in opened:
        runner.run(house.close())
    with suppress(RuntimeError):
        runner.close()


_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'migration'"
_HOW: dict[str, Any] = {
    "deadline": None, "stateful_step_count": 14, "database": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
}  # fmt: skip


def test_the_shop_and_its_model_come_to_the_same(machine: type[Beside]) -> None:
    run_state_machine_as_test(machine, settings=settings(max_examples=RUNS, **_HOW))


@pytest.mark.fault_long
def test_ten_thousand_lives_of_the_shop_and_its_model_come_to_the_same(machine: type[Beside]) -> None:
    run_state_machine_as_test(machine, settings=settings(max_examples=10_000, **_HOW))


def _newest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lots, "burn_order", lambda lot: (-(lot.expires_at or 0), lot.recorded_at, lot.id))


def _taken_back_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    async def none_earlier(*_: Any) -> tuple[()]:
        return ()

    monkeypatch.setattr(refunding, "earlier_refunds", none_earlier)


def _a_day_late(monkeypatch: pytest.MonkeyPatch) -> None:
    due = lots.due
    monkeypatch.setattr(ledger, "due", lambda held, *, at: due(held, at=at - 86_400 * 10**6))


def _allocation_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    debit = ledger.Sheet.debit

    def loses(sheet: ledger.Sheet, *args: Any, **more: Any) -> Any:
        entry = debit(sheet, *args, **more)
        del sheet.allocations[-1:]
        return entry

    monkeypatch.setattr(ledger.Sheet, "debit", loses)


@pytest.mark.parametrize("planted", [_newest_first, _taken_back_twice, _a_day_late, _allocation_lost])
@pytest.mark.parametrize("machine", ["sqlite"], indirect=True)
def test_a_planted_bug_is_caught(
    machine: type[Beside], planted: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    planted(monkeypatch)

    with pytest.raises(AssertionError):
        run_state_machine_as_test(
            machine, settings=settings(max_examples=200, phases=[Phase.generate], derandomize=True, **_HOW)
        )
