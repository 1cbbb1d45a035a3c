"""A file of purchases is tried as if it had been imported, and nothing of it is kept."""

from __future__ import annotations

import random
from datetime import timedelta
from fractions import Fraction
from pathlib import Path

import msgspec
import pytest

import rules
from loyalty_engine.backtest import filing, parting
from loyalty_engine.backtest.answer import BacktestAnswer, Change
from loyalty_engine.backtest.answering import answered
from loyalty_engine.backtest.filing import Filed
from loyalty_engine.backtest.running import Trial, backtest, contest_of
from loyalty_engine.businesses import Caller
from loyalty_engine.commands import PurchaseLine
from loyalty_engine.house import House
from loyalty_engine.importing.files import open_source
from loyalty_engine.importing.mapping import read_mapping
from tests.engine.history import Bringing
from tests.engine.shop import MONDAY, programme

pytestmark = pytest.mark.anyio

COLUMNS = "receipt,occurred_at,member.external,location,category,sku,quantity,amount"
REGULARS = """
[[rules]]
id = "regular"
on = "purchase"
when.member = { visits = { min = 3 }, balance = { points = { min = 20 } } }
then.award = { unit = "points", amount = 3 }
limit = { times = 2, per = "week" }
"""


def history(seed: int, receipts: int = 120) -> str:
    """A shop's history in no order at all, with receipts that nobody can reward among it."""
    dice = random.Random(seed)  # noqa: S311  # dice, not a secret
    rows = []
    for number in range(receipts):
        at = MONDAY - timedelta(hours=dice.randint(1, 3000))
        member = "" if number % 17 == 0 else f"card-{dice.randint(1, 9)}"
        paid = dice.choice((0, 4900, 12800, 30000)) if number % 11 == 0 else dice.randint(10, 400) * 100
        for _ in range(dice.randint(1, 3)):
            goods = dice.choice(("coffee,FLATWHITE", "bakery,BUN"))
            rows.append(f"r-{number},{at.isoformat()},{member},grunerlokka,{goods},{dice.randint(1, 3)},{paid}")
    dice.shuffle(rows)
    return "\n".join([COLUMNS, *rows, "r-bad,yesterday,card-1,grunerlokka,coffee,FLATWHITE,1,4900"]) + "\n"


def filed(folder: Path, text: str) -> Filed:
    file = folder / "tried.csv"
    file.write_text(text, encoding="utf-8")
    said = read_mapping(None)
    return Filed(file, said.resolved(open_source(file, said.form).header))


def plain(answer: BacktestAnswer) -> BacktestAnswer:
    """The answer without the ids that only a member of the business has."""
    return msgspec.structs.replace(answer, winners=_nameless(answer.winners), losers=_nameless(answer.losers))


def _nameless(changes: tuple[Change, ...]) -> tuple[Change, ...]:
    return tuple(sorted((msgspec.structs.replace(one, member=None) for one in changes), key=repr))


async def test_a_file_gives_what_its_import_would_give(house: House, cafe: Caller, tmp_path: Path) -> None:
    text = history(seed=1)
    trial = Trial(programme=rules.read(programme(more=REGULARS), "toml"), called="the draft")
    contest = await contest_of(house, cafe, trial, Fraction(0))

    sums, reading = parting.counted(filed(tmp_path, text), contest, processes=1)
    tried = answered(contest, sums, lambda member: (None, filing.masked(member)))

    assert await house.database.fetch("SELECT id FROM journal WHERE kind = 'purchase'") == []
    report = await Bringing(house, cafe, tmp_path).brings(text)
    recorded = await backtest(house, cafe, trial, at=MONDAY + timedelta(days=1))
    assert report.recorded == tried.purchases > 80
    assert (reading.memberless, reading.refused) == (report.memberless, report.refused)
    assert plain(recorded) == plain(tried)


def test_a_line_of_a_command_can_be_judged_as_it_is() -> None:
    assert PurchaseLine.__struct_fields__ == rules.Line.__struct_fields__


async def test_two_processes_count_what_one_does(house: House, cafe: Caller, tmp_path: Path) -> None:
    file = filed(tmp_path, history(seed=2))
    contest = await contest_of(house, cafe, Trial(programme=rules.read(programme(), "toml")), Fraction(0))
    heard: list[int] = []

    one = parting.counted(file, contest, processes=1)
    two = parting.counted(file, contest, processes=2, progress=heard.append)

    told = [answered(contest, sums, lambda member: (None, filing.masked(member))) for sums, _ in (one, two)]
    assert told[0] == told[1]
    assert (one[1].refused, one[1].memberless) == (two[1].refused, two[1].memberless)
    assert heard[-1] == told[0].purchases


async def test_a_process_that_fails_says_why(house: House, cafe: Caller, tmp_path: Path) -> None:
    file = filed(tmp_path, history(seed=3))
    contest = await contest_of(house, cafe, Trial(programme=rules.read(programme(), "toml")), Fraction(0))
    file.file.unlink()

    with pytest.raises(OSError, match=r"tried\.csv"):
        parting.counted(file, contest, processes=2)


async def test_one_person_written_in_two_ways_is_one_member(house: House, cafe: Caller, tmp_path: Path) -> None:
    rows = (
        "receipt,occurred_at,member.phone,amount", "r-1,2026-03-02 10:00,999 00 201,4900",
        "r-2,2026-03-03 10:00,+47 99900201,4900", "r-3,2026-03-04 10:00,12,4900",
    )  # fmt: skip
    contest = await contest_of(house, cafe, Trial(programme=rules.read(programme(), "toml")), Fraction(0))

    sums, reading = parting.counted(filed(tmp_path, "\n".join(rows)), contest, processes=1)

    assert sums.trade.members == {"2026-03": 1, "": 1}
    assert reading.refused == {"identifier_invalid": 1}
