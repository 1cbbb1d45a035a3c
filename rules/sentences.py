"""A rule as one sentence in any of the languages: when what holds, what is given, and within which bounds."""

from collections.abc import Iterator

from rules.combining import clauses
from rules.conditions.purchase import Items
from rules.programme import Programme, Rule
from rules.words import Words


def sentence(rule: Rule, programme: Programme, language: str | None = None) -> str:
    """Such as "When a customer buys coffee, Monday or Tuesday 14:00-16:00: double points"; in the programme's first
    language when none is asked for.
    """
    return said(rule, programme.words(language or programme.languages[0]))


def said(rule: Rule, words: Words) -> str:
    """The sentence of a rule in the words of one programme and language."""
    parts = list(rule.when.conjuncts())
    goods = next((part for part in parts if isinstance(part, Items)), None) if rule.on == "purchase" else None
    asked = clauses([part for part in parts if part is not goods], words)
    when = [_head(rule, goods, words), *([asked] if asked else []), *_dates(rule, words)]
    given = "; ".join(effect.sentence(words) for effect in rule.then.effects)
    bounds = list(_bounds(rule, words))
    tail = f" ({'; '.join(bounds)})" if bounds else ""
    return f"{', '.join(when)}: {given}{tail}"


def _head(rule: Rule, goods: Items | None, words: Words) -> str:
    t = words.tongue
    if goods is not None:
        return t.buys_goods.format(goods.bought(words))
    if rule.on == "purchase":
        return t.buys
    return t.events.get(rule.on) or t.own_event.format(rule.on)


def _dates(rule: Rule, words: Words) -> Iterator[str]:
    if rule.from_ is not None or rule.until is not None:
        yield words.tongue.in_dates.format(words.days(rule.from_, rule.until))


def _bounds(rule: Rule, words: Words) -> Iterator[str]:
    t = words.tongue
    for limit in rule.limit:
        units = words.units(limit.amount or 0, rule.unit or "")
        much = units if limit.times is None else words.times(limit.times)
        yield t.limited.format(much, t.pers[limit.per])
    if rule.group is not None:
        yield t.grouped.format(rule.group)
