"""The auditor finds what is wrong with who brought whom: every part of I14 and I15 is broken by hand once."""

from __future__ import annotations

import pytest

from loyalty_engine.businesses import Caller
from loyalty_engine.database import Transaction
from loyalty_engine.house import House
from loyalty_engine.referrals import audit, rounds
from tests.engine.shop import INGRID, OLAV, broken, buys, flat_whites, open_shop
from tests.engine.test_referrals import IN_TWO_WEEKS, KARI, WITH_FRIENDS
from tests.engine.test_verify import PutBack, take_the_locks_off

pytestmark = pytest.mark.anyio

COPY_OF_MARKS = "CREATE TABLE copied AS SELECT * FROM referral_marks"
FORGERIES = {
    "I14": (COPY_OF_MARKS, "DROP TABLE referral_marks", "ALTER TABLE copied RENAME TO referral_marks",
            "INSERT INTO referral_marks SELECT * FROM referral_marks"),
    "I14, part 2": ("UPDATE referral_marks SET referral_id = 'ref_another'",),
    "I14, part 3": ("UPDATE referrals SET friend_id = (SELECT max(friend_id) FROM referrals)",),
    "I14b": ('UPDATE journal SET "natural" = id',),
    "I14b, part 2": ("UPDATE entries SET kind = 'referral_credit', journal_id = 'jnl_one'",),
    "I14c": ("UPDATE referrals SET state = 'returning'",),
    "I15": ("UPDATE referrals SET ambassador_id = friend_id",),
}  # fmt: skip


def parts() -> dict[str, str]:
    return {
        name if number == 1 else f"{name}, part {number}": part
        for name, _, query in audit.QUERIES
        for number, part in enumerate(query.split(" UNION ALL "), 1)
    }


async def two_friends(house: House, cafe: Caller) -> None:
    """Ingrid brings Olav, and Olav brings Kari."""
    await buys(house, cafe, flat_whites("1", phone=INGRID))
    await buys(house, cafe, flat_whites("2", phone=OLAV, referred_by={"phone": INGRID}))
    await buys(house, cafe, flat_whites("3", phone=KARI, referred_by={"phone": OLAV}))
    assert await rounds.go(house, at=IN_TWO_WEEKS) == 2


def test_every_part_is_tried() -> None:
    assert set(parts()) == set(FORGERIES)


async def test_every_part_finds_its_forgery(house: House) -> None:
    cafe = await open_shop(house, source=WITH_FRIENDS)
    await two_friends(house, cafe)
    assert await broken(house) == []
    silent = []

    for name, query in parts().items():

        async def forge(transaction: Transaction, name: str = name, query: str = query) -> None:
            await take_the_locks_off(transaction, house.database.dialect)
            for statement in FORGERIES[name]:
                await transaction.fetch(statement)
            if not await transaction.fetch(query):
                silent.append(name)
            raise PutBack

        with pytest.raises(PutBack):
            await house.database.write_transaction(forge)

    assert silent == []
    assert await broken(house) == []


async def test_a_friend_who_stands_above_their_ambassador_is_found(house: House) -> None:
    cafe = await open_shop(house, source=WITH_FRIENDS)
    await two_friends(house, cafe)

    async def close_the_ring(transaction: Transaction) -> None:
        await take_the_locks_off(transaction, house.database.dialect)
        first, last = (
            f"(SELECT member_id FROM journal WHERE kind = 'purchase' ORDER BY id {way} LIMIT 1)"
            for way in ("ASC", "DESC")
        )
        newest, oldest = (f"(SELECT {which}(id) FROM referrals)" for which in ("max", "min"))
        ring = f"UPDATE referrals SET ambassador_id = {last}, friend_id = {first} WHERE id = {newest}"
        await transaction.fetch(ring)
        await transaction.fetch(f"UPDATE referrals SET friend_id = {last} WHERE id = {oldest}")

    await house.database.write_transaction(close_the_ring)
    assert "I15" in await broken(house)
