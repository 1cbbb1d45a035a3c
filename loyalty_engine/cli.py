"""The back office at a terminal: publish a programme, hand out keys, serve, bring history in, audit the books."""

from __future__ import annotations

import sys
from http import HTTPStatus
from pathlib import Path
from typing import Any

import click
import msgspec

import rules
from loyalty_engine import businesses, importing, programmes
from loyalty_engine.answers import Finding
from loyalty_engine.backtest.command import backtest_command
from loyalty_engine.commands import CreateKey, PublishProgramme
from loyalty_engine.consent.command import consents
from loyalty_engine.deciding import plan_command, rollback_command, versions_command
from loyalty_engine.house import House
from loyalty_engine.instants import to_micros
from loyalty_engine.pages.poster import qr_command
from loyalty_engine.privacy.command import erasures_group
from loyalty_engine.proving.command import prove_command, say_proofs
from loyalty_engine.serving import demo_command, serve_command
from loyalty_engine.terminal import business_option, database_option, in_house, new_ticket, now
from loyalty_engine.texts.rehearsing import text_command
from loyalty_engine.upkeep import go_round
from loyalty_engine.vaults.command import vault_group
from loyalty_engine.verify import verify


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="loyalty-engine")
def main() -> None:
    """Run a loyalty programme in which the phone number or the e-mail address is the card.

    A first evening: `loyalty apply FILE --business SLUG` publishes a programme, `loyalty keys create --business SLUG
    --scope till` gives a till its key, `loyalty serve` answers it. `loyalty demo` does all of that with a café.
    """


@main.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--prove", is_flag=True, help="Prove which rules can never fire, and what is given back at most.")
def check(file: Path, prove: bool) -> None:
    """Check a programme file: what is refused, what is warned for, and whether its examples come true."""
    programme, findings = programmes.check_text(_text_of(file), _format_of(file))
    for finding in findings:
        _say(finding)
    places = frozenset(finding.place for finding in programmes.refused_by(findings))
    refused = len(programmes.refused_by(findings))
    if prove and programme is not None:
        refused += say_proofs(programme, places)
    if refused:
        raise click.ClickException(f"{refused} to put right in {file}")
    click.echo(f"{file} is ready to publish" + (f", with {len(findings)} warnings" if findings else ""))


@main.command(name="schema")
def print_schema() -> None:
    """Print the JSON Schema of a programme file, for an editor that completes and checks while one writes."""
    click.echo(msgspec.json.format(msgspec.json.encode(rules.schema()), indent=2).decode())


def _text_of(file: Path) -> str:
    """Read a programme file; an editor's byte order mark is no part of it."""
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as foreign:
        raise click.ClickException(f"{file} is not written in UTF-8: byte {foreign.start}") from foreign


def _format_of(file: Path) -> programmes.Format:
    return "json" if file.suffix == ".json" else "toml"


def _say(finding: Finding) -> None:
    rule = f" (rule {finding.rule})" if finding.rule else ""
    click.echo(f"{finding.severity}: {finding.place}{rule}: {finding.says}")
    if finding.would_be:
        click.echo(f"    {finding.would_be}")


@main.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@business_option
@click.option("--note", default="", help="Why this version is published; kept with it.")
@click.option("--by", default="", help="Who publishes it; kept with it.")
@database_option
def apply(file: Path, business: str, note: str, by: str, database: str | None) -> None:
    """Publish a programme file for a business, which is created when it is new."""
    source, form = _text_of(file), _format_of(file)
    programme, findings = programmes.check_text(source, form)
    for finding in findings:
        _say(finding)
    if programme is None or programmes.refused_by(findings):
        raise click.ClickException(f"{file} is not published")

    async def work(house: House) -> str:
        ticket = new_ticket()
        name = programme.about.name
        business_id = await businesses.found_business(house, business, name, at=to_micros(ticket.at))
        answer = await programmes.publish(
            house, businesses.owner(business_id, business), PublishProgramme(note=note, by=by), ticket,
            source=source, form=form,
        )  # fmt: skip
        number = msgspec.json.decode(answer.body)["version"]
        return f"{business}: version {number} " + (
            "is published" if answer.status == HTTPStatus.CREATED else "is current already"
        )

    click.echo(in_house(database, work, new=True))


