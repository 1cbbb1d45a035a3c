"""Rules that can plainly never fire: what their conditions ask for cannot all be the case."""

from collections.abc import Sequence
from typing import Final

from rules.combining import All, AnyOf, Not
from rules.judging import Condition
from rules.narrowing import Claim, contradiction
from rules.words import Words

_MOST_BRANCHES: Final = 200


def never(when: All, words: Words, before: Sequence[Claim] = ()) -> str | None:
    """Why these conditions can plainly never all hold, on top of what is claimed already; None when they may."""
    return _never([*when.conjuncts()], [*before], words, [0])


def _never(parts: list[Condition], before: list[Claim], words: Words, tried: list[int]) -> str | None:
    """Why these can never all hold: two of them contradict each other, or every branch of an `any` does."""
    tried[0] += 1
    claims = before + [claim for part in parts for claim in part.claims(words)]
    said = contradiction(claims)
    if said is not None:
        return said
    for part in parts:
        if isinstance(part, Not):
            unwanted = list(part.part.conjuncts())
            if not unwanted:
                return "a condition that always holds is negated"
            if all(one in parts for one in unwanted):
                return "what is asked for is negated as well"
    for part in parts:
        if isinstance(part, AnyOf) and tried[0] < _MOST_BRANCHES:
            others = [one for one in parts if one is not part]
            dead = [_never([*branch.conjuncts(), *others], before, words, tried) for branch in part.parts]
            if None not in dead:
                return dead[0]
    return None
