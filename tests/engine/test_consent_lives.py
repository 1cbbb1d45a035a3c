"""Random lives lived through the real rooms: nothing leaves wrongly, nothing kept is lost, no byte changes unseen."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from loyalty_engine.businesses import Caller
from loyalty_engine.consent import audit, reading
from loyalty_engine.consent.records import ConsentRow
from loyalty_engine.errors import ConsentNotAskedFor
from loyalty_engine.house import House
from tests.engine.agreeing import by_hand, open_agreeing_shop, says
from tests.engine.histories import may_write
from tests.engine.post import Hand, note, post_goes, put
from tests.engine.shop import MONDAY, broken, buys, flat_whites
from tests.engine.test_consent_audit import UNLOCK

pytestmark = pytest.mark.anyio

STATES = "SELECT * FROM consents ORDER BY business_id, member_id, purpose, channel"
SAYINGS = [
    {"decision": "given"},
    {"decision": "given"},
    {"decision": "refused"},
    {"decision": "deferred"},
    {"decision": "withdrawn"},
    {"decision": "stopped"},
    {"decision": "stopped", "channel": "any"},
    {"decision": "started"},
    {"decision": "given", "purpose": "profiling", "channel": "any", "wording": "profiling-1"},
    {"decision": "withdrawn", "purpose": "profiling", "channel": "any"},
    {"decision": "given", "channel": "email", "wording": "letter-1"},
    {"decision": "confirmed", "channel": "email", "wording": "letter-1"},
]


async def live(house: House, cafe: Caller, dice: random.Random, members: list[str], days: int) -> Hand:
    """Let members decide, at times told late, while advertising is queued for them and the postman goes."""
    hand = Hand()
    house.carrier_of = lambda _, __: hand
    for day in range(days):
        at = MONDAY + timedelta(days=day)
        for member in members:
            said = dict(dice.choice(SAYINGS))
            late = at - timedelta(hours=dice.choice([0, 0, 0, 5, 40]))
            if dice.random() < 0.7:
                await put(house, cafe, member, note("marketing.sms", text=str(day)), at)
            try:
                await says(house, cafe, member, said.pop("decision"), at=at, occurred_at=late.isoformat(), **said)
            except ConsentNotAskedFor:
                continue
        await post_goes(house, at, seconds=2)
    return hand


async def a_shop_of(house: House, count: int) -> tuple[Caller, list[str]]:
    cafe = await open_agreeing_shop(house)
    phones = [f"999 00 2{number:02}" for number in range(10, 10 + count)]
    bought = [await buys(house, cafe, flat_whites(phone, phone=phone)) for phone in phones]
    return cafe, [one.member.id for one in bought]


async def test_lives_lived_through_the_real_rooms_leave_nothing_wrong(house: House) -> None:
    dice = random.Random(7)  # noqa: S311  # the same throws every time
    cafe, members = await a_shop_of(house, 4)

    hand = await live(house, cafe, dice, members, days=14)

    sent = await house.database.fetch("SELECT member_id, left_at FROM messages WHERE state = 'sent'")
    for member, left_at in sent:
        known = [
            record
            for record in await reading.records_of(house.database, cafe.business_id, member)
            if record.recorded_at <= left_at
        ]
        assert may_write(known, "marketing", "sms", left_at)
    assert len(sent) == len(hand.asked) > 3
    assert await broken(house) == []


async def test_what_holds_after_many_lives_is_made_anew_unchanged(house: House) -> None:
    dice = random.Random(8)  # noqa: S311  # the same throws every time
    cafe, members = await a_shop_of(house, 4)
    await live(house, cafe, dice, members, days=10)
    before = [tuple(row) for row in await house.database.fetch(STATES)]

    await by_hand(house, "DELETE FROM consents")
    await audit.rebuild(house.database)

    assert [tuple(row) for row in await house.database.fetch(STATES)] == before


async def overwrite(house: House, record: ConsentRow, name: str, value: object) -> None:
    change = f"UPDATE consent_records SET {name} = $1 WHERE member_id = $2 AND number = $3"
    await house.database.write_transaction(lambda tx: tx.fetch(change, value, record.member_id, record.number))


async def flips_unseen(house: House, tries: int) -> int:
    """Flip a byte of a record in the database itself, look whether the audit sees it, and put it back."""
    dice = random.Random(9)  # noqa: S311  # the same throws every time
    cafe, members = await a_shop_of(house, 4)
    await live(house, cafe, dice, members, days=8)
    await by_hand(house, *UNLOCK[house.database.dialect])
    every = [record async for _, _, records in audit.each_member(house.database) for record in records]
    changeable = [name for name in ConsentRow.__struct_fields__ if name not in {"business_id", "member_id", "number"}]
    unseen = 0
    for _ in range(tries):
        record, name = dice.choice(every), dice.choice(changeable)
        was = getattr(record, name)
        if not was:
            continue
        place = 0 if isinstance(was, int) else dice.randrange(len(was))
        now = was ^ (1 << dice.randint(0, 40)) if isinstance(was, int) else f"{was[:place]}~{was[place + 1 :]}"
        for value in (now, was):
            await overwrite(house, record, name, value)
            found = [line async for line in audit.broken_chains(house.database)]
            unseen += (value == now) != bool(found)
    return unseen


async def test_a_byte_flipped_in_the_database_is_seen(house: House) -> None:
    assert await flips_unseen(house, 25) == 0


@pytest.mark.fault_long
async def test_a_thousand_bytes_flipped_in_the_database_are_seen(house: House) -> None:
    assert await flips_unseen(house, 1_000) == 0
