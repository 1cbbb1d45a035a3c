"""The how-to for a business that tests its own rules is run as it stands, and a failing test tells its story."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.corner_cafe import PROGRAMME

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "howto" / "test-your-rules.md"
SLIP = """
def test_happy_hour_lasts_until_five(member, purchase, clock):
    clock.at("2026-01-05 16:00")
    assert member().buys(purchase(12000))["points"] == 24
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A business's folder with the files that the page shows, and its programme."""
    files = re.findall(r"^\*\*`(.+?)`\*\*\n\n```\w+\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert [name for name, _ in files] == ["test_cafe.py", "conftest.py", "pytest.ini"]
    for name, text in files:
        (tmp_path / name).write_text(text, encoding="utf-8")
    shutil.copy(PROGRAMME, tmp_path / "cafe.toml")
    return tmp_path


def pytest_says(project: Path) -> tuple[int, str]:
    command = [sys.executable, "-m", "pytest", "-q", "--strict-markers", "-W", "error", "-p", "no:randomly"]
    command += ["-p", "no:cacheprovider"]
    ran = subprocess.run(
        command, cwd=project, env={"PYTHONPATH": str(ROOT), "PATH": ""}, capture_output=True, text=True, check=False
    )
    return ran.returncode, ran.stdout + ran.stderr


def test_the_page_works_as_it_is_written(project: Path) -> None:
    status, said = pytest_says(project)

    assert status == 0, said
    assert "4 passed" in said


def test_a_test_that_fails_shows_what_the_page_shows(project: Path) -> None:
    (project / "test_cafe.py").write_text(SLIP, encoding="utf-8")
    shown = re.findall(r"^```\n(Monday.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)

    status, said = pytest_says(project)

    assert status == 1
    assert len(shown) == 1
    assert shown[0] in said


def test_a_programme_that_cannot_be_published_fails_every_test_with_its_findings(project: Path) -> None:
    cafe = project / "cafe.toml"
    cafe.write_text(cafe.read_text("utf-8").replace("points = 24", "points = 25"), encoding="utf-8")

    status, said = pytest_says(project)

    assert status == 1
    assert "cannot be published" in said
    assert "examples[0].expect.points" in said


def test_a_marked_test_has_a_programme_of_its_own(project: Path) -> None:
    shutil.copy(PROGRAMME.parent / "bookshop.toml", project / "books.toml")
    (project / "test_cafe.py").write_text(
        'import pytest\n\n@pytest.mark.programme("books.toml")\ndef test_it(programme):\n'
        '    assert programme.about.name == "The Bookshop"\n',
        encoding="utf-8",
    )

    status, said = pytest_says(project)

    assert status == 0, said


def test_without_a_programme_the_test_says_what_is_missing(project: Path) -> None:
    (project / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")

    status, said = pytest_says(project)

    assert status == 1
    assert "which programme?" in said
