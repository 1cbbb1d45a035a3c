"""Two members who are one person, and the way back: nothing is lost, nothing doubled, and the books balance."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from loyalty_engine import enrolling, members, merging, refunding, unmerging
from loyalty_engine.businesses import Caller
from loyalty_engine.commands import EnrolMember, MemberRef, RefundPurchase
from loyalty_engine.errors import BodyInvalid, LoyaltyError, MemberUnknown, MergeNotTheLast, MergeUnknown
from loyalty_engine.house import House
from loyalty_engine.people import MergeAnswer, MergeMembers
from tests.engine.shop import (
    INGRID,
    MONDAY,
    OLAV,
    adjusts,
    broken,
    buys,
    flat_whites,
    happens,
    has,
    joins,
    open_shop,
    programme,
    publish,
    returns,
    sees,
    ticket,
)

pytestmark = pytest.mark.anyio

KARI = "999 00 203"


async def merges(house: House, caller: Caller, one: str, into: str, *, at: datetime = MONDAY) -> MergeAnswer:
    answer = await merging.merge(house, caller, one, MergeMembers(into), ticket(at=at))
    return msgspec.json.decode(answer.body, type=MergeAnswer)


async def undoes(house: House, caller: Caller, merge: str, *, at: datetime = MONDAY) -> MergeAnswer:
    answer = await unmerging.undo(house, caller, merge, ticket(at=at))
    return msgspec.json.decode(answer.body, type=MergeAnswer)


async def member_of(house: House, caller: Caller, phone: str) -> str:
    found = await sees(house, caller, phone)
    assert found.member is not None
    return found.member.id


async def picture(house: House, business_id: int) -> dict[str, Any]:
    """What each member is and has: all that undoing must bring back. Revisions and sealed texts go on."""
    facts = await house.database.fetch(
        "SELECT id, joined_at, visits, spend_minor, first_purchase_at, last_purchase_at, language, tier, tags, "
        "presence FROM members WHERE business_id = $1 ORDER BY id", business_id,
    )  # fmt: skip
    lots = await house.database.fetch(
        "SELECT id, member_id, unit, remaining, spendable_at, expires_at FROM lots WHERE business_id = $1 "
        "AND remaining > 0 ORDER BY id", business_id,
    )  # fmt: skip
    accounts = await house.database.fetch(
        "SELECT member_id, unit, balance, pending_until, next_expiry FROM accounts WHERE business_id = $1 "
        "AND balance <> 0 ORDER BY member_id, unit", business_id,
    )  # fmt: skip
    limits = await house.database.fetch(
        'SELECT member_id, ends_at, subject, "window", times, amount FROM limit_uses WHERE business_id = $1 '
        "AND (times > 0 OR amount > 0) ORDER BY member_id, ends_at, subject", business_id,
    )  # fmt: skip
    numbers = await house.database.fetch(
        "SELECT blind_index, member_id, home FROM identifiers WHERE business_id = $1 ORDER BY blind_index", business_id
    )
    tables = {"facts": facts, "lots": lots, "accounts": accounts, "limits": limits, "numbers": numbers}
    return {name: [tuple(row) for row in rows] for name, rows in tables.items()}


async def test_two_members_become_one_with_everything_both_had(house: House, cafe: Caller) -> None:
    await buys(house, cafe, flat_whites("1", phone=INGRID))
    await buys(house, cafe, flat_whites("2", 3, phone=OLAV))
    ingrid, olav = await member_of(house, cafe, INGRID), await member_of(house, cafe, OLAV)
    units = has(await sees(house, cafe, INGRID)) + has(await sees(house, cafe, OLAV))

    answer = await merges(house, cafe, ingrid, olav)

    assert (answer.status, answer.member, answer.into) == ("merged", ingrid, olav)
    assert has(answer) == units
    assert has(await sees(house, cafe, INGRID)) == has(await sees(house, cafe, OLAV)) == units
    assert await member_of(house, cafe, INGRID) == olav
    one = await members.read_member(house, cafe, ingrid, at=MONDAY)
    assert (one.id, one.visits, one.spend_minor) == (olav, 2, 5 * 4900)
    assert len(one.masked) == 2
    assert await broken(house) == []


async def test_undoing_at_once_leaves_everything_as_it_was(house: House, cafe: Caller) -> None:
    await buys(house, cafe, flat_whites("1", phone=INGRID))
    await buys(house, cafe, flat_whites("2", 3, phone=OLAV), at=MONDAY + timedelta(days=1))
    ingrid, olav = await member_of(house, cafe, INGRID), await member_of(house, cafe, OLAV)
    before = await picture(house, cafe.business_id)

    merged = await merges(house, cafe, ingrid, olav, at=MONDAY + timedelta(days=1))
    answer = await undoes(house, cafe, merged.id, at=MONDAY + timedelta(days=1))

    assert answer.status == "undone"
    assert await picture(house, cafe.business_id) == before
    assert await broken(house) == []


async def test_a_purchase_of_the_sleeping_member_is_refunded_by_the_other(house: House, cafe: Caller) -> None:
    bought = await buys(house, cafe, flat_whites("1", phone=INGRID))
    await buys(house, cafe, flat_whites("2", 3, phone=OLAV))
    ingrid, olav = await member_of(house, cafe, INGRID), await member_of(house, cafe, OLAV)
    olavs = has(await sees(house, cafe, OLAV))
    merged = await merges(house, cafe, ingrid, olav)

    await returns(house, cafe, bought.id, "R1", full=True)

    assert has(await sees(house, cafe, OLAV)) == olavs
    await undoes(house, cafe, merged.id)
    alone = await members.read_member(house, cafe, ingrid, at=MONDAY)
    assert (has(alone), alone.visits, alone.spend_minor) == (0, 0, 0)
    other = await members.read_member(house, cafe, olav, at=MONDAY)
    assert (has(other), other.visits, other.spend_minor) == (olavs, 1, 3 * 4900)
    assert await broken(house) == []


async def test_a_name_goes_over_and_comes_back(house: House, cafe: Caller) -> None:
    told = EnrolMember(member=MemberRef(phone=INGRID), name="Ingrid", language="nb")
    await enrolling.enrol(house, cafe, told, ticket())
    await enrolling.enrol(house, cafe, EnrolMember(member=MemberRef(phone=OLAV)), ticket())
    ingrid, olav = await member_of(house, cafe, INGRID), await member_of(house, cafe, OLAV)

    merged = await merges(house, cafe, ingrid, olav)

    together = await members.read_member(house, cafe, olav, at=MONDAY)
    assert (together.name, together.language) == ("Ingrid", "nb")
    await undoes(house, cafe, merged.id)
    assert (await members.read_member(house, cafe, olav, at=MONDAY)).name is None
    assert (await members.read_member(house, cafe, ingrid, at=MONDAY)).name == "Ingrid"


async def test_merges_are_undone_in_the_order_they_can_be(house: House, cafe: Caller) -> None:
    for number, phone in enumerate((INGRID, OLAV, KARI)):
        await buys(house, cafe, flat_whites(str(number), phone=phone))
    ingrid, olav, kari = [await member_of(house, cafe, phone) for phone in (INGRID, OLAV, KARI)]
    before = await picture(house, cafe.business_id)
    first = await merges(house, cafe, ingrid, olav)
    second = await merges(house, cafe, olav, kari)
    assert await member_of(house, cafe, INGRID) == kari

    with pytest.raises(MergeNotTheLast):
        await undoes(house, cafe, first.id)
    await undoes(house, cafe, second.id)
    assert await member_of(house, cafe, INGRID) == olav
    await undoes(house, cafe, first.id)

    assert await picture(house, cafe.business_id) == before
    assert await broken(house) == []


async def test_what_cannot_be_merged(house: House, cafe: Caller) -> None:
    await buys(house, cafe, flat_whites("1", phone=INGRID))
    ingrid = await member_of(house, cafe, INGRID)
    next_door = await open_shop(house, "next-door")
    await buys(house, next_door, flat_whites("1", phone=OLAV))
    neighbour = await member_of(house, next_door, OLAV)

    with pytest.raises(BodyInvalid):
        await merges(house, cafe, ingrid, ingrid)
    with pytest.raises(BodyInvalid):
        await merges(house, cafe, ingrid, neighbour)
    with pytest.raises(MemberUnknown):
        await merges(house, cafe, neighbour, ingrid)
    with pytest.raises(MergeUnknown):
        await undoes(house, cafe, "mrg_" + "0" * 26)
    assert await broken(house) == []


async def test_a_retry_of_a_merge_is_answered_from_the_book(house: House, cafe: Caller) -> None:
    await buys(house, cafe, flat_whites("1", phone=INGRID))
    await buys(house, cafe, flat_whites("2", phone=OLAV))
    ingrid, olav = await member_of(house, cafe, INGRID), await member_of(house, cafe, OLAV)

    first = await merging.merge(house, cafe, ingrid, MergeMembers(olav), ticket("once"))
    again = await merging.merge(house, cafe, ingrid, MergeMembers(olav), ticket("once"))

    assert (again.body, again.hit) == (first.body, True)


class Life:
    """One random history of two members: what they do, and what a plain count says they have."""

    def __init__(self, house: House, caller: Caller, seed: int) -> None:
        self.house, self.caller, self.chance = house, caller, random.Random(seed)  # noqa: S311  # histories, no secrets
        self.at = MONDAY
        self.phones = (INGRID, OLAV)
        self.number = 0
        self.bought: list[str] = []

    async def live(self, steps: int) -> None:
        for _ in range(steps):
            self.number += 1
            self.at += timedelta(minutes=self.chance.randint(1, 2000))
            await self.chance.choice((self.buy, self.buy, self.give_back, self.adjust))()

    async def buy(self) -> None:
        phone, cups = self.chance.choice(self.phones), self.chance.randint(1, 4)
        told = flat_whites(f"p{self.number}", cups, phone=phone)
        self.bought.append((await buys(self.house, self.caller, told, at=self.at)).id)

    async def give_back(self) -> None:
        if not self.bought:
            return
        purchase = self.chance.choice(self.bought)
        what: dict[str, Any] = {"full": True} if self.chance.random() < 0.5 else {"amount_minor": 4900}
        command = msgspec.convert({"receipt": f"r{self.number}"} | what, RefundPurchase)
        try:
            await refunding.record_refund(self.house, self.caller, purchase, command, ticket(at=self.at))
        except LoyaltyError:
            return

    async def adjust(self) -> None:
        phone = self.chance.choice(self.phones)
        found = await sees(self.house, self.caller, phone, at=self.at)
        if found.member is None:
            return
        amount = self.chance.choice((7, -3))
        try:
            await adjusts(self.house, self.caller, found.member.id, amount, at=self.at)
        except LoyaltyError:
            return


async def sums(house: House, business_id: int) -> dict[str, Any]:
    """What all members have together, by unit and by window."""
    units = await house.database.fetch(
        "SELECT unit, CAST(sum(balance) AS BIGINT) FROM accounts WHERE business_id = $1 GROUP BY unit ORDER BY unit",
        business_id,
    )  # fmt: skip
    facts = await house.database.fetch(
        "SELECT CAST(sum(visits) AS BIGINT), CAST(sum(spend_minor) AS BIGINT) FROM members WHERE business_id = $1 "
        "AND presence IS NULL", business_id,
    )  # fmt: skip
    return {"units": [tuple(row) for row in units], "facts": [tuple(row) for row in facts]}


async def one_history(house: House, caller: Caller, seed: int) -> None:
    life = Life(house, caller, seed)
    for number, phone in enumerate(life.phones):
        await buys(house, caller, flat_whites(f"first{number}", phone=phone), at=life.at)
    await life.live(life.chance.randint(0, 6))
    one, other = [await member_of(house, caller, phone) for phone in life.phones]
    before, apart = await sums(house, caller.business_id), await picture(house, caller.business_id)

    merged = await merges(house, caller, one, other, at=life.at)
    assert await sums(house, caller.business_id) == before
    lived = life.chance.choice((0, 0, 1, 5))
    await life.live(lived)
    together = await sums(house, caller.business_id)
    await undoes(house, caller, merged.id, at=life.at)

    assert await sums(house, caller.business_id) == together
    if not lived:
        assert await picture(house, caller.business_id) == apart
    await life.live(2)
    assert await broken(house) == []


POLICIES = ("within_balance", "owe", "forgive")


@pytest.mark.parametrize("seed", range(6))
async def test_random_histories_merged_lived_on_and_parted_again(house: House, seed: int) -> None:
    caller = await open_shop(house, source=programme(about=f'refund = "{POLICIES[seed % 3]}"'))

    await one_history(house, caller, seed)


@pytest.mark.fault_long
async def test_two_thousand_random_histories(house: House) -> None:
    for seed in range(2000):
        source = programme(about=f'refund = "{POLICIES[seed % 3]}"')
        await one_history(house, await open_shop(house, f"cafe-{seed}", source), seed)


async def test_what_happened_to_both_counts_for_who_they_are_now(house: House, cafe: Caller) -> None:
    mended = """
[[rules]]
id = "mended"
on = "delivery_failed"
when.member = { count = { of = "delivery_failed", within = "90 days", min = 3 } }
then.award = { unit = "points", amount = 80 }
"""
    await publish(house, cafe, programme(more=mended), at=MONDAY - timedelta(days=1))
    for phone in (INGRID, OLAV):
        await joins(house, cafe, phone)
    await happens(house, cafe, "delivery_failed", "order-1", phone=INGRID)
    await happens(house, cafe, "delivery_failed", "order-2", phone=INGRID)
    await happens(house, cafe, "delivery_failed", "order-3", phone=OLAV)
    await merges(house, cafe, await member_of(house, cafe, INGRID), await member_of(house, cafe, OLAV))

    fourth = await happens(house, cafe, "delivery_failed", "order-4", phone=INGRID)

    assert [award.rule for award in fourth.awards] == ["mended"]
    assert await broken(house) == []
