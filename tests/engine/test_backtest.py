"""A programme tried on what really happened: the published ones give the ledger, another gives figures of its own."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import msgspec
import pytest

import rules
from loyalty_engine.backtest.answer import BacktestAnswer, RuleCompared
from loyalty_engine.backtest.answering import answered
from loyalty_engine.backtest.calendar import Calendar, Span
from loyalty_engine.backtest.counting import Count
from loyalty_engine.backtest.living import Life
from loyalty_engine.backtest.reading import histories
from loyalty_engine.backtest.running import Trial, backtest, contest_of, judged_by
from loyalty_engine.businesses import Caller
from loyalty_engine.errors import BacktestRunning, VersionUnknown
from loyalty_engine.house import House
from loyalty_engine.instants import to_micros
from tests.api.conftest import everything
from tests.engine.busy_years import Years
from tests.engine.shop import (
    HAPPY_HOUR,
    MONDAY,
    OLAV,
    broken,
    buys,
    flat_whites,
    happens,
    joins,
    programme,
    publish,
    returns,
)  # fmt: skip

pytestmark = pytest.mark.anyio

LATER = MONDAY + timedelta(days=4000)
Issued = Counter[tuple[str, str, str]]


async def on_the_ledger(house: House, cafe: Caller) -> tuple[Issued, Issued]:
    """What each rule gave each member, and what was taken back of it."""
    given, back = Issued(), Issued()
    for member, rule, unit, amount in await house.database.fetch(
        "SELECT member_id, rule, unit, amount FROM entries WHERE business_id = $1 AND rule IS NOT NULL",
        cafe.business_id,
    ):
        (given if amount > 0 else back)[member, rule, unit] += abs(amount)
    return given, back


async def lived_again(house: House, cafe: Caller, judge: Any = None) -> tuple[Issued, Issued]:
    judge = judge or (await judged_by(house, cafe, "published"))[0]
    given, back = Issued(), Issued()
    async for history in histories(house.database, cafe.business_id, at=to_micros(LATER)):
        life = Life(history, judge, Calendar("Europe/Oslo", Span()))
        life.live(history.happened)
        for month in life.months.given.values():
            for (rule, unit), (awarded, _, taken) in month.items():
                given[history.member, rule, unit] += awarded
                back[history.member, rule, unit] += taken
    return given, +back


def beside(cafe_source: str) -> Trial:
    return Trial(programme=rules.read(cafe_source, "toml"), called="the draft")


def of(answer: BacktestAnswer, rule: str) -> RuleCompared:
    return next(one for one in answer.rules if one.rule == rule)


TWICE = programme().replace("amount = 1, per_minor = 1000", "amount = 2, per_minor = 1000")
PERK = """
[[perks]]
id = "free-coffee"
price = { unit = "points", amount = 100 }
gives.free_item = { category = ["coffee"], up_to_minor = 5000 }
"""


async def test_replaying_what_was_published_gives_the_ledger(house: House, cafe: Caller) -> None:
    years = Years(house, cafe, seed=1)
    await years.go_by(2000)
    ledger = await on_the_ledger(house, cafe)

    assert await lived_again(house, cafe) == ledger

    assert len(years.bought) > 1000
    assert years.told > 150
    of_events = {"hello", "own-cup", "fourth-cold-cup", "green", "long-time"}
    assert {rule for _, rule, _ in ledger[0]} >= of_events, "what rests on events was given, or it was not tried"
    assert sum(ledger[1].values()) > 1000, "units were taken back, or the refunds were not tried"
    assert await broken(house) == []


async def test_a_forgotten_refund_would_be_noticed(house: House, cafe: Caller) -> None:
    years = Years(house, cafe, seed=2)
    await years.go_by(150)
    judge, _ = await judged_by(house, cafe, "published")
    ledger = await on_the_ledger(house, cafe)

    wrong, _ = await judged_by(house, cafe, 1)

    assert await lived_again(house, cafe, judge) == ledger
    assert await lived_again(house, cafe, wrong) != ledger


async def test_a_draft_is_shown_beside_the_current_version(house: House, cafe: Caller) -> None:
    await buys(house, cafe, flat_whites("r-1"))
    await buys(house, cafe, flat_whites("r-2", phone=OLAV), at=HAPPY_HOUR)

    answer = await backtest(house, cafe, beside(TWICE + PERK), at=LATER)

    base, happy = of(answer, "base"), of(answer, "happy-hour")
    assert (base.tried.awarded, base.against and base.against.awarded) == (36, 18)
    assert (happy.tried.awarded, happy.tried.times, happy.tried.members) == (18, 1, 1)
    assert (answer.tried, answer.against) == ("the draft", "version 1")
    assert (answer.purchases, answer.members, answer.revenue_minor) == (2, 2, 19600)
    assert [(one.month, one.purchases) for one in answer.months] == [("2026-11", 2)]


async def test_units_are_worth_the_best_perk_they_buy(house: House, cafe: Caller) -> None:
    await buys(house, cafe, flat_whites("r-1"))

    answer = await backtest(house, cafe, beside(programme(more=PERK)), at=LATER)

    assert [(one.unit, one.minor, one.by) for one in answer.worth] == [("points", "50", "free-coffee")]
    assert of(answer, "base").tried.value_minor == 450
    assert of(answer, "base").tried.share_percent == "4.59"
    assert of(answer, "coffee-stamp").tried.value_minor is None
    # Five more for a morning's coffee.
    assert (answer.value_minor, answer.share_percent) == (700, "7.14")


async def test_what_is_given_wins_over_what_the_perks_say(house: House, cafe: Caller) -> None:
    await buys(house, cafe, flat_whites("r-1"))
    trial = Trial(programme=rules.read(programme(more=PERK), "toml"), worth={"points": "0.5", "stamps": "300"})

    answer = await backtest(house, cafe, trial, at=LATER)

    assert {(one.unit, one.minor, one.by) for one in answer.worth} == {
        ("points", "0.5", "given"),
        ("stamps", "300", "given"),
    }
    assert of(answer, "coffee-stamp").tried.value_minor == 600
    assert answer.value_minor == 607


async def test_winners_and_losers_stay_masked(house: House, cafe: Caller) -> None:
    first = await buys(house, cafe, flat_whites("r-1", quantity=4))
    await buys(house, cafe, flat_whites("r-2", phone=OLAV), at=HAPPY_HOUR)
    mornings = programme().replace("14:00-16:00", "06:00-12:00")

    answer = await backtest(house, cafe, beside(mornings), at=LATER)

    [winner], [loser] = answer.winners, answer.losers
    assert (winner.member, winner.masked) == (first.member.id, first.member.masked)
    assert [(one.unit, one.amount) for one in winner.units] == [("points", 19)]
    assert [(one.unit, one.amount) for one in loser.units] == [("points", -9)]
    assert "202" in loser.masked
    assert OLAV.replace(" ", "") not in repr(answer)


async def test_limits_and_first_purchases_are_those_of_the_draft(house: House, cafe: Caller) -> None:
    for number in range(3):
        await buys(house, cafe, flat_whites(f"r-{number}"), at=MONDAY + timedelta(hours=number))
    welcome = '[[rules]]\nid = "welcome"\non = "purchase"\nwhen.member = { first_purchase = true }\n'
    more = welcome + 'then.award = { unit = "stamps", amount = 7 }\n'

    answer = await backtest(house, cafe, beside(programme(more=more).replace("100, per", "12, per")), at=LATER)

    assert of(answer, "welcome").tried.awarded == 7
    assert [one.tried.awarded for one in answer.units if one.unit == "points"] == [12]


async def test_a_refund_takes_back_what_the_draft_gave(house: House, cafe: Caller) -> None:
    bought = await buys(house, cafe, flat_whites("r-1"))
    await returns(house, cafe, bought.id, "r-2", at=MONDAY + timedelta(days=10), lines=[{"line": "1", "quantity": 1}])

    answer = await backtest(house, cafe, beside(TWICE), at=LATER)

    base = of(answer, "base")
    assert (base.tried.awarded, base.tried.taken_back) == (18, 10)
    assert base.against is not None
    assert (base.against.awarded, base.against.taken_back) == (9, 5)
    assert [(one.month, one.refunds, one.revenue_minor) for one in answer.months] == [
        ("2026-11", 0, 9800),
        ("2026-12", 1, -4900),
    ]


async def test_only_the_span_is_counted_but_the_whole_history_is_known(house: House, cafe: Caller) -> None:
    for day in range(4):
        await buys(house, cafe, flat_whites(f"r-{day}"), at=MONDAY + timedelta(days=day))
    regulars = '[[rules]]\nid = "regular"\non = "purchase"\nwhen.member = { visits = { min = 2 } }\n'
    source = programme(more=regulars + 'then.award = { unit = "points", amount = 3 }\n')
    span = Span(MONDAY + timedelta(days=1), MONDAY + timedelta(days=3))

    trial = Trial(programme=rules.read(source, "toml"), span=span)
    answer = await backtest(house, cafe, trial, at=LATER)

    assert (answer.purchases, of(answer, "regular").tried.times) == (2, 1)
    assert answer.since == "2026-11-24T09:30:00Z"


async def test_without_a_programme_it_is_the_ledger_that_is_told(house: House, cafe: Caller) -> None:
    await buys(house, cafe, flat_whites("r-1"))
    await publish(house, cafe, TWICE, at=MONDAY + timedelta(hours=1))
    await buys(house, cafe, flat_whites("r-2"), at=MONDAY + timedelta(hours=2))

    answer = await backtest(house, cafe, Trial(programme=None, against=1), at=LATER)

    assert (of(answer, "base").tried.awarded, of(answer, "base").against) == (
        9 + 18,
        msgspec.structs.replace(of(answer, "base").tried, awarded=18),
    )
    with pytest.raises(VersionUnknown):
        await backtest(house, cafe, Trial(programme=None, against=3), at=LATER)


async def test_nothing_is_written_and_the_progress_is_told(house: House, cafe: Caller) -> None:
    await Years(house, cafe, seed=3).go_by(60)
    before = await everything(house)
    heard: list[tuple[int, int]] = []

    await backtest(house, cafe, beside(TWICE), at=LATER, progress=lambda done, of: heard.append((done, of)))

    assert await everything(house) == before
    assert heard[-1][0] == heard[-1][1] > 20
    assert heard == sorted(heard)


async def test_one_backtest_at_a_time_and_none_after_it_was_cancelled(house: House, cafe: Caller) -> None:
    await Years(house, cafe, seed=4).go_by(60)
    running = asyncio.create_task(backtest(house, cafe, beside(TWICE), at=LATER))
    await asyncio.sleep(0)

    with pytest.raises(BacktestRunning):
        await backtest(house, cafe, beside(TWICE), at=LATER)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert (await backtest(house, cafe, beside(TWICE), at=LATER)).purchases > 20


async def test_what_is_told_meanwhile_is_left_for_the_next_time(house: House, cafe: Caller) -> None:
    await buys(house, cafe, flat_whites("r-1"))
    await buys(house, cafe, flat_whites("r-2"), at=MONDAY + timedelta(hours=1))

    assert (await backtest(house, cafe, beside(TWICE), at=MONDAY)).purchases == 1


def test_months_are_local_and_turn_at_midnight() -> None:
    calendar = Calendar("Europe/Oslo", Span())

    assert calendar.month(datetime(2026, 11, 30, 22, 59, tzinfo=UTC)) == "2026-11"
    assert calendar.month(datetime(2026, 11, 30, 23, 0, tzinfo=UTC)) == "2026-12"
    assert calendar.month(datetime(2027, 3, 31, 21, 59, tzinfo=UTC)) == "2027-03"
    assert calendar.month(datetime(2026, 12, 31, 23, 0, tzinfo=UTC)) == "2027-01"


async def test_two_halves_of_the_members_are_the_whole(house: House, cafe: Caller) -> None:
    await Years(house, cafe, seed=5).go_by(80)
    trial = beside(TWICE)
    contest = await contest_of(house, cafe, trial, Fraction(0))
    halves, whole = [Count(contest), Count(contest)], Count(contest)
    number = 0
    async for history in histories(house.database, cafe.business_id, at=to_micros(LATER)):
        whole.take(history)
        halves[number % 2].take(history)
        number += 1

    halves[0].sums.join(halves[1].sums)

    told = [answered(contest, count.sums, lambda member: (member, "")) for count in (halves[0], whole)]
    assert told[0] == told[1]


async def test_a_draft_lives_with_the_tags_counts_and_birthdays_it_would_have_seen(house: House, cafe: Caller) -> None:
    await joins(house, cafe, birthday="1990-11-23")
    for number in range(4):
        await happens(house, cafe, "cold_cup", f"cup-{number}", at=MONDAY + timedelta(days=number))
    await buys(house, cafe, flat_whites("r-1"))
    draft = programme(
        more="""
