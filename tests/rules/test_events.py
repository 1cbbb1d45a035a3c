"""Rules on other events than purchases, what a programme needs to know of a member, and what else happens."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rules import (
    Event,
    MemberFacts,
    Outcome,
    Programme,
    Purchase,
    compile_programme,
    evaluate_tree,
    read,
)
from rules.effects import deeds
from tests.rules.corner_cafe import document, read_document

NOON = datetime(2026, 3, 31, 10, tzinfo=UTC)
FEEDBACK = Event(kind="feedback", occurred_at=NOON, reference="visit-7", attributes={"score": 1, "by": "web"})
FLAT_WHITE = Purchase(occurred_at=NOON, total_minor=4900)
THANKS: dict[str, Any] = {"id": "thanks", "on": "feedback", "then": {"award": {"unit": "points", "amount": 10}}}
HELLO: dict[str, Any] = {"id": "hello", "then": {"award": {"unit": "points", "amount": 25}}}
CAFE = Path(__file__).parents[2] / "rules" / "examples" / "corner-cafe.toml"


def programme_of(*rules: dict[str, Any]) -> Programme:
    programme, findings = read_document(document(*rules))
    assert findings == ()
    return programme


def test_an_event_survives_json() -> None:
    assert msgspec.json.decode(msgspec.json.encode(FEEDBACK), type=Event) == FEEDBACK


def test_a_member_with_all_that_is_known_survives_json() -> None:
    member = MemberFacts(
        birthday="05-17", counts={"feedback": (date(2026, 3, 1), date(2026, 3, 1))}, usual_interval_days=9,
        consents=("profiling",), open_case=True, contact_person="chair-2", ambassador_degree=-1,
    )  # fmt: skip

    assert msgspec.json.decode(msgspec.json.encode(member), type=MemberFacts) == member


def test_facts_that_were_kept_before_there_was_more_to_know_are_read_as_they_were() -> None:
    old = b'{"visits":3,"balance":{"points":40},"used":{"cap:points|ever":[1,40]}}'

    assert msgspec.json.decode(old, type=MemberFacts) == MemberFacts(
        visits=3, balance={"points": 40}, used={"cap:points|ever": (1, 40)}
    )


def test_a_purchase_cannot_be_told_as_another_event() -> None:
    with pytest.raises(ValueError, match="told as a Purchase"):
        Event(kind="purchase", occurred_at=NOON)


def test_each_rule_is_asked_about_its_own_kind_of_event_alone() -> None:
    compiled = compile_programme(programme_of(HELLO, THANKS))

    assert compiled.evaluate(FLAT_WHITE, MemberFacts()).fired == ("hello",)
    outcome = compiled.evaluate(FEEDBACK, MemberFacts())
    assert outcome.fired == ("thanks",)
    assert [one.rule for one in compiled.explain(FEEDBACK, MemberFacts(), outcome)] == ["thanks"]


def test_an_event_no_rule_stands_on_comes_to_nothing() -> None:
    compiled = compile_programme(programme_of(HELLO))

    outcome = compiled.evaluate(FEEDBACK, MemberFacts())

    assert outcome == Outcome((), (), ()) == evaluate_tree(compiled.programme, FEEDBACK, MemberFacts())
    assert compiled.explain(FEEDBACK, MemberFacts(), outcome) == ()


def test_limits_and_caps_count_events_and_purchases_together() -> None:
    written = document(HELLO, THANKS)
    written["units"]["points"]["cap"] = {"amount": 30, "per": "day"}
    programme, _ = read_document(written)
    before = MemberFacts(used={"cap:points|day:2026-03-31": (1, 25)})

    outcome = compile_programme(programme).evaluate(FEEDBACK, before)

    assert [(award.amount, award.reason) for award in outcome.awards] == [(5, "10 points, cut by a limit from 10")]


@pytest.mark.parametrize(
    ("when", "place"),
    [
        ({"total": {"min": 100}}, "rules[0].when.total"),
        ({"items": {"category": ["coffee"]}}, "rules[0].when.items"),
        ({"not": {"till": ["till-1"]}}, "rules[0].when.not.till"),
        ({"any": [{"code": ["SPRING"]}, {"weekday": ["mon"]}]}, "rules[0].when.any[0].code"),
        ({"all": [{"channel": ["web"]}]}, "rules[0].when.all[0].channel"),
        ({"member": {"first_purchase": True}}, "rules[0].when.member.first_purchase"),
    ],
)
def test_what_only_a_purchase_has_cannot_be_asked_of_another_event(when: dict[str, Any], place: str) -> None:
    _, findings = read_document(document(THANKS | {"when": when}))

    assert [(finding.place, finding.rule, finding.would_be) for finding in findings] == [
        (place, "thanks", 'on = "purchase"')
    ]


def test_what_else_happens_stands_after_the_awards_in_file_order() -> None:
    rules = (
        {"id": "first", "then": {"tag": {"add": ["seen"]}, "notify": {"event": "seen"}}},
        {"id": "second", "then": {"message": {"purpose": "service", "text": {"en": "Hello!"}}, **HELLO["then"]}},
    )

    outcome = compile_programme(programme_of(*rules)).evaluate(FLAT_WHITE, MemberFacts())

    assert outcome.fired == ("first", "second")
    assert [award.rule for award in outcome.awards] == ["second"]
    assert [(one.rule, one.effect) for one in outcome.effects] == [
        ("first", "tag"), ("first", "notify"), ("second", "message"),
    ]  # fmt: skip
    values = outcome.effects[2].values
    assert isinstance(values, deeds.SendMessage)
    assert (values.purpose, values.text) == ("service", {"en": "Hello!"})


def test_a_rule_whose_units_were_all_cut_does_nothing_else_either() -> None:
    rule = HELLO | {"then": {**HELLO["then"], "tag": {"add": ["seen"]}}, "limit": {"times": 1, "per": "day"}}
    compiled = compile_programme(programme_of(rule))
    used = MemberFacts(used={"rule:hello|day:2026-03-31": (1, 25)})

    assert [one.effect for one in compiled.evaluate(FLAT_WHITE, MemberFacts()).effects] == ["tag"]
    assert compiled.evaluate(FLAT_WHITE, used) == Outcome((), (), ())


def test_a_promise_is_due_by_the_local_calendar() -> None:
    promise = {"id": "call", "on": "case_opened", "then": {"promise": {"what": "we call you", "within": "1 month"}}}
    programme = programme_of(promise)
    opened = Event(kind="case_opened", occurred_at=datetime(2026, 3, 28, 23, 30, tzinfo=UTC))

    (happening,) = compile_programme(programme).evaluate(opened, MemberFacts()).effects

    assert isinstance(happening.values, deeds.MakePromise)
    due = happening.values.due(opened.occurred_at, programme.zone)
    assert due == datetime(2026, 4, 28, 22, 30, tzinfo=UTC)


def test_a_programme_needs_only_what_its_rules_ask_for() -> None:
    needs = read(CAFE.read_text(), "toml").needs("purchase")

    assert "tier" in needs.facts
    assert "counts" not in needs.facts
    assert needs.counts == {}


def test_a_programme_needs_the_longest_period_of_each_event_it_counts() -> None:
    def counting(of: str, within: str) -> dict[str, Any]:
        return {"member": {"count": {"of": of, "within": within, "min": 1}}}

    rules = (
        HELLO | {"when": {"any": [counting("feedback", "2 months"), counting("delivery_failed", "7 days")]}},
        THANKS | {"when": counting("feedback", "90 days") | {"not": {"member": {"birthday": "day"}}}},
    )

    programme = programme_of(*rules)

    assert programme.needs().counts == {"feedback": 90, "delivery_failed": 7}
    assert programme.needs().facts == {"counts", "birthday"}
    assert programme.needs("purchase").counts == {"feedback": 62, "delivery_failed": 7}
    assert programme.needs("course_done").facts == frozenset()
    assert programme.kinds() == ("purchase", "feedback")


def test_every_fact_that_is_said_to_be_needed_is_one_of_a_member() -> None:
    from rules.conditions import CONDITIONS

    read_facts = {fact for kind in CONDITIONS.values() for fact in kind.reads}

    assert read_facts <= set(MemberFacts.__struct_fields__)
    assert read_facts == set(MemberFacts.__struct_fields__) - {"used"}


def test_an_example_may_be_of_another_event() -> None:
    example = {
        "name": "low marks on the web",
        "at": "2026-03-31T12:00:00",
        "event": {"kind": "feedback", "reference": "visit-7", "attributes": {"score": 1, "by": "web"}},
        "expect": {"points": 10, "fired": ["thanks"]},
    }
    programme, findings = read_document(document(THANKS) | {"examples": [example]})

    assert findings == ()
    assert programme.examples[0].event(programme.zone) == FEEDBACK


@pytest.mark.parametrize("told", [{}, {"purchase": {"total_minor": 1}, "event": {"kind": "feedback"}}])
def test_an_example_is_of_one_event(told: dict[str, Any]) -> None:
    example = {"name": "nothing", "at": "2026-03-31T12:00:00", "expect": {}, **told}

    _, findings = read_document(document(THANKS) | {"examples": [example]})

    assert [finding.says for finding in findings] == ["an example has a purchase or an event"]


def test_a_friend_qualifies_by_a_purchase_and_not_by_what_only_an_event_has() -> None:
    price = {"unit": "points", "amount": 1}
    referral = {"ambassador": price, "friend": price, "qualifies": {"attributes": {"score": [5]}}}

    _, findings = read_document(document(HELLO) | {"referral": referral})

    assert [(finding.place, finding.says) for finding in findings] == [
        ("referral", '"attributes" asks about an event, and a friend qualifies by a purchase')
    ]
