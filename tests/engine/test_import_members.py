"""An existing club comes along: tried first, taken over once, and what cannot be shown was not agreed to."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from loyalty_engine.businesses import Caller
from loyalty_engine.house import House
from loyalty_engine.importing.club import Club, ClubReport, carry_out, columns_of
from loyalty_engine.importing.files import CsvSource
from loyalty_engine.importing.mapping import FileForm
from tests.engine.agreeing import open_agreeing_shop
from tests.engine.shop import INGRID, MONDAY, OLAV, broken, has, sees

pytestmark = pytest.mark.anyio

CLUB = """\
mobile,email,name,language,units.points,consent,consent_channel,consent_wording,consent_at,consent_evidence
999 00 201,ingrid@example.no,Ingrid,nb,120,marketing,sms,till-2026-01,2026-05-17T12:00:00Z,card 17 in the binder of 2026
999 00 202,,Olav,nb,40,marketing,sms,,,
12345,,Nobody,nb,5,,,,,
999 00 203,,Kari,nb,-4,,,,,
"""


async def takes_over(house: House, caller: Caller, file: Path, *, dry_run: bool = False) -> ClubReport:
    source = CsvSource(file, FileForm())
    columns = columns_of(source.header, ("phone=mobile",))
    return await carry_out(
        Club(house=house, caller=caller, source=source, columns=columns, now=lambda: MONDAY + timedelta(minutes=1),
             dry_run=dry_run, report=ClubReport(problems=[]))
    )  # fmt: skip


@pytest.fixture
def file(tmp_path: Path) -> Path:
    written = tmp_path / "club.csv"
    written.write_text(CLUB, encoding="utf-8")
    return written


async def test_a_club_is_tried_then_taken_over_and_a_second_run_changes_nothing(house: House, file: Path) -> None:
    cafe = await open_agreeing_shop(house)

    tried = await takes_over(house, cafe, file, dry_run=True)
    assert (tried.rows, tried.joined, tried.not_given) == (4, 2, 1)
    assert (await sees(house, cafe)).known is False

    first = await takes_over(house, cafe, file)
    again = await takes_over(house, cafe, file)

    assert (first.joined, first.units["points"], first.consents, first.not_given) == (2, 160, 1, 1)
    assert (again.joined, again.already, again.units["points"], again.consents) == (0, 2, 0, 0)
    assert [(one.row, one.code) for one in first.problems] == [
        (3, "consent_not_given"), (4, "identifier_invalid"), (5, "units_malformed"),
    ]  # fmt: skip
    assert has(await sees(house, cafe, INGRID)) == 120
    assert has(await sees(house, cafe, OLAV)) == 40
    agreed = await house.database.fetch("SELECT purpose, channel, decision FROM consent_records")
    assert [tuple(row) for row in agreed] == [("marketing", "sms", "given")]
    assert await broken(house) == []


def test_a_file_that_names_nobody_is_refused() -> None:
    with pytest.raises(ValueError, match="nobody can be found"):
        columns_of(("name", "units.points"), ())
    with pytest.raises(ValueError, match="no column"):
        columns_of(("mobile",), ("phone=Mobile",))
