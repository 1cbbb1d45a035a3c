"""What a camera reads from the poster, the voucher and the terminal: held against a reader we did not write."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import zlib
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings, strategies

from loyalty_engine.cli import main
from loyalty_engine.pages import picturing
from tests.pages.conftest import Cafe

READER = shutil.which("zbarimg")
POSTER = "SMSTO:26112:KAFFE grunerlokka"


def read(picture: bytes, folder: Path) -> str:
    """Let zbar read a picture; on CI it must be there."""
    if READER is None:
        if os.environ.get("CI") == "true":
            pytest.fail("zbarimg is missing: install zbar-tools")
        pytest.skip("zbarimg is missing: install zbar-tools")
    file = folder / "square.png"
    file.write_bytes(picture)
    found = subprocess.run([READER, "--quiet", "--raw", file], check=True, capture_output=True, text=True)
    return found.stdout.strip()


def as_png(rows: list[list[bool]], scale: int = 6) -> bytes:
    """Make a picture of rows of modules, in our test's own way: a byte a dot."""
    lines = b"".join(
        b"\0" + b"".join((b"\0" if dark else b"\xff") * scale for dark in row) for row in rows for _ in range(scale)
    )
    size = len(rows) * scale
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", len(rows[0]) * scale, size, 8, 0, 0, 0, 0))]
    chunks += [(b"IDAT", zlib.compress(lines)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


@pytest.mark.parametrize("payload", [POSTER, "K7QF-2MXP", "https://poeng.example.no/j/corner-cafe?at=grunerlokka"])
def test_a_reader_reads_the_dots_as_they_were_meant(payload: str, tmp_path: Path) -> None:
    assert read(picturing.png(payload), tmp_path) == payload


def test_a_reader_reads_the_terminal(tmp_path: Path) -> None:
    lines = picturing.letters(POSTER).split("\n")
    upper = {" ": (True, True), "\u2588": (False, False), "\u2580": (False, True), "\u2584": (True, False)}
    rows = [[upper[letter][half] for letter in line] for line in lines for half in (0, 1)]

    assert read(as_png(rows), tmp_path) == POSTER


@settings(max_examples=20, deadline=None)
@given(strategies.text(alphabet=strategies.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=80))
def test_a_square_in_svg_is_the_square_of_the_dots(payload: str) -> None:
    rows = picturing.modules(payload)

    drawn = picturing.svg(payload)

    assert f'viewBox="0 0 {len(rows)} {len(rows)}"' in drawn
    assert drawn.count("v1h-") == len([run for row in rows for run in picturing._runs(row)])


def test_anything_but_ascii_is_not_drawn() -> None:
    with pytest.raises(ValueError, match="ASCII"):
        picturing.modules("KAFÉ")


@pytest.mark.anyio
async def test_a_poster_leads_to_the_join_page_of_its_location(cafe: Cafe, tmp_path: Path) -> None:
    poster = await cafe.browser.get("/j/corner-cafe/poster?at=grunerlokka&lang=nb")
    dots = await cafe.browser.get("/j/corner-cafe/qr.png?at=grunerlokka")
    drawn = await cafe.browser.get("/j/corner-cafe/qr.svg?at=grunerlokka")

    assert "Samle poeng her" in poster.text
    assert read(dots.content, tmp_path) == "http://cafe.example/j/corner-cafe?at=grunerlokka"
    assert drawn.text in poster.text
    assert (await cafe.browser.get("/j/corner-cafe/poster?at=../../x")).status_code == 400


@pytest.mark.anyio
async def test_a_terminal_draws_the_text_a_newcomer_sends(cafe: Cafe, database_url: str, tmp_path: Path) -> None:
    asked = ["qr", "--business", "corner-cafe", "--database", database_url, "--number", "26112", "--word", "KAFFE"]
    environment = {"LOYALTY_KEY_FILE": str(tmp_path / "loyalty.key")}
    file = tmp_path / "poster.png"

    import anyio

    shown = await anyio.to_thread.run_sync(lambda: CliRunner().invoke(main, asked, env=environment))
    written = await anyio.to_thread.run_sync(
        lambda: CliRunner().invoke(main, [*asked, "--location", "grunerlokka", "--out", str(file)], env=environment)
    )

    assert shown.exit_code == 0, shown.output
    assert "SMSTO:26112:KAFFE" in shown.output
    assert written.exit_code == 0, written.output
    assert read(file.read_bytes(), tmp_path) == POSTER
