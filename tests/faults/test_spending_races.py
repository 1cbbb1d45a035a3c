"""Everybody spends at once: room for ten is had ten times, and a hold ends in exactly one way, whoever is first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from itertools import cycle
from typing import Any

import msgspec
import pytest

from loyalty_engine import earning
from loyalty_engine.answers import Answer
from loyalty_engine.businesses import Caller
from loyalty_engine.errors import Busy, InsufficientBalance, LoyaltyError
from loyalty_engine.house import House, open_house
from loyalty_engine.redemption import holding, holds
from loyalty_engine.redemption.commands import CaptureHold, PlaceHold, ReleaseHold
from loyalty_engine.redemption.errors import HoldClosed, PerkAllGone
from loyalty_engine.settings import Settings
from tests.engine.counter import open_counter, spends, with_units
from tests.engine.shop import INGRID, KEY, MONDAY, broken, ticket

pytestmark = pytest.mark.anyio

SHORT, LONG = 5, 100
RACES, ALL_RACES = 20, 200
Doors = tuple[House, House]


@pytest.fixture
async def doors(database_url: str) -> AsyncIterator[Doors]:
    """Two counting houses over one database, as two processes would be."""
    settings = Settings(database_url=database_url, key=KEY, auto_migrate=False)
    opened = (await open_house(settings), await open_house(settings))
    yield opened
    for house in opened:
        await house.close()


async def patiently(ask: Callable[[], Awaitable[Any]]) -> Any:
    """Ask again where too many ask at once (503), as a till does; a refusal is an outcome like another."""
    for _ in range(60):
        try:
            return await ask()
        except Busy:
            await asyncio.sleep(0.05)
        except LoyaltyError as refusal:
            return refusal
    return await ask()


@pytest.mark.parametrize("rounds", [SHORT, pytest.param(LONG, marks=pytest.mark.fault_long)])
async def test_of_two_hundred_who_redeem_at_once_what_ten_can_have_ten_get_it(doors: Doors, rounds: int) -> None:
    cafe = await open_counter(doors[0])
    for turn in range(rounds):
        phone = f"999 01 {turn:03}"
        await with_units(doors[0], cafe, phone=phone, stamps=100)

        def redeem(n: int, house: House, turn: int = turn, phone: str = phone) -> Callable[[], Awaitable[Answer]]:
            command = spends(f"{turn}-{n}", {"perk": "free-coffee"}, quantity=1, member={"phone": phone})
            one = ticket(f"till-{turn}-{n}")
            return lambda: earning.record_purchase(house, cafe, command, one)

        asked = [redeem(n, door) for n, door in zip(range(200), cycle(doors), strict=False)]
        found = await asyncio.gather(*(patiently(one) for one in asked))

        assert sum(isinstance(one, Answer) for one in found) == 10
        assert sum(isinstance(one, InsufficientBalance) for one in found) == 190
    assert await broken(doors[0]) == []


async def test_of_sixty_members_who_want_what_there_are_ten_of_ten_get_it(doors: Doors) -> None:
    cafe = await open_counter(doors[0])
    for n in range(60):
        await with_units(doors[0], cafe, phone=f"999 02 {n:03}", points=5)

    def redeem(n: int, house: House) -> Callable[[], Awaitable[Answer]]:
        command = spends(f"ten-{n}", {"perk": "first-ten"}, quantity=1, member={"phone": f"999 02 {n:03}"})
        one = ticket(f"ten-{n}")
        return lambda: earning.record_purchase(house, cafe, command, one)

    asked = [redeem(n, door) for n, door in zip(range(60), cycle(doors), strict=False)]
    found = await asyncio.gather(*(patiently(one) for one in asked))

    assert sum(isinstance(one, Answer) for one in found) == 10
    assert all(isinstance(one, (Answer, PerkAllGone)) for one in found)
    assert await broken(doors[0]) == []


async def _raced(doors: Doors, cafe: Caller, n: int) -> str:
    """Let a capture, a release and the clock go for one hold at the same moment; gives what it became."""
    command = msgspec.convert(
        {"member": {"phone": INGRID}, "unit": "kroner", "amount": 1, "ttl_seconds": 60}, PlaceHold
    )
    placed = msgspec.json.decode((await holds.place(doors[0], cafe, command, ticket())).body)
    before, after = MONDAY + timedelta(seconds=59), MONDAY + timedelta(seconds=60)
    capturing, releasing = ticket(f"capture-{n}", before), ticket(f"release-{n}", before)

    found = await asyncio.gather(
        patiently(lambda: holds.capture(doors[n % 2], cafe, placed["id"], CaptureHold(), capturing)),
        patiently(lambda: holds.release(doors[1], cafe.business_id, placed["id"], ReleaseHold(), releasing)),
        patiently(lambda: holding.lapse(doors[(n + 1) % 2], at=after)),
    )

    shown = await holding.read_hold(doors[0], cafe, placed["id"], at=after)
    won = sum(isinstance(one, Answer) for one in found) + (found[2] if isinstance(found[2], int) else 0)
    assert won == 1, found
    assert all(isinstance(one, (Answer, HoldClosed, int)) for one in found), found
    return shown.status


@pytest.mark.parametrize("races", [RACES, pytest.param(ALL_RACES, marks=pytest.mark.fault_long)])
async def test_a_hold_that_is_captured_released_and_lapsed_at_once_ends_in_one_way(doors: Doors, races: int) -> None:
    cafe = await open_counter(doors[0])
    await with_units(doors[0], cafe, kroner=races)

    became = [await _raced(doors, cafe, n) for n in range(races)]

    assert set(became) <= {"captured", "released", "lapsed"}
    [[held, balance]] = await doors[0].database.fetch("SELECT held, balance FROM accounts WHERE unit = 'kroner'")
    assert (held, balance) == (0, races - became.count("captured"))
    assert await broken(doors[0]) == []
