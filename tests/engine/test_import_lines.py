"""Lines of a file that look alike are read once, and never taken for one another."""

from loyalty_engine.importing.fields import Fields
from loyalty_engine.importing.gathering import UNREADABLE, pack, unpack
from loyalty_engine.importing.lines import LineReader
from loyalty_engine.importing.mapping import FileForm, Mapping

BEANS = ("receipt-1", "BEANS-1", "beans", "12900")
FILTERS = ("receipt-1", "FILTERS-1", "filters", "4900")


def test_lines_whose_cells_run_together_the_same_are_not_taken_for_each_other() -> None:
    mapping = Mapping(FileForm(), {"sku": ("sku",), "category": ("category",), "amount": ("amount",)}, {})
    reader = LineReader(Fields(mapping), mapping)

    one = reader.read(("BEANS\x1f1", "beans", "12900"), int)
    other = reader.read(("BEANS", "1\x1fbeans", "12900"), int)

    assert one[:3] == (12900, "BEANS\x1f1", "beans")  # type: ignore[index]  # both are lines a till could send
    assert other[:3] == (12900, "BEANS", "1\x1fbeans")  # type: ignore[index]


def test_rows_come_back_from_the_sorting_table_as_they_were() -> None:
    rows = [(2, BEANS), (3, FILTERS), (5, BEANS)]

    assert list(unpack(pack(rows))) == rows


def test_a_row_that_cannot_be_read_comes_back_among_the_others() -> None:
    rows = [(2, BEANS), (3, UNREADABLE)]

    assert list(unpack(pack(rows))) == rows
