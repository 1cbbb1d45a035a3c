"""`loyalty import purchases`: the shop's own words for an import, a progress bar, and what came of it."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

from loyalty_engine import businesses
from loyalty_engine.house import House
from loyalty_engine.importing.files import Format, Source, open_source
from loyalty_engine.importing.mapping import ImportRefused, Mapping, read_mapping
from loyalty_engine.importing.report import Report, opened_report, spans
from loyalty_engine.importing.running import Import, carry_out

InHouse = Callable[[str | None, Callable[[House], Awaitable[Any]]], Any]
Option = Callable[[Any], Any]
_A_LINE_EVERY = 10_000
_file = click.Path(exists=True, dir_okay=False, path_type=Path)


class Bar:
    """A progress bar for a person who watches."""

    def __init__(self) -> None:
        """Put the bar up."""
        self._bar = RichProgress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
            console=Console(stderr=True), transient=True,
        )  # fmt: skip
        self._task = self._bar.add_task("reading", total=None)
        self._bar.start()

    def reading(self, rows: int) -> None:
        """Count rows."""
        self._bar.update(self._task, completed=rows)

    def recording(self, settled: int, of: int) -> None:
        """Move on."""
        self._bar.update(self._task, description="recording", completed=settled, total=of)

    def close(self) -> None:
        """Take the bar down."""
        self._bar.stop()


class Lines:
    """A line now and then for a log that somebody reads later."""

    def __init__(self) -> None:
        """Begin at nothing."""
        self._said = 0

    def reading(self, rows: int) -> None:
        """Say nothing: reading takes seconds."""

    def recording(self, settled: int, of: int) -> None:
        """Say how far it is, every ten thousand purchases."""
        if settled // _A_LINE_EVERY > self._said:
            self._said = settled // _A_LINE_EVERY
            click.echo(f"{settled} of {of} purchases", err=True)

    def close(self) -> None:
        """Need nothing."""


def purchases_command(
    in_house: InHouse, business: Option, database: Option, now: Callable[[], datetime]
) -> click.Command:
    """Make the command; how a house is opened, the shared options and the clock are the command line's own."""

    @click.command(name="purchases")
    @click.argument("file", type=_file)
    @business
    @click.option("--mapping", type=_file, help="TOML: which column means what, and how the file is written.")
    @click.option(
        "--column",
        "columns",
        multiple=True,
        metavar="FIELD=COLUMN",
        help="Map one column; wins over the mapping.",
    )
    @click.option(
        "--format",
        "kind",
        type=click.Choice(["csv", "parquet"]),
        help="As the file's name says, if left out.",
    )
    @click.option(
        "--report",
        "report_file",
        type=click.Path(dir_okay=False, path_type=Path),
        help="List what was refused here, as CSV.",
    )
    @click.option("--dry-run", is_flag=True, help="Read and judge everything, record nothing.")
    @database
    def purchases(  # one parameter an option
        file: Path, business: str, mapping: Path | None, columns: tuple[str, ...], kind: Format | None,
        report_file: Path | None, dry_run: bool, database: str | None,  # noqa: FBT001
    ) -> None:  # fmt: skip
        """Record the purchases of a CSV or Parquet FILE, once each, by the programme that was valid then.

        A second run records what is missing and nothing else, so a run that was stopped is simply started again.
        """
        source, resolved = _opened(file, mapping, columns, kind)
        started = now()
        watched = Bar() if sys.stderr.isatty() else Lines()
        with opened_report(report_file) as report:

            async def work(house: House) -> None:
                caller = businesses.owner(await businesses.business_called(house.database, business), business)
                await carry_out(
                    Import(
                        house=house, caller=caller, source=source, mapping=resolved, report=report, progress=watched,
                        now=now, dry_run=dry_run,
                    )
                )  # fmt: skip

            try:
                in_house(database, work)
            finally:
                watched.close()
                for sentence in report.sentences(now() - started, dry_run=dry_run):
                    click.echo(sentence)
                _say_problems(report, report_file)
        if report.rows and not (report.recorded or report.already or report.memberless):
            raise click.ClickException("nothing in this file could be recorded")

    return purchases


def _opened(file: Path, mapping: Path | None, columns: tuple[str, ...], kind: Format | None) -> tuple[Source, Mapping]:
    """Open the file and hold its mapping against it, before any database is touched."""
    try:
        said = read_mapping(mapping.read_text(encoding="utf-8") if mapping else None, columns)
        source = open_source(file, said.form, kind)
        return source, said.resolved(source.header)
    except ImportRefused as problem:
        raise click.ClickException(str(problem)) from problem


def _say_problems(report: Report, listed: Path | None) -> None:
    """Point to the list of problems, or show the first of them."""
    if not report.refused:
        return
    if listed is not None:
        click.echo(f"Everything refused is listed in {listed}.", err=True)
        return
    for problem in report.first_problems:
        click.echo(f"row {spans(problem.rows)}: {problem.code}: {problem.says}", err=True)
    if report.refused.total() > len(report.first_problems):
        click.echo("... and more; --report FILE.csv lists them all.", err=True)
