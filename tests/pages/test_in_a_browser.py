"""The pages in a real browser: nobody is shut out, nothing is asked of another host, and no script is needed."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import axe_playwright_python
import pytest
from msgspec import Struct
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
# A telephone by day and a desk by night.
SIZES = ((390, "light"), (1280, "dark"))


class Demo(Struct, frozen=True):
    """The demo as it is served, and a member's page in it."""

    address: str
    own: str


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Start `loyalty demo` as a newcomer does, and read from its greeting where things are."""
    folder = tmp_path_factory.mktemp("demo")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    command = [sys.executable, "-u", "-m", "loyalty_engine.cli", "demo", "--port", port]
    command += ["--database", f"sqlite:///{folder}/demo.db"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LOYALTY_")}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=Path(__file__).parents[2], env=kept
    )
    assert process.stdout is not None
    own = next(found[1] for line in process.stdout if (found := re.search(r"(/m/\w+)", line)))
    try:
        yield Demo(f"http://127.0.0.1:{port}", own)
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


@pytest.fixture(scope="module")
def browser(demo: Demo) -> Iterator[Browser]:
    if CHROMIUM is None:
        if os.environ.get("CI") == "true":
            pytest.fail("there is no Chromium: install chromium")
        pytest.skip("there is no Chromium: install chromium")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        _until_it_answers(opened, demo)
        yield opened
        opened.close()


def _until_it_answers(opened: Browser, demo: Demo) -> None:
    """Ask until the server listens; the greeting is printed just before."""
    request = opened.new_context().request
    last: Exception | None = None
    for _ in range(600):
        try:
            if request.get(f"{demo.address}/health/ready").ok:
                return
        except Exception as away:  # noqa: BLE001  # whatever the browser calls a refused connection
            last = away
    pytest.fail(f"the demo does not answer: {last}")


def looked_over(page: Page) -> list[str]:
    """Give what axe-core finds wrong with a page (WCAG 2.2 A and AA among it)."""
    page.evaluate(AXE)
    found = page.evaluate("axe.run()")["violations"]
    return [f"{page.url}: {one['id']}: {one['nodes'][0]['html'][:100]}" for one in found]


def _listen(page: Page, address: str, wrong: list[str]) -> None:
    """Note what a page asks of another host, and what its policy had to refuse."""
    page.on("request", lambda one: wrong.append(one.url) if not one.url.startswith(address) else None)
    page.on("console", lambda one: wrong.append(one.text) if "Content Security" in one.text else None)


def test_nobody_is_shut_out_and_no_other_host_is_asked(demo: Demo, browser: Browser) -> None:
    paths = (demo.own, "/j/corner-cafe", "/j/corner-cafe/poster?at=grunerlokka", "/try", "/j/nowhere")
    wrong: list[str] = []
    for width, scheme in SIZES:
        context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)  # type: ignore[arg-type]  # one of its words
        page = context.new_page()
        _listen(page, demo.address, wrong)
        for path in paths:
            page.goto(demo.address + path)
            wrong += looked_over(page)
            if page.evaluate("document.documentElement.scrollWidth") > width:
                wrong.append(f"{path} is wider than {width}")
        context.close()

    assert wrong == []


def test_somebody_joins_and_turns_a_switch_without_javascript(demo: Demo, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False, locale="en-GB")
    page = context.new_page()
    page.goto(f"{demo.address}/j/corner-cafe?lang=en")
    page.fill("#number", "999 00 888")
    page.fill("#name", "Nora")
    page.click("text=Send me a code")
    telephone = context.new_page()
    code = None
    for _ in range(200):
        telephone.goto(f"{demo.address}/try?number=999+00+888")
        if (code := re.search(r"\b[0-9]{6}\b", telephone.locator("body").inner_text())) is not None:
            break
    assert code is not None, "no code arrived on the telephone"

    page.fill("#code", code[0])
    page.click("text=Open my page")
    page.locator("[role=switch]").last.click()

    assert page.locator("h1").inner_text() == "Hello, Nora"
    assert page.locator("[role=switch]").last.get_attribute("aria-checked") == "true"
    context.close()
