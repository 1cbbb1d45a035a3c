"""The kinds of goods a programme can tell apart: two lines that every rule treats alike are of one kind.

A programme mentions a few categories, SKUs and tags, so a few kinds stand for all the lines there are; whatever it
does not mention is one kind more. Where the mentioned ones would make too many kinds, the pickiest questions are
let loose: their answer may then be anything, which proves less and never anything false.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import Final

import msgspec

from rules.combining import All, AllOf, AnyOf, Not
from rules.conditions.purchase import Items
from rules.facts import Line
from rules.judging import Condition
from rules.picking import Exclude, Pick, Spend
from rules.programme import Programme

MOST_KINDS: Final = 160
_MOST_TRIED: Final = 40_000


class Kind(msgspec.Struct, frozen=True):
    """Goods that no rule tells apart, shown by a line of theirs, and which picks they answer to."""

    shown_by: Line
    picked_by: frozenset[Pick]


class Goods(msgspec.Struct, frozen=True):
    """Every kind of goods, the picks that were let loose, and whether different SKUs are counted."""

    kinds: tuple[Kind, ...]
    loose: frozenset[Pick]
    counts_skus: bool


def left_out(spend: Spend, line: Line) -> bool:
    """Does all the money of such a line count as nothing?"""
    return (line.discount_minor > 0 and not spend.discounted_lines) or spend.exclude.covers(line)


def plain(pick: Pick) -> Pick:
    """The pick alone, without what a condition asks of the goods picked."""
    return Pick(pick.sku, pick.category, pick.tag, pick.not_category, pick.not_tag)


def leaves(condition: Condition) -> Iterator[Condition]:
    """Every condition that is written in a `when`, however deep."""
    if isinstance(condition, Not):
        yield from leaves(condition.part)
    elif isinstance(condition, All | AllOf | AnyOf):
        for part in condition.parts:
            yield from leaves(part)
    else:
        yield condition


def goods_of(programmes: Sequence[Programme]) -> Goods:
    """The kinds of goods these programmes tell apart."""
    asked = [leaf for one in programmes for rule in one.rules for leaf in leaves(rule.when)]
    items = [leaf for leaf in asked if isinstance(leaf, Items)]
    per_item = [
        rule.award.per_item
        for one in programmes
        for rule in one.rules
        if rule.award and rule.award.per_item is not None
    ]
    picks = list(dict.fromkeys([*map(plain, per_item), *map(plain, items)]))
    picks.sort(key=_pickiness)
    counts_skus = any(item.distinct is not None for item in items)
    spends = [one.spend for one in programmes]
    told: Sequence[Pick] = picks
    while (kinds := _kinds(told, spends, counts_skus=counts_skus)) is None:
        told = told[: len(told) * 3 // 4]
    return Goods(kinds, frozenset(picks) - frozenset(told), counts_skus)


def _pickiness(pick: Pick) -> int:
    """How many ways of looking at a line this needs; tags are the dearest, as a line may carry any set of them."""
    return sum(
        weight * len(names or ())
        for weight, names in (
            (1, pick.category), (1, pick.not_category), (1, pick.sku), (8, pick.tag), (8, pick.not_tag),
        )
    )  # fmt: skip


def _kinds(picks: Sequence[Pick], spends: Sequence[Spend], *, counts_skus: bool) -> tuple[Kind, ...] | None:
    """The kinds that these picks make, or None where they would be too many."""
    excluded = [spend.exclude for spend in spends]
    categories = _alike(_lists(picks, excluded, "category", "not_category"))
    sku_lists = _lists(picks, excluded, "sku")
    skus = _alike([(name,) for names in sku_lists for name in names] if counts_skus else sku_lists)
    tags = _tag_sets(_lists(picks, excluded, "tag", "not_tag"))
    discounts = (0,) if all(spend.discounted_lines for spend in spends) else (0, 1)
    if tags is None or len(categories) * len(skus) * len(tags) > _MOST_TRIED:
        return None
    found: dict[object, Kind] = {}
    for category, sku, tagged, discount in product(categories, skus, tags, discounts):
        line = Line(line="1", amount_minor=0, category=category, sku=sku, tags=tagged, discount_minor=discount)
        picked = frozenset(pick for pick in picks if pick.matches(line))
        key = (picked, tuple(left_out(spend, line) for spend in spends), sku if counts_skus else None)
        found.setdefault(key, Kind(line, picked))
        if len(found) > MOST_KINDS and picks:
            return None
    return tuple(found.values())


def _lists(picks: Iterable[Pick], excluded: Iterable[Exclude], *fields: str) -> list[tuple[str, ...]]:
    """The lists of names that stand in these fields, each once."""
    written = [getattr(one, field, None) for one in (*picks, *excluded) for field in fields]
    return list(dict.fromkeys(names for names in written if names))


def _alike(lists: Sequence[tuple[str, ...]]) -> list[str | None]:
    """One name for all that stand in the same lists; None, or any name not mentioned, stands in no list."""
    names: list[str | None] = [None, *dict.fromkeys(name for names in lists for name in names)]
    found: dict[tuple[bool, ...], str | None] = {}
    for name in names:
        found.setdefault(tuple(name in names for names in lists), name)
    return list(found.values())


def _tag_sets(lists: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]] | None:
    """One set of tags for all that meet the same lists, or None where they would be too many."""
    found: dict[tuple[bool, ...], tuple[str, ...]] = {(False,) * len(lists): ()}
    for tag in dict.fromkeys(name for names in lists for name in names):
        for met, tags in list(found.items()):
            more = tuple(before or tag in names for before, names in zip(met, lists, strict=True))
            found.setdefault(more, (*tags, tag))
        if len(found) > _MOST_TRIED:
            return None
    return list(found.values())
