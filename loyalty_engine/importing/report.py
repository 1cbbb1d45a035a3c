"""What came of an import: counted for the person who waits, and row by row in a file for whoever puts it right."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

from loyalty_engine.importing.receipts import Problem

# How many problems are kept to be shown when no file was asked for.
_SHOWN = 20
_HEADER = ("rows", "receipt", "code", "sentence")


class Report:
    """The counts of one import, and the list of what was not recorded."""

    def __init__(self, listed: Any = None) -> None:
        """Begin with nothing; `listed` is the open CSV writer of the problem file, if one was asked for."""
        self._listed = listed
        self.rows = 0
        self.read = 0
        self.recorded = 0
        self.already = 0
        self.memberless = 0
        self.joined = 0
        self.issued: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.first_problems: list[Problem] = []

    def problem(self, problem: Problem) -> None:
        """Note rows that were not recorded."""
        self.refused[problem.code] += 1
        if self._listed is not None:
            self._listed.writerow((spans(problem.rows), problem.receipt, problem.code, problem.says))
        if len(self.first_problems) < _SHOWN:
            self.first_problems.append(problem)

    def settled(self) -> int:
        """Count the purchases that need no more looking at."""
        return self.recorded + self.already + self.memberless + self.refused.total()

    def sentences(self, took: timedelta, *, dry_run: bool) -> Iterator[str]:
        """Say what came of it."""
        what = "would be recorded" if dry_run else "recorded"
        yield f"{self.read} purchases read from {self.rows} rows"
        yield f"  {self.recorded} {what}" + (f", {self.joined} members new" if self.joined else "")
        yield f"  {self.already} already there"
        if self.memberless:
            yield f"  {self.memberless} name no member"
        for code, count in sorted(self.refused.items()):
            yield f"  {count} refused: {code}"
        for unit, amount in sorted(self.issued.items()):
            yield f"{amount} {unit} issued"
        milliseconds = max(1, took // timedelta(milliseconds=1))
        speed = self.settled() * 1000 // milliseconds
        yield f"{milliseconds // 1000}.{milliseconds % 1000 // 100} s, {speed} purchases/s"


@contextmanager
def opened_report(file: Path | None) -> Iterator[Report]:
    """Open a report; its problems are listed in a CSV file when one is named."""
    if file is None:
        yield Report()
        return
    with file.open("w", encoding="utf-8", newline="") as opened:
        yield Report(_writer(opened))


def _writer(opened: IO[str]) -> Any:
    writer = csv.writer(opened)
    writer.writerow(_HEADER)
    return writer


def spans(numbers: Sequence[int]) -> str:
    """Write row numbers as a person would: 2-9, 14."""
    found: list[list[int]] = []
    for number in sorted(set(numbers)):
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in found)
