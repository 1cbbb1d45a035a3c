"""The README's session is run as it stands: a shop made with the command line, a till that speaks curl."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.corner_cafe import CAFE, PROGRAMME

ROOT = Path(__file__).parent.parent.parent
LOYALTY = [sys.executable, "-m", "loyalty_engine.cli"]
START = 30


class Step(msgspec.Struct, frozen=True):
    """One command of a page, and the part of its answer that the page shows."""

    command: str
    shown: str

    @property
    def title(self) -> str:
        key = re.search(r"Idempotency-Key: ([\w-]+)", self.command)
        return key.group(1) if key else self.command.split('"')[-2][:40]


def steps(page: str) -> list[Step]:
    """Return the commands of a page's console blocks, each with what is shown until the next command."""
    blocks = re.findall(r"^```console\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    return [step for block in blocks for step in _commands(block)]


def _commands(block: str) -> Iterator[Step]:
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        lines = part.splitlines()
        answer = next((n for n, line in enumerate(lines) if line.startswith("HTTP/")), len(lines))
        yield Step("\n".join(lines[:answer]), "\n".join(lines[answer:]))


def differs(shown: Any, given: Any, place: str = "") -> list[str]:
    """Return where an answer is not what the page shows; objects and lists may hold more than is shown.

    A text that ends in ... stands for any that begins so.
    """
    if isinstance(shown, Mapping) and isinstance(given, Mapping):
        return [found for name in shown for found in differs(shown[name], given.get(name), f"{place}/{name}")]
    if isinstance(shown, list) and isinstance(given, list):
        rest = iter(given)
        return [
            f"{place}/{n}: {item} is not in {given}"
            for n, item in enumerate(shown)
            if all(differs(item, other) for other in rest)
        ]
    if isinstance(shown, str) and isinstance(given, str) and shown.endswith("..."):
        return [] if given.startswith(shown.removesuffix("...")) else [f"{place}: {given!r} is not {shown!r}"]
    return [] if type(shown) is type(given) and shown == given else [f"{place}: {given!r} is not {shown!r}"]


def answered(shown: str, given: str) -> list[str]:
    """Return where curl's output is not what the page shows: status line and headers, then the body."""
    shown_head, _, shown_body = shown.partition("\n\n")
    given_head, _, given_body = given.replace("\r\n", "\n").partition("\n\n")
    heads = {line.lower() for line in given_head.splitlines()}
    missing = [f"{line!r} is not in {given_head!r}" for line in shown_head.splitlines() if line.lower() not in heads]
    return missing + differs(json.loads(shown_body), json.loads(given_body))


@pytest.fixture(scope="module")
def till(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The Corner Café on a database of its own, open, and the environment of its till's shell."""
    folder = tmp_path_factory.mktemp("corner-cafe")
    database = ["--database", f"sqlite:///{folder / 'loyalty.db'}"]
    cafe = ["--business", CAFE]
    _run("apply", str(PROGRAMME), *cafe, *database)
    key = json.loads(_run("keys", "create", *cafe, "--scope", "till", "--scope", "read", "--json", *database))["key"]
    port = _free_port()
    server = subprocess.Popen([*LOYALTY, "serve", "--port", str(port), *database], cwd=ROOT)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_open(server, url)
        yield {"PATH": os.environ["PATH"], "LOYALTY_URL": url, "TILL_KEY": key}
    finally:
        server.terminate()
        server.wait(START)


def _run(*arguments: str) -> str:
    done = subprocess.run([*LOYALTY, *arguments], cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_open(server: subprocess.Popen[bytes], url: str) -> None:
    until = time.monotonic() + START
    while time.monotonic() < until and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/health/ready", timeout=START) as answer:
                assert answer.status == 200
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.05)
    pytest.fail(f"the server did not open its door within {START} s (it ended with {server.poll()})")


@pytest.mark.skipif(shutil.which("curl") is None, reason="the README's till speaks curl, which is not here")
def test_the_readmes_session_gives_what_it_shows(till: dict[str, str]) -> None:
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    told = steps(page)
    assert len([step for step in told if step.shown]) == 9
    script = "\n".join(f"{step.command}\nprintf '\\036'" for step in told)

    said = subprocess.run(["sh", "-eu", "-c", script], env=till, check=True, capture_output=True, text=True).stdout

    answers = said.split("\036")[: len(told)]
    wrong = {step.title: answered(step.shown, got) for step, got in zip(told, answers, strict=True) if step.shown}
    assert {title: found for title, found in wrong.items() if found} == {}


# --- the comparison can fail


def test_an_answer_that_is_not_what_is_shown_is_found() -> None:
    shown = 'HTTP/1.1 201 Created\nIdempotency-Hit: true\n\n{"id": "pur_...", "awards": [{"amount": 2}]}'
    body = '{"id": "pur_1", "awards": [{"amount": 1}, {"amount": 2}], "z": 0}'
    given = f"HTTP/1.1 201 Created\r\nidempotency-hit: true\r\nx: y\r\n\r\n{body}"

    assert answered(shown, given) == []
    assert len(answered(shown, given.replace("201", "200"))) == 1
    assert len(answered(shown, given.replace("true", "false"))) == 1
    assert len(answered(shown, given.replace("pur_1", "hld_1"))) == 1
    assert len(answered(shown, given.replace('"amount": 2', '"amount": true'))) == 1


def test_a_page_is_read_command_by_command() -> None:
    page = "```console\n$ A=$(curl x \\\n    y)\n$ curl z\nHTTP/1.1 200 OK\n\n{}\n```\n\n```\n$ not this\n```\n"

    assert steps(page) == [Step("A=$(curl x \\\n    y)", ""), Step("curl z", "HTTP/1.1 200 OK\n\n{}")]
