"""Effects that give units, or more of them."""

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from rules.effects.shape import Effect
from rules.judging import Code, Stands
from rules.names import Positive, UnitName
from rules.picking import Pick
from rules.scene import Scene
from rules.tongues import spoken
from rules.words import Words

_PLACES: Final = 3
_LARGEST: Final = 1000
_DOUBLE: Final = 2
_TRIPLE: Final = 3


class AwardUnits(Effect, frozen=True):
    """Give so many units: once (`amount` alone), for each full `per_minor` of the counted spend, or for each
    item picked. Only a fixed amount can be given for something else than a purchase.
    """

    written = "award"
    example = '{ unit = "points", amount = 1, per_minor = 1000 }'
    says = spoken(
        en=("units given", "{0}"),
        nb=("det som gis", "{0}"),
        nn=("det som blir gitt", "{0}"),
        sv=("det som ges", "{0}"),
        da=("det, der gives", "{0}"),
        fi=("annettavat yksiköt", "{0}"),
    )
    unit: UnitName
    amount: Positive
    per_minor: Positive | None = None
    per_item: Pick | None = None

    def __post_init__(self) -> None:
        if self.per_minor is not None and self.per_item is not None:
            raise ValueError("an award is per amount spent or per item, not both")

    @property
    def proportional(self) -> bool:
        """Only awards in proportion to the purchase can be multiplied."""
        return self.per_minor is not None or self.per_item is not None

    @property
    def stands_on(self) -> Stands:
        return "purchase" if self.proportional else "anything"

    def worth(self, scene: Scene) -> int:
        """The units this comes to before multipliers and limits."""
        if self.per_minor is not None:
            return scene.counted // self.per_minor * self.amount
        if self.per_item is not None:
            return scene.measure(self.per_item).quantity * self.amount
        return self.amount

    def times(self, code: Code) -> str | None:
        """How many times the amount is given, as an expression; None for an award that is given once."""
        if self.per_minor is not None:
            return f"{code.fact('counted')} // {code.bind(self.per_minor)}"
        return None if self.per_item is None else code.measured(self.per_item, "quantity")

    def words(self, words: Words) -> str:
        given = words.units(self.amount, self.unit)
        if self.per_minor is not None:
            return words.tongue.per.format(given, words.money(self.per_minor))
        return given if self.per_item is None else words.tongue.per_item.format(given, self.per_item.words(words))

    def nothing(self, words: Words) -> Callable[[Scene], str]:
        """Why this came to nothing although the conditions hold, with all but the value found written beforehand."""
        t = words.tongue
        if self.per_minor is not None:
            step = words.money(self.per_minor)
            return lambda scene: t.too_little.format(words.money(scene.counted), step)
        picked = (self.per_item or Pick()).words(words)
        no_lines, none = t.no_lines_given.format(picked), t.none_bought.format(picked)
        return lambda scene: no_lines if scene.lines is None else none


class MultiplyAwards(Effect, frozen=True):
    """Multiply what is given in proportion to the purchase, in this unit. `by` has at most three decimals:
    1.5 is half as much again. On another event than a purchase nothing is in proportion, so nothing is multiplied.
    """

    written = "multiply"
    example = '{ unit = "points", by = 2 }'
    says = spoken(
        en=("times as many", "{0}"),
        nb=("ganger så mange", "{0}"),
        nn=("gonger så mange", "{0}"),
        sv=("gånger så många", "{0}"),
        da=("gange så mange", "{0}"),
        fi=("kerroin", "{0}"),
    )
    unit: UnitName
    by: Decimal

    def __post_init__(self) -> None:
        exponent = self.by.as_tuple().exponent
        if not isinstance(exponent, int) or exponent < -_PLACES or not 1 < self.by <= _LARGEST:
            raise ValueError(f"`by` must be above 1 and at most {_LARGEST}, with at most {_PLACES} decimals")

    @property
    def thousandths(self) -> int:
        return int(self.by * 10**_PLACES)

    @property
    def stands_on(self) -> Stands:
        return "purchase"

    def words(self, words: Words) -> str:
        return words.tongue.times_the.format(words.decimal(self.by), words.unit(2, self.unit))

    def sentence(self, words: Words) -> str:
        t = words.tongue
        template = {_DOUBLE: t.double, _TRIPLE: t.triple}.get(int(self.by) if self.by == int(self.by) else 0)
        return self.words(words) if template is None else template.format(words.unit(2, self.unit))
