"""What the tills tell arrives in any order and more than once, refunds before their purchases: the end is the same.

Which commands can be shuffled: purchases judged by a rule that looks at nothing but the purchase; refunds by receipt of
lines and of what is left, under a programme that lets a member owe, so that no refund falls short; adjustments that
give, and adjustments that take from a balance so large that none is refused. Which cannot, and are not here: rules on
visits, limits and caps (the first purchase of the day is another one), and a refund under `within_balance` of what
has been spent.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Awaitable, Callable

import pytest

from loyalty_engine import refunding
from loyalty_engine.answers import Answer
from loyalty_engine.errors import NothingLeftToRefund
from tests.faults.shop import MORNING, Shop, purchase, regular, told

OPERATIONS = 300
MEMBERS = 8
TILLS = 8
Operation = Callable[[Shop, dict[int, str]], Awaitable[Answer]]


def operations() -> list[Operation]:
    """Three hundred things that happened: purchases, line refunds, full refunds, adjustments; the same each time."""
    dice = random.Random(49)  # noqa: S311 - the same morning each time is the point
    happened: list[Operation] = []
    for n in range(OPERATIONS // 2):
        happened.append(_bought(n, dice.randrange(MEMBERS), dice.randint(1, 4)))
        kind = dice.choice(["line", "line", "full", "line and full", "given", "taken"])
        if kind in {"line", "line and full"}:
            happened.append(_back(n, "line", lines=[{"line": dice.choice("12")}]))
        if kind in {"full", "line and full"}:
            happened.append(_back(n, "full", full=True))
        if kind in {"given", "taken"}:
            amount = dice.randint(1, 500) * (1 if kind == "given" else -1)
            happened.append(_adjusted(n, dice.randrange(MEMBERS), amount))
    return happened[:OPERATIONS]


def _bought(n: int, member: int, flat_whites: int) -> Operation:
    return lambda shop, _: shop.buy(f"buy-{n}", purchase(f"r-{n}", regular(member), flat_whites))


def _back(n: int, how: str, **what: object) -> Operation:
    return lambda shop, _: shop.refund_receipt(f"{how}-{n}", f"r-{n}", receipt=f"{how}-{n}", **what)


def _adjusted(n: int, member: int, amount: int) -> Operation:
    return lambda shop, members: shop.adjust(f"adjust-{n}", members[member], amount)


async def live_through(shop: Shop, order: int) -> str:
    """Tell everything in one random order, each one to three times, at several tills; what is left, hashed."""
    members = {}
    for number in range(MEMBERS):
        members[number] = told(await shop.enrol(f"join-{number}", regular(number)))["id"]
        await shop.adjust(f"start-{number}", members[number], 100_000)
    dice = random.Random(order)  # noqa: S311 - the orders are to be the same in each run
    sent = [one for one in operations() for _ in range(dice.randint(1, 3))]
    dice.shuffle(sent)

    async def till(mine: list[Operation]) -> None:
        for operation in mine:
            try:
                await operation(shop, members)
            except NothingLeftToRefund:
                continue  # of a line, where the whole purchase has come back already

    await asyncio.gather(*(till(sent[number::TILLS]) for number in range(TILLS)))

    # As upkeep does by the clock: two tills in one instant may not see each other.
    await refunding.settle_all(shop.house, at=MORNING)
    assert [found.id for found in await shop.broken()] == []
    assert await shop.count("parked_refunds", "settled_by IS NULL") == 0
    return await books_hashed(shop, members)


async def books_hashed(shop: Shop, members: dict[int, str]) -> str:
    """The balance, the visits and the spending of every member, by the order they joined in."""
    found = await shop.rows(
        "SELECT m.id, a.balance, m.visits, m.spend_minor FROM members m JOIN accounts a ON a.member_id = m.id"
    )
    by_id = {row[0]: tuple(row[1:]) for row in found}
    assert len(by_id) == MEMBERS
    return hashlib.sha256(repr([by_id[members[number]] for number in range(MEMBERS)]).encode()).hexdigest()


@pytest.mark.parametrize("orders", [2, pytest.param(10, marks=pytest.mark.fault_long)])
async def test_a_morning_told_in_any_order_ends_with_the_same_books(
    fresh_shops: Callable[[], Awaitable[Shop]], orders: int
) -> None:
    ends = [await live_through(await fresh_shops(), order) for order in range(orders)]

    assert len(set(ends)) == 1


async def test_a_command_that_is_left_out_is_seen_in_the_hash(fresh_shops: Callable[[], Awaitable[Shop]]) -> None:
    shop = await fresh_shops()
    everything = await live_through(shop, 0)
    [[member]] = await shop.rows("SELECT member_id FROM journal WHERE key = 'join-3'")

    await shop.adjust("one more", member, 1)

    joined = {
        n: (await shop.rows("SELECT member_id FROM journal WHERE key = $1", f"join-{n}"))[0][0] for n in range(MEMBERS)
    }
    assert await books_hashed(shop, joined) != everything
