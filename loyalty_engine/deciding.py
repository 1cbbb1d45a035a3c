"""`loyalty plan`, `rollback` and `versions`: what would change, what it would cost, and the way back."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path

import click
import msgspec

from loyalty_engine import businesses, planning, programmes
from loyalty_engine.answers import VersionAnswer
from loyalty_engine.backtest.answer import BacktestAnswer
from loyalty_engine.backtest.command import Watched, programme_in, tried
from loyalty_engine.backtest.running import Trial
from loyalty_engine.backtest.saying import summary
from loyalty_engine.businesses import Caller
from loyalty_engine.changes import Changed, changes
from loyalty_engine.commands import RollBack
from loyalty_engine.house import House
from loyalty_engine.terminal import business_option, database_option, in_house, new_ticket

_file = click.Path(exists=True, dir_okay=False, path_type=Path)
_LISTED = 50


async def _owner(house: House, business: str) -> Caller:
    return businesses.owner(await businesses.business_called(house.database, business), business)


@click.command(name="plan")
@click.argument("file", type=_file)
@business_option
@database_option
def plan_command(file: Path, business: str, database: str | None) -> None:
    """Say what publishing FILE would change, and what it would have given for everything that has happened."""
    programme = programme_in(file)

    async def work(house: House) -> tuple[tuple[Changed, ...], BacktestAnswer]:
        current = await house.shelf.current((await _owner(house, business)).business_id)
        trial = Trial(programme=programme, called=file.name)
        with Watched() as watched:
            return changes(current.programme, programme), await tried(house, business, trial, watched)

    found, answer = in_house(database, work)
    for change in found:
        click.echo(change.says)
    if not found:
        click.echo(f"{file} says what {answer.against} says.")
    click.echo("")
    for sentence in summary(answer):
        click.echo(sentence)
    click.echo(f"\n`loyalty backtest {file} --business {business}` says more; `loyalty apply` publishes it.")


@click.command(name="rollback")
@business_option
@click.option("--to", type=click.IntRange(1), metavar="VERSION", help="Which version; the one before when left out.")
@click.option("--note", required=True, help="Why; kept with the new version.")
@click.option("--by", required=True, help="Who; kept with the new version.")
@database_option
def rollback_command(business: str, to: int | None, note: str, by: str, database: str | None) -> None:
    """Publish once more what an older version said."""
    command = msgspec.convert({"to": to, "note": note, "by": by}, RollBack)

    async def work(house: House) -> str:
        answer = await planning.roll_back(house, await _owner(house, business), command, new_ticket())
        number = msgspec.json.decode(answer.body)["version"]
        done = "is published" if answer.status == HTTPStatus.CREATED else "says the same and is current already"
        return f"{business}: version {number} {done}"

    click.echo(in_house(database, work))


@click.command(name="versions")
@business_option
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
@database_option
def versions_command(business: str, as_json: bool, database: str | None) -> None:
    """List what has been published, newest first: when, by whom, and why."""

    async def work(house: House) -> list[VersionAnswer]:
        caller, cursor = await _owner(house, business), None
        found: list[VersionAnswer] = []
        while True:
            page, cursor = await programmes.versions(house, caller, limit=_LISTED, cursor=cursor)
            found += page
            if cursor is None:
                return found

    found = in_house(database, work)
    if as_json:
        click.echo(msgspec.json.encode(found))
        return
    for one in found:
        said = "  ".join(filter(None, (one.by, one.note)))
        click.echo(f"{one.version:>5}  {one.published_at}  {'current' if one.current else '       '}  {said}".rstrip())
