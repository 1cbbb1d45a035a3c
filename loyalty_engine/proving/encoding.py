"""What each condition says about the unknowns: one entry a class, the nearest one of its kin where it has none.

A condition without an entry, or one that judges in its own way what its kin is encoded for, may hold or not: a proof
then covers both, and a purchase found may not come true when it is replayed.
"""

from collections.abc import Callable
from datetime import date
from functools import singledispatch
from typing import TypeVar

import z3

from loyalty_engine.proving.goods import plain
from loyalty_engine.proving.unknowns import Open, Term, Unknowns
from rules.combining import All, AllOf, AnyOf, Not
from rules.conditions.happening import Attributes, Wish
from rules.conditions.history import MemberBirthday, MemberCount, MemberOverdue
from rules.conditions.member import MemberBalance
from rules.conditions.moment import AtTime, OnDates, OnWeekday
from rules.conditions.purchase import Items
from rules.conditions.relation import MemberConsent
from rules.judging import AnyOfSeveral, Condition, Flag, OneOf, Within
from rules.names import WEEKDAYS, Range
from rules.picking import Pick, Spend

_HUNDRED = 100
Kin = TypeVar("Kin", bound=Condition)


class OpenScene:
    """A purchase as one programme sees it, before anything is known of it."""

    def __init__(self, unknowns: Unknowns, spend: Spend) -> None:
        self.unknowns = unknowns
        self.counted = unknowns.counted(spend)

    def number(self, fact: str, floor: int | None = 0) -> Term:
        return self.counted if fact == "counted" else self.unknowns.number(fact, floor)

    def measure(self, pick: Pick) -> Open:
        return self.unknowns.measure(plain(pick))

    def within_dates(self, first: date | None, last: date | None) -> Term:
        """Is it between these local dates, both included?"""
        today = self.unknowns.today
        after = z3.BoolVal(val=True) if first is None else today >= first.toordinal()
        return after if last is None else z3.And(after, today <= last.toordinal())


def within(value: Term, wanted: Range) -> Term:
    low = z3.BoolVal(val=True) if wanted.min is None else value >= wanted.min
    return low if wanted.max is None else z3.And(low, value <= wanted.max)


@singledispatch
def encoded(condition: Condition, scene: OpenScene) -> Term:
    """When this condition holds."""
    return scene.unknowns.anything(condition)


def entry(kin: type[Kin]) -> Callable[[Callable[[Kin, OpenScene], Term]], Callable[[Kin, OpenScene], Term]]:
    """Enter how a class of conditions is encoded; one of its kin that judges differently may hold or not."""

    def enter(encode: Callable[[Kin, OpenScene], Term]) -> Callable[[Kin, OpenScene], Term]:
        def guarded(condition: Kin, scene: OpenScene) -> Term:
            same = type(condition).holds is kin.holds
            return encode(condition, scene) if same else scene.unknowns.anything(condition)

        encoded.register(kin, guarded)
        return encode

    return enter


@entry(All)
def _all(condition: All, scene: OpenScene) -> Term:
    return z3.And([encoded(part, scene) for part in condition.parts])


@entry(AllOf)
def _all_of(condition: AllOf, scene: OpenScene) -> Term:
    return z3.And([encoded(part, scene) for part in condition.parts])


@entry(AnyOf)
def _any_of(condition: AnyOf, scene: OpenScene) -> Term:
    return z3.Or([encoded(part, scene) for part in condition.parts])


@entry(Not)
def _not(condition: Not, scene: OpenScene) -> Term:
    return z3.Not(encoded(condition.part, scene))


@entry(OneOf)
def _one_of(condition: OneOf, scene: OpenScene) -> Term:
    return z3.Or([scene.unknowns.is_named(condition.fact, name) for name in condition.wanted])


@entry(AnyOfSeveral)
def _any_of_several(condition: AnyOfSeveral, scene: OpenScene) -> Term:
    return z3.Or([scene.unknowns.carries(condition.fact, name) for name in condition.wanted])


@entry(Within)
def _within(condition: Within, scene: OpenScene) -> Term:
    found = within(scene.number(condition.fact, condition.floor), condition.wanted)
    return z3.And(scene.unknowns.is_known(condition.fact), found) if condition.optional else found


@entry(Items)
def _items(condition: Items, scene: OpenScene) -> Term:
    measure = scene.measure(condition)
    asked = [within(getattr(measure, what), wanted) for what, wanted in condition.asked()]
    return z3.And(scene.unknowns.has_lines, *asked)


@entry(OnWeekday)
def _on_weekday(condition: OnWeekday, scene: OpenScene) -> Term:
    return z3.Or([scene.unknowns.weekday[WEEKDAYS.index(day)] for day in condition.wanted])


@entry(AtTime)
def _at_time(condition: AtTime, scene: OpenScene) -> Term:
    after, before = scene.unknowns.minute >= condition.wanted.starts, scene.unknowns.minute < condition.wanted.ends
    return (z3.And if condition.wanted.starts < condition.wanted.ends else z3.Or)(after, before)


@entry(OnDates)
def _on_dates(condition: OnDates, scene: OpenScene) -> Term:
    return scene.within_dates(condition.wanted.from_, condition.wanted.until)


@entry(MemberBalance)
def _member_balance(condition: MemberBalance, scene: OpenScene) -> Term:
    return z3.And([within(scene.number(f"balance {unit}", None), wanted) for unit, wanted in condition.wanted.items()])


@entry(Flag)
def _flag(condition: Flag, scene: OpenScene) -> Term:
    so = scene.unknowns.flag(condition.fact)
    return so if condition.wanted else z3.Not(so)


@entry(MemberBirthday)
def _member_birthday(condition: MemberBirthday, scene: OpenScene) -> Term:
    return scene.unknowns.flag(f"birthday {condition.wanted}")


@entry(MemberCount)
def _member_count(condition: MemberCount, scene: OpenScene) -> Term:
    return within(scene.unknowns.happened(condition.of, condition.within), condition.wanted_range)


@entry(MemberOverdue)
def _member_overdue(condition: MemberOverdue, scene: OpenScene) -> Term:
    last, usual = "days_since_last_purchase", "usual_interval_days"
    days, interval = scene.number(last), scene.number(usual)
    known = (scene.unknowns.is_known(last), scene.unknowns.is_known(usual))
    return z3.And(*known, interval > 0, days * _HUNDRED >= int(condition.min * _HUNDRED) * interval)


@entry(MemberConsent)
def _member_consent(condition: MemberConsent, scene: OpenScene) -> Term:
    return z3.And([scene.unknowns.carries("consents", purpose) for purpose in condition.wanted])


@entry(Attributes)
def _attributes(condition: Attributes, scene: OpenScene) -> Term:
    return z3.And([_attribute(scene.unknowns, f"attribute {name}", wish) for name, wish in condition.wanted.items()])


def _attribute(unknowns: Unknowns, fact: str, wish: Wish) -> Term:
    """One field is one text, or a number, or true, or false, or none of them."""
    if isinstance(wish, bool):
        return unknowns.is_named(fact, f"is {wish}")
    number = unknowns.number(fact, None)
    counts = unknowns.is_named(fact, "is a number")
    if isinstance(wish, Range):
        return z3.And(counts, within(number, wish))
    texts = [unknowns.is_named(fact, f"text {one}") for one in wish if isinstance(one, str)]
    return z3.Or(*texts, *(z3.And(counts, number == one) for one in wish if isinstance(one, int)))
