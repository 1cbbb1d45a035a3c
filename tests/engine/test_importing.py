"""A shop brings its history: what a till would have recorded is recorded, once, and the rest is said row by row."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from loyalty_engine.businesses import Caller
from loyalty_engine.house import House
from tests.engine.history import Bringing, Watcher
from tests.engine.shop import INGRID, MONDAY, OLAV, broken, buys, flat_whites, has, programme, publish, sees

pytestmark = pytest.mark.anyio

HEADER = "receipt,location,occurred_at,member.phone,sku,category,quantity,amount\n"
# A Sunday two years before MONDAY: long before the first version, and past every limit a till has.
LONG_AGO = "2024-11-24T10:00:00+01:00"
COFFEE = "FLATWHITE,coffee"


@pytest.fixture
def bringing(house: House, cafe: Caller, tmp_path: Path) -> Bringing:
    return Bringing(house, cafe, tmp_path)


async def everything_kept(house: House) -> list[Any]:
    """What purchases left behind, without the ids and instants that each run makes anew."""
    entries = await house.database.fetch(
        'SELECT j."natural", e.unit, e.rule, e.amount, e.balance_after FROM entries e JOIN journal j '
        "ON j.business_id = e.business_id AND j.id = e.journal_id"
    )
    lots = await house.database.fetch(
        'SELECT j."natural", l.unit, l.amount, l.remaining, l.spendable_at, l.expires_at FROM lots l '
        "JOIN journal j ON j.business_id = l.business_id AND j.id = l.journal_id"
    )
    return sorted(repr(tuple(row)) for row in [*entries, *lots])


def a_year_of_coffee(purchases: int = 1200) -> str:
    """One flat white a receipt, the regulars taking turns, six hours apart."""
    first = datetime(2025, 1, 1, 8, tzinfo=UTC)
    rows = (
        f"R{n},grunerlokka,{(first + timedelta(hours=6 * n)).isoformat()},999 00 2{n % 40:02},{COFFEE},1,4900\n"
        for n in range(purchases)
    )
    return HEADER + "".join(rows)


async def test_lines_of_a_receipt_become_one_purchase_long_before_the_programme(bringing: Bringing) -> None:
    report = await bringing.brings(
        HEADER
        + f"A-1,grunerlokka,{LONG_AGO},{INGRID},{COFFEE},2,9800\n"
        + f"A-1,grunerlokka,{LONG_AGO},{INGRID},BUN,bakery,1,3000\n"
    )

    assert (report.read, report.recorded, report.joined) == (1, 1, 1)
    # 12 points for 128 kr and 5 for the morning; both coffees stamped.
    assert dict(report.issued) == {"points": 17, "stamps": 2}
    assert await broken(bringing.house) == []


async def test_what_is_imported_is_what_a_till_would_have_recorded(bringing: Bringing) -> None:
    await buys(bringing.house, bringing.cafe, flat_whites("A-1", occurred_at="2026-11-20T10:00:00+01:00"))
    by_till = await everything_kept(bringing.house)

    report = await bringing.brings(
        HEADER + f"A-1,grunerlokka,2026-11-20T10:00:00+01:00,{INGRID},{COFFEE},2,9800\n"
        f"A-2,grunerlokka,2026-11-20T10:00:00+01:00,{OLAV},{COFFEE},2,9800\n"
    )

    assert (report.already, report.recorded) == (1, 1)
    by_import = [row for row in await everything_kept(bringing.house) if "A-2" in row]
    assert [row.replace("A-2", "A-1") for row in by_import] == by_till


async def test_a_second_run_changes_nothing(bringing: Bringing) -> None:
    first = await bringing.brings(a_year_of_coffee(200))
    before = await everything_kept(bringing.house)

    again = await bringing.brings(a_year_of_coffee(200))

    assert (first.recorded, first.already) == (200, 0)
    assert (again.recorded, again.already) == (0, 200)
    assert await everything_kept(bringing.house) == before


async def test_an_import_that_was_stopped_goes_on_where_it_stopped(bringing: Bringing) -> None:
    with pytest.raises(asyncio.CancelledError):
        await bringing.brings(a_year_of_coffee(), watcher=Watcher(stop_after=1))

    rest = await bringing.brings(a_year_of_coffee())

    [[recorded]] = await bringing.house.database.fetch("SELECT count(*) FROM journal WHERE kind = 'purchase'")
    assert 0 < rest.already < 1200
    assert rest.already + rest.recorded == recorded == 1200
    assert await broken(bringing.house) == []


async def test_a_file_in_any_order_gives_the_same(bringing: Bringing) -> None:
    """The last purchase stands first, and a receipt's lines lie apart: still the earliest is the first of the day."""
    report = await bringing.brings(
        HEADER
        + f"B-2,grunerlokka,2026-11-20T11:00:00+01:00,{INGRID},{COFFEE},1,4900\n"
        + f"B-1,grunerlokka,2026-11-20T10:00:00+01:00,{INGRID},{COFFEE},1,4900\n"
        + f"B-2,grunerlokka,2026-11-20T11:00:00+01:00,{INGRID},BUN,bakery,1,3000\n"
    )

    rules = await bringing.house.database.fetch(
        'SELECT j."natural" FROM entries e JOIN journal j ON j.business_id = e.business_id AND j.id = e.journal_id '
        "WHERE e.rule = 'morning'"
    )
    assert report.recorded == 2
    assert [row[0] for row in rules] == ["purchase:11:grunerlokka:B-1"]


