"""Files as tills write them: any delimiter, any decimal mark, CSV or Parquet, and a mapping that says what is what."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from loyalty_engine import cli
from loyalty_engine.businesses import Caller
from loyalty_engine.house import House
from loyalty_engine.importing.cells import CellRefused, amounts, instants, quantities
from loyalty_engine.importing.files import open_source
from loyalty_engine.importing.mapping import FileForm, ImportRefused, read_mapping
from loyalty_engine.importing.report import spans
from tests.engine.history import Bringing
from tests.engine.shop import INGRID, KEY, broken, programme

pytestmark = pytest.mark.anyio

NORDIC = """
[file]
decimal = ","
money = "major"
dates = ["%d.%m.%Y %H:%M"]
timezone = "Europe/Oslo"

[columns]
receipt = ["Dato", "Bong"]
occurred_at = ["Dato", "Tid"]
member.phone = "Mobil"
category = "Varegruppe"
quantity = "Antall"
amount = "Beløp"

[constants]
location = "grunerlokka"
currency = "NOK"
"""
NORDIC_FILE = (
    "Bong;Dato;Tid;Mobil;Varegruppe;Antall;Beløp\r\n"
    f"17;20.11.2026;10:15;{INGRID};coffee;2;98,00\r\n"
    f"17;20.11.2026;10:15;{INGRID};beans;0,250;1 042,50\r\n"
    "\r\n"
    f"17;21.11.2026;10:15;{INGRID};coffee;1;49\r\n"
)


@pytest.fixture
def bringing(house: House, cafe: Caller, tmp_path: Path) -> Bringing:
    return Bringing(house, cafe, tmp_path)


@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "with a byte order mark"])
async def test_a_nordic_spreadsheet_is_read_as_it_was_saved(bringing: Bringing, mark: str) -> None:
    report = await bringing.brings(mark + NORDIC_FILE, NORDIC)

    kept = await bringing.house.database.fetch("SELECT occurred_at, amount_minor FROM journal WHERE kind = 'purchase'")
    first = datetime(2026, 11, 20, 9, 15, tzinfo=UTC)
    assert report.recorded == 2
    assert sorted(row[1] for row in kept) == [4900, 114050]
    assert min(row[0] for row in kept) == int(first.timestamp()) * 1_000_000
    assert report.issued["stamps"] == 3
    assert await broken(bringing.house) == []


async def test_a_parquet_file_with_binary_prices_is_read_to_the_cent(bringing: Bringing) -> None:
    arrow: Any = import_module("pyarrow")
    parquet: Any = import_module("pyarrow.parquet")
    at = datetime(2026, 11, 20, 10, 15)  # noqa: DTZ001  # the file says no zone; the programme's is meant
    table = arrow.table(
        {
            "basket": [1, 1, 2],
            "at": arrow.array([at] * 3, type=arrow.timestamp("ns")),
            "household": [7, 7, 8],
            "price": [0.29, 1.1, 49.0],
            "tags": [["hot", "milk"], [], None],
        }
    )
    file = bringing.folder / "history.parquet"
    parquet.write_table(table, file, row_group_size=2)

    report = await bringing.brings(
        file,
        '[file]\nmoney = "major"\n[columns]\nreceipt = "basket"\noccurred_at = "at"\nmember.external = "household"\n'
        'amount = "price"\ntags = "tags"\n',
    )

    kept = await bringing.house.database.fetch("SELECT amount_minor, input FROM journal WHERE kind = 'purchase'")
    assert report.recorded == 2
    assert sorted(row[0] for row in kept) == [139, 4900]
    assert '"tags":["hot","milk"]' in min((row[0], row[1]) for row in kept)[1]


async def test_a_row_in_another_encoding_is_refused_and_the_rest_recorded(bringing: Bringing) -> None:
    header = b"receipt,occurred_at,member.phone,category,amount\n"
    good = b"A-1,2026-11-20T10:00:00Z,999 00 201,coffee,4900\n"
    bad = "A-2,2026-11-20T10:00:00Z,999 00 201,kjøtt,4900\n".encode("cp1252")
    file = bringing.folder / "history.csv"
    file.write_bytes(header + good + bad)

    report = await bringing.brings(file)

    assert report.recorded == 1
    assert bringing.problems() == [("3", "A-2", "row_unreadable")]


def test_each_delimiter_is_found_by_itself(tmp_path: Path) -> None:
    for delimiter in ",;\t|":
        file = tmp_path / "history.csv"
        file.write_text(delimiter.join(("receipt", '"name, of; it"', "total")) + "\n", encoding="utf-8")

        assert open_source(file, FileForm()).header == ("receipt", "name, of; it", "total")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[columns]\nreciept = "x"', 'is it "receipt"?'),
        ('[columns]\nreceipt = "Bogn"\noccurred_at = "Tid"', 'the file has no column "Bogn"'),
        ('[columns]\noccurred_at = "Tid"', 'no column is mapped to "receipt"'),
        ('[columns]\nreceipt = "Bong"\noccurred_at = "Tid"\namount = "Beløp"', "no column names the member"),
        ('[columns]\nreceipt = "Bong"\noccurred_at = "Tid"\nmember.phone = "Mobil"', 'map "amount"'),
        ('[file]\ntimezone = "Mars/Olympus"', "there is no time zone"),
        ('[file]\nmoney = "kroner"', "Invalid enum value"),
        ("receipt = [", "the mapping is no TOML"),
        ('[column]\nreceipt = "Bong"', "a mapping has the tables"),
        ("[columns]\nreceipt = 7", "mapped to a column's name"),
    ],
)
def test_a_mapping_that_cannot_be_used_says_what_to_put_right(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "history.csv"
    file.write_text(NORDIC_FILE, encoding="utf-8")

    with pytest.raises(ImportRefused) as refused:
        read_mapping(text).resolved(open_source(file, FileForm()).header)

    assert says in str(refused.value)


def test_the_command_line_wins_over_the_mapping() -> None:
    mapping = read_mapping('[columns]\nreceipt = "Bong"\n"member.phone" = "Mobil"', ["receipt=Kvittering"])

    assert mapping.columns == {"receipt": ("Kvittering",), "member.phone": ("Mobil",)}


@pytest.mark.parametrize(
    ("form", "cell", "minor"),
    [
        (FileForm(), "4900", 4900),
        (FileForm(money="major"), "49", 4900),
        (FileForm(money="major"), "1,234.5", 123450),
        (FileForm(money="major", decimal=","), "1.234,50", 123450),
        (FileForm(money="major", decimal=","), "1\u00a0234,50", 123450),
        (FileForm(money="major"), "-3.20", -320),
        (FileForm(money="major"), "\u22123.20", -320),
        (FileForm(money="major"), "1e2", 10000),
    ],
)
def test_an_amount_is_read_exactly(form: FileForm, cell: str, minor: int) -> None:
    assert amounts(form, 2)(cell) == minor


@pytest.mark.parametrize(
    ("cell", "code"),
    [("12,50", "amount_malformed"), ("0.005", "amount_inexact"), ("", "amount_malformed"), ("NaN", "amount_malformed"),
     ("1 2", "amount_malformed"), ("Infinity", "amount_malformed"), ("1e999999999", "amount_malformed")],
)  # fmt: skip
def test_what_is_no_exact_amount_is_refused(cell: str, code: str) -> None:
    with pytest.raises(CellRefused) as refused:
        amounts(FileForm(money="major"), 2)(cell)

    assert refused.value.code == code


def test_every_amount_to_the_cent_comes_back_as_it_was() -> None:
    read = amounts(FileForm(money="major"), 2)

    assert [read(str(Decimal(cents) / 100)) for cents in range(3000)] == list(range(3000))


def test_weighed_goods_are_one_piece() -> None:
    read = quantities(FileForm())

    assert [read(cell) for cell in ("2", "2.0", "0", "1.534", "0.2", "-1")] == [2, 2, 0, 1, 1, -1]


def test_a_time_without_a_zone_is_the_shops() -> None:
    read = instants(FileForm(), "Europe/Oslo")

    assert read("2026-11-22 09:41") == datetime(2026, 11, 22, 8, 41, tzinfo=UTC)
    assert read("2026-11-22T09:41:00Z") == datetime(2026, 11, 22, 9, 41, tzinfo=UTC)
    # The hour the clocks show twice is the first one.
    assert read("2026-10-25 02:30") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_rows_are_named_as_a_person_would() -> None:
    assert spans((2, 3, 4, 9, 11, 12)) == "2-4, 9, 11-12"


def test_the_command_line_imports_a_file_and_says_what_came_of_it(unmigrated_url: str, tmp_path: Path) -> None:
    history, mapping, listed = tmp_path / "history.csv", tmp_path / "mapping.toml", tmp_path / "problems.csv"
    history.write_text(NORDIC_FILE + "18;21.11.2026;10:15;12;coffee;1;49\r\n", encoding="utf-8", newline="")
    mapping.write_text(NORDIC, encoding="utf-8")
    (tmp_path / "cafe.toml").write_text(programme(), encoding="utf-8")
    settings = {"LOYALTY_DATABASE_URL": unmigrated_url, "LOYALTY_KEY": KEY}
    words = ["import", "purchases", str(history), "--business", "corner-cafe", "--report", str(listed)]
    CliRunner().invoke(cli.main, ["apply", str(tmp_path / "cafe.toml"), "--business", "corner-cafe"], env=settings)

    first = CliRunner().invoke(cli.main, [*words, "--mapping", str(mapping)], env=settings)
    again = CliRunner().invoke(cli.main, [*words, "--mapping", str(mapping)], env=settings)
    unmapped = CliRunner().invoke(cli.main, words, env=settings)

    assert first.exit_code == again.exit_code == 0
    assert "3 purchases read from 4 rows\n  2 recorded, 1 members new\n" in first.output
    assert "1 refused: identifier_invalid\n" in first.output
    assert "3 stamps issued\n" in first.output
    assert "  0 recorded\n  2 already there\n" in again.output
    assert listed.read_text(encoding="utf-8").splitlines()[1].startswith("6,21.11.2026 18,identifier_invalid,")
    assert unmapped.exit_code == 1
    assert 'no column is mapped to "receipt"' in unmapped.output


def test_a_file_of_which_nothing_can_be_recorded_ends_with_an_error(unmigrated_url: str, tmp_path: Path) -> None:
    history = tmp_path / "history.csv"
    history.write_text("receipt,occurred_at,member.phone,total\nA-1,never,999 00 201,4900\n", encoding="utf-8")
    (tmp_path / "cafe.toml").write_text(programme(), encoding="utf-8")
    settings = {"LOYALTY_DATABASE_URL": unmigrated_url, "LOYALTY_KEY": KEY}
    CliRunner().invoke(cli.main, ["apply", str(tmp_path / "cafe.toml"), "--business", "corner-cafe"], env=settings)

    said = CliRunner().invoke(
        cli.main, ["import", "purchases", str(history), "--business", "corner-cafe"], env=settings
    )

    assert said.exit_code == 1
    assert "row 2: date_malformed" in said.output
