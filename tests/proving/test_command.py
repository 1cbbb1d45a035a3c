"""`loyalty prove` and `loyalty check --prove` at a terminal: the question, the answer, the exit code."""

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from loyalty_engine import cli
from rules import write_toml
from tests.corner_cafe import PROGRAMME as CAFE
from tests.proving.cafe import PER_TEN_KRONER, cafe, rule

PRICED = ("--item-at-least", "coffee=39", "--value", "points=0.10")


def types(*words: str | Path) -> Result:
    return CliRunner().invoke(cli.main, [str(word) for word in words])


def written(folder: Path, *rules: dict[str, object], name: str = "cafe.toml") -> Path:
    file = folder / name
    file.write_text(write_toml(cafe(*rules)), encoding="utf-8")
    return file


def test_yes_no_purchase_gives_back_more() -> None:
    said = types("prove", CAFE, "--return", "21%", "--at-least", "50", *PRICED)

    assert said.output == "yes: no purchase of at least 50 kr (coffee 39 kr or more) gives back more than 21 %\n"
    assert said.exit_code == 0


def test_no_with_the_purchase_and_what_the_programme_makes_of_it() -> None:
    said = types("prove", CAFE, "--return", "20 %", "--at-least", "50", *PRICED)

    lines = said.output.splitlines()
    assert lines[0].startswith("no: this purchase of at least 50 kr (coffee 39 kr or more) gives back 20.")
    assert any("coffee for " in line for line in lines)
    assert any(line.startswith("  coffee-stamp: 2 stamps, worth 12 kr (1 stamp per item") for line in lines)
    assert said.exit_code == 1


def test_without_a_share_both_bounds_are_found() -> None:
    said = types("prove", CAFE, *PRICED)

    assert said.output.startswith(
        "proved: no purchase of at least 50 kr (coffee 39 kr or more) gives back more than 20.4 %"
    )
    assert "\nbroken: this one gives back 20.3" in said.output
    assert said.exit_code == 0


def test_where_there_is_no_bound_it_is_said_what_would_give_one() -> None:
    said = types("prove", CAFE)

    assert said.output.startswith("not bounded: a purchase of at least 50 kr can give back more than 10000 %\n")
    assert "say what one costs, --item-at-least" in said.output
    assert said.exit_code == 1


def test_two_versions_are_compared(tmp_path: Path) -> None:
    one = written(tmp_path, rule("base", PER_TEN_KRONER), rule("mon", when={"weekday": ["mon"]}))
    other = written(tmp_path, rule("mon", when={"weekday": ["mon"]}), rule("b", PER_TEN_KRONER), name="other.toml")
    less = written(tmp_path, rule("base", PER_TEN_KRONER), name="less.toml")

    assert types("prove", one, "--against", other).output == "yes: both give the same, whatever happens\n"
    said = types("prove", one, "--against", less)
    assert said.exit_code == 1
    assert said.output.startswith("no: they differ on this\n  Monday ")
    assert "\n  before: " in said.output


def test_check_prints_what_is_proved_and_counts_what_is_to_put_right(tmp_path: Path) -> None:
    dearer = {"items": {"category": ["coffee"], "amount_minor": {"min": 9000}}, "total": {"max": 8000}}
    file = written(tmp_path, rule("base", PER_TEN_KRONER), rule("lost", when=dearer))

    plain, proved = types("check", file), types("check", file, "--prove")

    assert plain.exit_code == 0
    assert "refused: rules[1].when (rule lost): this rule can never fire: what it asks for never comes" in proved.output
    assert "proved: no purchase of at least 50 kr gives back more than 0 %" in proved.output
    assert proved.output.endswith(f"1 to put right in {file}\n")
    assert proved.exit_code == 1


def test_what_is_refused_already_is_not_counted_twice(tmp_path: Path) -> None:
    file = written(tmp_path, rule("base", PER_TEN_KRONER), rule("never", when={"total": {"max": -1}}))

    assert types("check", file, "--prove").output.endswith(f"1 to put right in {file}\n")


@pytest.mark.parametrize("command", [("prove",), ("check", "--prove")])
def test_without_the_solver_one_sentence_says_how_to_get_it(
    command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "z3", None)

    said = types(*command, CAFE)

    assert said.output.splitlines()[-1] == (
        "Error: proofs need a solver that is not installed: pip install 'loyalty-engine[prove]'"
    )
    assert said.exit_code == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--return", "lots"), '"lots" is no number'),
        (("--return", "-1%"), "-1 is below 0"),
        (("--at-least", "0.001"), "0.001 is less than the smallest coin of NOK"),
        (("--value", "points"), '"points" is not written as name=money'),
        (("--value", "pionts=1"), "there is no unit and no perk pionts"),
    ],
)
def test_what_is_not_understood_is_refused(words: tuple[str, ...], says: str) -> None:
    said = types("prove", CAFE, *words)

    assert says in said.output
    assert said.exit_code != 0


def test_a_file_that_is_no_programme_is_refused_with_its_places(tmp_path: Path) -> None:
    file = tmp_path / "cafe.toml"
    file.write_text(CAFE.read_text(encoding="utf-8").replace("by = 2", "by = 0"), encoding="utf-8")

    said = types("prove", file)

    assert "rules[1].then.multiply" in said.output
    assert said.exit_code == 1
