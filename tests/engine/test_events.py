"""Something other than a purchase happened: judged once, counted, and seen by the next rule."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from loyalty_engine.businesses import Caller
from loyalty_engine.errors import (
    BodyInvalid,
    EventRaisedHere,
    IdempotencyKeyReused,
    LocationNotYours,
    MemberNotFoundByNumber,
    ReferenceConflict,
)
from loyalty_engine.house import House
from tests.engine.agreeing import WATCH_ME, WORDINGS
from tests.engine.shop import (
    INGRID,
    MONDAY,
    OLAV,
    broken,
    buys,
    flat_whites,
    happens,
    has,
    joins,
    programme,
    publish,
    returns,
    sees,
)

pytestmark = pytest.mark.anyio

COURSE = """
[[rules]]
id = "latte-art"
on = "course_done"
when.attributes = { course = ["latte-art"], passed = true }
then.award = { unit = "points", amount = 50 }
limit = { times = 1, per = "ever" }
"""
FOURTH_FAILURE = """
[[rules]]
id = "mended"
on = "delivery_failed"
when.member = { count = { of = "delivery_failed", within = "90 days", min = 3 } }
then.award = { unit = "points", amount = 80 }
"""
WELCOME = """
[[rules]]
id = "welcome"
on = "joined"
then = { award = { unit = "points", amount = 25 }, tag = { add = ["new"] } }

[[rules]]
id = "new-and-rich"
on = "purchase"
when.member = { tag = ["new"], balance = { points = { min = 25 } } }
then.award = { unit = "stamps", amount = 3 }

