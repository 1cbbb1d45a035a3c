"""What a unit is worth in money: the best perk it buys, or what the question says.

A perk that takes a percentage off is taken to come off a purchase as large as the one that is judged. Units are taken
to be worth their part of a perk's price, as a member who comes again spends the rest later.
"""

from collections.abc import Mapping
from fractions import Fraction

import msgspec

from rules.effects.deeds import GrantPerk
from rules.outcome import Outcome
from rules.perks import Perk
from rules.programme import Programme

_HUNDRED = 100


class ValueUnknown(ValueError):
    """A perk gives a thing of no stated worth, or a worth is stated for something that is not there."""


class Value(msgspec.Struct, frozen=True):
    """What one of something is worth: so much money, or a part of the purchase, whichever is more."""

    minor: Fraction = Fraction(0)
    part: Fraction = Fraction(0)

    def of(self, total_minor: int) -> Fraction:
        """What one is worth where such a purchase is made."""
        return max(self.minor, self.part * total_minor)


class Values(msgspec.Struct, frozen=True):
    """What each unit is worth, and each perk that a rule gives away."""

    units: Mapping[str, Value]
    perks: Mapping[str, Value]

    def linear(self) -> bool:
        """Is no unit worth a part of the purchase, so that everything can be added up?"""
        return not any(value.part for value in self.units.values())


def values(programme: Programme, said: Mapping[str, Fraction]) -> Values:
    """The worth of each unit and perk, as perks have it or as it is said by name.

    Raises ValueUnknown with a sentence where the worth of a perk that counts is not stated.
    """
    perks = {perk.id: perk for perk in programme.perks}
    for name in said:
        if name not in programme.units and name not in perks:
            raise ValueUnknown(f"there is no unit and no perk {name} to state the worth of")
    granted = {deed.perk for rule in programme.rules for deed in rule.deeds if isinstance(deed, GrantPerk)}
    return Values(
        {unit: Value(said[unit]) if unit in said else _best(programme, unit, said) for unit in programme.units},
        {perk: _of_perk(perks[perk], said) for perk in granted},
    )


def _best(programme: Programme, unit: str, said: Mapping[str, Fraction]) -> Value:
    pays = programme.units[unit].pays_minor
    each = [] if pays is None else [Value(Fraction(pays))]
    for perk in programme.buying(unit):
        assert perk.price is not None, "it is bought with the unit"
        worth, share = _of_perk(perk, said), Fraction(1, perk.price.amount)
        each.append(Value(worth.minor * share, worth.part * share))
    return Value(
        max((one.minor for one in each), default=Fraction(0)), max((one.part for one in each), default=Fraction(0))
    )


def _of_perk(perk: Perk, said: Mapping[str, Fraction]) -> Value:
    if perk.id in said:
        return Value(said[perk.id])
    if perk.gives.most_minor is not None:
        return Value(Fraction(perk.gives.most_minor))
    if perk.gives.percent_off is not None:
        return Value(part=Fraction(perk.gives.percent_off, _HUNDRED))
    raise ValueUnknown(f'what the perk "{perk.id}" is worth is not stated: write up_to_minor, or say what it is worth')


def given_back(outcome: Outcome, total_minor: int, worth: Values) -> Fraction:
    """The share of a purchase that an outcome gives back."""
    given = [award.amount * worth.units[award.unit].of(total_minor) for award in outcome.awards]
    deeds = (happening.values for happening in outcome.effects)
    given += [worth.perks[deed.perk].of(total_minor) for deed in deeds if isinstance(deed, GrantPerk)]
    whole = sum(given, Fraction(0))
    return Fraction(whole.numerator, whole.denominator * total_minor)
