"""Draws what a telephone's camera reads: a code as SVG for a page, as PNG for a printer, as letters for a terminal.

Only plain ASCII is drawn: some readers take anything else for another alphabet.
"""

from __future__ import annotations

import struct
import zlib
from typing import Final

import qrcode
from qrcode.constants import ERROR_CORRECT_M

_QUIET: Final = 4  # modules of white around it, without which it is not found
_BLOCKS: Final = {(False, False): " ", (True, False): "\u2580", (False, True): "\u2584", (True, True): "\u2588"}


def modules(payload: str) -> list[list[bool]]:
    """Give a payload as rows of modules, dark or not, with the quiet zone around them; ValueError unless ASCII."""
    if not payload.isascii():
        message = "a code holds plain ASCII only"
        raise ValueError(message)
    drawn = qrcode.QRCode(error_correction=ERROR_CORRECT_M, border=_QUIET)
    drawn.add_data(payload)
    drawn.make(fit=True)
    found: list[list[bool]] = drawn.get_matrix()
    return found


def svg(payload: str) -> str:
    """Draw it as SVG, black on white also where the page is dark: a camera looks for dark on light."""
    rows = modules(payload)
    size = len(rows)
    runs = "".join(f"M{x} {y}h{length}v1h-{length}z" for y, row in enumerate(rows) for x, length in _runs(row))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" shape-rendering="crispEdges">'
        f'<path fill="#fff" d="M0 0h{size}v{size}h-{size}z"/><path fill="#000" d="{runs}"/></svg>'
    )


def _runs(row: list[bool]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for x, dark in enumerate(row):
        if dark and found and found[-1][0] + found[-1][1] == x:
            found[-1] = (found[-1][0], found[-1][1] + 1)
        elif dark:
            found.append((x, 1))
    return found


def png(payload: str, *, scale: int = 10) -> bytes:
    """Draw it as a PNG of one bit a dot (ISO/IEC 15948), each module `scale` dots wide."""
    rows = modules(payload)
    size = len(rows) * scale
    lines = b"".join(b"\0" + _dots(row, scale) for row in rows for _ in range(scale))
    header = struct.pack(">IIBBBBB", size, size, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _dots(row: list[bool], scale: int) -> bytes:
    bits = "".join(("0" if dark else "1") * scale for dark in row)
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def letters(payload: str) -> str:
    """Draw it for a terminal, two rows of modules a line; light where the terminal is light, as a camera needs it."""
    rows = modules(payload)
    rows = [*rows, *([[False] * len(rows[0])] if len(rows) % 2 else [])]
    return "\n".join(
        "".join(_BLOCKS[not upper, not lower] for upper, lower in zip(rows[n], rows[n + 1], strict=True))
        for n in range(0, len(rows), 2)
    )
