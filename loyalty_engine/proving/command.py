"""`loyalty prove` and `loyalty check --prove`: what a programme gives back at most, and what its rules can never do.

The solver is loaded by whoever asks for a proof. Where it is not installed, one sentence says how to get it.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import click

import rules
from rules.money import EXPONENTS

if TYPE_CHECKING:
    from loyalty_engine.proving.returns import Returns

_AT_LEAST = "50"
_SECONDS = 10
_PERCENT = 100
_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(name="prove")
@click.argument("file", type=_file)
@click.option(
    "--return", "share", metavar="SHARE", help="Does any purchase give back more than this share, such as 20%?"
)
@click.option(
    "--at-least", default=_AT_LEAST, show_default=True, metavar="MONEY", help="Of purchases of at least so much."
)
@click.option(
    "--item-at-least", "prices", multiple=True, metavar="[CATEGORY=]MONEY",
    help="What an item, or one of a category, costs at least. Without it an item may cost nothing.",
)  # fmt: skip
@click.option(
    "--value", "said", multiple=True, metavar="NAME=MONEY",
    help="What one of a unit, or one perk, is worth, such as points=0.10; what the best perk gives when left out.",
)  # fmt: skip
@click.option("--against", type=_file, help="Does this version give the same as FILE, whatever happens?")
@click.option("--seconds", default=_SECONDS, show_default=True, help="How long one question may take.")
def prove_command(
    file: Path, share: str | None, at_least: str, prices: tuple[str, ...], said: tuple[str, ...], against: Path | None,
    seconds: int,
) -> None:  # fmt: skip
    """Prove what the programme in FILE gives back at most: yes, no with the purchase that breaks it, or unknown.

    Without --return the largest share that is broken and the smallest that is proved are found. Money is in the
    programme's currency, such as 50 or 49.90. Exit code 0 is yes, 1 is no, and 2 is unknown.
    """
    answering = _answering()
    programme = _read(file)
    if against is not None:
        code = answering.say_versions(programme, _read(against), seconds)
    else:
        returns = _asked(programme, at_least, prices, said, seconds)
        code = answering.say_bounds(returns) if share is None else answering.say_verdict(returns, _share(share))
    click.get_current_context().exit(code)


def say_proofs(programme: rules.Programme, refused: frozenset[str] = frozenset()) -> int:
    """Say all that is proved of a programme; the number of things to put right at places not refused already."""
    answering = _answering()
    wrong: int = answering.say_rules(programme, refused)
    try:
        answering.say_bounds(_asked(programme, _AT_LEAST, (), (), _SECONDS))
    except click.ClickException as problem:
        click.echo(f"what is given back is not proved: {problem.message}")
    return wrong


def _answering() -> ModuleType:
    """The room that speaks to the solver; one sentence where that is not installed."""
    try:
        import z3  # noqa: F401
    except ImportError as missing:
        said = "proofs need a solver that is not installed: pip install 'loyalty-engine[prove]'"
        raise click.ClickException(said) from missing
    from loyalty_engine.proving import answering

    return answering


def _read(file: Path) -> rules.Programme:
    try:
        return rules.read(file.read_text(encoding="utf-8"), "json" if file.suffix == ".json" else "toml")
    except rules.ProgrammeInvalid as invalid:
        says = [f"{finding.place}: {finding.says}" for finding in invalid.findings]
        raise click.ClickException(f"{file} cannot be read:\n  " + "\n  ".join(says)) from invalid


def _asked(
    programme: rules.Programme, at_least: str, prices: tuple[str, ...], said: tuple[str, ...], seconds: int
) -> Returns:
    from loyalty_engine.proving.returns import Returns
    from loyalty_engine.proving.unknowns import Assumed
    from loyalty_engine.proving.values import ValueUnknown

    named = [("", price) if "=" not in price else _named(price) for price in prices]
    each = {category: _minor(programme, price) for category, price in named}
    anything = each.pop("", 0)
    assumed = Assumed(_minor(programme, at_least), anything, each)
    worth = {name: _money(programme, money) for name, money in map(_named, said)}
    try:
        return Returns(programme, assumed, worth, seconds=seconds)
    except ValueUnknown as problem:
        raise click.ClickException(f"{problem} (--value)") from problem


def _named(text: str) -> tuple[str, str]:
    name, equals, money = text.partition("=")
    if not (name and equals and money):
        raise click.BadParameter(f'"{text}" is not written as name=money')
    return name, money


def _money(programme: rules.Programme, text: str) -> Fraction:
    """Money in the programme's currency, in minor units."""
    return _number(text) * Fraction(10) ** EXPONENTS[programme.currency]


def _minor(programme: rules.Programme, text: str) -> int:
    money = _money(programme, text)
    if money.denominator != 1:
        raise click.BadParameter(f"{text} is less than the smallest coin of {programme.currency}")
    return money.numerator


def _share(text: str) -> Fraction:
    return _number(text.removesuffix("%").strip()) * Fraction(1, _PERCENT)


def _number(text: str) -> Fraction:
    try:
        number = Fraction(Decimal(text))
    except (InvalidOperation, ValueError, OverflowError) as problem:
        raise click.BadParameter(f'"{text}" is no number') from problem
    if number < 0:
        raise click.BadParameter(f"{text} is below 0")
    return number
