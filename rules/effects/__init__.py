"""Every effect a rule may have, one class each: what is written, what it comes to, and how it says so.

Each docstring is read by a shop owner. As with conditions, everything else follows from the class, and a class written
in any of these files is known everywhere.
"""

from collections.abc import Iterator
from typing import Final

from rules.effects.deeds import GrantPerk
from rules.effects.shape import Effect
from rules.effects.units import AwardUnits, MultiplyAwards

__all__ = ["EFFECTS", "AwardUnits", "Effect", "GrantPerk", "MultiplyAwards"]


def _every(kind: type[Effect]) -> Iterator[type[Effect]]:
    for cls in kind.__subclasses__():
        if "written" in vars(cls):
            yield cls
        yield from _every(cls)


EFFECTS: Final[dict[str, type[Effect]]] = {cls.written: cls for cls in _every(Effect)}
"""Every effect by the name it is written with, found from the classes themselves."""
