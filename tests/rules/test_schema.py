"""The JSON Schema of a programme, judged by somebody else's validator."""

import json
import tomllib
from pathlib import Path
from random import Random
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from rules import schema
from rules.conditions import CONDITIONS
from rules.effects import EFFECTS
from tests.rules import random_programmes

EXAMPLES = sorted((Path(__file__).parents[2] / "rules" / "examples").glob("*.toml"))
VALIDATOR = Draft202012Validator(schema())


def as_json(path: Path) -> Any:
    return json.loads(json.dumps(tomllib.loads(path.read_text()), default=lambda value: value.isoformat()))


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_ready_programmes_are_valid(path: Path) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(as_json(path))] == []


@pytest.mark.parametrize("seed", range(5))
def test_random_programmes_are_valid(seed: int) -> None:
    random = Random(seed)  # noqa: S311 - the same programmes in every run

    for _ in range(10):
        document = json.loads(random_programmes.document(random, rules=6))
        assert [error.message for error in VALIDATOR.iter_errors(document)] == []


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("when", {"weekday": ["monday"]}),
        ("when", {"weekday": []}),
        ("when", {"wekday": ["mon"]}),
        ("when", {"time": "14-16"}),
        ("when", {"any": []}),
        ("when", {"member": {"teir": ["gold"]}}),
        ("then", {}),
        ("then", {"grant": {"perks": "free-coffee"}}),
        ("then", {"award": {"unit": "points"}}),
        ("limit", {"times": 0, "per": "day"}),
        ("colour", "blue"),
    ],
)
def test_what_reading_refuses_for_its_shape_is_not_valid(place: str, value: object) -> None:
    document = as_json(EXAMPLES[1])
    assert not list(VALIDATOR.iter_errors(document))

    document["rules"][0][place] = value

    assert list(VALIDATOR.iter_errors(document))


def test_every_condition_and_effect_is_described_to_a_shop_owner() -> None:
    definitions = schema()["$defs"]
    when, then = definitions["All"]["properties"], definitions["Then"]["properties"]
    member = {f"member.{name}": shape for name, shape in when["member"]["properties"].items()}

    assert set(CONDITIONS) <= {*when, *member}
    assert set(then) == set(EFFECTS)
    for name in CONDITIONS:
        assert (when | member)[name].get("description") or "$ref" in (when | member)[name]
