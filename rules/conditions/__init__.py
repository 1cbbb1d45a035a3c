"""Every condition a rule may stand on, one class each: what is written, when it holds, and how it says so.

Each docstring is read by a shop owner. The file reader, the JSON Schema, the form, the compiled form, the sentence
and the explanation follow from the class: its single field `wanted` (or its fields) is what is written, `holds`
judges it, `source` writes the same judgement as an expression over bound names, `says`, `found` and `wants` make the
sentences. A class written in any of these files is known everywhere.
"""

from collections.abc import Iterator
from typing import Final

from rules.conditions.happening import Attributes
from rules.conditions.history import MemberCount
from rules.conditions.member import MemberBalance, MemberFirstPurchase
from rules.conditions.moment import AtTime, DateSpan, OnDates, OnWeekday
from rules.conditions.purchase import Items
from rules.conditions.relation import MemberConsent
from rules.judging import Condition

__all__ = [
    "CONDITIONS",
    "AtTime",
    "Attributes",
    "DateSpan",
    "Items",
    "MemberBalance",
    "MemberConsent",
    "MemberCount",
    "MemberFirstPurchase",
    "OnDates",
    "OnWeekday",
]


def _every(kind: type[Condition]) -> Iterator[type[Condition]]:
    for cls in kind.__subclasses__():
        if "written" in vars(cls):
            yield cls
        yield from _every(cls)


CONDITIONS: Final[dict[str, type[Condition]]] = {
    cls.written: cls for cls in sorted(_every(Condition), key=lambda cls: ("." in cls.written, cls.written))
}
"""Every condition by the name it is written with, found from the classes themselves; the member's own come last."""
