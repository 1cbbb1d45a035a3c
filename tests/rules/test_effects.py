"""Every effect, and the order in which an outcome is computed, by cases worked by hand."""

import tomllib
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from rules import Outcome, check, compile_programme, evaluate_tree, sentence
from rules.effects import EFFECTS
from rules.shapes import MISSING
from tests.rules.corner_cafe import document, happened, read_document

FOLDER = Path(__file__).parent / "cases"
FEWEST = 3  # what happens, what does not, and an edge between them


def loaded(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(), parse_float=Decimal)


FILES = {path.stem: loaded(path) for path in sorted((FOLDER / "effects").iterdir())}
ORDER = loaded(FOLDER / "order.toml")
ORDER_CASES = ORDER.pop("cases")


def cases(kind: str) -> list[Any]:
    return [pytest.param(case, id=f"{name}: {case['name']}") for name, file in FILES.items() for case in file[kind]]


def judged(written: dict[str, Any], case: dict[str, Any]) -> Outcome:
    """The outcome of a case, after its explanation and its twin from the tree are found to be right."""
    programme, event, member = happened(written, case)
    compiled = compile_programme(programme)
    outcome = compiled.evaluate(event, member)
    assert outcome == evaluate_tree(programme, event, member)
    because = {one.rule: one.because for one in compiled.explain(event, member, outcome)}
    for rule, said in case.get("because", {}).items():
        assert because[rule] == said
    for language, said in case.get("says", {}).items():
        assert sentence(programme.rules[0], programme, language) == said
    return outcome


def assert_awards(outcome: Outcome, awards: list[list[Any]]) -> None:
    found = [[award.rule, award.unit, award.amount, award.reason] for award in outcome.awards]
    assert [award[: len(wanted)] for award, wanted in zip(found, awards, strict=True)] == awards


@pytest.mark.parametrize("case", cases("cases"))
def test_an_effect_gives_what_was_worked_by_hand(case: dict[str, Any]) -> None:
    settings = {name: case[name] for name in ("spend", "multipliers") if name in case}

    outcome = judged(document(*case["rules"], **settings), case)

    assert_awards(outcome, case["awards"])
    assert [happening.effect for happening in outcome.effects] == case.get("effects", [])
    if "fired" in case:
        assert list(outcome.fired) == case["fired"]
    if "uses" in case:
        assert [[use.subject, use.window, use.times, use.amount] for use in outcome.uses] == case["uses"]


@pytest.mark.parametrize("case", cases("refused"))
def test_an_effect_written_wrong_is_refused_at_its_place(case: dict[str, Any]) -> None:
    programme, findings = read_document(document(*case["rules"]))

    found = findings if programme is MISSING or findings else check(programme)

    found = tuple(finding for finding in found if finding.severity == "refused")
    assert [finding.place for finding in found] == [case["place"]]
    assert case["says"] in found[0].says
    assert found[0].rule == case["rules"][0]["id"]
    if "would_be" in case:
        assert found[0].would_be == case["would_be"]


@pytest.mark.parametrize("case", ORDER_CASES, ids=lambda case: case["name"])
def test_groups_multipliers_limits_and_caps_in_their_one_order(case: dict[str, Any]) -> None:
    outcome = judged(ORDER, case)

    assert_awards(outcome, case["awards"])
    if "uses" in case:
        assert [[use.subject, use.window, use.times, use.amount] for use in outcome.uses] == case["uses"]


def test_every_effect_has_its_file() -> None:
    assert set(FILES) == set(EFFECTS)


@pytest.mark.parametrize("name", FILES)
def test_every_file_has_what_happens_what_does_not_and_what_is_refused(name: str) -> None:
    came = {repr((case["awards"], case.get("effects"))) for case in FILES[name]["cases"]}

    assert len(came) > 1
    assert len(FILES[name]["cases"]) >= FEWEST
    assert FILES[name]["refused"]


@pytest.mark.parametrize(
    ("per", "window", "starts_at", "ends_at"),
    [
        (
            "day",
            "day:2026-11-22",
            datetime(2026, 11, 21, 23, tzinfo=UTC),
            datetime(2026, 11, 22, 23, tzinfo=UTC),
        ),
        (
            "week",
            "week:2026-W47",
            datetime(2026, 11, 15, 23, tzinfo=UTC),
            datetime(2026, 11, 22, 23, tzinfo=UTC),
        ),
        (
            "month",
            "month:2026-11",
            datetime(2026, 10, 31, 23, tzinfo=UTC),
            datetime(2026, 11, 30, 23, tzinfo=UTC),
        ),
        ("year", "year:2026", datetime(2025, 12, 31, 23, tzinfo=UTC), datetime(2026, 12, 31, 23, tzinfo=UTC)),
        ("ever", "ever", datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_use_names_the_local_window_it_falls_in(
    per: str, window: str, starts_at: datetime, ends_at: datetime
) -> None:
    rule = {
        "id": "hello",
        "then": {"award": {"unit": "points", "amount": 25}},
        "limit": {"times": 3, "per": per},
    }

    outcome = judged(document(rule), {"name": "late on Sunday", "at": "2026-11-22T23:30:00"})

    (use,) = outcome.uses
    assert (use.window, use.starts_at, use.ends_at) == (window, starts_at, ends_at)
    assert (use.subject, use.times, use.amount) == ("rule:hello", 1, 25)


def test_a_limit_within_one_purchase_keeps_nothing_for_later() -> None:
    award = {"unit": "stamps", "amount": 1, "per_item": {"category": ["coffee"]}}
    rule = {"id": "stamp", "then": {"award": award}, "limit": {"amount": 2, "per": "purchase"}}
    lines = [{"category": "coffee", "quantity": 5, "amount_minor": 24500}]

    outcome = judged(
        document(rule), {"name": "coffee for the office", "purchase": {"total_minor": 24500, "lines": lines}}
    )

    assert [award.amount for award in outcome.awards] == [2]
    assert outcome.uses == ()
