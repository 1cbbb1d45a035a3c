"""The answers to what is asked of a programme, as a person reads them: yes, no with what shows it, or unknown.

Each answer has its exit code: 0 is yes, 1 is no, 2 is unknown.
"""

from collections.abc import Iterator
from fractions import Fraction
from typing import Final

import click

from loyalty_engine.proving.bounds import FARTHEST, bounds
from loyalty_engine.proving.findings import findings_of, sentences
from loyalty_engine.proving.logic import prove_rules
from loyalty_engine.proving.returns import Returns, Verdict
from loyalty_engine.proving.saying import given, percent, told
from loyalty_engine.proving.versions import compare
from rules.compile import compile_programme
from rules.facts import Purchase
from rules.programme import Programme

YES: Final = 0
NO: Final = 1
UNKNOWN: Final = 2


def say_rules(programme: Programme, refused: frozenset[str] = frozenset()) -> int:
    """Say which rules can never fire and which fire together; the number of places refused that were not before."""
    found = prove_rules(programme)
    findings = [finding for finding in findings_of(programme, found) if finding.place not in refused]
    for finding in findings:
        rule = f" (rule {finding.rule})" if finding.rule else ""
        click.echo(f"{finding.severity}: {finding.place}{rule}: {finding.says}")
        if finding.would_be:
            click.echo(f"    {finding.would_be}")
    for sentence in sentences(found):
        click.echo(sentence)
    return sum(finding.severity == "refused" for finding in findings)


def say_verdict(returns: Returns, asked: Fraction) -> int:
    """Say whether any purchase gives back more than a share."""
    verdict = returns.more_than(asked)
    about = _purchases(returns)
    if verdict.answer == "proved":
        click.echo(f"yes: no {about} gives back more than {percent(asked)}")
        return YES
    if verdict.answer == "unknown":
        click.echo(f"unknown: whether a {about} gives back more than {percent(asked)} was not settled in time")
        return UNKNOWN
    click.echo(f"no: this {about} gives back {percent(verdict.share)}")
    _say_purchase(returns, verdict)
    return NO


def say_bounds(returns: Returns) -> int:
    """Find and say the largest share that is broken, and the smallest that is proved."""
    found = bounds(returns)
    about = _purchases(returns)
    if found.proved is not None:
        click.echo(f"proved: no {about} gives back more than {percent(found.proved, up=True)}")
    elif found.unknown:
        click.echo(f"unknown: no bound for a {about} was proved in time")
    else:
        click.echo(f"not bounded: a {about} can give back more than {percent(FARTHEST)}")
        for hint in _hints(returns):
            click.echo(f"  {hint}")
    if found.broken is not None and found.broken.share:
        click.echo(f"broken: this one gives back {percent(found.broken.share)}")
        _say_purchase(returns, found.broken)
    if found.proved is None:
        return UNKNOWN if found.unknown else NO
    if not found.meet():
        click.echo("what lies between the two was not settled in time")
    return YES


def say_versions(before: Programme, after: Programme, seconds: int) -> int:
    """Say whether two versions give the same."""
    found = compare(before, after, seconds=seconds)
    if found.answer == "same":
        click.echo("yes: both give the same, whatever happens")
        return YES
    if found.answer == "unknown":
        click.echo(f"unknown: {found.because}")
        return UNKNOWN
    click.echo("no: they differ on this")
    for line in told(before, found.by) if found.by else ():
        click.echo(f"  {line}")
    click.echo(f"  before: {', '.join(found.before) or 'nothing'}")
    click.echo(f"  after: {', '.join(found.after) or 'nothing'}")
    return NO


def _say_purchase(returns: Returns, shown: Verdict) -> None:
    if shown.by is None or not isinstance(shown.by.event, Purchase):
        return
    for line in told(returns.programme, shown.by):
        click.echo(f"  {line}")
    outcome = compile_programme(returns.programme).evaluate(shown.by.event, shown.by.member)
    for line in given(returns.programme, outcome, shown.by.event.total_minor, returns.worth):
        click.echo(f"  {line}")


def _purchases(returns: Returns) -> str:
    """The purchases that are spoken of, with what is taken for granted of them."""
    money, assumed = returns.programme.words("en").money, returns.assumed
    said = f"purchase of at least {money(assumed.at_least_minor)}"
    prices = [f"{category} {money(price)}" for category, price in assumed.category_at_least_minor.items()]
    if assumed.item_at_least_minor:
        prices.append(f"any {'other ' if prices else ''}item {money(assumed.item_at_least_minor)}")
    return f"{said} ({', '.join(prices)} or more)" if prices else said


def _hints(returns: Returns) -> Iterator[str]:
    """What may be said to get a bound, where there is none."""
    priced = returns.assumed.item_at_least_minor or returns.assumed.category_at_least_minor
    if not priced and any(rule.award and rule.award.per_item is not None for rule in returns.programme.rules):
        yield "units are given per item, and an item may cost nothing: say what one costs, --item-at-least"
    if not returns.worth.linear():
        yield "units buy a percentage off, which is taken to come off as large a purchase: say a worth, --value"
