"""What the tills tell arrives in any order and more than once, refunds before their purchases: the end is the same.

Which commands can be shuffled: purchases judged by a rule that looks at nothing but the purchase; refunds by receipt of
lines and of what is left, under a programme that lets a member owe, so that no refund falls short; adjustments that
give, and adjustments that take from a balance so large that none is refused; a perk bought in the purchase, a voucher
that was given beforehand, and the capture of a hold that was placed beforehand. Which cannot, and are not here: rules
on visits, limits and caps (the first purchase of the day is another one), and a refund under `within_balance` of what
has been spent.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Awaitable, Callable

import pytest
from msgspec import Struct

from loyalty_engine import refunding
from loyalty_engine.answers import Answer
from loyalty_engine.commands import MemberRef
from loyalty_engine.errors import NothingLeftToRefund
from loyalty_engine.redemption import handing_out, holds
from loyalty_engine.redemption.commands import CaptureHold, IssueVoucher, PlaceHold
from tests.faults.shop import MORNING, PROGRAMME, Shop, patiently, purchase, regular, ticket, told

OPERATIONS = 300
MEMBERS = 8
TILLS = 8
WITH_PERKS = (
    PROGRAMME
    + """
[[perks]]
id = "ten-off"
price = { unit = "points", amount = 30 }
gives.amount_off_minor = 1000
"""
)
# Of so many purchases one is paid with a voucher, one with a perk, and one is followed by the capture of a hold.
EVERY = 5


class Regulars(Struct, frozen=True):
    """The members by number, and what they were given before the morning began: a voucher or a hold for a purchase."""

    ids: dict[int, str]
    vouchers: dict[int, str]
    holds: dict[int, str]


Operation = Callable[[Shop, Regulars], Awaitable[Answer]]


def operations(many: int) -> list[Operation]:
    """So many things that happened: purchases, refunds, redemptions, captures, adjustments; the same each time."""
    dice = random.Random(49)  # noqa: S311 - the same morning each time is the point
    happened: list[Operation] = []
    for n in range(many // 2):
        happened.append(_bought(n, dice.randint(1, 4)))
        if n % EVERY == 2:  # see EVERY
            happened.append(_captured(n))
        kind = dice.choice(["line", "line", "full", "line and full", "given", "taken"])
        if kind in {"line", "line and full"}:
            happened.append(_back(n, "line", lines=[{"line": dice.choice("12")}]))
        if kind in {"full", "line and full"}:
            happened.append(_back(n, "full", full=True))
        if kind in {"given", "taken"}:
            amount = dice.randint(1, 500) * (1 if kind == "given" else -1)
            happened.append(_adjusted(n, dice.randrange(MEMBERS), amount))
    return happened[:many]


def _bought(n: int, flat_whites: int) -> Operation:
    def buy(shop: Shop, regulars: Regulars) -> Awaitable[Answer]:
        redeem = {0: [{"voucher": regulars.vouchers.get(n)}], 1: [{"perk": "ten-off"}]}.get(n % EVERY)
        more = {"redeem": redeem} if redeem else {}
        return shop.buy(f"buy-{n}", purchase(f"r-{n}", regular(n % MEMBERS), flat_whites, **more))

    return buy


def _captured(n: int) -> Operation:
    def capture(shop: Shop, regulars: Regulars) -> Awaitable[Answer]:
        command, hold = CaptureHold(amount=7), regulars.holds[n]
        return patiently(lambda: holds.capture(shop.house, shop.owner, hold, command, ticket(f"capture-{n}")))

    return capture


def _back(n: int, how: str, **what: object) -> Operation:
    return lambda shop, _: shop.refund_receipt(f"{how}-{n}", f"r-{n}", receipt=f"{how}-{n}", **what)


def _adjusted(n: int, member: int, amount: int) -> Operation:
    return lambda shop, regulars: shop.adjust(f"adjust-{n}", regulars.ids[member], amount)


async def before_the_morning(shop: Shop, many: int) -> Regulars:
    """Let the regulars join, and give each purchase that needs one its voucher or its hold."""
    await shop.publish("with perks", WITH_PERKS)
    regulars = Regulars({}, {}, {})
    for number in range(MEMBERS):
        regulars.ids[number] = told(await shop.enrol(f"join-{number}", regular(number)))["id"]
        await shop.adjust(f"start-{number}", regulars.ids[number], 100_000 + 100 * many)
    gift = IssueVoucher(perk="ten-off", reason="the machine was broken")
    for n in range(0, many // 2, EVERY):
        member = regulars.ids[n % MEMBERS]
        given = await handing_out.issue(shop.house, shop.owner, member, gift, ticket(f"voucher-{n}"))
        regulars.vouchers[n] = told(given)["voucher"]["code"]
    for n in range(2, many // 2, EVERY):
        aside = PlaceHold(member=MemberRef(id=regulars.ids[n % MEMBERS]), unit="points", amount=10, ttl_seconds=86_400)
        regulars.holds[n] = told(await holds.place(shop.house, shop.owner, aside, ticket(f"hold-{n}")))["id"]
    return regulars


async def live_through(shop: Shop, order: int, many: int = OPERATIONS) -> str:
    """Tell everything in one random order, each one to three times, at several tills; what is left, hashed."""
    regulars = await before_the_morning(shop, many)
    dice = random.Random(order)  # noqa: S311 - the orders are to be the same in each run
    sent = [one for one in operations(many) for _ in range(dice.randint(1, 3))]
    dice.shuffle(sent)

    async def till(mine: list[Operation]) -> None:
        for operation in mine:
            try:
                await operation(shop, regulars)
            except NothingLeftToRefund:
                continue  # of a line, where the whole purchase has come back already

    await asyncio.gather(*(till(sent[number::TILLS]) for number in range(TILLS)))

    # As upkeep does by the clock: two tills in one instant may not see each other.
    await refunding.settle_all(shop.house, at=MORNING)
    assert [found.id for found in await shop.broken()] == []
    assert await shop.count("parked_refunds", "settled_by IS NULL") == 0
    return await books_hashed(shop, regulars.ids)


async def books_hashed(shop: Shop, members: dict[int, str]) -> str:
    """The balance, what is held, visits, spending, vouchers and holds of every member, by the order they joined in."""
    found = await shop.rows(
        "SELECT m.id, a.balance, a.held, m.visits, m.spend_minor, "
        "(SELECT count(*) FROM vouchers v WHERE v.member_id = m.id AND v.state = 'issued'), "
        "(SELECT count(*) FROM holds h WHERE h.member_id = m.id AND h.status = 'captured') "
        "FROM members m JOIN accounts a ON a.member_id = m.id"
    )
    by_id = {row[0]: tuple(row[1:]) for row in found}
    assert len(by_id) == MEMBERS
    return hashlib.sha256(repr([by_id[members[number]] for number in range(MEMBERS)]).encode()).hexdigest()


@pytest.mark.parametrize(("orders", "many"), [(2, OPERATIONS), pytest.param(100, 10_000, marks=pytest.mark.fault_long)])
async def test_a_morning_told_in_any_order_ends_with_the_same_books(
    fresh_shops: Callable[[], Awaitable[Shop]], orders: int, many: int
) -> None:
    ends = [await live_through(await fresh_shops(), order, many) for order in range(orders)]

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
