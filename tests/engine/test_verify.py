"""The auditor finds what is wrong: every part of every invariant is broken by hand once."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from loyalty_engine import businesses, expiring
from loyalty_engine.businesses import Caller
from loyalty_engine.commands import CreateKey
from loyalty_engine.consent import audit
from loyalty_engine.database import Transaction
from loyalty_engine.house import House
from loyalty_engine.redemption import handing_out, holds
from loyalty_engine.redemption.answers import VoucherAnswer
from loyalty_engine.redemption.commands import CaptureHold, IssueVoucher, PlaceHold
from loyalty_engine.redemption.hold_answers import HoldShown
from loyalty_engine.referrals import audit as of_referrals
from loyalty_engine.texts import auditing as of_texts
from loyalty_engine.verify import INVARIANTS
from loyalty_engine.webhooks import auditing as of_webhooks
from tests.engine.counter import open_counter, spends, with_units
from tests.engine.shop import (
    MONDAY,
    OLAV,
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
    ticket,
)

pytestmark = pytest.mark.anyio

UNLOCK = {
    "sqlite": ["DROP TRIGGER entries_update", "DROP TRIGGER entries_delete", "DROP TRIGGER allocations_delete"],
    "postgres": ["DROP TRIGGER entries_history ON entries", "DROP TRIGGER allocations_history ON allocations"],
}
YEAR_LATER = MONDAY.replace(year=2027)
NEW_ENTRY = (
    "INSERT INTO entries (business_id, id, member_id, revision, unit, amount, counter, kind, balance_after, "
    "journal_id, says, occurred_at, recorded_at) SELECT business_id, 'ent_forged', member_id, revision, unit, 7, "
    "'issued', 'accrual', 7, 'pur_never', 'forged', 1, 1 FROM entries LIMIT 1"
)
BROKEN_TWICE = (
    "INSERT INTO allocations SELECT a.business_id, a.lot_id, b.id, a.amount FROM allocations a JOIN entries e "
    "ON e.id = a.entry_id JOIN entries b ON b.kind = 'breakage' AND b.id <> e.id WHERE e.kind = 'breakage'"
)
# For every part of every invariant's query a forgery that this very part must find.
FORGERIES = {
    "I01": "UPDATE entries SET counter = 'pocket' WHERE kind = 'adjustment'",
    "I02": NEW_ENTRY,
    "I02, part 2": "UPDATE allocations SET entry_id = 'never' || entry_id",
    "I03": "UPDATE accounts SET balance = balance + 1",
    "I03, part 2": "DELETE FROM accounts",
    "I03b": "UPDATE entries SET balance_after = balance_after + 1 WHERE kind = 'adjustment'",
    "I04": "UPDATE accounts SET held = 1000000",
    "I04, part 2": "UPDATE entries SET balance_after = -1 WHERE kind = 'adjustment' AND amount < 0",
    "I05": "UPDATE lots SET remaining = 0",
    "I05, part 2": "UPDATE lots SET remaining = amount + 1",
    "I06": "DELETE FROM allocations",
    "I07": "UPDATE journal SET key = 'twice'",
    "I07, part 2": "UPDATE journal SET \"natural\" = 'twice' WHERE kind = 'purchase'",
    "I08": "UPDATE entries SET balance_after = 1000000000000001",
    "I08, part 2": "UPDATE journal SET amount_minor = -5 WHERE kind = 'purchase'",
    "I09": "UPDATE journal SET amount_minor = 10000000 WHERE kind = 'refund'",
    "I09b": "UPDATE entries SET amount = -5000 WHERE kind = 'reversal'",
    "I09c": "UPDATE parked_refunds SET settled_by = NULL",
    "I09d": "UPDATE entries SET amount = 500 WHERE kind = 'reversal' AND counter = 'redeemed'",
    "I11": "UPDATE lots SET expires_at = NULL",
    "I11, part 2": BROKEN_TWICE,
    "I11, part 3": "UPDATE lots SET expires_at = 1",
    "I11, part 4": "UPDATE accounts SET next_expiry = NULL",
    "I12": "UPDATE accounts SET held = 1 WHERE unit = 'stamps'",
    "I12, part 2": "UPDATE holds SET captured = amount + 1",
    "I13": "UPDATE voucher_steps SET state = 'redeemed', says = ''",
    "I13, part 2": "UPDATE vouchers SET redeemed_in = 'pur_never'",
    "I13, part 3": "UPDATE perk_counts SET issued = most + 1",
    "I21": "UPDATE entries SET business_id = 77",
    "I21, part 2": "UPDATE lots SET business_id = 77",
    "I21, part 3": "UPDATE journal SET business_id = 77",
    "I21, part 4": "UPDATE identifiers SET business_id = 77",
    "I21, part 5": "UPDATE allocations SET business_id = 77",
    "I23": "UPDATE keys SET fingerprint = 'lyl_live_in_the_open'",
    "I23, part 2": "UPDATE identifiers SET sealed = '+4799900201'",
}


def parts() -> dict[str, str]:
    """Give every part of every query; those about consent are tried in test_consent_audit.py, those about referrals in
    test_referral_audit.py, those about texts and webhooks in texts/test_auditing.py.
    """
    elsewhere = {query[0] for query in (*audit.QUERIES, *of_referrals.QUERIES, *of_texts.QUERIES, *of_webhooks.QUERIES)}
    return {
        one.id if number == 1 else f"{one.id}, part {number}": part
        for one in INVARIANTS
        if one.id not in elsewhere
        for number, part in enumerate(one.query.split(" UNION ALL "), 1)
    }


async def a_busy_day(house: House, cafe: Caller) -> None:
    """Let everything happen once: purchases, a part refund, an adjustment down, a refund that waited."""
    bought = await buys(house, cafe, flat_whites("1", 3))
    await buys(house, cafe, flat_whites("2"))
    await returns(house, cafe, bought.id, "R1", lines=[{"line": "1", "quantity": 1}])
    await adjusts(house, cafe, bought.member.id, -3)
    await returns_by_receipt(house, cafe, "late", "R2", full=True)
    await buys(house, cafe, flat_whites("late"))


async def a_year(house: House, cafe: Caller) -> None:
    """Let everything else happen too: perks, a voucher, something set aside, a key, and what has run out."""
    await a_busy_day(house, cafe)
    olav = await with_units(house, cafe, phone=OLAV, stamps=10, points=60, kroner=40)
    had = await buys(
        house, cafe, spends("3", {"perk": "free-coffee"}, {"perk": "first-ten"}, {"perk": "tenth-off"}, phone=OLAV)
    )
    await returns(house, cafe, had.id, "R3", full=True)
    gift = IssueVoucher(perk="fifty-off", reason="a cold coffee")
    given = await handing_out.issue(house, cafe, olav, gift, ticket())
    code = msgspec.json.decode(given.body, type=VoucherAnswer).voucher.code
    await buys(house, cafe, spends("4", {"voucher": code}, phone=OLAV))
    order = msgspec.convert({"member": {"phone": OLAV}, "unit": "kroner", "amount": 10}, PlaceHold)
    first, _ = [await holds.place(house, cafe, order, ticket()) for _ in range(2)]
    held = msgspec.json.decode(first.body, type=HoldShown).id
    await holds.capture(house, cafe, held, CaptureHold(), ticket())
    await businesses.create_key(house, cafe, CreateKey(scopes=("till",)), ticket())
    await expiring.expire(house, at=YEAR_LATER)
    await buys(house, cafe, flat_whites("5"), at=YEAR_LATER)


async def test_a_busy_day_leaves_the_books_in_order(house: House, cafe: Caller) -> None:
    await a_busy_day(house, cafe)

    assert await broken(house) == []


def test_every_part_of_every_invariant_is_tried() -> None:
    assert set(parts()) == set(FORGERIES)


class PutBack(Exception):
    """Leaves the books as they were before the forgery."""


async def test_every_part_of_every_invariant_finds_its_forgery(house: House) -> None:
    cafe = await open_counter(house)
    await a_year(house, cafe)
    assert await broken(house) == []
    silent = []

    for name, query in parts().items():

        async def forge(transaction: Transaction, name: str = name, query: str = query) -> None:
            await take_the_locks_off(transaction, house.database.dialect)
            await transaction.fetch(FORGERIES[name])
            if not await transaction.fetch(query):
                silent.append(name)
            raise PutBack

        with pytest.raises(PutBack):
            await house.database.write_transaction(forge)

    assert silent == []
    assert await broken(house) == []


async def take_the_locks_off(transaction: Transaction, dialect: str) -> None:
    """Take down whatever in the schema would stop a forger, so that the auditor alone must find them."""
    if dialect == "sqlite":
        await transaction.fetch("PRAGMA ignore_check_constraints = ON")
        await transaction.fetch("PRAGMA defer_foreign_keys = ON")
        locks = "SELECT type, name, tbl_name FROM sqlite_master WHERE sql IS NOT NULL AND type IN ('trigger', 'index')"
        for kind, name, _ in await transaction.fetch(locks):
            await transaction.fetch(f"DROP {kind} {name}")
        return
    locks = (
        "SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE contype IN ('c', 'f') "
        "AND connamespace = 'public'::regnamespace"
    )
    for table, name in await transaction.fetch(locks):
        await transaction.fetch(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
    unique = (
        "SELECT indexrelid::regclass::text FROM pg_index JOIN pg_class c ON c.oid = indrelid "
        "WHERE indisunique AND NOT indisprimary AND c.relnamespace = 'public'::regnamespace"
    )
    for [name] in await transaction.fetch(unique):
        await transaction.fetch(f"DROP INDEX {name}")
    triggers = "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal"
    for table, name in await transaction.fetch(triggers):
        await transaction.fetch(f"DROP TRIGGER {name} ON {table}")


@pytest.mark.parametrize(
    ("forgery", "named"),
    [(FORGERIES["I09b"], "I09b"), ("UPDATE entries SET rule = 'another' WHERE rule = 'base'", "I10")],
)
async def test_what_was_forged_is_named(house: House, cafe: Caller, forgery: str, named: str) -> None:
    await a_busy_day(house, cafe)

    async def forge(transaction: Transaction) -> None:
        for statement in [*UNLOCK[house.database.dialect], forgery]:
            await transaction.fetch(statement)

    await house.database.write_transaction(forge)

    assert named in await broken(house)


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