[[rules]]
id = "not-new-any-more"
on = "purchase"
when.member = { visits = { min = 1 }, tag = ["new"] }
then.tag = { remove = ["new"], add = ["regular"] }
"""
LATTE_ART = {"course": "latte-art", "passed": True, "score": 5}


@pytest.fixture
async def learning(house: House, cafe: Caller) -> Caller:
    """The café, whose members may learn to pour."""
    await publish(house, cafe, programme(more=COURSE + FOURTH_FAILURE), at=MONDAY - timedelta(days=50))
    return cafe


async def test_a_course_is_rewarded_once_only(house: House, learning: Caller) -> None:
    await joins(house, learning)

    first = await happens(house, learning, "course_done", "course-1", attributes=LATTE_ART)
    again = await happens(house, learning, "course_done", "course-2", attributes=LATTE_ART)

    assert [(award.rule, award.unit, award.amount) for award in first.awards] == [("latte-art", "points", 50)]
    assert first.receipt_text == ("+50 poeng (saldo 50)",)
    assert again.awards == ()
    assert "once" in again.explanation[0].because or "1 time" in again.explanation[0].because
    assert has(await sees(house, learning)) == 50
    assert await broken(house) == []


@pytest.mark.parametrize(
    "attributes", [{"course": "brewing", "passed": True}, {"course": "latte-art", "passed": False}, {}, {"passed": 1}]
)
async def test_another_course_or_a_failed_one_gives_nothing(
    house: House, learning: Caller, attributes: dict[str, Any]
) -> None:
    await joins(house, learning)

    answer = await happens(house, learning, "course_done", "course-1", attributes=attributes)

    assert (answer.awards, answer.explanation[0].fired) == ((), False)


async def test_an_event_is_told_once_by_key_and_by_reference(house: House, learning: Caller) -> None:
    await joins(house, learning)
    first = await happens(house, learning, "course_done", "course-1", key="told", attributes=LATTE_ART)

    by_key = await happens(house, learning, "course_done", "course-1", key="told", attributes=LATTE_ART)
    by_reference = await happens(house, learning, "course_done", "course-1", attributes=LATTE_ART)

    assert by_key == by_reference == first
    assert first.id.startswith("evt_")


async def test_one_reference_cannot_stand_for_two_happenings(house: House, learning: Caller) -> None:
    await joins(house, learning)
    await happens(house, learning, "delivery_failed", "order-7", key="told", attributes={"why": "late"})

    with pytest.raises(ReferenceConflict) as conflict:
        await happens(house, learning, "delivery_failed", "order-7", attributes={"why": "wet"})
    with pytest.raises(IdempotencyKeyReused):
        await happens(house, learning, "delivery_failed", "order-8", key="told")
    other_kind = await happens(house, learning, "delivery_mended", "order-7")

    assert conflict.value.details[0].pointer == "/reference"
    assert other_kind.id


async def test_forty_tellers_of_one_event_make_one_event(house: House, learning: Caller) -> None:
    await joins(house, learning)

    answers = await asyncio.gather(
        *(happens(house, learning, "course_done", "course-1", attributes=LATTE_ART) for _ in range(40))
    )

    assert len({answer.id for answer in answers}) == 1
    assert has(await sees(house, learning)) == 50


async def test_the_fourth_failed_delivery_is_mended(house: House, learning: Caller) -> None:
    await joins(house, learning)
    days = (0, 20, 40, 60, 61)

    answers = [
        await happens(house, learning, "delivery_failed", f"order-{day}", at=MONDAY + timedelta(days=day))
        for day in days
    ]

    assert [len(answer.awards) for answer in answers] == [0, 0, 0, 1, 1]
    assert answers[2].explanation[0].because == (
        "the number of times delivery_failed happened within 90 days is 2; the rule wants 3 or more"
    )
    assert await broken(house) == []


async def test_a_failure_ninety_days_ago_no_longer_counts(house: House, learning: Caller) -> None:
    await joins(house, learning)
    for day in (0, 1, 2):
        await happens(house, learning, "delivery_failed", f"order-{day}", at=MONDAY + timedelta(days=day))

    within = await happens(house, learning, "delivery_failed", "order-89", at=MONDAY + timedelta(days=89))
    past = await happens(house, learning, "delivery_failed", "order-170", at=MONDAY + timedelta(days=170))

    assert (len(within.awards), len(past.awards)) == (1, 0)


async def test_what_happened_later_is_not_counted_by_an_event_that_is_told_late(house: House, learning: Caller) -> None:
    await joins(house, learning)
    for day in (0, 1, 2):
        await happens(house, learning, "delivery_failed", f"order-{day}", at=MONDAY + timedelta(days=day))

    late = await happens(
        house, learning, "delivery_failed", "told-late", at=MONDAY + timedelta(days=3),
        occurred_at=MONDAY - timedelta(days=1),
    )  # fmt: skip

    assert late.awards == ()


async def test_somebody_elses_failures_are_their_own(house: House, learning: Caller) -> None:
    await joins(house, learning)
    await joins(house, learning, OLAV)
    for number in range(3):
        await happens(house, learning, "delivery_failed", f"order-{number}")

    answer = await happens(house, learning, "delivery_failed", "order-olav", phone=OLAV)

    assert answer.awards == ()


@pytest.mark.parametrize(
    "kind", ["purchase", "joined", "birthday", "tier_changed", "case_opened", "referral_qualified", "overdue"]
)
async def test_what_the_programme_raises_cannot_be_told_from_outside(house: House, learning: Caller, kind: str) -> None:
    await joins(house, learning)

    with pytest.raises(EventRaisedHere) as refused:
        await happens(house, learning, kind, "forged")

    assert refused.value.details[0].pointer == "/kind"


async def test_an_event_enrols_nobody(house: House, learning: Caller) -> None:
    with pytest.raises(MemberNotFoundByNumber):
        await happens(house, learning, "course_done", "course-1", phone="999 00 299", attributes=LATTE_ART)

    assert not (await sees(house, learning, "999 00 299")).known


async def test_a_member_is_named_in_one_way(house: House, learning: Caller) -> None:
    with pytest.raises(BodyInvalid):
        await happens(house, learning, "course_done", "course-1", member={})


async def test_a_key_of_one_location_tells_of_no_other(house: House, learning: Caller) -> None:
    await joins(house, learning)
    bound = Caller(learning.business_id, learning.slug, learning.key_id, learning.scopes, "grunerlokka")

    with pytest.raises(LocationNotYours):
        await happens(house, bound, "course_done", "course-1", location="airport")


async def test_an_event_is_judged_by_the_version_of_its_day(house: House, learning: Caller) -> None:
    await joins(house, learning, at=MONDAY - timedelta(days=5))
    await publish(house, learning, programme(more=COURSE.replace("50", "60")), at=MONDAY)

    before = await happens(
        house, learning, "course_done", "early", attributes=LATTE_ART, at=MONDAY + timedelta(hours=1),
        occurred_at=MONDAY - timedelta(hours=1),
    )  # fmt: skip
    await joins(house, learning, OLAV)
    after = await happens(house, learning, "course_done", "late", phone=OLAV, attributes=LATTE_ART)

    assert (before.awards[0].amount, before.programme_version) == (50, 2)
    assert (after.awards[0].amount, after.programme_version) == (60, 3)


async def test_joining_is_rewarded_in_the_answer_to_it(house: House, cafe: Caller) -> None:
    await publish(house, cafe, programme(more=WELCOME), at=MONDAY - timedelta(days=1))

    joined = await joins(house, cafe, key="join")
    again = await joins(house, cafe)

    assert [(award.rule, award.amount) for award in joined.awards] == [("welcome", 25)]
    assert joined.explanation[0].fired
    assert joined.receipt_text == ("+25 poeng (saldo 25)",)
    assert has(joined) == 25
    assert (again.new, again.awards, has(again)) == (False, (), 25)
    assert await joins(house, cafe, key="join") == joined
    assert await broken(house) == []


async def test_a_first_purchase_joins_first_and_is_judged_as_a_members(house: House, cafe: Caller) -> None:
    await publish(house, cafe, programme(more=WELCOME), at=MONDAY - timedelta(days=1))

    first = await buys(house, cafe, flat_whites("1"))
    second = await buys(house, cafe, flat_whites("2"))
    third = await buys(house, cafe, flat_whites("3"))

    assert [award.rule for award in first.awards][:1] == ["welcome"]
    assert "new-and-rich" in [award.rule for award in first.awards]
    assert has(first, "stamps") == 2 + 3
    assert next(why for why in second.explanation if why.rule == "not-new-any-more").fired
    assert "new-and-rich" not in [award.rule for award in third.awards]
    assert await broken(house) == []


async def test_who_joined_with_a_purchase_has_joined_whatever_comes_back(house: House, cafe: Caller) -> None:
    await publish(house, cafe, programme(more=WELCOME), at=MONDAY - timedelta(days=1))
    bought = await buys(house, cafe, flat_whites("1"))

    back = await returns(house, cafe, bought.id, "R1", full=True)

    assert "welcome" not in [taken.rule for taken in back.taken_back]
    assert has(await sees(house, cafe)) == 25
    assert await broken(house) == []


async def test_a_cap_of_the_day_counts_joining_and_buying_together(house: House, cafe: Caller) -> None:
    source = programme(more=WELCOME.replace("amount = 25 }", "amount = 97 }"))
    await publish(house, cafe, source, at=MONDAY - timedelta(days=1))

    bought = await buys(house, cafe, flat_whites("1"))

    assert sum(award.amount for award in bought.awards if award.unit == "points") == 100
    assert await broken(house) == []


async def test_a_regular_who_stays_away_is_welcomed_back(house: House, cafe: Caller) -> None:
    win_back = """
