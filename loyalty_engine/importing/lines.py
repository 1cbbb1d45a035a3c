"""A line of a receipt out of a row of cells: what was bought, how many and for how much.

Many lines of a history are alike but for their number, and more of them are of the same goods: both are remembered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct

from loyalty_engine.commands import MoneyOrNothing, PurchaseLine, Quantity
from loyalty_engine.importing.cells import CellRefused, lists, quantities, shared
from loyalty_engine.importing.fields import Fields
from loyalty_engine.importing.files import Cells
from loyalty_engine.importing.mapping import Mapping

_REMEMBERED = 131_072
# Stands between cells that are remembered as one text; a cell that holds it itself is read anew each time.
_BETWEEN = "\x1f"
# What a line says but for its number: all of it held against the sizes that a till's line may have.
LineFacts = tuple[Any, ...]
_Numbers = tuple[MoneyOrNothing, Quantity, MoneyOrNothing, MoneyOrNothing]


class _Goods(Struct, frozen=True):
    """What was bought, as it was told, and its SKU, category and tags as a line holds them; None where it cannot."""

    told: dict[str, Any]
    held: tuple[str | None, str | None, tuple[str, ...]] | None


class LineReader:
    """Reads lines of one file, by its mapping."""

    def __init__(self, fields: Fields, mapping: Mapping) -> None:
        """Prepare the readers of cells."""
        names = ("amount", "quantity", "discount", "tax", "sku", "category", "tags", "line")
        self._of = {name: read for name in names if (read := fields.reader(name))}
        self._listed = lists(mapping.form)
        self._quantity = quantities(mapping.form)
        self._cells = fields.cells("amount", "quantity", "discount", "tax", "sku", "category", "tags")
        self._goods_cells = fields.cells("sku", "category", "tags")
        self._names = [(name, self._of[name]) for name in ("sku", "category") if name in self._of]
        self._lines: dict[object, dict[str, LineFacts | dict[str, Any]]] = {}
        self._goods: dict[str, _Goods] = {}

    def named(self, cells: Cells) -> str:
        """Give the number a line has in the file; empty where it has none."""
        return self._of["line"](cells) if "line" in self._of else ""

    def read(self, cells: Cells, amount: Callable[[str], int]) -> LineFacts | dict[str, Any]:
        """Give all that a line says but its number; a table of it where no till could send it, an empty one where
        nothing was sold. Raises CellRefused.
        """
        lines = self._lines.get(amount)
        if lines is None:
            lines = self._lines[amount] = {}
        # One text is found quicker than eight are.
        key = _BETWEEN.join(told := self._cells(cells))
        known = lines.get(key)
        if known is None:
            known = self._read(cells, amount)
            if len(lines) < _REMEMBERED and key.count(_BETWEEN) < len(told):
                lines[key] = known
        return known

    def _read(self, cells: Cells, amount: Callable[[str], int]) -> LineFacts | dict[str, Any]:
        of = self._of
        paid = amount(of["amount"](cells))
        said = of["quantity"](cells) if "quantity" in of else ""
        quantity = self._quantity(said) if said else 1
        if quantity == 0 and paid == 0:
            return {}
        if quantity < 0 or paid < 0:
            says = "A line below zero is a return: record it as a refund of its purchase."
            raise CellRefused("line_negative", says)
        goods = self._goods_of(cells)
        discount = abs(amount(text)) if "discount" in of and (text := of["discount"](cells)) else 0
        tax = abs(amount(text)) if "tax" in of and (text := of["tax"](cells)) else 0
        if goods.held is not None and "line" not in of:
            sku, category, tags = goods.held
            try:
                paid, pieces, discount, tax = msgspec.convert((paid, quantity or 1, discount, tax), _Numbers)
            except msgspec.ValidationError:
                pass  # told as it is, and refused with its place when the whole receipt is held against the sizes
            else:
                return paid, sku, category, pieces, discount, tax, tags
        return goods.told | {
            "amount_minor": paid, "quantity": quantity or 1, "discount_minor": discount, "tax_minor": tax
        }  # fmt: skip

    def _goods_of(self, cells: Cells) -> _Goods:
        key = _BETWEEN.join(told_of := self._goods_cells(cells))
        known = self._goods.get(key)
        if known is None:
            told: dict[str, Any] = {name: text for name, read in self._names if (text := read(cells))}
            if "tags" in self._of and (tags := self._listed(self._of["tags"](cells))):
                told["tags"] = tags
            known = _Goods(told, _held(told))
            if len(self._goods) < _REMEMBERED and key.count(_BETWEEN) < max(len(told_of), 1):
                self._goods[key] = known
        return known


def _held(goods: dict[str, Any]) -> tuple[str | None, str | None, tuple[str, ...]] | None:
    """Hold goods against the sizes a till's line may have. Equal texts become one: there are few in a million lines."""
    try:
        line = msgspec.convert({"line": "1", "amount_minor": 0, **goods}, PurchaseLine)
    except msgspec.ValidationError:
        return None
    return line.sku, shared(line.category), shared(line.tags)
