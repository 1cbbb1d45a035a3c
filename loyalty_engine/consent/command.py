"""`loyalty consents`: publish the head of the chains, hold it against what is there, make the states anew, and hand out
one member's records.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import click
import msgspec

from loyalty_engine import businesses
from loyalty_engine.consent import audit, consenting
from loyalty_engine.consent.audit import Head
from loyalty_engine.house import House
from loyalty_engine.instants import shown, to_micros
from loyalty_engine.terminal import business_option, database_option, in_house, now

# What was told a moment ago may still be on its way into the database.
_SETTLED = timedelta(minutes=2)


@click.group()
def consents() -> None:
    """Prove what members agreed to."""


@consents.command()
@business_option
@database_option
def head(business: str, database: str | None) -> None:
    """Print one hash over every consent record up to two minutes ago, as JSON.

    Keep it where nobody who can write to the database can reach it: printed, mailed, in a public register.
    """
    until = to_micros(now() - _SETTLED)

    async def work(house: House) -> Head:
        business_id = await businesses.business_called(house.database, business)
        return await audit.head(house.database, business_id, business, until=until)

    click.echo(msgspec.json.encode(in_house(database, work)).decode())


@consents.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@database_option
def check(file: Path, database: str | None) -> None:
    """Hold the records against a head that was published; exit code 1 where they are not what they were."""
    try:
        published = msgspec.json.decode(file.read_bytes(), type=Head)
    except (msgspec.DecodeError, UnicodeDecodeError) as unread:
        raise click.ClickException(f"{file} holds no head: {unread}") from unread

    async def work(house: House) -> Head:
        business_id = await businesses.business_called(house.database, published.business)
        return await audit.head(house.database, business_id, published.business, until=published.until)

    found = in_house(database, work)
    if found != published:
        said = (
            f"{published.records} records of {published.members} members then, {found.records} of {found.members} now"
        )
        raise click.ClickException(f"not what was published: {said}")
    click.echo(f"{found.records} records up to {shown(found.until)} are what they were")


@consents.command()
@database_option
def rebuild(database: str | None) -> None:
    """Drop the table of what holds and make it anew from the records."""
    members = in_house(database, lambda house: audit.rebuild(house.database))
    click.echo(f"made anew for {members} members")


@consents.command()
@click.argument("member")
@business_option
@database_option
def export(member: str, business: str, database: str | None) -> None:
    """Print a member's consent records as ISO/IEC TS 27560 fields in DPV JSON-LD."""

    async def work(house: House) -> bytes:
        business_id = await businesses.business_called(house.database, business)
        caller = businesses.owner(business_id, business)
        return msgspec.json.encode(await consenting.exported(house, caller, member, at=now()))

    click.echo(in_house(database, work).decode())
