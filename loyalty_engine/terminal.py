"""What every command at the terminal needs: the settings, the clock, an open house, and refusals as one sentence."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import click
import msgspec

from loyalty_engine import ids
from loyalty_engine.commands import Ticket
from loyalty_engine.errors import LoyaltyError
from loyalty_engine.house import House, open_house
from loyalty_engine.instants import to_micros
from loyalty_engine.settings import Settings, SettingsRefused
from loyalty_engine.vaults.vault import MasterKeyUnusable, VaultClosed

Result = TypeVar("Result")


def now() -> datetime:
    return datetime.now(UTC)


def new_ticket() -> Ticket:
    at = now()
    name = ids.new("req", to_micros(at) // 1000)
    return Ticket(key=f"cli:{name}", request_id=name, at=at)


def settings_of(database: str | None) -> Settings:
    try:
        settings = Settings.from_environ(os.environ)
    except SettingsRefused as refused:
        raise click.ClickException(str(refused)) from refused
    if database:
        settings = msgspec.structs.replace(settings, database_url=database)
    return settings


def in_house(database: str | None, work: Callable[[House], Awaitable[Result]], *, new: bool = False) -> Result:
    """Open the house, work in it, and close it; refusals become one sentence and exit code 1.

    Only a command that may begin a database (`new`) makes a file: a mistyped name must not audit an empty one.
    """
    settings = settings_of(database)
    file = settings.database_url.removeprefix("sqlite:///")
    if not new and settings.database_url.startswith("sqlite:///") and not Path(file).exists():
        raise click.ClickException(f"there is no database {file}; `loyalty apply` and `loyalty serve` make one")

    async def run() -> Result:
        house = await open_house(settings)
        try:
            return await work(house)
        finally:
            await house.close()

    try:
        return asyncio.run(run())
    except (LoyaltyError, SettingsRefused, VaultClosed, MasterKeyUnusable, ValueError, OSError) as problem:
        said = problem.detail if isinstance(problem, LoyaltyError) else str(problem)
        for detail in problem.details if isinstance(problem, LoyaltyError) else ():
            said += f"\n  {detail.pointer}: {detail.detail}"
        raise click.ClickException(said) from problem


database_option = click.option(
    "--database", metavar="URL", help="sqlite:///path or postgresql://...; LOYALTY_DATABASE_URL when left out."
)
business_option = click.option("--business", required=True, metavar="SLUG", help="The business, by its short name.")
