"""What a unit is worth in money: what the business says, or the best perk it buys."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from msgspec import Struct

import rules

GIVEN = "given"


class Worth(Struct, frozen=True):
    """One unit's worth in minor units of money, and where that comes from.

    `by` is a perk's id, the unit itself where it pays like money, or "given".
    """

    each: Fraction
    by: str


def worths(programme: rules.Programme, said: Mapping[str, str], average_minor: Fraction) -> dict[str, Worth]:
    """Value the units of a programme; a percentage off is taken of the average purchase.

    A unit that no perk prices, or only a perk whose own worth is not written, has no value unless one is given.
    """
    found: dict[str, Worth] = {}
    for unit, known in programme.units.items():
        if known.pays_minor is not None:
            found[unit] = Worth(Fraction(known.pays_minor), unit)
    for perk in programme.perks:
        if perk.price is None:
            continue
        if perk.gives.percent_off is not None:
            minor = average_minor * Fraction(perk.gives.percent_off, 100)
        else:
            minor = Fraction(perk.gives.most_minor or 0)
        each = minor * Fraction(1, perk.price.amount)
        best = found.get(perk.price.unit)
        if each and (best is None or each > best.each):
            found[perk.price.unit] = Worth(each, perk.id)
    return found | {unit: Worth(Fraction(each), GIVEN) for unit, each in said.items()}


def rounded(value: Fraction) -> int:
    """Give whole minor units, half a one rounded up."""
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


def per_cent(part: Fraction, whole: int) -> str | None:
    """Give a share as a percentage with two decimals; None of nothing."""
    if whole <= 0:
        return None
    hundredths = rounded(part * Fraction(10_000, whole))
    sign = "-" if hundredths < 0 else ""
    return f"{sign}{abs(hundredths) // 100}.{abs(hundredths) % 100:02}"
