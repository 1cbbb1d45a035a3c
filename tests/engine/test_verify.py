"""The auditor finds what is wrong: each invariant is broken by hand once, and named."""

from __future__ import annotations

from datetime import timedelta

import pytest

from loyalty_engine.businesses import Caller
from loyalty_engine.consent import audit
from loyalty_engine.database import Transaction
from loyalty_engine.house import House
from loyalty_engine.verify import INVARIANTS
from tests.engine.shop import (
    MONDAY,
    adjusts,
    broken,
    buys,
    flat_whites,
    happens,
    joins,
    programme,
    publish,
    returns,
    returns_by_receipt,
)

pytestmark = pytest.mark.anyio

UNLOCK = {
    "sqlite": ["DROP TRIGGER entries_update", "DROP TRIGGER entries_delete", "DROP TRIGGER allocations_delete"],
    "postgres": ["DROP TRIGGER entries_history ON entries", "DROP TRIGGER allocations_history ON allocations"],
}
NEW_ENTRY = (
    "INSERT INTO entries (business_id, id, member_id, revision, unit, amount, counter, kind, balance_after, "
    "journal_id, says, occurred_at, recorded_at) SELECT {business}, 'ent_forged', member_id, revision, unit, 7, "
    "'issued', 'accrual', 7, {journal}, 'forged', 1, 1 FROM entries LIMIT 1"
)

FORGERIES = {
    "I02": NEW_ENTRY.format(business="business_id", journal="'pur_never'"),
    "I03": "UPDATE accounts SET balance = balance + 1",
    "I03b": "UPDATE entries SET balance_after = balance_after + 1 WHERE kind = 'adjustment'",
    "I04": "UPDATE accounts SET held = 1000000",
    "I05": "UPDATE lots SET remaining = 0",
    "I06": "DELETE FROM allocations",
    "I07": "DROP INDEX journal_natural; UPDATE journal SET \"natural\" = 'twice' WHERE kind = 'purchase'",
    "I08": "UPDATE journal SET amount_minor = -5 WHERE kind = 'purchase'",
    "I09": "UPDATE journal SET amount_minor = 10000000 WHERE kind = 'refund'",
    "I09b": "UPDATE entries SET amount = -5000 WHERE kind = 'reversal'",
    "I09c": "UPDATE parked_refunds SET settled_by = NULL",
    "I10": "UPDATE entries SET rule = 'another' WHERE rule = 'base'",
    "I21": "UPDATE entries SET business_id = 77",
    "I23": "UPDATE identifiers SET sealed = '+4799900201'",
}


async def a_busy_day(house: House, cafe: Caller) -> None:
    """Let everything happen once: purchases, a part refund, an adjustment down, a refund that waited."""
    bought = await buys(house, cafe, flat_whites("1", 3))
    await buys(house, cafe, flat_whites("2"))
    await returns(house, cafe, bought.id, "R1", lines=[{"line": "1", "quantity": 1}])
    await adjusts(house, cafe, bought.member.id, -3)
    await returns_by_receipt(house, cafe, "late", "R2", full=True)
    await buys(house, cafe, flat_whites("late"))


async def test_a_busy_day_leaves_the_books_in_order(house: House, cafe: Caller) -> None:
    await a_busy_day(house, cafe)

    assert await broken(house) == []


def test_every_invariant_but_one_held_by_the_schema_is_tried() -> None:
    # Tried in test_consent_audit.py and test_expiring.py.
    elsewhere = {query[0] for query in audit.QUERIES} | {"I09d", "I11", "I12", "I13"}
    assert {one.id for one in INVARIANTS} - elsewhere | {"I10"} == set(FORGERIES) | {"I01"}


@pytest.mark.parametrize("invariant", FORGERIES)
async def test_a_forgery_is_found_and_named(house: House, cafe: Caller, invariant: str) -> None:
    await a_busy_day(house, cafe)

    async def forge(transaction: Transaction) -> None:
        for statement in [*UNLOCK[house.database.dialect], *FORGERIES[invariant].split("; ")]:
            await transaction.fetch(statement)

    await house.database.write_transaction(forge)

    assert invariant in await broken(house)


@pytest.mark.parametrize("kind", ["event", "enrolment"])
async def test_what_an_event_gave_is_judged_again_too(house: House, cafe: Caller, kind: str) -> None:
    await publish(house, cafe, programme(more=LIVELY), at=MONDAY - timedelta(days=1))
    await joins(house, cafe)
    await happens(house, cafe, "course_done", "course-1")
    assert await broken(house) == []

    async def more_than_was_due(transaction: Transaction) -> None:
        await transaction.fetch(
            "UPDATE journal SET input = replace(input, $2, $3) WHERE kind = $1", kind, "2026-11-23", "2026-12-24"
        )

    await house.database.write_transaction(more_than_was_due)

    assert await broken(house) == ["I10"]


LIVELY = """
[[rules]]
id = "welcome"
on = "joined"
when.dates = { from = 2026-11-01, until = 2026-11-30 }
then.award = { unit = "points", amount = 25 }

[[rules]]
id = "course"
on = "course_done"
when.dates = { from = 2026-11-01, until = 2026-11-30 }
then.award = { unit = "points", amount = 50 }
"""
