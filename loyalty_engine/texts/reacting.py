"""What comes of each wish: the balance to whoever asks from their own number, a member more, a STOP that stands.

Invariant: a text reads its own number's account and nothing else, and changes only what its sender may decide alone:
joining, and being written to.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

import rules
from loyalty_engine import presence, vouchers
from loyalty_engine.commands_of_consent import Evidence, RecordConsent
from loyalty_engine.consent import fold, reading
from loyalty_engine.consent.records import EVERY_PURPOSE
from loyalty_engine.instants import from_micros, shown
from loyalty_engine.members import accounts_of, balances
from loyalty_engine.texts.asking import Asked, Reaction
from loyalty_engine.texts.lexicon import folded
from loyalty_engine.texts.sayings import Saying, listed, say
from loyalty_engine.wording import unit_name

if TYPE_CHECKING:
    from loyalty_engine.answers import Balance
    from loyalty_engine.texts.lexicon import Kind

_CHANNEL: Final = "sms"
_DAY: Final = 24 * 3600 * 1_000_000
_LABEL: Final = 100
_NOTE: Final = 1000
_SHOWN_PERKS: Final = 4
_MARKETING: Final = "marketing"


async def react(asked: Asked) -> Reaction:
    """Decide what comes of a text."""
    kind = asked.wish.kind
    if asked.identifier is None:
        # A shop's short number or a name: it cannot be answered, and nobody can be a member by it.
        return Reaction(review=True)
    if kind is None:
        return _not_understood(asked)
    return await _REACTIONS[kind](asked)


def _answer(asked: Asked, saying: Saying, **values: str) -> str:
    programme = asked.edition.programme
    unit = unit_name(programme, next(iter(programme.units)), 2, asked.language)
    usual = {"business": programme.name, "terms": asked.terms, "unit": unit, "balance": _balance(asked)}
    usual |= {"question": "", "pending": "", "until": "", "link": ""}
    return say(asked.language, saying, **usual | values)


def _not_understood(asked: Asked) -> Reaction:
    """Let a person read it; a member is told which words there are, and a stranger is not written to."""
    text = _answer(asked, "unknown") if asked.member is not None else ""
    return Reaction(text=text, review=True)


# --- stopping and starting ---


async def _stop(asked: Asked) -> Reaction:
    everything = asked.wish.kind == "stop_all"
    saying: Saying = "stopped_all" if everything else "stopped"
    text = "" if asked.incoming.says_goodbye else _answer(asked, saying)
    record = _decided(asked, "stopped", EVERY_PURPOSE, "any" if everything else _CHANNEL)
    records = (record,) if asked.member is not None else ()
    return Reaction(text=text, purpose="stopped", records=records, review=asked.wish.read_on)


async def _start(asked: Asked) -> Reaction:
    """Open the line again. It is no consent to anything: that is asked for, and answered with a yes of its own."""
    if asked.member is None:
        return Reaction(text=_answer(asked, "stranger"))
    states = await _states(asked)
    records: tuple[RecordConsent, ...] = ()
    if fold.stopped(states, _CHANNEL) is not None:
        on_all = states.get((EVERY_PURPOSE, "any"))
        channels = (_CHANNEL, "any") if on_all is not None and on_all.state == "stopped" else (_CHANNEL,)
        records = tuple(_decided(asked, "started", EVERY_PURPOSE, channel) for channel in channels)
    return _asking(asked, "started", records=records)


# --- joining ---


async def _join(asked: Asked) -> Reaction:
    if asked.member is None:
        return _asking(asked, "welcome", joins=True)
    return Reaction(text=_answer(asked, "already"))


def _asking(
    asked: Asked, saying: Saying, *, joins: bool = False, records: tuple[RecordConsent, ...] = ()
) -> Reaction:  # fmt: skip
    """Answer with the question whether one may write with offers, where the programme has words for it that fit."""
    wording = _question(asked)
    words = rules.plain(wording.says.get(asked.language, "")) if wording else ""
    text = _answer(asked, saying, question=words)
    question = wording.id if wording is not None and words and words in text else None
    return Reaction(text=text, joins=joins, records=records, question=question)


def _question(asked: Asked) -> rules.Wording | None:
    wordings = asked.edition.programme.consent.wordings
    return next((one for one in wordings if one.purpose == _MARKETING and one.channel == _CHANNEL), None)


# --- consent ---


async def _yes(asked: Asked) -> Reaction:
    """Take a yes for the question that was asked within a day, or that waits to be confirmed; for nothing else."""
    if asked.member is None:
        return _not_understood(asked)
    waiting = await _waiting(asked)
    if waiting is not None:
        return Reaction(text=_answer(asked, "given"), records=(waiting,))
    if fold.stopped(await _states(asked), _CHANNEL) is not None:
        return await _start(asked)
    return _not_understood(asked)


async def _no(asked: Asked) -> Reaction:
    """Take a no for the question that was asked; said out of the blue it is no STOP, and a person reads it."""
    wording = await _last_question(asked)
    if asked.member is None or wording is None:
        return _not_understood(asked)
    record = _decided(asked, "refused", wording.purpose, wording.channel, wording)
    return Reaction(text=_answer(asked, "declined"), records=(record,))


async def _waiting(asked: Asked) -> RecordConsent | None:
    """Find what a yes answers: what a till has asked for and is to be confirmed, else our own last question."""
    for (purpose, channel), standing in sorted((await _states(asked)).items()):
        if standing.state == "requested" and channel == _CHANNEL and asked.at < (standing.expires_at or 0):
            wordings = asked.edition.programme.consent.wordings
            words = next((one for one in wordings if (one.purpose, one.channel) == (purpose, channel)), None)
            if words is not None:
                return _decided(asked, "confirmed", purpose, channel, words)
    wording = await _last_question(asked)
    return None if wording is None else _decided(asked, "given", wording.purpose, wording.channel, wording)


async def _last_question(asked: Asked) -> rules.Wording | None:
    found = await asked.reader.fetch(
        "SELECT asked FROM inbound_texts WHERE business_id = $1 AND number_index = $2 AND received_at > $3 "
        "ORDER BY received_at DESC LIMIT 1",
        asked.business_id, asked.number_index, asked.at - _DAY,
    )  # fmt: skip
    return asked.edition.programme.consent.wording(found[0][0]) if found and found[0][0] else None


def _decided(
    asked: Asked, decision: str, purpose: str, channel: str, wording: rules.Wording | None = None
) -> RecordConsent:  # fmt: skip
    incoming = asked.incoming
    evidence = Evidence(
        source="text", gateway=incoming.gateway, message=incoming.id[:_LABEL],
        text=incoming.text[:_NOTE] or "-", address=incoming.to[:_LABEL] or None,
    )  # fmt: skip
    return RecordConsent(
        purpose=purpose, channel=channel, decision=decision,  # type: ignore[arg-type]  # one of its words
        wording=wording.id if wording else None, language=asked.language if wording else None, evidence=evidence,
    )  # fmt: skip


async def _states(asked: Asked) -> fold.States:
    member_id = asked.member.id if asked.member else ""
    return fold.fold(await reading.records_of(asked.reader, asked.business_id, member_id))


# --- what one has, and why ---


async def _ask_balance(asked: Asked) -> Reaction:
    if asked.member is None:
        return Reaction(text=_answer(asked, "stranger"))
    if asked.member.presence == presence.DOUBTED:
        # The number may have a new owner by now: the till asks for a second fact first.
        return Reaction(text=_answer(asked, "help"), review=True)
    if not _balance(asked):
        return Reaction(text=_answer(asked, "nothing"))
    held = _held(asked)
    pending = [_units(asked, one.unit, one.pending) for one in held if one.pending > 0]
    return Reaction(text=_answer(asked, "balance", pending=listed(asked.language, pending)))


async def _ask_why(asked: Asked) -> Reaction:
    """Explain the last movement in the sentence that was decided when it was written."""
    if asked.member is None:
        return Reaction(text=_answer(asked, "stranger"))
    if asked.member.presence == presence.DOUBTED:
        return Reaction(text=_answer(asked, "help"), review=True)
    found = await asked.reader.fetch(
        "SELECT unit, amount, says, occurred_at, journal_id FROM entries WHERE business_id = $1 AND member_id = $2 "
        "ORDER BY revision DESC, id DESC LIMIT 8",
        asked.business_id, asked.member.id,
    )  # fmt: skip
    if not found:
        return Reaction(text=_answer(asked, "why_nothing"))
    last = [row for row in found if row[4] == found[0][4]]
    moved: dict[str, int] = {}
    for unit, amount, *_ in last:
        moved[unit] = moved.get(unit, 0) + amount
    day = from_micros(last[0][3]).astimezone(asked.edition.programme.zone)
    amounts = [f"{amount:+d} {unit_name(asked.edition.programme, unit, amount, asked.language)}"
               for unit, amount in moved.items()]  # fmt: skip
    why = "; ".join(dict.fromkeys(str(row[2]) for row in reversed(last) if row[2]))
    amount = listed(asked.language, amounts)
    return Reaction(text=_answer(asked, "why", day=f"{day.day}.{day.month}.", amount=amount, reason=why))


async def _ask_perks(asked: Asked) -> Reaction:
    """Name what there is to have, what can be had now first."""
    if asked.member is None:
        return Reaction(text=_answer(asked, "stranger"))
    programme = asked.edition.programme
    has = {one.unit: one.available for one in _held(asked)}
    priced = [(perk, perk.price) for perk in programme.perks if perk.price is not None]
    ordered = sorted(priced, key=lambda one: (has.get(one[1].unit, 0) < one[1].amount, one[1].amount))
    if not ordered:
        return Reaction(text=_answer(asked, "perks_none"))
    named = [
        f"{_named(perk, asked.language)} {_units(asked, price.unit, price.amount)}"
        for perk, price in ordered[:_SHOWN_PERKS]
    ]
    return Reaction(text=_answer(asked, "perks", perks=", ".join(named)))


async def _use(asked: Asked) -> Reaction:
    """Give the code of a voucher the member has. Units are spent at the till: a sender's number can be forged."""
    if asked.member is None or asked.member.presence == presence.DOUBTED:
        return await _by_hand(asked)
    wanted = folded(asked.wish.rest)
    for row in await vouchers.of_member(asked.reader, asked.business_id, asked.member.id, at=asked.at):
        perk = await vouchers.perk_of(asked.house, row)
        if not wanted or wanted in {folded(perk.id), folded(_named(perk, asked.language))}:
            until = shown(row.expires_at)[:10] if row.expires_at is not None else ""
            return Reaction(
                text=_answer(asked, "voucher", perk=_named(perk, asked.language), code=row.code, until=until)
            )
    has = {one.unit: one.available for one in _held(asked)}
    for perk in asked.edition.programme.perks:
        if wanted in {folded(perk.id), folded(_named(perk, asked.language))} and perk.price is not None:
            if has.get(perk.price.unit, 0) >= perk.price.amount:
                return await _by_hand(asked)
            price = _units(asked, perk.price.unit, perk.price.amount)
            return Reaction(text=_answer(asked, "too_few", perk=_named(perk, asked.language), price=price))
    return Reaction(text=_answer(asked, "no_such_perk"))


