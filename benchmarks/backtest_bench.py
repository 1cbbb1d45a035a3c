"""A grocer's real year lived again under twenty rules: in one process and in all, beside DuckDB, Polars and zen-engine.

    decoded once     baskets a second on one core, when every purchase is in memory
    end to end       from the file on disk to the answer

DuckDB and Polars compute the same sums by SQL and expressions that somebody wrote for these twenty rules
(benchmarks/backtest.sql, benchmarks/in_columns.py): the answers are compared to the last point before anything is said.
zen-engine judges the eighteen rules that award, without the limits, groups and multipliers it does not have, and is
told all that it cannot find out: what stands in a basket, and what the household had done before.
"""

from __future__ import annotations

import gc
import statistics
import tempfile
import time
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

import rules
from benchmarks import tables
from benchmarks.complete_journey import HERE, MAPPING, write_file
from loyalty_engine.backtest import parting
from loyalty_engine.backtest.calendar import Span
from loyalty_engine.backtest.counting import Contest, Count
from loyalty_engine.backtest.filing import Filed, Reading, histories
from loyalty_engine.backtest.history import Bought, History
from loyalty_engine.backtest.running import tried_alone
from loyalty_engine.backtest.tally import ANY, WHOLE, Sums
from loyalty_engine.importing.files import open_source
from loyalty_engine.importing.mapping import read_mapping

Issued = tuple[int, int, int]
NEW_YORK = ZoneInfo("America/New_York")
PROGRAMME = HERE / "backtest.toml"
# The rules that award, in ZEN's words; each gives its amount or 0.
ZEN = {
    "base": "floor(counted / 100)",
    "fruit": "2 * fruits",
    "neighbourhood": "location in ['367', '406', '343'] ? 10 : 0",
    "weekend-basket": "weekday >= 5 and counted >= 5000 ? 15 : 0",
    "good-neighbour": "spent >= 100000 and visits >= 10 and counted >= 2000 ? 10 : 0",
    "welcome": "visits == 0 ? 50 : 0",
    "missed-you": "away >= 28 ? 20 : 0",
    "own-brand": "own >= 1000 and fuels == 0 ? 5 : 0",
    "milk-stamp": "milks",
    "soup-week": "soups >= 4 and soupkinds >= 2 ? 3 : 0",
    "early-bread": "minute >= 360 and minute < 600 and breads > 0 ? 4 : 0",
    "big-basket": "counted >= 10000 ? 25 : 0",
    "cat": "cat >= 500 ? 5 : 0",
    "summer-ice": "day >= 20170601 and day <= 20170831 ? ices : 0",
    "eggs": "eggs",
    "lunch": "weekday <= 4 and minute >= 660 and minute < 780 and counted <= 1500 ? 3 : 0",
    "old-friend": "visits >= 50 ? 2 : 0",
    "greens": "produce >= 800 ? 1 : 0",
}
_FRUITS = {"APPLES", "TROPICAL FRUIT", "CITRUS"}


