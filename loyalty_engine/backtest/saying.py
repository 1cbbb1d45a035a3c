"""A backtest's answer as lines for a person at a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from loyalty_engine.backtest.answer import BacktestAnswer, Change, Figures, RuleCompared, UnitCompared
from rules.money import EXPONENTS

_HEADING = ("", "awarded", "taken back", "members", "worth", "share")


def sentences(answer: BacktestAnswer) -> Iterator[str]:
    """Say all of it: in all, per unit and rule, per month, and who would gain and lose the most."""
    yield from summary(answer)
    yield ""
    yield from _table([_HEADING, *_rows(answer, answer.rules)], beside=answer.against)
    for month in answer.months:
        yield ""
        paid = _money(month.revenue_minor, answer.currency)
        yield f"{month.month}: {month.purchases} purchases of {month.members} members, {paid}"
        yield from _table([_HEADING, *_rows(answer, (*month.units, *month.rules))], beside=answer.against)
    for title, changes in (("Would gain the most", answer.winners), ("Would lose the most", answer.losers)):
        if changes:
            yield ""
            yield title
            yield from (f"  {_change(change, answer.currency)}" for change in changes)


def summary(answer: BacktestAnswer) -> Iterator[str]:
    """Say what it comes to in all."""
    span = f" from {answer.since or 'the beginning'} to {answer.until or 'the end'}"
    over = span if answer.since or answer.until else ""
    yield (
        f"{answer.purchases} purchases and {answer.refunds} refunds of {answer.members} members{over}, "
        f"{_money(answer.revenue_minor, answer.currency)} in all"
    )
    yield _cost(answer.tried, answer.value_minor, answer.share_percent, answer.currency)
    if answer.against is not None and answer.against_value_minor is not None:
        yield _cost(answer.against, answer.against_value_minor, answer.against_share_percent, answer.currency)
    for worth in answer.worth:
        yield f"1 of {worth.unit} is worth {worth.minor} minor units ({worth.by})"
    yield from _table([_HEADING, *_rows(answer, answer.units)], beside=answer.against)


def _cost(called: str, value_minor: int, share: str | None, currency: str) -> str:
    part = f", {share} % of it" if share is not None else ""
    return f"{called}: units worth {_money(value_minor, currency)}{part}"


def _rows(answer: BacktestAnswer, compared: Sequence[UnitCompared | RuleCompared]) -> Iterator[tuple[str, ...]]:
    for one in compared:
        name = f"{one.rule} ({one.unit})" if isinstance(one, RuleCompared) else one.unit
        yield (name, *_figures(one.tried, answer.currency))
        if one.against is not None:
            yield ("", *_figures(one.against, answer.currency))


def _figures(figures: Figures, currency: str) -> tuple[str, ...]:
    worth = "" if figures.value_minor is None else _money(figures.value_minor, currency)
    share = "" if figures.share_percent is None else f"{figures.share_percent} %"
    return str(figures.awarded), str(figures.taken_back), str(figures.members), worth, share


def _table(rows: Sequence[tuple[str, ...]], *, beside: str | None) -> Iterator[str]:
    """Lay rows out in columns; every second line is what stands beside."""
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    for number, row in enumerate(rows):
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        tail = f"  {beside}" if beside is not None and number and not row[0] else ""
        yield "  " + "  ".join(cells).rstrip() + tail


def _change(change: Change, currency: str) -> str:
    units = ", ".join(f"{one.amount:+d} {one.unit}" for one in change.units)
    return f"{change.masked}  {units}  {_money(change.value_minor, currency)}"


def _money(minor: int, currency: str) -> str:
    places = EXPONENTS[currency]
    digits = f"{abs(minor):0{places + 1}}"
    cut = len(digits) - places
    amount = f"{digits[:cut]}.{digits[cut:]}" if places else digits
    return f"{'-' if minor < 0 else ''}{amount} {currency}"