async def test_each_purchase_is_judged_by_the_version_valid_then(bringing: Bringing) -> None:
    dearer = programme().replace("per_minor = 1000", "per_minor = 500")
    await publish(bringing.house, bringing.cafe, dearer, at=MONDAY - timedelta(days=1))

    report = await bringing.brings(
        HEADER
        + f"C-1,grunerlokka,2026-11-19T18:00:00Z,{INGRID},BUN,bakery,1,3000\n"
        + f"C-2,grunerlokka,2026-11-22T18:00:00Z,{INGRID},BUN,bakery,1,3000\n"
    )

    assert dict(report.issued) == {"points": 3 + 6}


async def test_bad_rows_are_reported_with_their_place_and_never_stop_the_run(bringing: Bringing) -> None:
    good = f"grunerlokka,{LONG_AGO},{INGRID},{COFFEE},1"
    report = await bringing.brings(
        HEADER
        + f"D-1,{good},4900\n"
        + f"D-2,grunerlokka,{LONG_AGO},12,{COFFEE},1,4900\n"
        + f"D-3,grunerlokka,the day before,{INGRID},{COFFEE},1,4900\n"
        + f"D-4,{good},forty-nine\n"
        + f"D-5,{good},-4900\n"
        + f"D-6,{good},0\n"
        + f"D-7,{good}\n"
        + f",{good},4900\n"
        + f"D-8,grunerlokka,{LONG_AGO},{INGRID},{COFFEE},1,4900\n"
        + f"D-8,grunerlokka,{LONG_AGO},{OLAV},{COFFEE},1,4900\n"
        + f"D-9,{good},49.5\n"
        + f"E-1,grunerlokka,2024-11-01T10:00:00Z,{INGRID},{COFFEE},1,4900\n"
        + f"E-1,grunerlokka,2024-11-08T10:00:00Z,{INGRID},{COFFEE},1,4900\n"
        + f"E-2,grunerlokka,2027-01-01T10:00:00Z,{INGRID},{COFFEE},1,4900\n"
        + f"E-3,{good},4900\n"
    )

    assert bringing.problems() == sorted(
        [
            ("3", "D-2", "identifier_invalid"),
            ("4", "D-3", "date_malformed"),
            ("5", "D-4", "amount_malformed"),
            ("6", "D-5", "line_negative"),
            ("7", "D-6", "nothing_paid"),
            ("8", "D-7", "row_unreadable"),
            ("9", "", "receipt_missing"),
            ("10-11", "D-8", "rows_disagree"),
            ("12", "D-9", "amount_inexact"),
            ("13-14", "E-1", "rows_disagree"),
            ("15", "E-2", "occurred_in_future"),
        ]
    )
    assert report.recorded == 2
    assert await broken(bringing.house) == []


