"""The same races as at the counter, run through the real server: what tills see when they all come at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import msgspec

from tests.faults.books import differences, rows
from tests.faults.server import Standing
from tests.faults.shop import BUN, FLAT_WHITE, purchase, regular
from tests.faults.tills import Acknowledged, Told, together


def tell(key: str, path: str, **body: object) -> Told:
    return Told(key, f"/v1/{path}", msgspec.json.encode(body))


async def all_at_once(standing: Standing, commands: Iterable[Told]) -> list[Acknowledged]:
    """Send each on a connection of its own; none may fail on our side."""
    told = await together(standing, list(commands))
    assert {one.status for one in told} <= {201, 422}, {one.status for one in told}
    return told


async def test_tills_that_all_come_at_once_are_each_served_once(standing: Standing) -> None:
    """One server, one story: receipts told five times, refunds beyond the purchase, takings beyond the balance."""
    await asyncio.to_thread(standing.start)

    receipts = await all_at_once(
        standing,
        (
            tell(f"till-{again}-{receipt}", "purchases", **purchase(f"r-{receipt}", regular(receipt % 7)))
            for again in range(5)
            for receipt in range(40)
        ),
    )
    assert {one.status for one in receipts} == {201}
    assert len({one.says["id"] for one in receipts}) == 40

    [bought] = await all_at_once(standing, [tell("ten", "purchases", **purchase("ten", regular(90), flat_whites=10))])
    back = await all_at_once(
        standing,
        (
            tell(f"back-{n}", f"purchases/{bought.says['id']}/refunds", receipt=f"back-{n}", amount_minor=1000)
            for n in range(100)
        ),
    )
    given_back = [one.says for one in back if one.status == 201]
    assert len(given_back) == (10 * FLAT_WHITE + BUN) // 1000
    taken = sum(part["amount"] for one in given_back for part in one["taken_back"])
    assert taken == sum(award["amount"] for award in bought.says["awards"])

    [joined] = await all_at_once(standing, [tell("new", "members", member={"phone": regular(91)})])
    account = f"members/{joined.says['id']}/adjustments"
    await all_at_once(standing, [tell("room", account, unit="points", amount=100, reason="room for ten")])
    takings = await all_at_once(
        standing, (tell(f"take-{n}", account, unit="points", amount=-10, reason="spent") for n in range(200))
    )
    assert [one.status for one in takings].count(201) == 10
    assert {one.says["code"] for one in takings if one.status == 422} == {"insufficient_balance"}

    bodies = [purchase("one", regular(92)), purchase("other", regular(93), flat_whites=2)]
    same_key = await all_at_once(standing, (tell("same", "purchases", **bodies[n % 2]) for n in range(50)))
    assert len({one.body for one in same_key if one.status == 201}) == 1
    assert {one.says["code"] for one in same_key if one.status == 422} == {"idempotency_key_reused"}
    [[effects]] = await rows(standing.database_url, "SELECT count(*) FROM journal WHERE key = 'same'")
    assert effects == 1

    await asyncio.to_thread(standing.kill)
    # Of a receipt told under five keys, the key that came first is the one in the book.
    others = {one.told.key for one in receipts}
    found = await differences(standing.database_url, [bought, *back, *takings])
    assert found.lost == found.doubled == found.answered_otherwise == found.unwritten == ()
    assert {key for key in found.unasked if key not in others} == {"room", "same"}
    assert len(found.unasked) == 40 + 2
    assert standing.verified() == ""
