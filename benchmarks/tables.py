"""How a part shows what it measured: a table, a line of ratios with their aims, and how busy the machine was."""

from __future__ import annotations

import os
from collections.abc import Sequence


def show(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table; the first column is text, the others are figures."""
    widths = [max(len(row[n]) for row in (heading, *rows)) for n in range(len(heading))]
    for row in (heading, ["-" * width for width in widths], *rows):
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        print("  ".join(cells).rstrip())
    print()


def ratio(says: str, value: float, *, least: float | None = None, most: float | None = None, unit: str = "") -> None:
    """Print one figure that matters, beside its aim where it has one."""
    figure = f"  {says:<72}{value:8.2f}{unit:<3}"
    if least is None and most is None:
        print(figure.rstrip())
        return
    reached = value >= least if least is not None else most is not None and value <= most
    aim = f"at least {least:g}{unit}" if least is not None else f"at most {most:g}{unit}"
    print(f"{figure}  aim: {aim:<16}{'reached' if reached else 'MISSED'}")


def load() -> str:
    """Say how busy the machine has been, to judge the figures by."""
    return "load average " + ", ".join(f"{value:.2f}" for value in os.getloadavg())
