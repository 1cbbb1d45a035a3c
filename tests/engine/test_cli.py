"""The back office at a terminal: what a script or an owner types, and what they read back."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import apsw
import pytest
from click.testing import CliRunner, Result

from loyalty_engine import cli, serving
from loyalty_engine.api_keys import parse
from tests.engine.shop import KEY, programme


class Terminal:
    """A terminal on a machine whose settings name one database."""

    def __init__(self, database_url: str, folder: Path) -> None:
        self.database_url = database_url
        self.folder = folder

    def types(self, *words: str) -> Result:
        settings = {"LOYALTY_DATABASE_URL": self.database_url, "LOYALTY_KEY": KEY}
        return CliRunner().invoke(cli.main, words, env=settings)

    def file(self, text: str, name: str = "cafe.toml") -> str:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return str(path)


@pytest.fixture
def terminal(unmigrated_url: str, tmp_path: Path) -> Terminal:
    return Terminal(unmigrated_url, tmp_path)


def test_help_says_how_to_spend_the_first_evening(terminal: Terminal) -> None:
    said = terminal.types("--help")

    assert said.exit_code == 0
    for word in ("loyalty apply FILE --business SLUG", "loyalty keys create", "loyalty serve", "loyalty demo"):
        assert word in " ".join(said.output.split())
    for command in ("serve", "demo", "check", "apply", "verify", "keys", "import"):
        assert terminal.types(command, "--help").exit_code == 0


def test_apply_founds_the_business_migrates_and_publishes(terminal: Terminal) -> None:
    first = terminal.types("apply", terminal.file(programme()), "--business", "corner-cafe")
    again = terminal.types("apply", terminal.file(programme()), "--business", "corner-cafe")
    changed = programme().replace("per_minor = 1000", "per_minor = 500")
    second = terminal.types("apply", terminal.file(changed), "--business", "corner-cafe", "--note", "summer")

    assert first.output.splitlines()[-1] == "corner-cafe: version 1 is published"
    assert again.output.splitlines()[-1] == "corner-cafe: version 1 is current already"
    assert second.output.splitlines()[-1] == "corner-cafe: version 2 is published"


def test_a_key_is_made_for_a_script_listed_and_revoked(terminal: Terminal) -> None:
    terminal.types("apply", terminal.file(programme()), "--business", "corner-cafe")

    made = terminal.types(
        "keys", "create", "--business", "corner-cafe", "--scope", "till", "--location", "grunerlokka", "--json"
    )

    key = json.loads(made.output)
    assert parse(key["key"]).id == key["id"]
    assert (key["scopes"], key["location"]) == (["till"], "grunerlokka")
    assert key["key"] not in terminal.types("keys", "list", "--business", "corner-cafe", "--json").output
    assert terminal.types("keys", "revoke", "--business", "corner-cafe", key["id"]).exit_code == 0
    assert "revoked 2" in terminal.types("keys", "list", "--business", "corner-cafe").output


def test_a_programme_with_mistakes_is_told_place_by_place_and_not_published(terminal: Terminal) -> None:
    wrong = terminal.file(programme().replace('unit = "points", by = 2', 'unit = "pionts", by = 2'))

    checked = terminal.types("check", wrong)
    applied = terminal.types("apply", wrong, "--business", "corner-cafe")

    assert (checked.exit_code, applied.exit_code) == (1, 1)
    assert "rules[1].then.multiply.unit" in checked.output
    assert "happy-hour" in checked.output
    assert "is not published" in applied.output
    terminal.types("apply", terminal.file(programme()), "--business", "bookshop")
    assert "no such business" in terminal.types("keys", "list", "--business", "corner-cafe").output


def test_check_tells_a_good_programme_that_it_is_ready(terminal: Terminal) -> None:
    said = terminal.types("check", terminal.file(programme()))

    assert said.exit_code == 0
    assert "is ready to publish" in said.output


def test_verify_ends_well_on_good_books_and_badly_on_forged_ones(terminal: Terminal) -> None:
    terminal.types("apply", terminal.file(programme()), "--business", "corner-cafe")
    good = terminal.types("verify")
    if not terminal.database_url.startswith("sqlite"):
        assert good.exit_code == 0
        return
    forged = apsw.Connection(terminal.database_url.removeprefix("sqlite:///"))
    forged.execute("UPDATE keys SET fingerprint = 'lyl_live_in_clear'")
    forged.execute("INSERT INTO accounts VALUES (7, 'mem_x', 'points', 5, 0, 0, NULL)")
    forged.close()
    bad = terminal.types("verify")

    assert good.exit_code == 0
    assert good.output.count("ok ") > 10
    assert bad.exit_code == 1
    assert "BROKEN  I03" in bad.output


@pytest.mark.parametrize("command", [("verify",), ("keys", "list", "--business", "corner-cafe")])
def test_a_mistyped_database_is_not_made_and_audited(tmp_path: Path, command: tuple[str, ...]) -> None:
    missing = tmp_path / "typo.db"

    said = Terminal(f"sqlite:///{missing}", tmp_path).types(*command)

    assert said.exit_code == 1
    assert "there is no database" in said.output
    assert list(tmp_path.iterdir()) == []


def test_a_programme_file_may_have_a_byte_order_mark_and_must_be_utf_8(terminal: Terminal) -> None:
    marked, foreign = terminal.folder / "marked.toml", terminal.folder / "foreign.toml"
    marked.write_text(programme(), encoding="utf-8-sig")
    foreign.write_text(programme(), encoding="cp1252")

    assert terminal.types("check", str(marked)).exit_code == 0
    said = terminal.types("check", str(foreign))
    assert (said.exit_code, "is not written in UTF-8" in said.output) == (1, True)


def test_a_port_that_is_taken_is_said_before_anything_happens(terminal: Terminal) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        said = terminal.types("serve", "--port", str(taken.getsockname()[1]))

    assert said.exit_code == 1
    assert "try --port" in said.output
    assert terminal.types("serve", "--port", "99999").exit_code == 2


def test_what_is_not_there_is_one_sentence_and_no_traceback(terminal: Terminal) -> None:
    unknown = terminal.types("keys", "list", "--business", "nowhere")
    unreachable = Terminal("postgresql://nobody@127.0.0.1:9/none", terminal.folder).types("verify")
    nonsense = Terminal("mysql://x", terminal.folder).types("verify")

    for said in (unknown, unreachable, nonsense):
        assert said.exit_code == 1
        assert said.output.startswith("Error: ")
        assert "Traceback" not in said.output


def test_sqlite_is_served_by_one_process_whatever_is_asked() -> None:
    assert serving.processes_for("sqlite:///loyalty.db", 4) == 1
    assert serving.processes_for("postgresql://localhost/loyalty", 4) == 4


def test_a_master_key_is_made_at_the_first_start_and_kept_to_its_owner(
    sqlite_database_url: str, tmp_path: Path
) -> None:
    said = CliRunner().invoke(
        cli.main, ["verify"], env={"LOYALTY_DATABASE_URL": sqlite_database_url, "LOYALTY_KEY": None}
    )

    assert said.exit_code == 0
    key_file = tmp_path / "loyalty.key"
    assert key_file.stat().st_mode & 0o777 == 0o600