async def test_a_receipt_with_one_bad_line_is_not_recorded_in_part(bringing: Bringing) -> None:
    report = await bringing.brings(
        HEADER
        + f"F-1,grunerlokka,{LONG_AGO},{INGRID},{COFFEE},1,4900\n"
        + f"F-1,grunerlokka,{LONG_AGO},{INGRID},BUN,bakery,1\n"
        + f"F-2,grunerlokka,{LONG_AGO},{INGRID},{COFFEE},1,4900\n"
    )

    assert report.recorded == 1
    assert bringing.problems() == [("2-3", "F-1", "row_unreadable")]


async def test_a_total_that_is_not_the_sum_of_its_lines_is_refused(bringing: Bringing) -> None:
    await bringing.brings(
        "receipt,occurred_at,member.phone,amount,total\n"
        f"G-1,{LONG_AGO},{INGRID},4900,7900\n"
        f"G-1,{LONG_AGO},{INGRID},3000,7900\n"
        f"G-2,{LONG_AGO},{INGRID},4900,5000\n"
    )

    assert bringing.problems() == [("4", "G-2", "lines_do_not_add_up")]


async def test_a_receipt_that_is_known_with_another_amount_is_refused(bringing: Bringing) -> None:
    line = f"H-1,grunerlokka,{LONG_AGO},{INGRID},{COFFEE},1"
    await bringing.brings(f"{HEADER}{line},4900\n")

    again = await bringing.brings(f"{HEADER}{line},5200\n")

    assert again.already == 0
    assert bringing.problems() == [("2", "H-1", "receipt_conflict")]


async def test_a_file_of_totals_has_one_row_a_purchase(bringing: Bringing) -> None:
    report = await bringing.brings(
        "receipt,occurred_at,member.phone,total\n"
        f"I-1,{LONG_AGO},{INGRID},12800\nI-2,{LONG_AGO},,12800\nI-3,{LONG_AGO},{INGRID},100\n"
        f"I-3,{LONG_AGO},{INGRID},100\n"
    )

    assert (report.recorded, report.memberless) == (1, 1)
    assert bringing.problems() == [("4-5", "I-3", "receipt_repeated")]


async def test_members_known_elsewhere_are_told_apart_and_kept_sealed(bringing: Bringing) -> None:
    report = await bringing.brings(
        "receipt,occurred_at,member.external,total\n"
        f"J-1,{LONG_AGO},household 7,10000\nJ-2,{LONG_AGO},household 8,10000\nJ-3,{LONG_AGO},household 7,10000\n"
    )

    kept = await bringing.house.database.fetch("SELECT kind, blind_index, sealed FROM identifiers")
    assert (report.recorded, report.joined) == (3, 2)
    assert {row[0] for row in kept} == {"external"}
    assert not any("household" in f"{row[1]}{row[2]}" for row in kept)
    assert await broken(bringing.house) == []


async def test_a_dry_run_finds_the_same_problems_and_keeps_nothing(bringing: Bringing) -> None:
    text = f"{HEADER}K-1,,{LONG_AGO},{INGRID},{COFFEE},1,4900\nK-2,,{LONG_AGO},12,{COFFEE},1,4900\n"

    report = await bringing.brings(text, dry_run=True)

    assert report.recorded == 1
    assert bringing.problems() == [("3", "K-2", "identifier_invalid")]
    assert await everything_kept(bringing.house) == []
    assert (await sees(bringing.house, bringing.cafe)).known is False


async def test_a_till_and_an_import_share_one_member(bringing: Bringing) -> None:
    await bringing.brings(f"{HEADER}L-1,grunerlokka,2026-11-21T18:00:00Z,{INGRID},BUN,bakery,1,3000\n")

    answer = await buys(bringing.house, bringing.cafe, flat_whites("L-2"))

    assert answer.member.new is False
    assert has(answer) == 3 + 9 + 5
