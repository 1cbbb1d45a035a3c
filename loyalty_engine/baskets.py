"""What a till says of a purchase, read and found possible, before anybody judges it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

import rules
from loyalty_engine import journal
from loyalty_engine.businesses import Caller, place_of
from loyalty_engine.commands import QuotePurchase, RecordPurchase, Redeem
from loyalty_engine.database import Opening
from loyalty_engine.errors import BodyInvalid, CurrencyMismatch, LinesDoNotAddUp
from loyalty_engine.instants import to_micros
from loyalty_engine.members import Named, named

if TYPE_CHECKING:
    from loyalty_engine.house import House


class Basket(Struct, frozen=True, kw_only=True):
    """A purchase as it was told, read and found possible: what the rules judge, where, when, and whose."""

    purchase: rules.Purchase
    location: str
    occurred_at: int
    who: Named
    redeem: tuple[Redeem, ...] = ()
    counts: bool = True


async def read(house: House, caller: Caller, command: QuotePurchase, at: datetime) -> Basket:
    """Read what the till says. Refused in this order: the place, currency, lines, time, member."""
    edition = await house.shelf.current(caller.business_id)
    location = place_of(caller, command.location)
    about = edition.programme.about
    if command.currency != about.currency:
        raise CurrencyMismatch(pointer="/currency", expected=about.currency)
    lines = command.lines
    if lines is not None and (found := sum(line.amount_minor for line in lines)) != command.total_minor:
        raise LinesDoNotAddUp(pointer="/total_minor", lines_minor=found)
    named_lines = [line.line for line in lines or ()]
    for place, name in enumerate(named_lines):
        if name in named_lines[:place]:
            raise BodyInvalid(
                "two lines have this name; a refund could not tell them apart", pointer=f"/lines/{place}/line"
            )
    occurred_at = journal.happened_at(house.settings, command.occurred_at, at)
    return Basket(
        purchase=rules.Purchase(
            occurred_at=occurred_at,
            total_minor=command.total_minor,
            location=location,
            till=command.till,
            staff=command.staff,
            channel=command.channel,
            codes=command.codes,
            lines=None if lines is None else tuple(rules.Line(**msgspec.structs.asdict(line)) for line in lines),
        ),
        location=location,
        occurred_at=to_micros(occurred_at),
        who=named(house, caller.business_id, command.member, about.country),
        redeem=command.redeem,
        counts=isinstance(command, RecordPurchase),
    )


def opening_of(
    caller: Caller, basket: Basket, at: datetime, *, key: str | None = None, natural: str | None = None
) -> Opening:
    return Opening(
        business_id=caller.business_id, key=key, natural=natural, blind_index=basket.who.blind_index,
        member_id=basket.who.member_id, location=basket.location, occurred_at=basket.occurred_at, now=to_micros(at),
    )  # fmt: skip
