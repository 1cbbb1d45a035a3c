"""Two members who are one person, and the way back: nothing is lost, nothing doubled, and the books balance."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from loyalty_engine import enrolling, members
from loyalty_engine.businesses import Caller
from loyalty_engine.commands import EnrolMember, MemberRef
from loyalty_engine.errors import BodyInvalid, HoldsInTheWay, MemberUnknown, MergeNotTheLast, MergeUnknown
from loyalty_engine.house import House
from loyalty_engine.identity import merging, unmerging
from loyalty_engine.identity.people import MergeAnswer, MergeMembers
from loyalty_engine.redemption import holds
from loyalty_engine.redemption.commands import PlaceHold
from tests.engine.counter import open_counter, with_units
from tests.engine.shop import (
    INGRID,
    MONDAY,
    OLAV,
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


async def test_what_is_set_aside_is_in_the_way_until_its_time_is_up(house: House) -> None:
    cafe = await open_counter(house)
    olav = await with_units(house, cafe, phone=OLAV)
    ingrid = await with_units(house, cafe, kroner=30)
    told = {"member": {"phone": INGRID}, "unit": "kroner", "amount": 30, "ttl_seconds": 60}
    await holds.place(house, cafe, msgspec.convert(told, PlaceHold), ticket())

    with pytest.raises(HoldsInTheWay):
        await merges(house, cafe, ingrid, olav)
    merged = await merges(house, cafe, ingrid, olav, at=MONDAY + timedelta(seconds=60))
    await undoes(house, cafe, merged.id, at=MONDAY + timedelta(seconds=61))

    assert has(await sees(house, cafe, INGRID, at=MONDAY + timedelta(seconds=62)), "kroner") == 30
    assert await broken(house) == []


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
