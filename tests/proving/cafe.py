"""The Corner Café as programmes small enough to be reckoned by hand, and what the tests ask of them."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

from loyalty_engine.proving.returns import Returns
from loyalty_engine.proving.unknowns import Assumed
from rules import Programme
from tests.rules.corner_cafe import document, read_document

POINT = {"award": {"unit": "points", "amount": 1}}
PER_TEN_KRONER = {"award": {"unit": "points", "amount": 1, "per_minor": 1000}}
TEN_ORE = {"points": Fraction(10), "stamps": Fraction(600)}
"""A point is worth 10 øre and a stamp 6 kr."""


def rule(id: str, then: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"id": id, "then": then or POINT} | more


def doubled(by: str = "2") -> dict[str, Any]:
    """Twice the points, or as many as are said."""
    return {"multiply": {"unit": "points", "by": Decimal(by)}}


def cafe(*rules: dict[str, Any], perks: list[dict[str, Any]] | None = None, **settings: Any) -> Programme:
    """The café with these rules; perks and [programme] settings as they are written."""
    units = settings.pop("units", {})
    written = document(*rules, **settings)
    written["units"] = {name: unit | units.get(name, {}) for name, unit in written["units"].items()}
    programme, findings = read_document(written | ({"perks": perks} if perks else {}))
    assert findings == ()
    return programme


def asked(
    programme: Programme, *, at_least_minor: int = 5000, item_at_least_minor: int = 0, **values: Fraction
) -> Returns:
    """Questions about purchases of at least 50 kr, with a point at 10 øre and a stamp at 6 kr."""
    return Returns(programme, Assumed(at_least_minor, item_at_least_minor), TEN_ORE | values)