[[rules]]
id = "win-back"
on = "purchase"
when.member = { overdue = { min = 2 }, consent = ["profiling"] }
then.award = { unit = "points", amount = 30 }
"""
    await publish(house, cafe, programme(more=win_back + WORDINGS), at=MONDAY - timedelta(days=1))
    await joins(house, cafe, consents=[WATCH_ME])
    for visit, day in enumerate((0, 10, 20)):
        await buys(house, cafe, flat_whites(f"visit-{visit}"), at=MONDAY + timedelta(days=day))

    early = await buys(house, cafe, flat_whites("day-39"), at=MONDAY + timedelta(days=39))
    # Three visits were ten days apart; the fourth came after nineteen, which makes thirteen on average.
    in_time = await buys(house, cafe, flat_whites("day-64"), at=MONDAY + timedelta(days=39 + 25))
    missed = await buys(house, cafe, flat_whites("day-96"), at=MONDAY + timedelta(days=64 + 32))

    def won(answer: Any) -> bool:
        return "win-back" in [award.rule for award in answer.awards]

    assert [won(early), won(in_time), won(missed)] == [False, False, True]
    assert await broken(house) == []


async def test_a_birthday_is_known_to_the_rules_and_kept_without_its_year(house: House, cafe: Caller) -> None:
    birthday = """
[[rules]]
id = "many-happy-returns"
on = "purchase"
when.member = { birthday = "day" }
then.award = { unit = "points", amount = 20 }
"""
    await publish(house, cafe, programme(more=birthday), at=MONDAY - timedelta(days=1))
    await joins(house, cafe, INGRID, birthday="1990-11-23")
    await joins(house, cafe, OLAV, birthday="1990-11-24")

    hers = await buys(house, cafe, flat_whites("1"))
    his = await buys(house, cafe, flat_whites("2", phone=OLAV))

    assert "many-happy-returns" in [award.rule for award in hers.awards]
    assert "many-happy-returns" not in [award.rule for award in his.awards]
    kept = await house.database.fetch("SELECT input FROM journal WHERE business_id = $1", cafe.business_id)
    assert "1990" not in str(kept)
    assert await broken(house) == []


async def test_nothing_is_looked_up_that_no_rule_asks_for(house: House, cafe: Caller) -> None:
    await joins(house, cafe, birthday="1990-11-23")
    await happens(house, cafe, "delivery_failed", "order-1")

    await buys(house, cafe, flat_whites("1"))

    [[told]] = await house.database.fetch("SELECT input FROM journal WHERE kind = 'purchase'")
    assert not {"birthday", "counts", "usual_interval_days"} & set(told.split('"'))
