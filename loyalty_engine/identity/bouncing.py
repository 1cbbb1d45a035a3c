"""A number that a gateway says is nobody's: nothing more is written to it, and its member is doubted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loyalty_engine.identity import presence

if TYPE_CHECKING:
    from loyalty_engine.database import Transaction
    from loyalty_engine.house import House


async def of_message(house: House, business_id: int, gateway_id: str, *, at: int) -> None:
    """Note it of the number or address that a message went to."""
    found = await house.database.fetch(
        "SELECT number_index FROM messages WHERE business_id = $1 AND gateway_id = $2 AND number_index IS NOT NULL",
        business_id, gateway_id,
    )  # fmt: skip
    for [number_index] in found:
        await bounced(house, business_id, number_index, at=at)


async def bounced(house: House, business_id: int, number_index: str, *, at: int) -> None:
    """Note that a number or address is nobody's any more: nothing is written to it, and its member is doubted."""

    async def work(transaction: Transaction) -> None:
        found = await transaction.fetch(
            "UPDATE identifiers SET bounced_at = coalesce(bounced_at, $3) WHERE business_id = $1 AND blind_index = $2 "
            "RETURNING member_id",
            business_id, number_index, at,
        )  # fmt: skip
        if found:
            await transaction.fetch(
                "UPDATE members SET presence = $3, revision = revision + 1 WHERE business_id = $1 AND id = $2 "
                "AND presence IS NULL",
                business_id, found[0][0], presence.DOUBTED,
            )  # fmt: skip

    await house.database.write_transaction(work)
