"""Random lives of two members, merged, lived on and parted: no unit, voucher or consent is lost, and none doubled."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from loyalty_engine.businesses import Caller
from loyalty_engine.consent import reading
from loyalty_engine.consent.fold import fold
from loyalty_engine.house import House
from loyalty_engine.redemption import holding
from tests.engine.agreeing import WORDINGS
from tests.engine.counter import PERKS
from tests.engine.lives import Life
from tests.engine.shop import broken, buys, flat_whites, open_shop, programme
from tests.engine.test_merging import picture

pytestmark = pytest.mark.anyio

POLICIES = ("within_balance", "owe", "forgive")
# SQLite lives all of them; a server asked over a socket a part, for it is the same engine.
HISTORIES = {"sqlite": 2000, "postgres": 200}
LOOKED_AT_TOGETHER = 200


async def sums(house: House, business_id: int) -> dict[str, Any]:
    """What the members who are awake have together: of each unit, in purchases, and used of each limit."""
    asked = {
        "units": "SELECT unit, CAST(sum(balance) AS BIGINT) FROM accounts WHERE business_id = $1 "
        "GROUP BY unit HAVING sum(balance) <> 0 ORDER BY unit",
        "facts": "SELECT CAST(sum(visits) AS BIGINT), CAST(sum(spend_minor) AS BIGINT) FROM members "
        "WHERE business_id = $1 AND presence IS NULL",
        "limits": 'SELECT l.ends_at, l.subject, l."window", CAST(sum(l.times) AS BIGINT), '
        "CAST(sum(l.amount) AS BIGINT) FROM limit_uses l "
        "JOIN members m ON m.business_id = l.business_id AND m.id = l.member_id "
        "WHERE l.business_id = $1 AND m.presence IS NULL AND (l.times > 0 OR l.amount > 0) "
        'GROUP BY l.ends_at, l.subject, l."window" ORDER BY l.ends_at, l.subject, l."window"',
        "perks": "SELECT perk, issued FROM perk_counts WHERE business_id = $1 ORDER BY perk",
    }
    return {name: [tuple(row) for row in await house.database.fetch(sql, business_id)] for name, sql in asked.items()}


async def holders(house: House, business_id: int, table: str) -> dict[str, str]:
    """Whose each voucher, or each hold, is."""
    return dict(
        tuple(row) for row in await house.database.fetch(
            f"SELECT id, member_id FROM {table} WHERE business_id = $1", business_id)
    )  # fmt: skip


async def chains(house: House, business_id: int, members: tuple[str, str]) -> dict[str, Any]:
    """What each member has decided, record by record, with the hashes."""
    return {one: await reading.records_of(house.database, business_id, one) for one in members}


async def consents_are_their_own(house: House, business_id: int, one: str, other: str, before: dict[str, Any]) -> None:
    """The sleeper's records are what they were; the other's have only gone on; and both stand where theirs lead."""
    now = await chains(house, business_id, (one, other))
    assert now[one] == before[one]
    assert now[other][: len(before[other])] == before[other]
    for member, records in now.items():
        assert await reading.states_of(house.database, business_id, member) == fold(records)


def given_back(now: dict[str, str], before: dict[str, str], other: str) -> bool:
    """Tell whether everything is whose it was, and what is new is the one's with whom it happened."""
    return now == {name: before.get(name, other) for name in now} and before.keys() <= now.keys()


async def everything(house: House, business_id: int) -> dict[str, Any]:
    """The picture of both members, with vouchers, holds and consents."""
    whole = await picture(house, business_id)
    # When the next lot expires is an early guess, made exact whenever it is looked at.
    whole["accounts"] = [row[:-1] for row in whole["accounts"]]
    for table, columns in (
        ("vouchers", "id, member_id, code, perk, state, redeemed_in, expires_at"),
        ("holds", "id, member_id, status, captured, amount"),
        ("consents", "member_id, purpose, channel, state, record_id"),
        ("consent_records", "member_id, number, hash"),
    ):
        found = await house.database.fetch(
            f"SELECT {columns} FROM {table} WHERE business_id = $1 ORDER BY 1, 2, 3", business_id
        )
        whole[table] = [tuple(row) for row in found]
    return whole


async def one_history(house: House, caller: Caller, seed: int) -> Counter[str]:
    life, business_id = Life(house, caller, seed), caller.business_id
    for number, phone in enumerate(life.phones):
        bought = await buys(house, caller, flat_whites(f"first{number}", 11, phone=phone), at=life.at)
        life.bought.append(bought.id)
        life.codes += [voucher.code for voucher in bought.vouchers]
    await life.live(life.chance.randint(0, 10))
    one, other = [await life.who(phone) for phone in life.phones]
    await life.hands_free()
    lived = life.chance.choice((0, 0, 2, 8))
    if not lived:  # so that nothing but the merge lies between the pictures
        await holding.lapse_of(house, business_id, (one, other), at=life.at)
    before, apart = await sums(house, business_id), await everything(house, business_id)
    theirs = {table: await holders(house, business_id, table) for table in ("vouchers", "holds")}
    said = await chains(house, business_id, (one, other))

    merge = await life.merge(one, other)
    assert await sums(house, business_id) == before
    for table in theirs:
        assert set((await holders(house, business_id, table)).values()) <= {other}
    await life.live(lived)
    await life.hands_free()
    together = await sums(house, business_id)
    await life.undo(merge)

    assert await sums(house, business_id) == together
    if not lived:
        assert await everything(house, business_id) == apart
    for table, were in theirs.items():
        assert given_back(await holders(house, business_id, table), were, other), table
    await consents_are_their_own(house, business_id, one, other, said)
    await life.live(3)
    return life.done


async def cafe_for(house: House, seed: int) -> Caller:
    source = programme(about=f'refund = "{POLICIES[seed % 3]}"', more=PERKS + WORDINGS)
    return await open_shop(house, f"cafe-{seed}", source)


@pytest.mark.parametrize("seed", range(8))
async def test_random_histories_merged_lived_on_and_parted_again(house: House, seed: int) -> None:
    caller = await cafe_for(house, seed)

    await one_history(house, caller, seed)

    assert await broken(house) == []


@pytest.mark.fault_long
async def test_two_thousand_random_histories(house: House) -> None:
    done: Counter[str] = Counter()
    for seed in range(HISTORIES[house.database.dialect]):
        try:
            done += await one_history(house, await cafe_for(house, seed), seed)
        except Exception as problem:
            problem.add_note(f"in the history of seed {seed}")
            raise
        if (seed + 1) % LOOKED_AT_TOGETHER == 0:
            assert await broken(house) == [], f"up to seed {seed}"
    assert len(done) == len({"buy", "give_back", "adjust", "spend", "decide", "set_aside", "close"}), done


async def test_a_voucher_that_stayed_with_the_other_is_found(house: House) -> None:
    before = {"vch_1": "ingrid", "vch_2": "olav"}

    assert given_back({"vch_1": "ingrid", "vch_2": "olav", "vch_3": "olav"}, before, "olav")
    assert not given_back({"vch_1": "olav", "vch_2": "olav"}, before, "olav")
    assert not given_back({"vch_2": "olav"}, before, "olav")
