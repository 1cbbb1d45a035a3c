"""Two versions that give the same are proved to, and planted differences are found with something that shows them."""

from typing import Any

import msgspec
import pytest

from loyalty_engine.proving.versions import come_of, compare
from rules import Programme, compile_programme
from tests.proving.cafe import PER_TEN_KRONER, cafe, doubled, rule

COFFEE = {"category": ["coffee"]}
HAPPY = {"weekday": ["mon", "tue"], "time": "14:00-16:00"}
CAP = {"points": {"cap": [{"amount": 50, "per": "day"}]}}


def points(amount: int, **more: Any) -> dict[str, Any]:
    return {"award": {"unit": "points", "amount": amount, **more}}


SAME: dict[str, tuple[Programme, Programme]] = {
    "rules in another order": (
        cafe(rule("base", PER_TEN_KRONER), rule("ten", points(10))),
        cafe(rule("ten", points(10)), rule("base", PER_TEN_KRONER)),
    ),
    "another name": (cafe(rule("base", PER_TEN_KRONER)), cafe(rule("points", PER_TEN_KRONER))),
    "two rules for one": (
        cafe(rule("ten", points(10))),
        cafe(
            rule("mon", points(10), when={"weekday": ["mon"]}),
            rule("not", points(10), when={"not": {"weekday": ["mon"]}}),
        ),
    ),
    "said in another way": (
        cafe(rule("happy", points(5), when=HAPPY)),
        cafe(rule("happy", points(5), when={"not": {"any": [
            {"not": {"time": "14:00-16:00"}}, {"weekday": ["wed", "thu", "fri", "sat", "sun"]},
        ]}})),
    ),
    "a rule that never fires": (
        cafe(rule("base", PER_TEN_KRONER), rule("never", points(9), when={"total": {"max": 0}})),
        cafe(rule("base", PER_TEN_KRONER)),
    ),
    "five for fives": (
        cafe(rule("base", points(2, per_minor=2000))),
        cafe(rule("base", points(1, per_minor=2000)), rule("more", points(1, per_minor=2000))),
    ),
    "a limit wider than what is given": (
        cafe(rule("ten", points(10))),
        cafe(rule("ten", points(10), limit=[{"amount": 10, "per": "purchase"}])),
    ),
    "a group of two that never meet": (
        cafe(rule("mon", points(1), when={"weekday": ["mon"]}), rule("tue", points(2), when={"weekday": ["tue"]})),
        cafe(
            rule("mon", points(1), when={"weekday": ["mon"]}, group="days"),
            rule("tue", points(2), when={"weekday": ["tue"]}, group="days"),
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_versions_that_give_the_same_are_proved_to(name: str) -> None:
    before, after = SAME[name]

    assert compare(before, after).answer == "same"
    assert compare(after, before).answer == "same"


DIFFERENT: dict[str, tuple[Programme, Programme]] = {
    "a point per 9.99 kr": (cafe(rule("base", PER_TEN_KRONER)), cafe(rule("base", points(1, per_minor=999)))),
    "an end that is included": (
        cafe(rule("happy", points(1), when={"time": "14:00-16:00"})),
        cafe(rule("happy", points(1), when={"time": "14:00-16:01"})),
    ),
    "a day longer": (
        cafe(rule("may", points(1), when={"dates": {"until": "2026-05-31"}})),
        cafe(rule("may", points(1), when={"dates": {"until": "2026-06-01"}})),
    ),
    "more than five for at least five": (
        cafe(rule("regular", points(1), when={"member": {"visits": {"min": 5}}})),
        cafe(rule("regular", points(1), when={"member": {"visits": {"min": 6}}})),
    ),
    "rounding twice": (
        cafe(rule("base", points(2, per_minor=2000))),
        cafe(rule("base", points(1, per_minor=1000))),
    ),
    "added for multiplied": (
        cafe(rule("base", PER_TEN_KRONER), rule("two", doubled()), rule("half", doubled("1.5")), multipliers="add"),
        cafe(rule("base", PER_TEN_KRONER), rule("two", doubled()), rule("half", doubled("1.5")), multipliers="product"),
    ),
    "a cap of the day for one of the purchase": (
        cafe(rule("base", PER_TEN_KRONER), units=CAP),
        cafe(rule("base", PER_TEN_KRONER), units={"points": {"cap": [{"amount": 50, "per": "purchase"}]}}),
    ),
    "once a day": (cafe(rule("ten", points(10))), cafe(rule("ten", points(10), limit=[{"times": 1, "per": "day"}]))),
    "discounted lines": (
        cafe(rule("base", PER_TEN_KRONER)), cafe(rule("base", PER_TEN_KRONER), spend={"discounted_lines": False})
    ),
    "without tax": (cafe(rule("base", PER_TEN_KRONER)), cafe(rule("base", PER_TEN_KRONER), spend={"tax": "excluded"})),
    "another unit": (cafe(rule("one")), cafe(rule("one", {"award": {"unit": "stamps", "amount": 1}}))),
    "a tag beside the award": (
        cafe(rule("one")), cafe(rule("one", {"award": {"unit": "points", "amount": 1}, "tag": {"add": ["new"]}}))
    ),
    "organic for marked organic or local": (
        cafe(rule("green", points(1, per_item={"tag": ["organic"]}))),
        cafe(rule("green", points(1, per_item={"tag": ["organic", "local"]}))),
    ),
    "only on another event": (
        cafe(rule("one"), rule("said", points(1), on="feedback", when={"attributes": {"score": {"min": 4}}})),
        cafe(rule("one"), rule("said", points(1), on="feedback", when={"attributes": {"score": {"min": 5}}})),
    ),
    "what max_return cuts": (
        cafe(rule("ten", points(10))),
        cafe(rule("ten", points(10)), max_return="1 %", perks=[
            {"id": "off", "price": {"unit": "points", "amount": 100}, "gives": {"amount_off_minor": 1000}}
        ]),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DIFFERENT)
def test_a_planted_difference_is_found_and_both_evaluators_see_it(name: str) -> None:
    before, after = DIFFERENT[name]

    found = compare(before, after)

    assert found.answer == "different"
    assert found.by is not None
    seen = [come_of(compile_programme(one).evaluate(found.by.event, found.by.member)) for one in (before, after)]
    assert (found.before, found.after) == tuple(seen)
    assert found.before != found.after


def test_two_time_zones_are_not_compared() -> None:
    before = cafe(rule("one"))
    after = msgspec.structs.replace(before, about=msgspec.structs.replace(before.about, timezone="Asia/Tokyo"))

    assert compare(before, after).because == "one reads the clock in Europe/Oslo, the other in Asia/Tokyo"
