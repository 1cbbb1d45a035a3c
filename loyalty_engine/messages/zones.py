"""What time it may be where a member is: the zones of a country, as the world's time zone table lists them."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

_COUNTRY, _ZONE = 0, 2


@cache
def zones_of(country: str) -> tuple[str, ...]:
    """Name every zone of a country (`US` has many); none where the country is not known."""
    return _by_country().get(country, ())


@cache
def _by_country() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    table = files("tzdata").joinpath("zoneinfo", "zone.tab").read_text(encoding="utf-8")
    for line in table.splitlines():
        if not line.startswith("#"):
            columns = line.split("\t")
            found.setdefault(columns[_COUNTRY], []).append(columns[_ZONE])
    return {country: tuple(zones) for country, zones in found.items()}