def measure(*, quick: bool) -> None:
    """Write the files, compare the answers, and print."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        files = {kind: folder / f"purchases.{kind}" for kind in ("csv", "parquet")}
        for file in files.values():
            write_file(file)
        _measure(files, quick=quick)


def _measure(files: dict[str, Path], *, quick: bool) -> None:
    contest = _contest(rules.read(PROGRAMME.read_text(encoding="utf-8"), "toml"))
    cores = parting.processes_here()
    print(f"Backtest: twenty rules on the Complete Journey, {cores} cores; {tables.load()}\n")
    took: dict[str, float] = {}
    answers: dict[str, Issued] = {}
    ends: dict[str, Callable[[], Issued]] = {
        f"loyalty backtest, {cores} processes, CSV": lambda: _ours(files["csv"], contest, cores),
        "DuckDB, SQL by hand, Parquet": lambda: _duckdb(files["parquet"]),
        "Polars, expressions by hand, Parquet": lambda: _polars(files["parquet"]),
    }
    if not quick:
        ends["loyalty backtest, 1 process, CSV"] = lambda: _ours(files["csv"], contest, 1)
        ends[f"loyalty backtest, {cores} processes, Parquet"] = lambda: _ours(files["parquet"], contest, cores)
    for name, work in ends.items():
        began = time.perf_counter()
        answers[name] = work()
        took[name] = time.perf_counter() - began
    assert len(set(answers.values())) == 1, answers
    purchases, points, stamps = next(iter(answers.values()))
    print(f"Checked: {purchases} baskets, {points} points, {stamps} stamps from each\n")
    tables.show(
        ("end to end", "seconds", "baskets/s"), [(n, f"{s:.1f}", f"{purchases / s:.0f}") for n, s in took.items()]
    )
    print("DuckDB and Polars use all cores, and are given these twenty rules by hand.\n")
    rates = _decoded(files["csv"], contest, parts=8 if quick else 2)
    tables.show(("decoded once, one core, CPU time", "baskets/s", "µs a basket"), [
        (name, f"{rate:.0f}", f"{1e6 / rate:.1f}") for name, rate in rates.items()
    ])  # fmt: skip
    tables.ratio("baskets/s on one core, decoded once, in thousands", rates["loyalty backtest"] / 1000, least=100)
    tables.ratio(
        f"seconds end to end, CSV, {cores} processes", took[f"loyalty backtest, {cores} processes, CSV"], most=10
    )
    tables.ratio(
        "zen-engine's time / ours, which keeps limits besides",
        rates["loyalty backtest"] / rates["zen-engine, told all facts"],
    )
    print()


def _contest(programme: rules.Programme) -> Contest:
    return Contest(tried_alone(programme), None, ("", None), Span(), {})


def _filed(file: Path) -> Filed:
    said = read_mapping(MAPPING)
    return Filed(file, said.resolved(open_source(file, said.form).header))


def _ours(file: Path, contest: Contest, processes: int) -> Issued:
    sums, _ = parting.counted(_filed(file), contest, processes=processes)
    return _issued(sums)


def _issued(sums: Sums) -> Issued:
    points, stamps = (sums.tried.sums[WHOLE, ANY, unit][0] for unit in ("points", "stamps"))
    return sums.trade.spent[WHOLE][0], points, stamps


def _duckdb(file: Path) -> Issued:
    import duckdb

    source = f"(SELECT * REPLACE (CAST(shop AS VARCHAR) AS shop) FROM read_parquet('{file}'))"
    query = (HERE / "backtest.sql").read_text(encoding="utf-8").replace("{file}", source)
    row: Any = duckdb.execute(query).fetchone()
    return tuple(row)  # type: ignore[return-value]  # three sums


def _polars(file: Path) -> Issued:
    from benchmarks.in_columns import issued

    return issued(file)


def _decoded(file: Path, contest: Contest, *, parts: int) -> dict[str, float]:
    """Baskets a second when every purchase is in memory; the median of three rounds."""
    programme = contest.tried.newest.programme
    known = list(histories(msgspec.structs.replace(_filed(file), parts=parts), programme, Reading()))
    baskets = sum(len(history.happened) for history in known)
    plain = _contest(_awards_alone())
    assert _zen(known) == _per_rule(plain, known), "zen-engine gives other amounts"
    return {
        "loyalty backtest": baskets / _seconds(lambda: _live(contest, known)),
        "loyalty backtest, without limits, groups and multipliers": baskets / _seconds(lambda: _live(plain, known)),
        "zen-engine, told all facts": baskets / _seconds(lambda: _zen(known)),
    }


def _seconds(work: Callable[[], object]) -> float:
    taken = []
    for _ in range(3):
        gc.collect()
        gc.freeze()
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    gc.unfreeze()
    return statistics.median(taken)


def _live(contest: Contest, known: Sequence[History]) -> Sums:
    count = Count(contest)
    for history in known:
        count.take(history)
    return count.sums


def _awards_alone() -> rules.Programme:
    """The programme without what zen-engine has no words for."""
    document = tomllib.loads(PROGRAMME.read_text(encoding="utf-8"))
    document["rules"] = [rule for rule in document["rules"] if "award" in rule["then"]]
    for rule in document["rules"]:
        for name in ("limit", "group", "priority"):
            rule.pop(name, None)
    document["units"]["points"].pop("cap")
    return rules.read(msgspec.json.encode(document), "json")


def _per_rule(contest: Contest, known: Sequence[History]) -> dict[str, int]:
    sums = _live(contest, known).tried.sums
    return {rule: parts[0] for (month, rule, _), parts in sums.items() if month == WHOLE and rule != ANY}


def _zen(known: Sequence[History]) -> dict[str, int]:
    """What each rule gives in all, by zen-engine."""
    import zen

    judge = zen.compile_expression(f"[{', '.join(f'({said})' for said in ZEN.values())}]").evaluate
    totals = [0] * len(ZEN)
    for history in known:
        visits = spent = 0
        last = None
        for bought in history.happened:
            assert isinstance(bought, Bought), "a file tells of purchases only"
            facts = _facts(bought.purchase, visits, spent)
            day = facts.pop("date")
            facts["away"] = -1 if last is None else (day - last).days
            for number, amount in enumerate(judge(facts)):
                totals[number] += int(amount)
            visits, spent, last = visits + 1, spent + bought.purchase.total_minor, day
    return dict(zip(ZEN, totals, strict=True))


def _facts(purchase: rules.Purchase, visits: int, spent: int) -> dict[str, Any]:
    """What a programmer would compute for a library in one pass over a purchase."""
    local = purchase.occurred_at.astimezone(NEW_YORK)
    facts = dict.fromkeys(("fruits", "milks", "soups", "own", "fuels", "breads", "cat", "ices", "eggs", "produce"), 0)
    kinds, left_out = set(), 0
    for line in purchase.lines or ():
        category, tags = line.category, line.tags
        if category in _FRUITS:
            facts["fruits"] += line.quantity
        elif category in _COUNTED:
            facts[_COUNTED[category]] += line.quantity
            if category == "SOUP":
                kinds.add(line.sku)
        elif category == "CAT FOOD":
            facts["cat"] += line.amount_minor
        if "Private" in tags:
            facts["own"] += line.amount_minor
        if "PRODUCE" in tags:
            facts["produce"] += line.amount_minor
        if "FUEL" in tags or "SPIRITS" in tags:
            left_out += line.amount_minor
            facts["fuels"] += "FUEL" in tags
    return facts | {
        "counted": purchase.total_minor - left_out, "soupkinds": len(kinds), "visits": visits, "spent": spent,
        "weekday": local.weekday(), "minute": local.hour * 60 + local.minute, "location": purchase.location,
        "day": local.year * 10_000 + local.month * 100 + local.day, "date": local.date(),
    }  # fmt: skip


_COUNTED = {
    "FLUID MILK PRODUCTS": "milks", "SOUP": "soups", "BAKED BREAD/BUNS/ROLLS": "breads",
    "ICE CREAM/MILK/SHERBTS": "ices", "EGGS": "eggs",
}  # fmt: skip
