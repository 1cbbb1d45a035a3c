"""`loyalty vault`: a new master key in the place of the old one, while the tills are served."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from typing import TYPE_CHECKING, Final

import click

from loyalty_engine.instants import to_micros
from loyalty_engine.terminal import database_option, in_house, now, settings_of
from loyalty_engine.vaults import keys, rotating
from loyalty_engine.vaults.key_file import read_keys, write_keys
from loyalty_engine.vaults.vault import Vault

if TYPE_CHECKING:
    from pathlib import Path

    from loyalty_engine.house import House

# A server looks at the key file every second.
_SECONDS_TO_BE_HEARD: Final = 4


@click.group(name="vault")
def vault_group() -> None:
    """Look after the master key."""


@vault_group.command()
@click.option("--wait", default=_SECONDS_TO_BE_HEARD, show_default=True, help="Seconds for servers to hear of a key.")
@database_option
def rotate(wait: int, database: str | None) -> None:
    """Replace the master key: wrap every member's key anew and index every number anew, while tills are served.

    Stopped halfway, run it again. A key given in LOYALTY_KEY is replaced with the servers stopped: set it to
    "NEW,OLD", run this, and set it to the new one.
    """
    settings = settings_of(database)

    async def work(house: House) -> Counter[str]:
        if settings.key is None:
            return await rotate_file(house, settings.vault_file, wait)
        if not house.vault.changing:
            message = 'set LOYALTY_KEY to "NEW,OLD" first'
            raise ValueError(message)
        await rotating.begin(house, house.vault, at=to_micros(now()))
        await keys.take(house, house.vault)
        return await _replace(house)

    done = in_house(database, work)
    for table, count in sorted(done.items()):
        click.echo(f"{count} rows of {table} written anew")
    click.echo("the old key opens nothing any more: destroy what copies of it there are")


async def rotate_file(house: House, file: Path, wait: int) -> Counter[str]:
    """Replace the key in a key file, in steps that every running server can follow."""
    found = read_keys(file)
    sealed_with = await _sealed_with(house)
    old = next((key for key in found if Vault(key).fingerprint() in sealed_with), found[0])
    new = next((key for key in found if key != old), os.urandom(32))
    if await rotating.replaced(house, Vault(new)):
        write_keys(file, old)  # it was stopped at its very last step
        return Counter()
    if found[0] == old:
        write_keys(file, old, new)  # the old key is still the one that is written with; the new one opens as well
        await keys.read_again(house)
        await asyncio.sleep(wait)
    await rotating.begin(house, Vault(new, old), at=to_micros(now()))
    write_keys(file, new, old)
    await keys.read_again(house)
    await asyncio.sleep(wait)
    done = await _replace(house)
    write_keys(file, new)
    return done


async def _sealed_with(house: House) -> set[str]:
    """Give the fingerprints of the keys that new rows are written with, as far as the businesses say."""
    return {row[0] for row in await house.database.fetch("SELECT DISTINCT vault FROM businesses")}


async def _replace(house: House) -> Counter[str]:
    at = to_micros(now())
    done = await rotating.rewrite(house, at=at)
    while (more := await rotating.rewrite(house, at=at)).total():
        done += more
    await rotating.finish(house)
    return done
