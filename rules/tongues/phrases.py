"""What every language must be able to say: the phrases that no single condition or effect owns.

`{0}` and `{1}` stand for what is filled in. What belongs to one condition or effect stands beside its class.
"""

from collections.abc import Mapping
from typing import TypeAlias

import msgspec

Says: TypeAlias = Mapping[str, tuple[str, str]]
"""By language: what a condition is about, and how it stands in a rule's sentence. Of an effect: its name, and what
is given."""


class Tongue(msgspec.Struct, frozen=True, kw_only=True):
    """One language's phrases."""

    code: str
    point: str
    or_: str
    and_: str
    not_known: str
    none: str
    yes: str
    no: str
    weekdays: tuple[str, str, str, str, str, str, str]
    periods: Mapping[str, tuple[str, str]]

    # numbers and dates
    at_least: str
    at_most: str
    exactly: str
    between: str
    from_day: str
    until_day: str
    days: str

    # why a condition does not hold
    is_: str
    wants: str
    unwanted: str
    here: str
    to_be: str
    none_holds: str
    or_else: str
    not_: str
    anything: str
    in_force: str

    # goods
    sku: str
    category: str
    tag: str
    not_category: str
    not_tag: str
    any_item: str
    no_lines: str
    quantity_of: str
    amount_of: str
    distinct_of: str
    marked: str
    other_than: str
    not_marked: str
    something: str
    so_many: str
    worth: str
    different: str

    # what is given, and why less or nothing
    per: str
    per_item: str
    on_spent: str
    of_them: str
    times_the: str
    double: str
    triple: str
    cut: str
    too_little: str
    no_lines_given: str
    none_bought: str
    best_of_group: str
    best_multiplier: str
    nothing_to_multiply: str
    cap_used: str
    limit_used: str
    return_used: str
    one_time: str
    several_times: str
    pers: Mapping[str, str]

    # the sentence of a rule
    buys: str
    buys_goods: str
    events: Mapping[str, str]
    own_event: str
    either: str
    but_not: str
    in_dates: str
    limited: str
    grouped: str
    within: str
    nothing_given: str


def spoken(
    *,
    en: tuple[str, str],
    nb: tuple[str, str],
    nn: tuple[str, str],
    sv: tuple[str, str],
    da: tuple[str, str],
    fi: tuple[str, str],
) -> Says:
    """What a class says of itself, in every language; one that is forgotten is found by the type checker."""
    return {"nb": nb, "nn": nn, "sv": sv, "da": da, "fi": fi, "en": en}
