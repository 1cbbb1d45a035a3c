"""At a terminal: what it would have cost, what would change, and the way back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from loyalty_engine import cli
from tests.engine.shop import KEY, programme

PERK = """
[[perks]]
id = "free-coffee"
price = { unit = "points", amount = 100 }
gives.free_item = { category = ["coffee"], up_to_minor = 5000 }
"""
TWICE = programme(more=PERK).replace("amount = 1, per_minor = 1000", "amount = 2, per_minor = 1000")
HISTORY = """receipt,occurred_at,member.external,category,amount
r-1,2026-03-02 15:00,card-1,coffee,9800
r-2,2026-03-03 17:00,card-2,coffee,4900
r-3,2026-04-08 17:00,card-1,bakery,4900
"""


class Desk:
    """A terminal with the café's history in its database, and the files beside it."""

    def __init__(self, database_url: str, folder: Path) -> None:
        self.folder = folder
        self._settings = {"LOYALTY_DATABASE_URL": database_url, "LOYALTY_KEY": KEY}
        self.draft = self.file("draft.toml", TWICE)
        self.history = self.file("history.csv", HISTORY)
        self.types("apply", self.file("cafe.toml", programme()), "--business", "corner-cafe")
        self.types("import", "purchases", self.history, "--business", "corner-cafe")

    def file(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    def types(self, *words: str) -> Result:
        return CliRunner().invoke(cli.main, words, env=self._settings)


@pytest.fixture
def desk(unmigrated_url: str, tmp_path: Path) -> Desk:
    return Desk(unmigrated_url, tmp_path)


def test_a_backtest_says_what_each_rule_would_have_given(desk: Desk) -> None:
    said = desk.types("backtest", desk.draft, "--business", "corner-cafe")

    assert said.exit_code == 0, said.output
    lines = said.stdout.splitlines()
    assert lines[0] == "3 purchases and 0 refunds of 2 members, 196.00 NOK in all"
    assert lines[1:3] == [
        "draft.toml: units worth 26.00 NOK, 13.27 % of it",
        "version 1: units worth 13.00 NOK, 6.63 % of it",
    ]
    at = next(number for number, line in enumerate(lines) if line.startswith("  base (points)"))
    assert lines[at].split() == ["base", "(points)", "34", "0", "2", "17.00", "NOK", "8.67", "%"]
    assert lines[at + 1].split() == ["17", "0", "2", "8.50", "NOK", "4.34", "%", "version", "1"]
    assert "2026-03: 2 purchases of 2 members, 147.00 NOK" in lines
    assert "Would gain the most" in lines


def test_a_backtest_as_json_with_a_span_and_values(desk: Desk) -> None:
    said = desk.types(
        "backtest", desk.draft, "--business", "corner-cafe", "--since", "2026-03-01", "--until", "2026-03-31",
        "--value", "points=1.50", "--against", "published", "--json",
    )  # fmt: skip

    answer = json.loads(said.stdout)
    assert (answer["purchases"], answer["since"], answer["until"]) == (
        2, "2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z",
    )  # fmt: skip
    assert answer["worth"] == [{"unit": "points", "minor": "150", "by": "given"}]
    assert answer["against"] == "what was published"


def test_a_file_is_tried_without_a_business_and_without_a_database(desk: Desk) -> None:
    said = desk.types(
        "backtest", desk.draft, "--purchases", desk.history, "--json", "--processes", "1",
        "--database", "sqlite:///nowhere/to/be/found.db",
    )  # fmt: skip

    answer = json.loads(said.stdout)
    assert (answer["purchases"], answer["against"]) == (3, None)


def test_a_file_is_tried_beside_what_a_business_has_published(desk: Desk) -> None:
    more = HISTORY + "r-4,2026-05-05 12:30,,coffee,4900\nr-5,2026-05-05 12:30,card-1,coffee,0\n"
    words = ("--purchases", desk.file("more.csv", more), "--business", "corner-cafe", "--processes", "1")

    said = desk.types("backtest", desk.draft, *words)

    assert "version 1" in said.stdout.lower()
    assert "1 purchases refused: nothing_paid" in said.stderr
    assert "1 purchases name no member" in said.stderr


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ((), "say --business SLUG, --purchases FILE, or both"),
        (("--purchases", "{history}", "--against", "1"), "--against names a version of a --business"),
        (("--business", "corner-cafe", "--against", "newest"), "'newest' is no version"),
        (("--business", "corner-cafe", "--against", "7"), "The programme has no such version."),
        (("--business", "corner-cafe", "--since", "March"), "'March' is no day"),
        (("--business", "corner-cafe", "--value", "pints=1"), "there is no unit 'pints'"),
        (("--business", "corner-cafe", "--value", "points=much"), "'much' is no amount of money"),
        (("--business", "nobody"), "There is no such business."),
    ],
)
def test_what_cannot_be_asked_is_said_in_one_sentence(desk: Desk, words: tuple[str, ...], complaint: str) -> None:
    said = desk.types("backtest", desk.draft, *(word.format(history=desk.history) for word in words))

    assert said.exit_code != 0
    assert complaint in " ".join(said.stderr.split())
    assert "Traceback" not in said.output


def test_a_file_that_is_no_programme_is_refused_with_the_place(desk: Desk) -> None:
    wrong = desk.file("wrong.toml", TWICE.replace('unit = "points", by', 'unit = "pints", by'))

    said = desk.types("backtest", wrong, "--business", "corner-cafe")

    assert said.exit_code == 1
    assert "rules/1/then/multiply/unit" in said.stderr


def test_a_plan_says_what_changes_and_what_it_comes_to(desk: Desk) -> None:
    said = desk.types("plan", desk.draft, "--business", "corner-cafe")
    same = desk.types("plan", str(desk.folder / "cafe.toml"), "--business", "corner-cafe")

    assert 'Rule "base" changes: then.award.amount from 1 to 2.' in said.stdout
    assert 'Perk "free-coffee" is new' in said.stdout
    assert "3 purchases and 0 refunds of 2 members" in said.stdout
    assert "says what version 1 says" in same.stdout


def test_rollback_publishes_the_version_before_and_versions_lists_it(desk: Desk) -> None:
    desk.types("apply", desk.draft, "--business", "corner-cafe", "--note", "double", "--by", "Ida")

    back = desk.types("rollback", "--business", "corner-cafe", "--note", "too dear", "--by", "Ola")
    again = desk.types("rollback", "--business", "corner-cafe", "--to", "3", "--note", "too dear", "--by", "Ola")
    listed = desk.types("versions", "--business", "corner-cafe")
    as_json = json.loads(desk.types("versions", "--business", "corner-cafe", "--json").stdout)

    assert back.stdout == "corner-cafe: version 3 is published\n"
    assert again.stdout == "corner-cafe: version 3 says the same and is current already\n"
    assert [line.split()[0] for line in listed.stdout.splitlines()] == ["3", "2", "1"]
    assert listed.stdout.splitlines()[0].endswith("current  Ola  too dear")
    assert [one["note"] for one in as_json] == ["too dear", "double", ""]
    assert desk.types("rollback", "--business", "corner-cafe", "--to", "3").exit_code == 2
