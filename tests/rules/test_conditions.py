"""Every condition, by cases worked by hand: when it holds, when it does not, at its edges, and what is refused."""

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from rules import check, compile_programme, evaluate_tree, sentence
from rules.conditions import CONDITIONS
from rules.shapes import MISSING
from tests.rules.corner_cafe import document, happened, read_document

FOLDER = Path(__file__).parent / "cases" / "conditions"
FEWEST = 3  # what holds, what does not, and an edge between them
FILES = {path.stem: tomllib.loads(path.read_text(), parse_float=Decimal) for path in sorted(FOLDER.iterdir())}


def cases(kind: str) -> list[Any]:
    return [
        pytest.param(case, id=f"{name}: {case['name']}") for name, file in FILES.items() for case in file.get(kind, ())
    ]


def the_rule(case: dict[str, Any]) -> dict[str, Any]:
    """One rule of one point at a café that does not count gift cards."""
    rule = {
        "id": "the-rule",
        "on": case.get("on", "purchase"),
        "when": case["when"],
        "then": {"award": {"unit": "points", "amount": 1}},
    }
    return document(rule, spend={"exclude": {"category": ["gift-card"]}})


@pytest.mark.parametrize("case", cases("cases"))
def test_a_condition_holds_as_worked_by_hand(case: dict[str, Any]) -> None:
    programme, event, member = happened(the_rule(case), case)
    compiled = compile_programme(programme)

    outcome = compiled.evaluate(event, member)

    assert outcome.fired == (("the-rule",) if case["holds"] else ())
    assert outcome == evaluate_tree(programme, event, member)
    (because,) = compiled.explain(event, member, outcome)
    assert because.fired is case["holds"]
    if "because" in case:
        assert because.because == case["because"]
    for language, said in case.get("says", {}).items():
        assert sentence(programme.rules[0], programme, language) == said


@pytest.mark.parametrize("case", cases("refused"))
def test_a_condition_written_wrong_is_refused_at_its_place(case: dict[str, Any]) -> None:
    programme, findings = read_document(the_rule(case))

    found = findings if programme is MISSING or findings else check(programme)

    refused = [finding for finding in found if finding.severity == "refused"]
    assert [finding.place for finding in refused] == [case["place"]]
    assert case["says"] in refused[0].says
    assert refused[0].rule == "the-rule"
    if "would_be" in case:
        assert refused[0].would_be == case["would_be"]


def test_every_condition_has_its_file() -> None:
    assert set(FILES) == {*CONDITIONS, "any", "all", "not"}


@pytest.mark.parametrize("name", FILES)
def test_every_file_has_what_holds_what_does_not_and_what_is_refused(name: str) -> None:
    holds = {case["holds"] for case in FILES[name]["cases"]}

    assert holds == {True, False}
    assert len(FILES[name]["cases"]) >= FEWEST
    assert FILES[name]["refused"]


@pytest.mark.parametrize("kind", CONDITIONS.values())
def test_every_condition_tells_a_shop_owner_what_it_is(kind: type) -> None:
    assert kind.__doc__
    assert kind.__doc__.rstrip().endswith(".")
