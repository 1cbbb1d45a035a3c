"""How an answer is worded: what the business and its member are called in it, and what the member has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loyalty_engine.members import accounts_of, balances
from loyalty_engine.texts.asking import Asked, Reaction
from loyalty_engine.texts.sayings import Saying, listed, say
from loyalty_engine.wording import unit_name

if TYPE_CHECKING:
    import rules
    from loyalty_engine.answers import Balance


def answer(asked: Asked, saying: Saying, **values: str) -> str:
    """Word an answer, with what every answer may name."""
    programme = asked.edition.programme
    unit = unit_name(programme, next(iter(programme.units)), 2, asked.language)
    usual = {"business": programme.name, "terms": asked.terms, "unit": unit, "balance": balance(asked)}
    usual |= {"question": "", "pending": "", "until": "", "link": ""}
    return say(asked.language, saying, **usual | values)


def not_understood(asked: Asked) -> Reaction:
    """Let a person read it; a member is told which words there are, and a stranger is not written to."""
    text = answer(asked, "unknown") if asked.member is not None else ""
    return Reaction(text=text, review=True)


async def by_hand(asked: Asked) -> Reaction:
    """What a text cannot do here yet is answered with what it can, and read by a person."""
    text = answer(asked, "help") if asked.member is not None else answer(asked, "stranger")
    return Reaction(text=text, review=True)


def named(perk: rules.Perk, language: str) -> str:
    """Name a perk in a language."""
    return perk.says.get(language) or next(iter(perk.says.values()), perk.id)


def held(asked: Asked) -> tuple[Balance, ...]:
    """Give what the member has of each unit."""
    return balances(asked.edition.programme, accounts_of(asked.member))


def balance(asked: Asked) -> str:
    """Say what can be spent; nothing where there is nothing, or where the number may be somebody else's by now."""
    if asked.member is None or asked.doubted:
        return ""
    has = [units(asked, one.unit, one.available) for one in held(asked) if one.available or one.pending]
    return listed(asked.language, has)


def units(asked: Asked, unit: str, amount: int) -> str:
    """Say so many of a unit."""
    return f"{amount:,} ".replace(",", " ") + unit_name(asked.edition.programme, unit, amount, asked.language)