def _named(perk: rules.Perk, language: str) -> str:
    return perk.says.get(language) or next(iter(perk.says.values()), perk.id)


def _held(asked: Asked) -> tuple[Balance, ...]:
    return balances(asked.edition.programme, accounts_of(asked.member))


def _balance(asked: Asked) -> str:
    """Say what can be spent; nothing where there is nothing, or where the number may be somebody else's by now."""
    if asked.member is None or asked.member.presence == presence.DOUBTED:
        return ""
    held = [_units(asked, one.unit, one.available) for one in _held(asked) if one.available or one.pending]
    return listed(asked.language, held)


def _units(asked: Asked, unit: str, amount: int) -> str:
    return f"{amount:,} ".replace(",", " ") + unit_name(asked.edition.programme, unit, amount, asked.language)


# --- a person is asked ---


async def _help(asked: Asked) -> Reaction:
    return Reaction(text=_answer(asked, "help"))


async def _complain(asked: Asked) -> Reaction:
    """Thank for it and have a person read it."""
    return Reaction(text=_answer(asked, "complaint"), review=True)


async def _by_hand(asked: Asked) -> Reaction:
    """What a text cannot do here yet is answered with what it can, and read by a person."""
    text = _answer(asked, "help") if asked.member is not None else _answer(asked, "stranger")
    return Reaction(text=text, review=True)


_REACTIONS: Final[dict[Kind, Callable[[Asked], Awaitable[Reaction]]]] = {
    "stop": _stop, "stop_all": _stop, "start": _start, "join": _join, "yes": _yes, "no": _no, "help": _help,
    "balance": _ask_balance, "why": _ask_why, "perks": _ask_perks, "use": _use, "refer": _by_hand,
    "complaint": _complain,
}  # fmt: skip
