"""A shop's history on its way in: a file is written, brought to the café, and what was refused is read back."""

from __future__ import annotations

import asyncio
import csv
from pathlib import Path

from msgspec import Struct

from loyalty_engine.businesses import Caller
from loyalty_engine.house import House
from loyalty_engine.importing.files import open_source
from loyalty_engine.importing.mapping import read_mapping
from loyalty_engine.importing.report import Report, opened_report
from loyalty_engine.importing.running import Import, carry_out
from tests.engine.shop import MONDAY


class Watcher:
    """Hears how far an import is; may pull the plug after so many purchases."""

    def __init__(self, *, stop_after: int | None = None) -> None:
        self.heard: list[tuple[int, int]] = []
        self._stop_after = stop_after

    def reading(self, rows: int) -> None:
        self.heard.append((rows, 0))

    def recording(self, settled: int, of: int) -> None:
        self.heard.append((settled, of))
        if self._stop_after is not None and settled >= self._stop_after:
            raise asyncio.CancelledError


class Bringing(Struct):
    """The café's history on its way in: into which house, from which folder."""

    house: House
    cafe: Caller
    folder: Path

    async def brings(
        self, text: str | Path, mapping: str = "", *, watcher: Watcher | None = None, dry_run: bool = False
    ) -> Report:
        file = self._written(text)
        said = read_mapping(mapping)
        source = open_source(file, said.form)
        with opened_report(self.folder / "problems.csv") as report:
            work = Import(
                house=self.house, caller=self.cafe, source=source, mapping=said.resolved(source.header),
                report=report, progress=watcher or Watcher(), now=lambda: MONDAY, dry_run=dry_run,
            )  # fmt: skip
            await carry_out(work)
        return report

    def _written(self, text: str | Path) -> Path:
        if isinstance(text, Path):
            return text
        file = self.folder / "history.csv"
        file.write_bytes(text.encode())
        return file

    def problems(self) -> list[tuple[str, str, str]]:
        """The rows, receipt and code of everything refused."""
        with (self.folder / "problems.csv").open(encoding="utf-8", newline="") as opened:
            return sorted((row["rows"], row["receipt"], row["code"]) for row in csv.DictReader(opened))