@main.command(name="verify")
@database_option
def run_verify(database: str | None) -> None:
    """Check every invariant of the ledger on the live database; exit code 1 where one is broken."""

    async def work(house: House) -> int:
        broken = 0
        async for says, found in verify(house):
            if found is None:
                click.echo(f"ok      {says}")
                continue
            broken += 1
            click.echo(f"BROKEN  {found.id}: {says}: {found.count} rows, such as")
            for row in found.rows:
                click.echo(f"          {row}")
        return broken

    broken = in_house(database, work)
    if broken:
        raise click.ClickException(f"{broken} invariants are broken")


@main.command(name="upkeep")
@database_option
def run_upkeep(database: str | None) -> None:
    """Do once what is due: expire units, finish what was left; exit code 1 where a job failed.

    `loyalty serve` goes round by itself every minute. Several at once share the work, and each may be stopped anywhere.
    """
    failed = 0
    for done in in_house(database, lambda house: go_round(house, now())):
        click.echo(f"{done.count:>8}  {done.says}" + (f", stopped by {done.problem}" if done.problem else ""))
        failed += done.problem is not None
    if failed:
        raise click.ClickException(f"{failed} jobs failed")


@main.group()
def keys() -> None:
    """Hand out, list and revoke API keys."""


@keys.command()
@business_option
@click.option(
    "--scope", "scopes", multiple=True, required=True, type=click.Choice(["till", "manage", "events", "read"]),
    help="What the key may do; may be said several times.",
)  # fmt: skip
@click.option("--location", help="Bind the key to one location.")
@click.option("--name", help="What to call the key.")
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
@database_option
def create(  # one parameter an option
    business: str,
    scopes: tuple[str, ...],
    location: str | None,
    name: str | None,
    as_json: bool,
    database: str | None,
) -> None:
    """Make a key; its text is printed here and nowhere else."""
    command = msgspec.convert({"scopes": scopes, "location": location, "name": name}, CreateKey)

    async def work(house: House) -> bytes:
        business_id = await businesses.business_called(house.database, business)
        return (await businesses.create_key(house, businesses.owner(business_id, business), command, new_ticket())).body

    made = msgspec.json.decode(in_house(database, work))
    if as_json:
        click.echo(msgspec.json.encode(made).decode())
        return
    click.echo(f"{made['key']}\n\nThis is the only time the key is shown. Its id is {made['id']}.")


@keys.command(name="list")
@business_option
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
@database_option
def list_keys(business: str, as_json: bool, database: str | None) -> None:
    """List the keys of a business."""

    async def work(house: House) -> tuple[Any, ...]:
        business_id = await businesses.business_called(house.database, business)
        return await businesses.list_keys(house, businesses.owner(business_id, business))

    found = in_house(database, work)
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
        return
    for key in found:
        state = f"revoked {key.revoked_at}" if key.revoked_at else "in use"
        click.echo(f"{key.id}  ...{key.last4}  {','.join(key.scopes)}  {key.location or 'every location'}  {state}")


@keys.command()
@business_option
@click.argument("key_id")
@database_option
def revoke(business: str, key_id: str, database: str | None) -> None:
    """Make a key worthless from now on."""

    async def work(house: House) -> None:
        business_id = await businesses.business_called(house.database, business)
        await businesses.revoke_key(house, businesses.owner(business_id, business), key_id, at=now())

    in_house(database, work)
    click.echo(f"{key_id} is revoked")


@main.group(name="import")
def import_() -> None:
    """Bring history in from files."""


for make in (importing.members_command, importing.purchases_command):
    import_.add_command(make(in_house, business_option, database_option, now))
OTHERS = (backtest_command, consents, demo_command, erasures_group, plan_command, prove_command)
for command in (*OTHERS, qr_command, rollback_command, serve_command, text_command, vault_group, versions_command):
    main.add_command(command)


if __name__ == "__main__":
    sys.exit(main())
