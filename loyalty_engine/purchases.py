"""Purchases as the journal has them: shown as they were answered, and found again when goods come back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from loyalty_engine.answers import Awarded, PurchaseAnswer, PurchaseRead
from loyalty_engine.errors import PurchaseUnknown
from loyalty_engine.evidence import PurchaseEvidence, RefundEvidence
from loyalty_engine.instants import shown

if TYPE_CHECKING:
    from loyalty_engine.businesses import Caller
    from loyalty_engine.house import House
    from loyalty_engine.journal import Reader


class Bought(Struct, frozen=True, kw_only=True):
    """The purchase a refund speaks of, as the journal has it."""

    id: str
    member_id: str
    location: str
    occurred_at: int
    version: int
    evidence: PurchaseEvidence
    awards: tuple[Awarded, ...]


async def read_purchase(house: House, caller: Caller, purchase_id: str) -> PurchaseRead:
    """Show a purchase as it was answered, and what was given back since; PurchaseUnknown where it is not theirs."""
    found = await house.database.fetch(
        "SELECT member_id, location, occurred_at, recorded_at, amount_minor, input, answer FROM journal "
        "WHERE business_id = $1 AND id = $2 AND kind = 'purchase'",
        caller.business_id, purchase_id,
    )  # fmt: skip
    if not found:
        raise PurchaseUnknown
    member_id, location, occurred_at, recorded_at, total_minor, told, answer = found[0]
    evidence = msgspec.json.decode(told, type=PurchaseEvidence)
    refunds = await house.database.fetch(
        "SELECT id, amount_minor FROM journal WHERE business_id = $1 AND subject = $2 AND kind = 'refund' "
        "AND status = 201 ORDER BY revision",
        caller.business_id, purchase_id,
    )  # fmt: skip
    return PurchaseRead(
        purchase_id, evidence.receipt, location, shown(occurred_at), shown(recorded_at), evidence.currency, total_minor,
        sum(amount for _, amount in refunds), member_id, msgspec.json.decode(answer, type=PurchaseAnswer),
        tuple(refund for refund, _ in refunds),
    )  # fmt: skip


async def bought_as(house: House, business_id: int, column: str, value: str) -> Bought | None:
    found = await house.database.fetch(
        "SELECT id, member_id, location, occurred_at, version, input, answer FROM journal "  # our columns
        f"WHERE business_id = $1 AND {column} = $2 AND kind = 'purchase' AND status = 201",
        business_id, value,
    )  # fmt: skip
    if not found:
        return None
    purchase_id, member_id, location, occurred_at, version, told, answer = found[0]
    return Bought(
        id=purchase_id, member_id=member_id, location=location, occurred_at=occurred_at, version=version,
        evidence=msgspec.json.decode(told, type=PurchaseEvidence),
        awards=msgspec.json.decode(answer, type=PurchaseAnswer).awards,
    )  # fmt: skip


async def earlier_refunds(reader: Reader, business_id: int, purchase_id: str) -> tuple[RefundEvidence, ...]:
    found = await reader.fetch(
        "SELECT input FROM journal WHERE business_id = $1 AND subject = $2 AND kind = 'refund' AND status = 201 "
        "ORDER BY revision",
        business_id, purchase_id,
    )  # fmt: skip
    return tuple(msgspec.json.decode(row[0], type=RefundEvidence) for row in found)
