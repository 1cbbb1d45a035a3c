"""What comes of each wish: the balance to whoever asks from their own number, a member more, a STOP that stands.

Invariant: a text reads its own number's account and nothing else, and changes only what its sender may decide alone:
joining, and being written to.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from loyalty_engine.instants import from_micros
from loyalty_engine.texts.answering import answer, balance, held, named, not_understood, units
from loyalty_engine.texts.asking import Asked, Reaction
from loyalty_engine.texts.deciding import join, no, start, stop, yes
from loyalty_engine.texts.paging import ask_page
from loyalty_engine.texts.protesting import not_me
from loyalty_engine.texts.referring import refer
from loyalty_engine.texts.sayings import listed
from loyalty_engine.texts.using import say_back, use
from loyalty_engine.wording import unit_name

if TYPE_CHECKING:
    from loyalty_engine.texts.lexicon import Kind

_SHOWN_PERKS: Final = 4


async def react(asked: Asked) -> Reaction:
    """Decide what comes of a text."""
    kind = asked.wish.kind
    if asked.identifier is None:
        # A shop's short number or a name: it cannot be answered, and nobody can be a member by it.
        return Reaction(review=True)
    if kind is None and asked.incoming.parts > 1:
        # The whole is answered; a piece that waits for the others in vain is read by a person.
        return Reaction(review=True)
    if kind is None:
        return not_understood(asked)
    return await _REACTIONS[kind](asked)


# --- what one has, and why ---


async def _ask_balance(asked: Asked) -> Reaction:
    if asked.member is None:
        return Reaction(text=answer(asked, "stranger"))
    if asked.doubted:
        # The number may have a new owner by now: the till asks for a second fact first.
        return Reaction(text=answer(asked, "help"), review=True)
    if not balance(asked):
        return Reaction(text=answer(asked, "nothing"))
    has = held(asked)
    pending = [units(asked, one.unit, one.pending) for one in has if one.pending > 0]
    return Reaction(text=answer(asked, "balance", pending=listed(asked.language, pending)))


async def _ask_why(asked: Asked) -> Reaction:
    """Explain the last movement in the sentence that was decided when it was written."""
    if asked.member is None:
        return Reaction(text=answer(asked, "stranger"))
    if asked.doubted:
        return Reaction(text=answer(asked, "help"), review=True)
    found = await asked.reader.fetch(
        "SELECT unit, amount, says, occurred_at, journal_id FROM entries WHERE business_id = $1 AND member_id = $2 "
        "ORDER BY revision DESC, id DESC LIMIT 8",
        asked.business_id, asked.member.id,
    )  # fmt: skip
    if not found:
        return Reaction(text=answer(asked, "why_nothing"))
    last = [row for row in found if row[4] == found[0][4]]
    moved: dict[str, int] = {}
    for unit, amount, *_ in last:
        moved[unit] = moved.get(unit, 0) + amount
    day = from_micros(last[0][3]).astimezone(asked.edition.programme.zone)
    amounts = [f"{amount:+d} {unit_name(asked.edition.programme, unit, amount, asked.language)}"
               for unit, amount in moved.items()]  # fmt: skip
    why = "; ".join(dict.fromkeys(str(row[2]) for row in reversed(last) if row[2]))
    amount = listed(asked.language, amounts)
    return Reaction(text=answer(asked, "why", day=f"{day.day}.{day.month}.", amount=amount, reason=why))


async def _ask_perks(asked: Asked) -> Reaction:
    """Name what there is to have, what can be had now first."""
    if asked.member is None:
        return Reaction(text=answer(asked, "stranger"))
    programme = asked.edition.programme
    has = {one.unit: one.available for one in held(asked)}
    priced = [(perk, perk.price) for perk in programme.perks if perk.price is not None]
    ordered = sorted(priced, key=lambda one: (has.get(one[1].unit, 0) < one[1].amount, one[1].amount))
    if not ordered:
        return Reaction(text=answer(asked, "perks_none"))
    listing = [
        f"{named(perk, asked.language)} {units(asked, price.unit, price.amount)}"
        for perk, price in ordered[:_SHOWN_PERKS]
    ]
    return Reaction(text=answer(asked, "perks", perks=", ".join(listing)))


# --- a person is asked ---


async def _help(asked: Asked) -> Reaction:
    return Reaction(text=answer(asked, "help"))


async def _complain(asked: Asked) -> Reaction:
    """Thank for it and have a person read it."""
    return Reaction(text=answer(asked, "complaint"), review=True)


_REACTIONS: Final[dict[Kind, Callable[[Asked], Awaitable[Reaction]]]] = {
    "stop": stop, "stop_all": stop, "start": start, "join": join, "yes": yes, "no": no, "help": _help,
    "balance": _ask_balance, "why": _ask_why, "perks": _ask_perks, "use": use, "refer": refer,
    "complaint": _complain, "code": say_back, "not_me": not_me, "page": ask_page,
}  # fmt: skip
