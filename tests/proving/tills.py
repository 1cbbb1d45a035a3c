"""Purchases as a till sends them, and facts pinned to the unknowns that stand for them."""

from collections.abc import Iterator
from random import Random
from typing import Any

import msgspec
import z3

from loyalty_engine.proving.goods import Kind, left_out
from loyalty_engine.proving.unknowns import Unknowns
from loyalty_engine.proving.witness import Witness
from rules import Line, MemberFacts, Programme, Purchase
from rules.conditions.history import MemberBirthday
from rules.periods import days_before
from rules.scene import Scene
from tests.rules import random_programmes


def purchase(random: Random, item_at_least: int = 0) -> Purchase:
    """A random purchase that is closed: whole items at their price or more, nothing given back yet.

    Every other one is as cheap as it can be, as that is where a fixed award weighs most.
    """
    bought = random_programmes.purchase(random)
    cheap = random.random() < 0.5
    lines = bought.lines and tuple(_line(line, item_at_least, cheap=cheap) for line in bought.lines)
    total = sum(line.amount_minor for line in lines) if lines else max(bought.total_minor, 1)
    return (
        msgspec.structs.replace(bought, lines=lines or None, total_minor=max(total, 1), refunded_minor=0)
        if (total)
        else msgspec.structs.replace(bought, lines=None, total_minor=1, refunded_minor=0)
    )


def _line(line: Line, item_at_least: int, *, cheap: bool) -> Line:
    quantity = max(line.quantity, 1)
    least = quantity * item_at_least
    amount = least if cheap else max(line.amount_minor, least)
    return msgspec.structs.replace(line, quantity=quantity, amount_minor=amount, tax_minor=amount // 5)


def pinned(unknowns: Unknowns, programme: Programme, by: Witness) -> Iterator[Any]:
    """Every unknown that was asked for is what the scene says it is."""
    scene = programme.scene(by.event, by.member)
    yield from (unknowns.today == scene.today.toordinal(), unknowns.minute == scene.minute)
    yield from _names(unknowns, scene)
    for fact, number in unknowns.numbers.items():
        value = _number(scene, fact)
        if fact in unknowns.known:
            yield unknowns.known[fact] == z3.BoolVal(value is not None)
        if value is not None:
            yield number == value
    for (kind, within), times in unknowns.times.items():
        yield times == sum(day > days_before(scene.today, within) for day in scene.counts.get(kind, ()))
    for fact, flag in unknowns.flags.items():
        yield flag == z3.BoolVal(_flag(scene, fact))
    if isinstance(by.event, Purchase):
        yield unknowns.total == by.event.total_minor
        yield unknowns.has_lines == z3.BoolVal(by.event.lines is not None)
        yield from _heaps(unknowns, programme, by.event.lines or ())
    yield from _used(unknowns, programme, scene, by.member)


def _names(unknowns: Unknowns, scene: Scene) -> Iterator[Any]:
    for fact, names in unknowns.names.items():
        field = fact.removeprefix("attribute ")
        if field == fact:
            yield from (term == z3.BoolVal(getattr(scene, fact) == name) for name, term in names.items())
            continue
        value = scene.attributes.get(field)
        said = (
            f"is {value}" if isinstance(value, bool)
            else "is a number" if isinstance(value, int)
            else f"text {value}"
        )  # fmt: skip
        yield from (term == z3.BoolVal(name == said) for name, term in names.items())
        if said == "is a number":
            yield unknowns.number(fact) == value
    for fact, names in unknowns.carried.items():
        yield from (term == z3.BoolVal(name in getattr(scene, fact)) for name, term in names.items())


def _number(scene: Scene, fact: str) -> int | None:
    if fact.startswith("balance "):
        return scene.balance.get(fact.removeprefix("balance "), 0)
    value: int | None = None if fact.startswith("attribute ") else getattr(scene, fact)
    return value


def _flag(scene: Scene, fact: str) -> bool:
    kind = fact.removeprefix("birthday ")
    if kind != fact:
        return MemberBirthday(kind).is_it(scene.birthday, scene.today)  # type: ignore[arg-type]
    return bool(getattr(scene, fact))


def _heaps(unknowns: Unknowns, programme: Programme, lines: tuple[Line, ...]) -> Iterator[Any]:
    told: list[list[Line]] = [[] for _ in unknowns.heaps]
    for line in lines:
        told[next(n for n, heap in enumerate(unknowns.heaps) if _is_of(unknowns, programme, line, heap.kind))].append(
            line
        )
    for heap, these in zip(unknowns.heaps, told, strict=True):
        yield heap.quantity == sum(line.quantity for line in these)
        yield heap.amount_minor == sum(line.amount_minor for line in these)
        yield heap.tax_minor == sum(line.tax_minor for line in these)
        yield heap.distinct == len({line.sku for line in these if line.sku is not None})


def _is_of(unknowns: Unknowns, programme: Programme, line: Line, kind: Kind) -> bool:
    picks = {pick for heap in unknowns.heaps for pick in heap.kind.picked_by}
    shown = kind.shown_by
    named = {heap.kind.shown_by.sku for heap in unknowns.heaps}
    alike = not unknowns.goods.counts_skus or (line.sku if line.sku in named else None) == shown.sku
    return (
        alike
        and left_out(programme.spend, line) == left_out(programme.spend, shown)
        and {pick for pick in picks if pick.matches(line)} == kind.picked_by
    )


def _used(unknowns: Unknowns, programme: Programme, scene: Scene, member: MemberFacts) -> Iterator[Any]:
    from rules.periods import window

    for (subject, per), (times, amount) in unknowns.used.items():
        before = member.used.get(f"{subject}|{window(per, scene.today, programme.zone).name}", (0, 0))
        yield from (times == before[0], amount == before[1])
