"""What a programme is refused for, and what its owner is warned of."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from rules import Finding, check, read
from rules.findings import nearest
from tests.rules.corner_cafe import document, read_document

EXAMPLES = sorted((Path(__file__).parents[2] / "rules" / "examples").glob("*.toml"))
ONE_POINT = {"award": {"unit": "points", "amount": 1}}


def found(written: dict[str, Any]) -> list[Finding]:
    programme, findings = read_document(written)
    assert findings == ()
    return list(check(programme))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_ready_programmes_are_without_findings(path: Path) -> None:
    programme = read(path.read_text(), "toml")

    assert check(programme) == ()
    assert len(programme.examples) >= 5


def test_an_example_that_fails_says_what_was_expected_and_what_was_found() -> None:
    base = {"id": "base", "then": {"award": {"unit": "points", "amount": 1, "per_minor": 1000}}}
    example = {
        "name": "a flat white",
        "at": "2026-01-05T15:00:00",
        "purchase": {"total_minor": 4900},
        "expect": {"points": 5, "stamps": 0, "fired": []},
    }

    findings = found(document(base) | {"examples": [example]})

    assert findings == [
        Finding(
            "refused",
            "examples[0].expect.points",
            None,
            'example "a flat white": expected 5 points, found 4 points',
            "4 points",
        ),
        Finding(
            "refused", "examples[0].expect.fired", None, 'example "a flat white": expected no rule, found base', "base"
        ),
    ]


@pytest.mark.parametrize(
    ("when", "why"),
    [
        ({"total": {"max": -1}}, "the counted spend is never below 0"),
        ({"not": {}}, "a condition that always holds is negated"),
        ({"any": [{"total": {"max": -1}}, {"member": {"visits": {"max": -1}}}]}, "the counted spend is never below 0"),
        ({"all": [{"items": {"quantity": {"max": -1}}}]}, "the quantity of any item is never below 0"),
        ({"location": ["harbour"], "all": [{"location": ["airport"]}]}, "the location cannot be both"),
        ({"total": {"min": 5000}, "all": [{"total": {"max": 4000}}]}, "the counted spend cannot be both"),
        ({"weekday": ["sat"], "all": [{"weekday": ["mon", "tue"]}]}, "weekday cannot be both"),
    ],
)
def test_a_rule_that_can_plainly_never_fire_is_refused(when: dict[str, Any], why: str) -> None:
    (finding,) = found(document({"id": "never", "when": when, "then": ONE_POINT}))

    assert (finding.severity, finding.place, finding.rule) == ("refused", "rules[0].when", "never")
    assert finding.says.startswith(f"this rule can never fire: {why}")


def test_what_can_hold_is_not_refused() -> None:
    when = {
        "any": [{"total": {"max": -1}}, {"weekday": ["mon", "sun"]}],
        "weekday": ["sat", "sun"],
        "all": [{"weekday": ["sun"]}, {"total": {"min": 10}}, {"total": {"max": 10}}],
    }

    assert found(document({"id": "sometimes", "when": when, "then": ONE_POINT})) == []


def test_a_group_holds_rules_that_award_one_unit() -> None:
    stamp = {"award": {"unit": "stamps", "amount": 1}}
    double = {"multiply": {"unit": "points", "by": 2}}

    findings = found(
        document(
            {"id": "a", "group": "bonus", "then": ONE_POINT},
            {"id": "b", "group": "bonus", "then": stamp},
            {"id": "c", "group": "bonus", "then": double},
        )
    )

    assert [(finding.severity, finding.place, finding.rule) for finding in findings] == [
        ("refused", "rules[1].group", "b"),
        ("refused", "rules[2].group", "c"),
    ]
    assert findings[0].says == 'the group "bonus" awards points in a and stamps here'


def test_a_perk_that_nobody_can_reach_is_refused() -> None:
    perk = {"id": "free-coffee", "price": {"unit": "stamps", "amount": 10}, "gives": {"percent_off": 10}}

    (finding,) = found(document({"id": "base", "then": ONE_POINT}) | {"perks": [perk]})

    assert (finding.severity, finding.place) == ("refused", "perks[0].price.unit")
    assert finding.would_be == "a rule that awards stamps"


def test_units_that_never_expire_are_warned_of() -> None:
    written = document()
    written["units"]["points"].pop("expires_after")

    (finding,) = found(written)

    assert (finding.severity, finding.place) == ("warned", "units.points")


def test_wording_missing_in_a_language_is_warned_of() -> None:
    rule = {"id": "base", "says": {"en": "A point"}, "then": ONE_POINT}

    findings = found(document(rule, languages=["en", "nb"]))

    assert [(finding.severity, finding.place) for finding in findings] == [
        ("warned", "units.points.name.nb"),
        ("warned", "units.stamps.name.nb"),
        ("warned", "rules[0].says.nb"),
    ]


def test_two_rules_that_do_the_same_are_warned_of() -> None:
    when = {"weekday": ["mon"]}

    (finding,) = found(
        document(
            {"id": "monday", "when": when, "then": ONE_POINT},
            {"id": "tuesday", "when": {"weekday": ["tue"]}, "then": ONE_POINT},
            {"id": "also-monday", "when": when, "then": ONE_POINT},
        )
    )

    assert (finding.severity, finding.place, finding.rule) == ("warned", "rules[2]", "also-monday")
    assert "monday" in finding.says


def test_a_limit_of_times_within_one_purchase_is_warned_of() -> None:
    (finding,) = found(document({"id": "base", "then": ONE_POINT, "limit": {"times": 1, "per": "purchase"}}))

    assert (finding.severity, finding.place) == ("warned", "rules[0].limit[0]")


def test_a_programme_put_together_by_hand_is_read_again() -> None:
    programme, _ = read_document(document({"id": "base", "then": ONE_POINT}))
    broken = msgspec.structs.replace(programme, rules=(*programme.rules, *programme.rules))

    (finding,) = check(broken)

    assert finding.place == "rules[1].id"
    assert "used twice" in finding.says


def test_the_nearest_name_or_all_of_a_few() -> None:
    assert nearest("catgory", ["category", "sku"]) == "category"
    assert nearest("zzz", ["sku", "category"]) == "one of category, sku"
    assert nearest("zzz", []) is None


MONDAY = {"weekday": ["mon"]}
STAMP = {"award": {"unit": "stamps", "amount": 1}}


@pytest.mark.parametrize(
    ("when", "why"),
    [
        ({"member": {"visits": {"min": 5}}, "all": [{"all": [{"member": {"visits": {"max": 4}}}]}]}, "visits before"),
        ({"time": "09:00-12:00", "all": [{"time": "12:00-15:00"}]}, "the time cannot be both"),
        ({"time": "22:00-02:00", "all": [{"time": "02:00-06:00"}]}, "the time cannot be both"),
        ({"dates": {"until": "2026-05-01"}, "all": [{"dates": {"from": "2026-05-02"}}]}, "the date cannot be both"),
        ({"dates": {"from": "2026-05-04", "until": "2026-05-05"}, "weekday": ["sun"]}, "weekday cannot be both"),
        (
            {"weekday": ["mon", "tue"], "all": [{"weekday": ["tue", "wed"]}, {"weekday": ["wed", "mon"]}]},
            "weekday cannot be both",
        ),
        ({"member": {"first_purchase": True, "visits": {"min": 1}}}, "cannot be both"),
        (
            {"member": {"balance": {"points": {"min": 10}}}, "all": [{"member": {"balance": {"points": {"max": 9}}}}]},
            "balance",
        ),
        (
            {"items": {"category": ["coffee"]}, "all": [{"items": {"category": ["coffee"], "quantity": {"max": 0}}}]},
            "the quantity of category coffee cannot be both",
        ),
        ({"weekday": ["mon"], "any": [{"weekday": ["tue"]}, {"weekday": ["wed"]}]}, "weekday cannot be both"),
        ({"weekday": ["mon"], "not": {"weekday": ["mon"]}}, "what is asked for is negated as well"),
        ({"location": ["harbour"], "any": [{"location": ["airport"]}, {"total": {"max": -1}}]}, "the location"),
    ],
)
def test_conditions_that_contradict_each_other_are_found_however_deep(when: dict[str, Any], why: str) -> None:
    (finding,) = found(document({"id": "never", "when": when, "then": ONE_POINT}))

    assert (finding.severity, finding.place) == ("refused", "rules[0].when")
    assert why in finding.says


@pytest.mark.parametrize(
    "when",
    [
        {"time": "22:00-02:00", "all": [{"time": "01:00-06:00"}]},
        {"weekday": ["mon"], "not": {"weekday": ["mon"], "location": ["harbour"]}},
        {"dates": {"from": "2026-05-04", "until": "2026-05-10"}, "weekday": ["sun"]},
        {"member": {"first_purchase": False, "visits": {"min": 1}}},
        {"weekday": ["mon"], "any": [{"weekday": ["tue"]}, {"location": ["harbour"]}]},
    ],
)
def test_conditions_that_can_hold_together_are_left_alone(when: dict[str, Any]) -> None:
    assert found(document({"id": "sometimes", "when": when, "then": ONE_POINT})) == []


def test_the_dates_of_a_rule_count_as_its_conditions_do() -> None:
    rule = {"id": "never", "from": "2026-05-04", "until": "2026-05-05", "when": {"weekday": ["sun"]}, "then": ONE_POINT}

    (finding,) = found(document(rule))

    assert finding.says == "this rule can never fire: weekday cannot be both"


def test_two_rules_that_always_fire_together_are_told_so() -> None:
    when = {"weekday": ["mon"], "location": ["harbour"]}
    turned = {"all": [{"location": ["harbour"]}], "weekday": ["mon"]}
    tagged = {"tag": {"add": ["monday"]}}

    findings = found(
        document(
            {"id": "a", "when": when, "then": ONE_POINT},
            {"id": "b", "when": turned, "then": {"award": {"unit": "points", "amount": 5}}},
            {"id": "c", "when": when, "then": tagged},
        )
    )

    assert [(finding.severity, finding.place, finding.says) for finding in findings] == [
        ("warned", "rules[1]", "this rule always fires together with a"),
        ("warned", "rules[2]", "this rule always fires together with a"),
        ("warned", "rules[2]", "this rule always fires together with b"),
    ]


def test_two_rules_that_need_to_be_two_are_left_alone() -> None:
    per_item = {"award": {"unit": "points", "amount": 1, "per_item": {"category": ["coffee"]}}}

    assert (
        found(
            document(
                {"id": "points", "when": MONDAY, "then": ONE_POINT},
                {"id": "stamps", "when": MONDAY, "then": STAMP},
                {"id": "coffee", "when": MONDAY, "then": per_item},
                {
                    "id": "once",
                    "when": MONDAY,
                    "then": ONE_POINT | {"tag": {"add": ["x"]}},
                    "limit": {"times": 1, "per": "day"},
                },
            )
        )
        == []
    )


def test_a_voucher_for_everybody_who_takes_marketing_is_refused() -> None:
    rule = {
        "id": "bribe",
        "when": {"member": {"consent": ["marketing"]}, **MONDAY},
        "then": {"grant": {"perk": "free-coffee"}},
    }

    (finding,) = found(document(rule))

    assert (finding.severity, finding.place) == ("refused", "rules[0].when.member.consent")
    assert finding.says.startswith("this gives a voucher in exchange for consent to marketing (GDPR art. 7(4)")


def test_points_for_money_spent_are_for_everybody() -> None:
    base = {"award": {"unit": "points", "amount": 1, "per_minor": 1000}}
    rule = {"id": "base", "when": {"member": {"consent": ["profiling"]}, **MONDAY}, "then": base}

    (finding,) = found(document(rule))

    assert finding.says.startswith("this keeps a general benefit from members who have not agreed to profiling (GDPR")


def test_a_text_to_those_who_take_marketing_is_what_the_consent_is_for() -> None:
    message = {"message": {"purpose": "marketing", "text": {"en": "New beans today"}}}

    assert found(document({"id": "news", "when": {"member": {"consent": ["marketing"]}}, "then": message})) == []


def test_a_slip_of_the_pen_in_an_events_name_is_warned_of() -> None:
    count = {"member": {"count": {"of": "delivery_faild", "within": "7 days", "min": 1}}}

    findings = found(
        document(
            {"id": "hello", "on": "purchse", "then": ONE_POINT},
            {"id": "sorry", "on": "delivery_failed", "when": count, "then": ONE_POINT},
        )
    )

    assert [(finding.severity, finding.place, finding.would_be) for finding in findings] == [
        ("warned", "rules[0].on", "purchase"),
        ("warned", "rules[1].when.member.count.of", "delivery_failed"),
    ]


def test_a_perk_that_a_rule_grants_can_be_reached() -> None:
    assert found(document({"id": "gift", "on": "birthday", "then": {"grant": {"perk": "free-coffee"}}})) == []


def test_a_rule_that_gives_no_units_is_in_no_group() -> None:
    (finding,) = found(document({"id": "tag", "group": "bonus", "then": {"tag": {"add": ["seen"]}}}))

    assert (finding.severity, finding.place) == ("refused", "rules[0].group")
    assert finding.says == "a group chooses between awards, and this rule awards nothing"
