"""Members are told before units of theirs run out, once for each day of expiry, in their own language."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from loyalty_engine import noticing, programmes
from loyalty_engine.businesses import Caller
from loyalty_engine.house import House
from loyalty_engine.messages import outbox, sending
from tests.engine.shop import INGRID, MONDAY, OLAV, broken, buys, flat_whites, open_shop, programme

pytestmark = pytest.mark.anyio
# What was earned on the Monday runs out a year later; it is told of 30 days before.
A_YEAR_ON = MONDAY.replace(year=2027)
NOTICED = A_YEAR_ON - timedelta(days=30)


@pytest.fixture
async def cafe(house: House) -> Caller:
    return await open_shop(house, source=programme(points='expiry_notice = "30 days"'))


async def told(house: House) -> list[tuple[str, str, str]]:
    """Give what has been written to members: channel, purpose and words."""
    found = []
    for row in await house.database.fetch(f"SELECT {outbox.COLUMNS} FROM messages ORDER BY queued_at, id"):
        message = outbox.MessageRow(*row)
        [[key]] = await house.database.fetch("SELECT wrapped_key FROM members WHERE id = $1", message.member_id)
        found.append((message.channel, message.purpose, outbox.words_of(house, message, key).text))
    return found


async def test_a_member_is_told_once_before_points_run_out(house: House, cafe: Caller) -> None:
    await buys(house, cafe, flat_whites("1", 4))
    await buys(house, cafe, flat_whites("2", 1), at=MONDAY + timedelta(hours=2))

    early = await noticing.notice(house, at=NOTICED - timedelta(days=1))
    rounds = [await noticing.notice(house, at=NOTICED + timedelta(hours=n)) for n in (0, 1, 30)]

    assert (early, rounds) == (0, [1, 0, 0])
    assert await told(house) == [
        (
            "sms", "service.expiry",
            "Corner Café: 28 poeng går ut 23.11.2027. Svar FORDELER for å se hva du kan få.",
        )
    ]  # fmt: skip
    assert await broken(house) == []


async def test_each_day_of_expiry_has_its_own_message(house: House, cafe: Caller) -> None:
    await buys(house, cafe, flat_whites("1", 1))
    await buys(house, cafe, flat_whites("2", 2), at=MONDAY + timedelta(days=2))

    rounds = [await noticing.notice(house, at=NOTICED + timedelta(days=n)) for n in range(4)]

    assert rounds == [1, 0, 1, 0]


async def test_what_was_spent_in_time_is_not_told_of(house: House, cafe: Caller) -> None:
    await buys(house, cafe, flat_whites("1", 1))
    await house.database.write_transaction(lambda tx: tx.fetch("UPDATE lots SET remaining = 0"))

    assert await noticing.notice(house, at=NOTICED) == 0


async def test_three_rounds_at_once_tell_everybody_once(house: House, cafe: Caller) -> None:
    for number, phone in enumerate((INGRID, OLAV)):
        await buys(house, cafe, flat_whites(f"{number}", 1, phone=phone))

    counts = await asyncio.gather(*(noticing.notice(house, at=NOTICED) for _ in range(3)))

    assert sum(counts) == 2
    assert len(await told(house)) == 2


async def test_a_message_waits_for_the_morning_and_passes_the_gate(house: House, cafe: Caller) -> None:
    await buys(house, cafe, flat_whites("1", 1))
    midnight = NOTICED.replace(hour=0, minute=30)
    await noticing.notice(house, at=midnight)

    [[due_at]] = await house.database.fetch("SELECT due_at FROM messages")

    assert await sending.send_due(house, lambda: midnight) == 0
    assert due_at == int(NOTICED.replace(hour=8, minute=0).timestamp()) * 10**6
    assert await sending.send_due(house, lambda: NOTICED) == 1


async def test_check_no_longer_warns_of_a_notice(house: House, cafe: Caller) -> None:
    answer = await programmes.check_source(house, cafe, programme(points='expiry_notice = "30 days"'), "toml")

    assert [finding.place for finding in answer.findings if "expiry_notice" in finding.place] == []
