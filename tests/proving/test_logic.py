"""Rules that can never fire, rules that fire only together, and perks out of reach: planted, and all found."""

from typing import Any

import pytest

from loyalty_engine.proving.findings import findings_of, sentences
from loyalty_engine.proving.logic import Implied, prove_rules
from tests.proving.cafe import PER_TEN_KRONER, cafe, doubled, rule

COFFEE = {"category": ["coffee"]}
NEVER_COMES = "what it asks for never comes together"


DEAD: dict[str, tuple[list[dict[str, Any]], str]] = {
    "two coffees for less than one costs in all": (
        [rule("dead", when={"items": COFFEE | {"amount_minor": {"min": 9000}}, "total": {"max": 8000}})],
        NEVER_COMES,
    ),
    "more coffees than goods": (
        [rule("dead", when={"all": [
            {"items": {"quantity": {"max": 2}}}, {"items": COFFEE | {"quantity": {"min": 3}}},
        ]})],
        NEVER_COMES,
    ),
    "three different of two": (
        [rule("dead", when={"items": {"sku": ["FW", "ESP"], "distinct": {"min": 3}}})],
        NEVER_COMES,
    ),
    "no goods of which one is coffee": (
        [rule("dead", when={"all": [{"items": {"quantity": {"max": 0}}}, {"items": COFFEE}]})],
        NEVER_COMES,
    ),
    "a Monday on a date that is a Tuesday": (
        [rule("dead", when={"weekday": ["mon"], "dates": {"from": "2026-01-06", "until": "2026-01-06"}})],
        NEVER_COMES,
    ),
    "outside the rule's own dates": (
        [rule("dead", when={"dates": {"from": "2026-02-01"}}, until="2026-01-31")],
        NEVER_COMES,
    ),
    "the first purchase of somebody who was here last week": (
        [rule("dead", when={"member": {"first_purchase": True, "days_since_last_purchase": {"max": 7}}})],
        NEVER_COMES,
    ),
    "at harbour and not at harbour": (
        [rule("dead", when={"location": ["harbour"], "not": {"location": ["harbour", "airport"]}})],
        NEVER_COMES,
    ),
    "a birthday today that is not this month": (
        [rule("dead", when={"member": {"birthday": "day"}, "not": {"member": {"birthday": "month"}}})],
        NEVER_COMES,
    ),
    "more often this week than this year": (
        [rule("dead", when={"all": [
            {"member": {"count": {"of": "feedback", "within": "7 days", "min": 3}}},
            {"member": {"count": {"of": "feedback", "within": "1 year", "max": 2}}},
        ]})],
        NEVER_COMES,
    ),
    "overdue on the day after": (
        [rule("dead", when={"member": {"overdue": {"min": 2}, "days_since_last_purchase": {"max": 1}}})],
        NEVER_COMES,
    ),
    "agreed and not agreed": (
        [rule("dead", when={
            "member": {"consent": ["profiling", "service"]}, "not": {"member": {"consent": ["service"]}},
        })],
        NEVER_COMES,
    ),
    "every branch is dead": (
        [rule("dead", when={"total": {"max": 4000}, "any": [
            {"total": {"min": 5000}}, {"items": {"amount_minor": {"min": 4500}}},
        ]})],
        NEVER_COMES,
    ),
    "a field that is a text and a number": (
        [rule("dead", on="feedback", when={"all": [
            {"attributes": {"score": {"min": 1}}}, {"attributes": {"score": ["good", "bad"]}},
        ]})],
        NEVER_COMES,
    ),
    "a full step of more than there may be": (
        [rule("dead", {"award": {"unit": "points", "amount": 1, "per_minor": 10000}}, when={"total": {"max": 9999}})],
        "whenever it holds, its award comes to nothing",
    ),
    "always beaten in its group": (
        [
            rule("better", {"award": {"unit": "points", "amount": 9}}, group="bonus", when={"total": {"min": 5000}}),
            rule("dead", {"award": {"unit": "points", "amount": 5}}, group="bonus", when={"total": {"min": 8000}}),
        ],
        'whenever it holds, another rule of the group "bonus" is better',
    ),
    "beaten by its twin of higher priority": (
        [rule("better", group="bonus", priority=1), rule("dead", group="bonus")],
        'whenever it holds, another rule of the group "bonus" is better',
    ),
    "nothing to multiply": (
        [rule("fixed"), rule("dead", doubled())],
        "whenever it holds, there are no points that it could multiply to one more",
    ),
    "nothing to multiply on that day": (
        [
            rule("mondays", PER_TEN_KRONER, when={"weekday": ["mon"]}),
            rule("dead", doubled(), when={"weekday": ["tue"]}),
        ],
        "whenever it holds, there are no points that it could multiply to one more",
    ),
    "a better multiplier always counts": (
        [
            rule("all", PER_TEN_KRONER),
            rule("triple", doubled("3"), when={"weekday": ["mon", "tue"]}),
            rule("dead", doubled(), when={"weekday": ["mon"], "time": "14:00-16:00"}),
        ],
        "whenever it holds, another multiplier of points is better",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DEAD)
def test_a_planted_dead_rule_is_found_with_its_reason(name: str) -> None:
    rules, because = DEAD[name]
    alive = rule("alive", when={"items": COFFEE, "weekday": ["mon"]})

    found = prove_rules(cafe(alive, *({"on": "purchase"} | one for one in rules)))

    assert [(one.rule, one.because) for one in found.never] == [("dead", because)]
    assert found.open == ()


ALIVE: dict[str, dict[str, Any]] = {
    "at midnight between two windows": {"time": "23:00-01:00", "not": {"time": "23:00-00:00"}},
    "a cake that costs nothing": {"items": {"category": ["cake"], "amount_minor": {"max": 0}}},
    "a leap day that is a Sunday": {"weekday": ["sun"], "dates": {"from": "2032-02-29", "until": "2032-02-29"}},
    "joined after the purchase": {"member": {"days_since_joined": {"max": -1}}},
    "in debt": {"member": {"balance": {"points": {"max": -1}}}},
    "not of any mentioned place": {"not": {"location": ["harbour", "airport"]}},
    "born this week and not this month": {"member": {"birthday": "week"}, "not": {"member": {"birthday": "month"}}},
}


@pytest.mark.parametrize("name", ALIVE)
def test_a_rule_that_can_fire_is_not_called_dead(name: str) -> None:
    assert prove_rules(cafe(rule("alive", when=ALIVE[name]))).never == ()


TOGETHER: dict[str, tuple[dict[str, Any], dict[str, Any], bool]] = {
    "coffee said twice": ({"items": COFFEE}, {"items": COFFEE | {"quantity": {"min": 1}}}, True),
    "not on weekdays is the weekend": (
        {"weekday": ["sat", "sun"]},
        {"not": {"weekday": ["mon", "tue", "wed", "thu", "fri"]}},
        True,
    ),
    "two coffees are coffee": ({"items": COFFEE | {"quantity": {"min": 2}}}, {"items": COFFEE}, False),
    "a coffee dearer than the least total": (
        {"items": COFFEE | {"amount_minor": {"min": 10000}}},
        {"total": {"min": 9000}},
        False,
    ),
    "five times this week is three times this month": (
        {"member": {"count": {"of": "feedback", "within": "7 days", "min": 5}}},
        {"member": {"count": {"of": "feedback", "within": "1 month", "min": 3}}},
        False,
    ),
    "a birthday today is one this week": ({"member": {"birthday": "day"}}, {"member": {"birthday": "week"}}, False),
    "two hours of the afternoon": ({"time": "14:00-16:00"}, {"time": "12:00-18:00"}, False),
}


@pytest.mark.parametrize("name", TOGETHER)
def test_planted_implications_are_found(name: str) -> None:
    one, other, both = TOGETHER[name]
    programme = cafe(
        rule("all", PER_TEN_KRONER), rule("one", when=one), rule("other", when=other),
        rule("apart", when={"code": ["SPRING"]}),
    )  # fmt: skip

    assert prove_rules(programme).implied == (Implied("one", "other", both),)


def test_rules_on_other_events_are_proved_too() -> None:
    programme = cafe(
        rule("good", on="feedback", when={"attributes": {"score": {"min": 4}}}),
        rule("best", {"tag": {"add": ["fan"]}}, on="feedback", when={"attributes": {"score": [5]}}),
        rule("bought", when={"total": {"min": 1}}),
    )

    assert prove_rules(programme).implied == (Implied("best", "good", both=False),)


def test_a_dead_rule_a_twin_and_a_perk_out_of_reach_are_told_with_their_places() -> None:
    free = {"id": "free-coffee", "price": {"unit": "stamps", "amount": 10}, "gives": {"amount_off_minor": 4900}}
    voucher = {"id": "voucher", "price": {"unit": "points", "amount": 600}, "gives": {"amount_off_minor": 5000}}
    programme = cafe(
        rule("mondays", PER_TEN_KRONER, when={"weekday": ["mon"]}),
        rule("not-later", {"award": {"unit": "points", "amount": 2}},
             when={"not": {"weekday": ["tue", "wed", "thu", "fri", "sat", "sun"]}, "total": {"min": 1000}}),
        rule("lost", {"award": {"unit": "stamps", "amount": 1}},
             when={"weekday": ["mon"], "dates": {"from": "2026-01-06", "until": "2026-01-06"}}),
        perks=[free, voucher],
        units={"points": {"cap": [{"amount": 500, "per": "ever"}]}},
    )  # fmt: skip

    found = prove_rules(programme)

    assert [(one.severity, one.place, one.rule, one.says) for one in findings_of(programme, found)] == [
        ("refused", "rules[2].when", "lost", f"this rule can never fire: {NEVER_COMES}"),
        ("refused", "perks[0].price", None, "nobody can reach this perk: no rule that can fire gives stamps"),
        (
            "refused", "perks[1].price", None,
            "nobody can reach this perk: it costs 600 points, and nobody is ever given more than 500",
        ),
        ("warned", "rules[1]", "not-later", "this rule always fires together with mondays"),
    ]  # fmt: skip


def test_a_rule_that_needs_another_is_told_as_a_sentence() -> None:
    found = prove_rules(cafe(rule("two", when={"total": {"min": 2}}), rule("one", when={"total": {"min": 1}})))

    assert list(sentences(found)) == ["two only fires when one fires too"]
