"""What rules give beside units: a voucher for a perk, issued in one piece with what earned it.

Invariant: a voucher that was granted is kept with the purchase or event that granted it, or neither is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from msgspec import Struct

import rules
from loyalty_engine.instants import shown_or_none
from loyalty_engine.redemption import redeeming, vouchers
from loyalty_engine.redemption.answers import VoucherShown
from loyalty_engine.redemption.rows import VoucherRow
from loyalty_engine.wording import language_for, perk_name

if TYPE_CHECKING:
    from loyalty_engine.awarding import Came
    from loyalty_engine.journal import Reader
    from loyalty_engine.ledger import Sheet
    from loyalty_engine.shelf import Edition


class Grant(Struct, frozen=True):
    """A voucher that was granted, with the rows that issue it."""

    voucher: VoucherRow
    perk: rules.Perk
    edition: Edition
    rows: tuple[Struct, ...]


async def grants(sheet: Sheet, came: Iterable[Came], reader: Reader) -> tuple[Grant, ...]:
    """Issue what the rules granted; of a perk of which none is left, nothing is issued."""
    given: list[Grant] = []
    for one in came:
        for happening in one.outcome.effects:
            if not isinstance(happening.values, rules.GrantPerk):
                continue
            perk = one.edition.programme.perk(happening.values.perk)
            assert perk is not None, "a programme that grants a perk has it"
            here, most = sum(other.perk.id == perk.id for other in given), perk.in_all
            if most is not None and await redeeming.had(reader, sheet.business_id, perk.id) + here >= most:
                continue
            row, step = vouchers.issued(
                one.edition, perk, sheet.member_id, business_id=sheet.business_id, journal_id=sheet.journal_id,
                origin=f"rule:{happening.rule}", occurred=one.event.occurred_at, at=sheet.recorded_at,
                valid_for=happening.values.valid_for,
            )  # fmt: skip
            given.append(Grant(row, perk, one.edition, (row, step, *vouchers.counts(sheet.business_id, [perk], 1))))
    return tuple(given)


def rows(given: Iterable[Grant]) -> tuple[Struct, ...]:
    """Give the rows that issue what was granted."""
    return tuple(row for one in given for row in one.rows)


def ids_of(given: Iterable[Grant]) -> tuple[str, ...]:
    """Name the vouchers that were granted."""
    return tuple(one.voucher.id for one in given)


def shown(given: Iterable[Grant], language: str | None) -> tuple[VoucherShown, ...]:
    """Show what was granted, in the member's language."""
    return tuple(
        VoucherShown(
            one.voucher.id, one.voucher.code, one.perk.id,
            perk_name(one.perk, language_for(one.edition.programme, language)), "issued",
            shown_or_none(one.voucher.expires_at),
        )
        for one in given
    )  # fmt: skip
