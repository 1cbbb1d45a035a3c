"""`loyalty import members`: an existing club comes along, tried first and then for good."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import click

from loyalty_engine import businesses
from loyalty_engine.house import House
from loyalty_engine.importing.club import Club, ClubReport, RowProblem, carry_out, columns_of
from loyalty_engine.importing.command import InHouse, Option
from loyalty_engine.importing.files import CsvSource
from loyalty_engine.importing.mapping import FileForm, ImportRefused

_SHOWN = 20
_file = click.Path(exists=True, dir_okay=False, path_type=Path)


def members_command(
    in_house: InHouse, business: Option, database: Option, now: Callable[[], datetime]
) -> click.Command:
    """Make the command; how a house is opened, the shared options and the clock are the command line's own."""

    @click.command(name="members")
    @click.argument("file", type=_file)
    @business
    @click.option("--column", "columns", multiple=True, metavar="FIELD=COLUMN", help="Which column holds a field.")
    @click.option("--encoding", default="utf-8-sig", show_default=True, help="How the file is written.")
    @click.option("--report", "report_file", type=click.Path(dir_okay=False, path_type=Path),
                  help="List what was not taken over here, as CSV.")  # fmt: skip
    @click.option("--dry-run", is_flag=True, help="Read and judge everything, record nothing.")
    @database
    def members(  # one parameter an option
        file: Path, business: str, columns: tuple[str, ...], encoding: str, report_file: Path | None,
        dry_run: bool, database: str | None,  # noqa: FBT001
    ) -> None:  # fmt: skip
        """Take over the members of a CSV FILE: who they are, what they have, what they agreed to.

        A second run takes over what is missing and nothing else, so a run that was stopped is simply started again. A
        consent without its words, day and evidence is not taken over.
        """
        try:
            source = CsvSource(file, FileForm(encoding=encoding))
            held_by = columns_of(source.header, columns)
        except (ImportRefused, ValueError) as refused:
            raise click.ClickException(str(refused)) from refused

        async def work(house: House) -> ClubReport:
            caller = businesses.owner(await businesses.business_called(house.database, business), business)
            return await carry_out(
                Club(house=house, caller=caller, source=source, columns=held_by, now=now, dry_run=dry_run,
                     report=ClubReport())
            )  # fmt: skip

        _say(in_house(database, work), report_file, dry_run=dry_run)

    return members


def _say(report: ClubReport, report_file: Path | None, *, dry_run: bool) -> None:
    would = "would join" if dry_run else "joined"
    click.echo(f"{report.rows} rows read: {report.joined} {would}, {report.already} were members already")
    for unit, amount in sorted(report.units.items()):
        click.echo(f"{amount} {unit} carried over")
    click.echo(f"{report.consents} consents taken over, {report.not_given} without evidence and so not given")
    if report_file is not None:
        with report_file.open("w", encoding="utf-8", newline="") as opened:
            writer = csv.writer(opened)
            writer.writerow(RowProblem.__struct_fields__)
            writer.writerows((one.row, one.code, one.says) for one in report.problems)
        return
    for one in report.problems[:_SHOWN]:
        click.echo(f"row {one.row}: {one.code}: {one.says}", err=True)
    if len(report.problems) > _SHOWN:
        click.echo("... and more; --report FILE.csv lists them all.", err=True)
