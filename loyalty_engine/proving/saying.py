"""A purchase that shows something, told as at the counter, and what the programme makes of it."""

from collections.abc import Iterator
from fractions import Fraction

from loyalty_engine.proving.values import Values
from loyalty_engine.proving.witness import Witness
from rules.effects.deeds import GrantPerk
from rules.facts import Line, MemberFacts, Purchase
from rules.outcome import Outcome
from rules.programme import Programme
from rules.words import Words

_PERCENT = 100
_HUNDREDTHS = 100


def percent(share: Fraction, *, up: bool = False) -> str:
    """A share as a person writes it, with at most two decimals: rounded down, so that it is reached, or up."""
    scaled = share * _PERCENT * _HUNDREDTHS
    whole = -(-scaled.numerator // scaled.denominator) if up else scaled.numerator // scaled.denominator
    units, rest = divmod(whole, _HUNDREDTHS)
    return f"{units}.{rest:02}".rstrip("0").rstrip(".") + " %"


def told(programme: Programme, by: Witness) -> Iterator[str]:
    """What happened, line by line."""
    words = programme.words("en")
    event = by.event
    at = event.occurred_at.astimezone(programme.zone)
    place = ", ".join(f"{what} {name}" for what, name in _where(by) if name)
    what = f"a purchase of {words.money(event.total_minor)}" if isinstance(event, Purchase) else event.kind
    yield f"{words.weekday(at.weekday())} {at:%Y-%m-%d %H:%M}: {what}" + (f" ({place})" if place else "")
    if isinstance(event, Purchase):
        yield from (f"  {_line(line, words)}" for line in event.lines or ())
        if event.codes:
            yield f"  with the code {', '.join(event.codes)}"
    else:
        yield from (f"  {name} = {value}" for name, value in event.attributes.items())
    yield "  " + ", ".join(_member(by.member, words))


def _where(by: Witness) -> Iterator[tuple[str, str | None]]:
    event = by.event
    yield from (("at", event.location), ("served by", event.staff))
    if isinstance(event, Purchase):
        yield from (("till", event.till), ("through", event.channel))


def _line(line: Line, words: Words) -> str:
    what = " ".join(name for name in (line.category, line.sku) if name) or "something else"
    more = [f"marked {', '.join(line.tags)}"] if line.tags else []
    more += ["at a discount"] if line.discount_minor else []
    more += [f"tax {words.money(line.tax_minor)}"] if line.tax_minor else []
    return f"{line.quantity} {what} for {words.money(line.amount_minor)}" + (f" ({', '.join(more)})" if more else "")


def _member(member: MemberFacts, words: Words) -> Iterator[str]:
    yield (
        f"a member with {words.times(member.visits)} here before" if member.visits else "a member without visits before"
    )
    if member.spend_minor:
        yield f"who has spent {words.money(member.spend_minor)}"
    said = {
        "tier": member.tier, "language": member.language, "birthday": member.birthday,
        "contact person": member.contact_person, "tags": ", ".join(member.tags), "consents": ", ".join(member.consents),
    }  # fmt: skip
    yield from (f"{name} {value}" for name, value in said.items() if value)
    if member.joined_at is not None:
        yield f"joined {member.joined_at:%Y-%m-%d}"
    if member.last_purchase_at is not None:
        yield f"last here {member.last_purchase_at:%Y-%m-%d}"
    yield from (words.units(amount, unit) for unit, amount in member.balance.items() if amount)
    yield from (f"{len(days)} times {kind} before" for kind, days in member.counts.items() if days)
    yield from (f"{key} used {used[0]} times, {used[1]} units" for key, used in member.used.items() if any(used))
    if member.open_case:
        yield "with an open case"


def given(programme: Programme, outcome: Outcome, total_minor: int, worth: Values) -> Iterator[str]:
    """What comes of a purchase, each award with its reason and what it is worth."""
    words = programme.words("en")
    for award in outcome.awards:
        money = award.amount * worth.units[award.unit].of(total_minor)
        said = f"{award.rule}: {words.units(award.amount, award.unit)}"
        yield f"{said}, worth {_money(money, words)} ({award.reason})"
    for happening in outcome.effects:
        if isinstance(happening.values, GrantPerk):
            money = worth.perks[happening.values.perk].of(total_minor)
            yield f"{happening.rule}: a voucher for {words.perk(happening.values.perk)}, worth {_money(money, words)}"


def _money(minor: Fraction, words: Words) -> str:
    """Money to the minor unit, rounded down."""
    return words.money(minor.numerator // minor.denominator)
