"""What runs out: once, never early, and in the books as breakage."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from loyalty_engine import expiring
from loyalty_engine.businesses import Caller
from loyalty_engine.house import House, open_house
from loyalty_engine.settings import Settings
from tests.engine.shop import (
    CAFE,
    KEY,
    MONDAY,
    OLAV,
    adjusts,
    broken,
    buys,
    flat_whites,
    has,
    open_shop,
    returns,
    sees,
)

pytestmark = pytest.mark.anyio

MONTH = """
[programme]
name = "Corner Café"
country = "NO"
currency = "NOK"
timezone = "{zone}"
languages = ["en"]

[units.points]
{lasts}

[[rules]]
id = "base"
on = "purchase"
then.award = {{ unit = "points", amount = 1, per_minor = 1000 }}
"""


async def lots_of(house: House) -> list[tuple[int, int | None]]:
    found = await house.database.fetch("SELECT remaining, expires_at FROM lots ORDER BY expires_at, id")
    return [(row[0], row[1]) for row in found]


async def breakage(house: House) -> int:
    [[total]] = await house.database.fetch(
        "SELECT CAST(coalesce(sum(-amount), 0) AS BIGINT) FROM entries WHERE kind = 'breakage' AND counter = 'expired'"
    )
    return int(total)


async def test_points_that_were_not_spent_in_a_year_are_booked_as_breakage(house: House, cafe: Caller) -> None:
    await buys(house, cafe, flat_whites("1"))  # 9 + 5 points, 2 stamps
    year_later = MONDAY.replace(year=2027)

    early = await expiring.expire(house, at=year_later - timedelta(microseconds=1))
    lots = await expiring.expire(house, at=year_later)
    again = await expiring.expire(house, at=year_later)

    assert (early, lots, again) == (0, 2, 0)
    assert await breakage(house) == 14 + 2
    assert await broken(house) == []
    assert [row[0] for row in await lots_of(house)] == [0, 0]
    [[due]] = await house.database.fetch("SELECT count(*) FROM accounts WHERE next_expiry IS NOT NULL")
    assert due == 0


async def test_what_has_run_out_cannot_be_spent_before_it_is_booked_nor_after(house: House, cafe: Caller) -> None:
    bought = await buys(house, cafe, flat_whites("1"))
    year_later = MONDAY.replace(year=2027)

    assert has(await sees(house, cafe, at=year_later - timedelta(microseconds=1))) == 14
    assert has(await sees(house, cafe, at=year_later)) == 0
    await expiring.expire(house, at=year_later)
    assert has(await sees(house, cafe, at=year_later)) == 0
    await adjusts(house, cafe, bought.member.id, 5, at=year_later)
    assert has(await sees(house, cafe, at=year_later)) == 5
    assert await broken(house) == []


async def test_an_account_whose_first_lot_was_spent_is_looked_at_again_for_the_second(
    house: House, cafe: Caller
) -> None:
    bought = await buys(house, cafe, flat_whites("1"))
    later = MONDAY + timedelta(days=30)
    await buys(house, cafe, flat_whites("2"), at=later)
    await adjusts(house, cafe, bought.member.id, -14, at=later)  # all of the first lot

    assert await expiring.expire(house, at=MONDAY.replace(year=2027)) == 1  # the stamps
    assert await broken(house) == []
    assert await expiring.expire(house, at=later.replace(year=2027)) == 2
    assert await broken(house) == []


@pytest.mark.parametrize("booked", ["booked", ""])
async def test_a_refund_of_what_has_run_out_comes_to_the_same_whether_it_was_booked_or_not(
    house: House, booked: str
) -> None:
    cafe = await open_shop(house, source=MONTH.format(zone="Europe/Oslo", lasts='expires_after = "10 days"'))
    bought = await buys(house, cafe, flat_whites("1"))  # 9 points
    later = MONDAY + timedelta(days=11)
    await buys(house, cafe, flat_whites("2", 1), at=later)  # 4 points
    if booked:
        await expiring.expire(house, at=later)

    back = await returns(house, cafe, bought.id, "R1", full=True, at=later)

    assert [(part.amount, part.shortfall) for part in back.taken_back] == [(4, 5)]
    assert has(back) == 0
    assert await expiring.expire(house, at=later) == 0
    assert (await breakage(house), await broken(house)) == (9, [])


@pytest.mark.parametrize("zone", ["Europe/Oslo", "America/New_York"])
@pytest.mark.parametrize(
    ("lasts", "bought", "gone"),
    [
        ('expires_after = "1 month"', (2026, 2, 28, 2, 30), (2026, 3, 28, 2, 30)),
        ('expires_after = "30 days"', (2026, 2, 27, 12, 0), (2026, 3, 29, 12, 0)),
        ('expires_after = "3 days"', (2026, 10, 23, 12, 0), (2026, 10, 26, 12, 0)),
        ('expires_after = "12 months"', (2028, 2, 29, 9, 0), (2029, 2, 28, 9, 0)),
        ('expires_after = "48 months"', (2028, 2, 29, 9, 0), (2032, 2, 29, 9, 0)),
        ('expires_end_of = "month"', (2026, 10, 25, 2, 30), (2026, 11, 1, 0, 0)),
        ('expires_end_of = "year"', (2026, 12, 31, 23, 59), (2027, 1, 1, 0, 0)),
        ('expires_end_of = "year"', (2027, 1, 1, 0, 0), (2028, 1, 1, 0, 0)),
        ('expires_after = "1 year"\nexpires_end_of = "year"', (2026, 3, 29, 3, 0), (2028, 1, 1, 0, 0)),
        ('expires_after = "1 month"\nexpires_end_of = "month"', (2028, 1, 31, 12, 0), (2028, 3, 1, 0, 0)),
    ],
)
async def test_a_lot_lasts_to_the_local_minute_across_a_change_of_clocks(
    sqlite_database_url: str, zone: str, lasts: str, bought: tuple[int, ...], gone: tuple[int, ...]
) -> None:
    clock = ZoneInfo(zone)
    at = datetime(*bought, tzinfo=clock).astimezone(UTC)  # type: ignore[misc, arg-type]
    until = datetime(*gone, tzinfo=clock).astimezone(UTC)  # type: ignore[misc, arg-type]
    house = await open_house(Settings(database_url=sqlite_database_url, key=KEY, auto_migrate=False))
    try:
        cafe = await open_shop(house, source=MONTH.format(zone=zone, lasts=lasts))
        await buys(house, cafe, flat_whites("1"), at=at)

        booked = [
            await expiring.expire(house, at=instant)
            for instant in (until - timedelta(hours=1), until - timedelta(microseconds=1), until, until, until)
        ]

        assert booked == [0, 0, 1, 0, 0]
        assert await broken(house) == []
    finally:
        await house.close()


async def test_many_accounts_are_booked_in_batches_by_three_rounds_at_once(house: House, cafe: Caller) -> None:
    for number in range(23):
        await buys(house, cafe, flat_whites(f"{number}", phone=f"999 01 {100 + number}"))
    year_later = MONDAY.replace(year=2027)

    shared = await asyncio.gather(*(expiring.expire(house, at=year_later, batch=4) for _ in range(3)))

    assert sum(shared) + await expiring.expire(house, at=year_later) == 23 * 2
    assert await breakage(house) == (await issued(house))
    assert await broken(house) == []


async def issued(house: House) -> int:
    [[total]] = await house.database.fetch("SELECT CAST(sum(amount) AS BIGINT) FROM entries WHERE kind = 'accrual'")
    return int(total)


async def test_what_is_set_aside_at_a_till_waits_for_it(house: House, cafe: Caller) -> None:
    await buys(house, cafe, flat_whites("1"))
    await house.database.write_transaction(lambda tx: tx.fetch("UPDATE accounts SET held = 3 WHERE unit = 'points'"))

    assert await expiring.expire(house, at=MONDAY.replace(year=2027)) == 1
    await house.database.write_transaction(lambda tx: tx.fetch("UPDATE accounts SET held = 0"))
    assert await expiring.expire(house, at=MONDAY.replace(year=2027)) == 1
    assert await broken(house) == []


@pytest.mark.parametrize(
    "tampered",
    [
        "UPDATE lots SET expires_at = expires_at + 1 WHERE remaining = 0",
        "UPDATE lots SET expires_at = NULL WHERE remaining = 0",
        "INSERT INTO allocations SELECT business_id, lot_id, 'ent_again', amount FROM allocations",
        "UPDATE accounts SET next_expiry = NULL",
    ],
)
async def test_verify_finds_a_lot_that_expired_early_or_twice_or_never_will(
    house: House, cafe: Caller, tampered: str
) -> None:
    year_later = MONDAY.replace(year=2027)
    await buys(house, cafe, flat_whites("1"))
    await expiring.expire(house, at=year_later)
    await buys(house, cafe, flat_whites("2"), at=year_later)
    if "again" in tampered:
        row = (
            "member_id, revision, unit, amount, counter, kind, balance_after, journal_id, version, rule, says, reverses"
        )
        copied = (
            f"INSERT INTO entries SELECT business_id, 'ent_again', {row}, occurred_at, recorded_at FROM entries "
            "WHERE kind = 'breakage' AND unit = 'points'"
        )
        await house.database.write_transaction(lambda tx: tx.fetch(copied))

    await house.database.write_transaction(lambda tx: tx.fetch(tampered))

    assert "I11" in await broken(house)


async def test_other_members_and_other_businesses_keep_theirs(house: House, cafe: Caller) -> None:
    other = await open_shop(house, "other-cafe", CAFE.format(about="", points="").replace("12 months", "60 months"))
    await buys(house, cafe, flat_whites("1"))
    await buys(house, cafe, flat_whites("2", phone=OLAV), at=MONDAY + timedelta(days=1))
    await buys(house, other, flat_whites("1"))

    await expiring.expire(house, at=MONDAY.replace(year=2027))

    year_later = MONDAY.replace(year=2027)
    assert has(await sees(house, cafe, at=year_later)) == 0
    assert has(await sees(house, cafe, OLAV, at=year_later)) == 14
    assert has(await sees(house, other, at=year_later)) == 14


async def test_points_that_last_as_long_as_one_keeps_buying(house: House) -> None:
    lasts = 'expires_after = "90 days"\nexpires_from = "last_purchase"'
    cafe = await open_shop(house, source=MONTH.format(zone="Europe/Oslo", lasts=lasts))
    await buys(house, cafe, flat_whites("1"))  # 9 points, until 22 February at midnight
    later = MONDAY + timedelta(days=80)
    await buys(house, cafe, flat_whites("2", 1), at=later)  # 4 points, and all of them until 12 May at midnight
    await buys(house, cafe, flat_whites("3", 1), at=later + timedelta(hours=3))

    until = datetime(2027, 5, 13, tzinfo=ZoneInfo("Europe/Oslo"))
    assert {row[1] for row in await lots_of(house)} == {int(until.timestamp()) * 10**6}
    assert await expiring.expire(house, at=MONDAY + timedelta(days=100)) == 0
    assert has(await sees(house, cafe, at=MONDAY + timedelta(days=100))) == 17
    assert await expiring.expire(house, at=until - timedelta(microseconds=1)) == 0
    assert await expiring.expire(house, at=until) == 3
    assert await broken(house) == []


async def test_a_purchase_after_points_have_run_out_does_not_bring_them_back(house: House) -> None:
    lasts = 'expires_after = "90 days"\nexpires_from = "last_purchase"'
    cafe = await open_shop(house, source=MONTH.format(zone="Europe/Oslo", lasts=lasts))
    await buys(house, cafe, flat_whites("1"))

    answer = await buys(house, cafe, flat_whites("2", 1), at=MONDAY + timedelta(days=100))

    assert has(answer) == 4
    assert await expiring.expire(house, at=MONDAY + timedelta(days=100)) == 1
    assert await broken(house) == []