[[rules]]
id = "hello"
on = "joined"
then = { award = { unit = "points", amount = 5 }, tag = { add = ["new"] } }

[[rules]]
id = "fourth"
on = "cold_cup"
when.member = { count = { of = "cold_cup", within = "30 days", min = 3 } }
then.award = { unit = "points", amount = 80 }

[[rules]]
id = "new"
on = "purchase"
when.member = { tag = ["new"], birthday = "day" }
then.award = { unit = "points", amount = 3 }
"""
    )

    answer = await backtest(house, cafe, beside(draft), at=LATER)

    assert [of(answer, rule).tried.awarded for rule in ("hello", "fourth", "new")] == [5, 80, 3]
    assert (answer.purchases, answer.members) == (1, 1)


async def test_a_month_without_purchases_shows_what_events_gave(house: House, cafe: Caller) -> None:
    await joins(house, cafe)
    await happens(house, cafe, "cold_cup", "cup-1", at=MONDAY + timedelta(days=40))
    draft = programme(more=THANKS)

    answer = await backtest(house, cafe, beside(draft), at=LATER)

    assert [(one.month, one.purchases, one.units[0].tried.awarded) for one in answer.months] == [("2027-01", 0, 4)]


THANKS = """
[[rules]]
id = "thanks"
on = "cold_cup"
then.award = { unit = "points", amount = 4 }
"""
