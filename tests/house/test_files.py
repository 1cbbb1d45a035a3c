"""What is committed speaks of this project alone, installs only what is locked, and gives its reasons."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.house.tree import ROOT, nothing, texts

# Written in halves, so that this file does not find itself.
HOSTS = re.compile(
    "|".join(
        [
            "py" + r"pi\.org",
            "python" + r"hosted\.org",
            "npm" + r"js\.(org|com)",
            "deb" + r"ian\.org",
            "crates" + r"\.io",
        ]
    )
)
PATHS = re.compile(
    "|".join([r"(?<![\w./-])/wo" + r"rk/", r"(?<![\w./-])/ro" + r"ot/", r"/ho" + r"me/\w", r"[A-Z]:\\Us" + "ers"])
)
LICENCE_TEXT = "LICENSE"


def machine_words(path: str, text: str) -> list[str]:
    """Return where a text names a package registry or a folder of somebody's machine."""
    if path == LICENCE_TEXT:
        return []
    lines = enumerate(text.splitlines(), 1)
    return [
        f"{path}:{number} {found.group()}"
        for number, line in lines
        if (found := HOSTS.search(line) or PATHS.search(line))
    ]


def unlocked(text: str) -> list[str]:
    """Return the lines of a lock file that name a host, or a release without a hash."""
    hosts = [line for line in text.splitlines() if "://" in line or line.startswith("-")]
    bare = [
        release
        for release in re.split(r"\n(?=\S)", text)
        if not release.startswith("#") and "--hash=sha256:" not in release and release.strip()
    ]
    return hosts + bare


def unreasoned(pyproject: str) -> list[str]:
    """Return the lint exceptions that do not say why, in pyproject's lists of them."""
    lint = pyproject.partition("[tool.ruff.lint]")[2].partition("[tool.ruff.lint.flake8")[0]
    exceptions = [line.strip() for line in lint.splitlines() if re.match(r'\s*"[A-Z]+\d*"', line)]
    return [line for line in exceptions if not re.search(r"#\s+\S+\s+\S+", line)]


def bare_noqa(path: str, text: str) -> list[str]:
    """Return the lines that silence the linter or the type checker without saying which rule."""
    bare = re.compile(r"#\s*no" + r"qa(?!:\s*[A-Z]+\d+)|#\s*type:\s*ig" + r"nore(?!\[)")
    lines = enumerate(text.splitlines(), 1)
    return [f"{path}:{number} {line.strip()}" for number, line in lines if bare.search(line)]


def test_no_file_names_a_machine_or_a_registry() -> None:
    nothing([finding for path, text in texts() for finding in machine_words(path, text)])


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-bench.lock"])
def test_the_lock_names_no_host_and_hashes_every_release(name: str) -> None:
    nothing(unlocked((ROOT / name).read_text(encoding="utf-8")))


def test_the_lock_holds_every_dependency_the_project_names() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    locked = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements.lock").read_text(encoding="utf-8"), re.MULTILINE))
    extras = project["optional-dependencies"]

    named = {re.split(r"[<>=;\[ ]", line)[0] for line in [*project["dependencies"], *extras["test"], *extras["docs"]]}

    assert named - locked == set()


def test_every_lint_exception_gives_its_reason() -> None:
    nothing(unreasoned((ROOT / "pyproject.toml").read_text(encoding="utf-8")))


def test_every_silenced_line_names_the_rule_it_silences() -> None:
    ours = [(path, text) for path, text in texts() if path.endswith(".py")]

    nothing([finding for path, text in ours for finding in bare_noqa(path, text)])


# --- each rule above can fail


@pytest.mark.parametrize(
    "text",
    ["see https://py" + "pi.org/simple", "files.python" + "hosted.org", "open('/wo" + "rk/main/x')",
     "cd /ro" + "ot/", "/ho" + "me/ida/x"],
)  # fmt: skip
def test_a_machine_in_a_file_is_found(text: str) -> None:
    assert len(machine_words("docs/planted.md", text)) == 1
    assert machine_words("docs/planted.md", "the network/root/ and https://example.com/homework/") == []


@pytest.mark.parametrize(
    "text",
    ["anyio==4.0\nidna==3.0 \\\n    --hash=sha256:00", "--index-url https://example.com/simple",
     "x @ https://example.com/x.whl --hash=sha256:00"],
)  # fmt: skip
def test_an_unlocked_line_is_found(text: str) -> None:
    assert unlocked(text)
    assert unlocked("# made by a tool\nanyio==4.0 \\\n    --hash=sha256:00\nidna==3.0 \\\n    --hash=sha256:01\n") == []


@pytest.mark.parametrize("line", ['"D203",', '"D203",   #', '"D203",   # no'])
def test_a_lint_exception_without_a_reason_is_found(line: str) -> None:
    assert unreasoned(f"[tool.ruff.lint]\nignore = [\n    {line}\n]") == [line]
    assert unreasoned('[tool.ruff.lint]\nignore = [\n    "D203",  # contradicts D211\n]') == []


@pytest.mark.parametrize("line", ["x = 1  # no" + "qa", "x = 1  # no" + "qa because", "x = 1  # type: ig" + "nore"])
def test_a_line_silenced_altogether_is_found(line: str) -> None:
    assert len(bare_noqa("api/planted.py", line)) == 1
    assert bare_noqa("api/planted.py", "x = 1  # no" + "qa: S101 - our own bug") == []
