"""What can still be the case when several things must hold together: ranges and choices that meet, or do not.

Only what is plain is found here: one fact at a time, no arithmetic between facts. Proofs go further.
"""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple, TypeAlias

LEAST: Final = -(10**18)
MOST: Final = 10**18
Choices: TypeAlias = frozenset[object]
Spans: TypeAlias = tuple[tuple[int, int], ...]
Allowed: TypeAlias = Choices | Spans
"""A set of values, or spans of whole numbers with both ends included."""


class Claim(NamedTuple):
    """What one condition asks of one fact: `about` says the fact in words, `floor` is the least it can ever be."""

    fact: object
    about: str
    allowed: Allowed
    floor: int | None = None


def span(low: int | None, high: int | None) -> Spans:
    """One span, open where an end is None."""
    return ((LEAST if low is None else low, MOST if high is None else high),)


def met(one: Allowed, other: Allowed) -> Allowed:
    """What both allow."""
    if isinstance(one, frozenset) and isinstance(other, frozenset):
        return one & other
    return tuple(_overlaps(spans(one), spans(other)))


def spans(allowed: Allowed) -> Spans:
    if isinstance(allowed, frozenset):
        return tuple((value, value) for value in sorted(value for value in allowed if isinstance(value, int)))
    return allowed


def _overlaps(one: Spans, other: Spans) -> Iterator[tuple[int, int]]:
    for low, high in one:
        for least, most in other:
            if max(low, least) <= min(high, most):
                yield max(low, least), min(high, most)


def contradiction(claims: Iterable[Claim]) -> str | None:
    """Why these cannot hold together, or None."""
    known: dict[object, Allowed] = {}
    for fact, about, allowed, floor in claims:
        if floor is not None and not met(allowed, span(floor, None)):
            return f"{about} is never below {floor}"
        narrowed = known[fact] = met(known[fact], allowed) if fact in known else allowed
        if not narrowed:
            return f"{about} cannot be both"
    return None
