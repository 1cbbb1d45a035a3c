"""The pages lead somewhere, name only what exists, and every decision is written the same way."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath

import pytest
from markdown_it import MarkdownIt

from tests.house.tree import ROOT, nothing, texts

HEADINGS = ["Context", "Decision", "Consequences", "Alternatives", "Enforced by"]
LONGEST_DECISION = 40
OURS = ("api/", "benchmarks/", "docs/", "loyalty_engine/", "rules/", "tests/", ".ci/")
DECISION_NAME = re.compile(r"(\d{4})-[a-z0-9-]+\.md")


def pages() -> dict[str, str]:
    return {path: text for path, text in texts() if path.endswith(".md")}


def exists(path: str) -> bool:
    return (ROOT / path).exists()


def broken_links(page: str, text: str, there: Callable[[str], bool]) -> list[str]:
    """Return the page's relative links that lead to nothing."""
    tokens = [inner for token in MarkdownIt().parse(text) for inner in token.children or []]
    targets = [str(token.attrGet("href") or token.attrGet("src") or "") for token in tokens]
    ours = [target.partition("#")[0] for target in targets if target and not re.match(r"[a-z]+:|#", target)]
    return [f"{page}: {target}" for target in ours if not there(_from(page, target))]


def _from(page: str, target: str) -> str:
    parts: list[str] = []
    for part in (PurePosixPath(page).parent / target).parts:
        parts = parts[:-1] if part == ".." and parts else [*parts, part]
    return "/".join(parts)


def names_nothing(page: str, text: str, there: Callable[[str], bool]) -> list[str]:
    """Return the files of ours that a page names in backticks and that are not there."""
    named = re.findall(r"`([\w./-]+)`", text)
    ours = [name for name in named if name.startswith(OURS) and "*" not in name]
    return [f"{page}: {name}" for name in ours if not there(name.rstrip("/"))]


def badly_numbered(names: list[str]) -> list[str]:
    """Return what is wrong with the decisions' numbers: a double, a name of another shape.

    A gap is none: numbers are given out ahead to those who build at the same time.
    """
    shaped = {name: DECISION_NAME.fullmatch(name) for name in sorted(names)}
    odd = [name for name, match in shaped.items() if not match]
    numbers = [int(match.group(1)) for match in shaped.values() if match]
    return odd + [f"{number} stands twice" for number in sorted(set(numbers)) if numbers.count(number) > 1]


def badly_written(name: str, text: str) -> list[str]:
    """Return what is wrong with one decision: its title, its five headings in order, its length."""
    lines = text.splitlines()
    found = [line.removeprefix("## ") for line in lines if line.startswith("## ")]
    wrong = []
    if found != HEADINGS:
        wrong.append(f"{name} has the headings {found}")
    if not lines or not re.fullmatch(rf"# {name[:4]}\. .+", lines[0]):
        wrong.append(f"{name} does not begin with its number and a title")
    if len(lines) > LONGEST_DECISION:
        wrong.append(f"{name} has {len(lines)} lines")
    return wrong


def decisions() -> Mapping[str, str]:
    return {file.name: file.read_text(encoding="utf-8") for file in sorted((ROOT / "docs/decisions").glob("*.md"))}


def test_every_link_leads_somewhere() -> None:
    nothing([finding for page, text in pages().items() for finding in broken_links(page, text, exists)])


def test_every_file_a_page_names_is_there() -> None:
    ours = {page: text for page, text in pages().items() if page != "CHANGELOG.md"}

    nothing([finding for page, text in ours.items() for finding in names_nothing(page, text, exists)])


def test_decisions_have_a_number_each() -> None:
    assert len(decisions()) > 0
    nothing(badly_numbered(list(decisions())))


@pytest.mark.parametrize("name", sorted(decisions()))
def test_a_decision_says_why_and_what_guards_it(name: str) -> None:
    nothing(badly_written(name, decisions()[name]))


def not_listed(index: str, names: list[str]) -> list[str]:
    """Return the pages that the index does not lead to."""
    return [name for name in names if f"({name})" not in index]


def test_every_page_is_on_the_list() -> None:
    docs = ROOT / "docs"
    found = [file.relative_to(docs).as_posix() for file in docs.rglob("*.md") if file.name != "index.md"]

    nothing(not_listed((docs / "index.md").read_text(encoding="utf-8"), found))


def test_a_page_that_is_not_listed_is_found() -> None:
    assert not_listed("[x](howto/a.md)", ["howto/a.md", "howto/b.md"]) == ["howto/b.md"]


# --- each rule above can fail


@pytest.mark.parametrize("text", ["[x](gone.md)", "![x](../gone.svg)", "see [the rest](gone.md#top)"])
def test_a_broken_link_is_found(text: str) -> None:
    assert len(broken_links("docs/why.md", text, {"docs/index.md"}.__contains__)) == 1
    assert (
        broken_links(
            "docs/a/b.md",
            "[x](../index.md#top) <https://example.com> [y](#z)",
            {"docs/index.md"}.__contains__,
        )
        == []
    )


def test_a_file_that_is_named_and_not_there_is_found() -> None:
    assert names_nothing("docs/why.md", "see `rules/gone.py`", {"rules/here.py"}.__contains__) == [
        "docs/why.md: rules/gone.py"
    ]
    assert (
        names_nothing("docs/why.md", "see `rules/here.py`, `rules/` and `x/y`", {"rules/here.py", "rules"}.__contains__)
        == []
    )


@pytest.mark.parametrize(
    "names",
    [["0001-a.md", "0001-b.md"], ["0001-a.md", "notes.md"]],
)
def test_a_number_given_twice_is_found(names: list[str]) -> None:
    assert badly_numbered(names)
    assert badly_numbered(["0003-c.md", "0001-a.md"]) == []


def test_a_decision_without_its_headings_is_found() -> None:
    whole = "# 0001. A title\n" + "".join(f"\n## {heading}\n\nText.\n" for heading in HEADINGS)

    assert badly_written("0001-a.md", whole) == []
    assert len(badly_written("0001-a.md", whole.replace("## Alternatives", "## Others"))) == 1
    assert len(badly_written("0002-a.md", whole)) == 1
    assert len(badly_written("0001-a.md", whole + "\nmore" * LONGEST_DECISION)) == 1
