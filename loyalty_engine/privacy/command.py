"""`loyalty erasures`: the list of who was erased, taken out of the database and held against a restored backup."""

from __future__ import annotations

from pathlib import Path

import click

from loyalty_engine.house import House
from loyalty_engine.privacy import erasing
from loyalty_engine.terminal import database_option, in_house


@click.group(name="erasures")
def erasures_group() -> None:
    """Keep the list of erased members where backups do not reach, and replay it after a restore."""


@erasures_group.command(name="export")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@database_option
def export_list(file: Path, database: str | None) -> None:
    """Write every erasure this database knows of to FILE, one JSON object a line; what stands there already stays."""

    async def work(house: House) -> int:
        known = set(erasing.listed(file))
        new = [one for one in await erasing.exported(house) if one not in known]
        erasing.note(file, new)
        return len(new)

    click.echo(f"{in_house(database, work)} erasures written to {file}")


@erasures_group.command(name="replay")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@database_option
def replay_list(file: Path | None, database: str | None) -> None:
    """Erase again whoever a restored backup has brought back: all on FILE, or on the list beside the key file."""

    async def work(house: House) -> int:
        return await erasing.replay(house, erasing.listed(file or house.settings.erasure_file))

    click.echo(f"{in_house(database, work)} members erased again")
