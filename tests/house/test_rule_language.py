"""A condition or an effect is one class in one file: planted in a copy of the rule book, it is known everywhere."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rules import form
from rules.conditions import CONDITIONS
from rules.effects import EFFECTS
from tests.house.tree import ROOT

PLANTED_CONDITION = '''

class AtMinute(Within, frozen=True):
    """It happened in this minute of the day, counted from midnight. Night owls are welcome."""

    written = "minute"
    example = "{ min = 600 }"
    fact = "minute"
    says = spoken(
        en=("the minute of the day", "in minute {wants} of the day"),
        nb=("minuttet på dagen", "i minutt {wants} på dagen"),
        nn=("minuttet på dagen", "i minutt {wants} på dagen"),
        sv=("minuten på dagen", "i minut {wants} på dagen"),
        da=("minuttet på dagen", "i minut {wants} på dagen"),
        fi=("päivän minuutti", "päivän minuutti {wants}"),
    )
'''
PLANTED_EFFECT = '''

class RingBell(Effect, frozen=True):
    """Ring the bell on the counter. Everybody likes it."""

    written = "ring"
    example = '{ what = "the big bell" }'
    says = spoken(
        en=("a bell", "a ring of {0}"),
        nb=("en bjelle", "et ring med {0}"),
        nn=("ei bjelle", "eit ring med {0}"),
        sv=("en klocka", "en ringning med {0}"),
        da=("en klokke", "et ring med {0}"),
        fi=("kello", "soitto: {0}"),
    )
    what: Text

    def words(self, words: Words) -> str:
        return words.of(self.says)[1].format(self.what)
'''
ASKED = """
import json, sys
from datetime import UTC, datetime

sys.path.insert(0, "docs")
import make_reference
import rules
from tests.rules.corner_cafe import document

rule = {"id": "late", "on": "purchase", "when": {"minute": {"min": 1200}},
        "then": {"ring": {"what": "the bell"}, "award": {"unit": "points", "amount": 1}}}
slip = rule | {"when": {"minut": {"min": 1200}}}
programme = rules.read(json.dumps(document(rule)), "json")
try:
    rules.read(json.dumps(document(slip)), "json")
    finding = None
except rules.ProgrammeInvalid as refused:
    finding = refused.findings[0].would_be
event = rules.Purchase(occurred_at=datetime(2026, 1, 5, 15, tzinfo=UTC), total_minor=4900)
late = rules.Purchase(occurred_at=datetime(2026, 1, 5, 22, tzinfo=UTC), total_minor=4900)
compiled = rules.compile_programme(programme)


def openapi():
    schemas = json.loads(make_reference.openapi())["components"]["schemas"]
    return ["minute" in schemas["ProgrammeAll"]["properties"], "ring" in schemas["ProgrammeThen"]["properties"]]


nobody = rules.MemberFacts()
(because,) = compiled.explain(event, nobody, compiled.evaluate(event, nobody))
definitions = rules.schema()["$defs"]
form = rules.form("nb")
json.dump({
    "at": rules.__file__,
    "written back": rules.read(rules.write_toml(programme), "toml") == programme,
    "finding": finding,
    "compiled": [one.effect for one in compiled.evaluate(late, nobody).effects],
    "tree": rules.evaluate_tree(programme, late, nobody) == compiled.evaluate(late, nobody),
    "because": because.because,
    "sentence": rules.sentence(programme.rules[0], programme, "nb"),
    "schema": ["minute" in definitions["All"]["properties"], "ring" in definitions["Then"]["properties"]],
    "openapi": openapi(),
    "page": [f"### `{name}`" in make_reference.rule_language() for name in ("minute", "ring")],
    "form": [part.label for part in (*form.conditions, *form.effects) if part.written in ("minute", "ring")],
}, sys.stdout)
"""
CASES = "from tests.rules.test_conditions import test_every_condition_has_its_file as t; t()"


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rule book with one more condition and one more effect, each planted in one file."""
    folder = tmp_path_factory.mktemp("house")
    for part in ("rules", "loyalty_engine", "api", "docs", "tests/rules"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    for file, planted in (("conditions/purchase.py", PLANTED_CONDITION), ("effects/deeds.py", PLANTED_EFFECT)):
        with (folder / "rules" / file).open("a", encoding="utf-8") as text:
            text.write(planted)
    return folder


def asked(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def answers(copy: Path) -> dict[str, Any]:
    told = asked(copy, ASKED)
    assert told.returncode == 0, told.stderr
    said: dict[str, Any] = json.loads(told.stdout)
    assert said["at"] == str(copy / "rules" / "__init__.py")
    return said


def test_a_planted_condition_and_effect_are_read_and_written_back(answers: dict[str, Any]) -> None:
    assert answers["written back"]
    assert answers["finding"] == "minute"


def test_they_are_judged_and_compiled(answers: dict[str, Any]) -> None:
    assert answers["compiled"] == ["ring"]
    assert answers["tree"]


def test_they_say_themselves_in_the_sentence_and_the_explanation(answers: dict[str, Any]) -> None:
    assert answers["sentence"] == "Når en kunde handler, i minutt minst 1200 på dagen: et ring med the bell; 1 point"
    assert answers["because"] == "the minute of the day is 960; the rule wants 1200 or more"


def test_they_stand_in_the_schemas_the_reference_page_and_the_form(answers: dict[str, Any]) -> None:
    assert answers["schema"] == [True, True]
    assert answers["openapi"] == [True, True]
    assert answers["page"] == [True, True]
    assert answers["form"] == ["minuttet på dagen", "en bjelle"]


def test_without_their_case_files_they_do_not_pass(copy: Path) -> None:
    told = asked(copy, CASES)

    assert told.returncode != 0
    assert "AssertionError" in told.stderr


def test_a_condition_without_a_phrase_in_a_language_does_not_load(copy: Path, tmp_path: Path) -> None:
    shutil.copytree(copy / "rules", tmp_path / "rules")
    file = tmp_path / "rules" / "conditions" / "purchase.py"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace('        fi=("päivän minuutti", "päivän minuutti {wants}"),\n', ""), encoding="utf-8")

    told = asked(tmp_path, "import rules")

    assert told.returncode != 0
    assert "fi" in told.stderr


def test_the_page_the_schema_the_http_reference_and_the_form_list_the_same() -> None:
    page = (ROOT / "docs/reference/rule-language.md").read_text(encoding="utf-8")
    editors = json.loads((ROOT / "docs/reference/programme.schema.json").read_text(encoding="utf-8"))["$defs"]
    http = json.loads((ROOT / "docs/reference/openapi.json").read_text(encoding="utf-8"))["components"]["schemas"]
    ours = [*CONDITIONS, *EFFECTS]

    assert re.findall(r"^### `(.+)`$", page, re.MULTILINE) == ours
    assert [part.written for part in (*form().conditions, *form().effects)] == ours
    assert listed(editors["All"], editors["Then"]) == set(ours)
    assert listed(http["ProgrammeAll"], http["ProgrammeThen"]) == set(ours)


def listed(when: dict[str, Any], then: dict[str, Any]) -> set[str]:
    asked = when["properties"].keys() - {"member", "any", "all", "not"}
    return {*asked, *(f"member.{name}" for name in when["properties"]["member"]["properties"]), *then["properties"]}
