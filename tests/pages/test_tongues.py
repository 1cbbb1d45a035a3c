"""Six files of sentences that say the same: every name in each, with the same values, and each one used."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from api.pages import tongues
from api.pages.tongues import LANGUAGES, choose, tongue

PAGES = Path(tongues.__file__).parent


def said(code: str) -> dict[str, Any]:
    tables = tomllib.loads((PAGES / "words" / f"{code}.toml").read_text(encoding="utf-8"))
    return {f"{table}.{name}": value for table, names in tables.items() for name, value in names.items()}


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_language_says_everything_with_the_same_values(code: str) -> None:
    english, here = said("en"), said(code)

    assert here.keys() == english.keys()
    for name, sentence in here.items():
        assert sentence
        if isinstance(sentence, str):
            assert set(re.findall(r"{\w+}", sentence)) == set(re.findall(r"{\w+}", english[name])), name


def test_every_sentence_is_said_somewhere() -> None:
    files = [*PAGES.glob("*.py"), *PAGES.glob("templates/*.html")]
    text = "".join(file.read_text(encoding="utf-8") for file in files)
    by_name = ("kinds.", "decisions.", "sources.", "channels.", "refused.", "units.", "calendar.")

    assert [name for name in said("en") if not name.startswith(by_name) and f'"{name}"' not in text] == []


@pytest.mark.parametrize(
    ("asked", "theirs", "accepts", "chosen"),
    [
        ("fi", "sv", "en", "fi"),
        (None, "no", "en", "nb"),
        (None, None, "de-DE,da;q=0.8", "da"),
        ("../en", None, "", "nn"),
        (None, None, "nn-NO", "nn"),
    ],
)
def test_the_language_is_the_one_asked_for_then_theirs_then_the_browsers(
    asked: str | None, theirs: str | None, accepts: str, chosen: str
) -> None:
    assert choose(asked, theirs, accepts, "nn").code == chosen


def test_days_and_figures_are_written_as_the_language_does() -> None:
    day = datetime(2026, 5, 17, tzinfo=UTC)

    assert tongue("nb").day(day) == "17. mai 2026"
    assert tongue("fi").day(day) == "17. toukokuuta 2026"
    assert tongue("en").day(day) == "17 May 2026"
    assert tongue("sv").signed(-1234) == "\u22121\u202f234"
