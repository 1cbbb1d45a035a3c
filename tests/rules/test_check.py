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
    assert len(programme.examples) >= 3


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
