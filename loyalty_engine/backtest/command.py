"""`loyalty backtest`: a programme file tried on a business's journal, or on a file of purchases that is not kept."""

from __future__ import annotations

import sys
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

import rules
from loyalty_engine import businesses
from loyalty_engine.backtest import filing, parting
from loyalty_engine.backtest.answer import BacktestAnswer
from loyalty_engine.backtest.answering import answered
from loyalty_engine.backtest.calendar import Span
from loyalty_engine.backtest.counting import Contest
from loyalty_engine.backtest.running import Against, Trial, backtest, contest_of, tried_alone
from loyalty_engine.backtest.saying import sentences
from loyalty_engine.backtest.worth import worths
from loyalty_engine.errors import LoyaltyError
from loyalty_engine.house import House
from loyalty_engine.importing.files import open_source
from loyalty_engine.importing.mapping import ImportRefused, read_mapping
from loyalty_engine.programmes import Format, judgeable
from loyalty_engine.terminal import database_option, in_house, now
from rules.money import EXPONENTS

_file = click.Path(exists=True, dir_okay=False, path_type=Path)


class Watched:
    """A progress bar for a person who watches; nothing for a log."""

    def __init__(self) -> None:
        """Put the bar up."""
        self._bar = RichProgress(
            TextColumn("judging"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
            console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty(),
        )  # fmt: skip
        self._task = self._bar.add_task("judging", total=None)

    def __call__(self, done: int, of: int | None = None) -> None:
        """Hear how far it is."""
        self._bar.update(self._task, completed=done, total=of)

    def __enter__(self) -> Self:
        """Begin."""
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take the bar down."""
        self._bar.stop()


@click.command(name="backtest")
@click.argument("file", type=_file)
@click.option("--business", metavar="SLUG", help="Try it on this business's own journal.")
@click.option("--purchases", type=_file, help="Try it on a CSV or Parquet file instead; nothing of it is kept.")
@click.option("--mapping", type=_file, help="TOML: which column of --purchases means what, as for an import.")
@click.option("--since", metavar="DATE", help="Count from this day on, such as 2026-01-01.")
@click.option("--until", metavar="DATE", help="Count up to this day, itself included.")
@click.option(
    "--against", metavar="VERSION",
    help="Show beside it: a version's number, `current`, or `published`: each version in its own days.",
)  # fmt: skip
@click.option(
    "--value", "said", multiple=True, metavar="UNIT=MONEY",
    help="What one of a unit is worth, such as points=0.10; what the best perk gives when left out.",
)  # fmt: skip
@click.option("--processes", type=click.IntRange(1, 64), help="For --purchases: on so many cores; all when left out.")
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
@database_option
def backtest_command(
    file: Path, business: str | None, purchases: Path | None, mapping: Path | None, since: str | None,
    until: str | None, against: str | None, said: tuple[str, ...], processes: int | None, as_json: bool,
    database: str | None,
) -> None:  # fmt: skip
    """Try the programme in FILE on what has happened: what would each rule have given, to how many, at what worth?

    Every purchase is judged in the order it was recorded, with limits, caps, first purchases, balances and refunds
    as they would have been. Nothing is kept. Beside it stands what the current version gives, or another.
    """
    if business is None and purchases is None:
        raise click.UsageError("say --business SLUG, --purchases FILE, or both")
    if business is None and against is not None:
        raise click.UsageError("--against names a version of a --business")
    programme = programme_in(file)
    trial = Trial(
        programme=programme, called=file.name, against=None if business is None else _against(against or "current"),
        span=Span(_day(since, programme), _day(until, programme, after=True)), worth=_worth(said, programme),
    )  # fmt: skip
    with Watched() as watched:
        if purchases is None:
            answer = in_house(database, lambda house: tried(house, business or "", trial, watched))
        else:
            answer = _tried_on_file(trial, purchases, mapping, business, database, processes, watched)
    if as_json:
        click.echo(msgspec.json.encode(answer))
        return
    for sentence in sentences(answer):
        click.echo(sentence)


async def tried(house: House, business: str, trial: Trial, watched: Watched) -> BacktestAnswer:
    """Try a programme on a business's journal."""
    caller = businesses.owner(await businesses.business_called(house.database, business), business)
    return await backtest(house, caller, trial, at=now(), progress=watched)


def programme_in(file: Path) -> rules.Programme:
    """Read a programme file that can be judged by."""
    form: Format = "json" if file.suffix == ".json" else "toml"
    try:
        return judgeable(file.read_text(encoding="utf-8-sig"), form)
    except UnicodeDecodeError as foreign:
        raise click.ClickException(f"{file} is not written in UTF-8: byte {foreign.start}") from foreign
    except LoyaltyError as refused:
        said = "".join(f"\n  {detail.pointer}: {detail.detail}" for detail in refused.details)
        raise click.ClickException(f"{file} cannot be judged by{said}") from refused


def _tried_on_file(
    trial: Trial, purchases: Path, mapping: Path | None, business: str | None, database: str | None,
    processes: int | None, watched: Watched,
) -> BacktestAnswer:  # fmt: skip
    try:
        read = read_mapping(mapping.read_text(encoding="utf-8") if mapping else None)
        filed = filing.Filed(purchases, read.resolved(open_source(purchases, read.form).header))
    except ImportRefused as problem:
        raise click.ClickException(str(problem)) from problem
    if business is None:
        assert trial.programme is not None, "a file holds a programme"
        worth = worths(trial.programme, trial.worth, Fraction(0))
        contest = Contest(tried_alone(trial.programme), None, (trial.called, None), trial.span, worth)
    else:

        async def asked(house: House) -> Contest:
            caller = businesses.owner(await businesses.business_called(house.database, business), business)
            return await contest_of(house, caller, trial, Fraction(0))

        contest = in_house(database, asked)
    sums, reading = parting.counted(filed, contest, processes=processes or parting.processes_here(), progress=watched)
    for code, count in sorted(reading.refused.items()):
        click.echo(f"{count} purchases refused: {code}", err=True)
    if reading.memberless:
        click.echo(f"{reading.memberless} purchases name no member", err=True)
    return answered(contest, sums, lambda member: (None, filing.masked(member)))


def _against(said: str) -> Against:
    if said == "current":
        return "current"
    if said == "published":
        return "published"
    if said.isascii() and said.isdigit() and int(said):
        return int(said)
    raise click.BadParameter(f"{said!r} is no version; say its number, current or published", param_hint="--against")


def _day(said: str | None, programme: rules.Programme, *, after: bool = False) -> datetime | None:
    """Read a local day as the instant it begins, or the instant the next one does."""
    if said is None:
        return None
    try:
        day = date.fromisoformat(said)
        day = date.fromordinal(day.toordinal() + after)
    except (ValueError, OverflowError) as wrong:
        raise click.BadParameter(f"{said!r} is no day; it is written like 2026-01-31") from wrong
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(programme.timezone))


def _worth(said: tuple[str, ...], programme: rules.Programme) -> dict[str, str]:
    """Read what units are worth, in money, as minor units."""
    found = {}
    for pair in said:
        unit, _, money = pair.partition("=")
        if unit not in programme.units:
            raise click.BadParameter(f"there is no unit {unit!r}", param_hint="--value")
        try:
            minor = Decimal(money).scaleb(EXPONENTS[programme.currency])
        except InvalidOperation as wrong:
            raise click.BadParameter(f"{money!r} is no amount of money", param_hint="--value") from wrong
        if not minor.is_finite() or minor < 0:
            raise click.BadParameter(f"{money!r} is no amount of money", param_hint="--value")
        found[unit] = f"{minor:f}"
    return found
