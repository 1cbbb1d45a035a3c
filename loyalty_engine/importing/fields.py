"""The fields of a purchase in a row of cells: where each one stands, by the mapping."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter

from loyalty_engine.importing.files import Cells
from loyalty_engine.importing.mapping import Mapping


class Fields:
    """The cells of a row by the field's name: which columns to read, and how to find a field among them."""

    def __init__(self, mapping: Mapping) -> None:
        """Lay out the columns a mapping reads."""
        self.columns = [column for sources in mapping.columns.values() for column in sources]
        self._constants = mapping.constants
        self._separator = mapping.form.separator
        self._places: dict[str, tuple[int, ...]] = {}
        start = 0
        for field, sources in mapping.columns.items():
            self._places[field] = tuple(range(start, start + len(sources)))
            start += len(sources)

    def reader(self, field: str) -> Callable[[Cells], str] | None:
        """Give the function that finds a field in a row, or None where the mapping does not speak of it."""
        places = self._places.get(field)
        if places is None:
            constant = self._constants.get(field)
            return None if constant is None else lambda _: constant
        if len(places) == 1:
            place = places[0]
            return lambda cells: cells[place].strip()
        joint = self._separator if field in {"tags", "codes"} else " "
        return lambda cells: joint.join(filter(None, (cells[place].strip() for place in places)))

    def cells(self, *names: str) -> Callable[[Cells], Cells]:
        """Give the function that takes the cells these fields are read from out of a row, as they stand."""
        places = [place for name in names for place in self._places.get(name, ())]
        return itemgetter(*places) if len(places) > 1 else lambda cells: tuple([cells[place] for place in places])
