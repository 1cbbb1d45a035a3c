"""What the pages say, in six languages: a file of sentences each, and days and figures as the language writes them."""

from __future__ import annotations

import tomllib
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any, Final

LANGUAGES: Final = {
    "nb": "Bokmål", "nn": "Nynorsk", "sv": "Svenska", "da": "Dansk", "fi": "Suomi", "en": "English",
}  # fmt: skip
_SAME: Final = {"no": "nb"}


class Tongue:
    """One language: `t("join.title", business="Corner Café")` says a sentence of it."""

    def __init__(self, code: str, says: dict[str, Any]) -> None:
        """Take the language's code and its sentences."""
        self.code = code
        self._says = says

    def __call__(self, name: str, /, **values: object) -> str:
        """Say a sentence; its values are put in as they are, and escaped by the page."""
        table, _, key = name.partition(".")
        said: str = self._says[table][key]
        return said.format(**values) if values else said

    def called(self, table: str, key: str) -> str:
        """Say what something is called, or its own name where the language has none for it."""
        return str(self._says[table].get(key, key))

    def day(self, when: datetime) -> str:
        """Write a day."""
        month = self._says["calendar"]["months"][when.month - 1]
        return self("calendar.day", day=when.day, month=month, year=when.year)

    def amount(self, amount: int) -> str:
        """Write a figure with a thin gap between thousands and a true minus."""
        return f"{amount:,}".replace(",", "\u202f").replace("-", "\u2212")

    def signed(self, amount: int) -> str:
        """Write a figure with its sign."""
        return ("+" if amount > 0 else "") + self.amount(amount)


@cache
def tongue(code: str) -> Tongue:
    """Give a language of the pages; English where we do not speak it."""
    known = _SAME.get(code, code)
    known = known if known in LANGUAGES else "en"
    text = (files("api.pages") / "words" / f"{known}.toml").read_text(encoding="utf-8")
    return Tongue(known, tomllib.loads(text))


def choose(asked: str | None, theirs: str | None, accepts: str, programme: str) -> Tongue:
    """Choose a language: the one asked for, else the member's, else the browser's first that we speak, else the
    programme's.
    """
    for code in (asked, theirs):
        if code is not None and _SAME.get(code, code) in LANGUAGES:
            return tongue(code)
    for each in accepts.split(","):
        code = each.partition(";")[0].strip().partition("-")[0].lower()
        if _SAME.get(code, code) in LANGUAGES:
            return tongue(code)
    return tongue(programme)
