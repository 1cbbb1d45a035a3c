"""Who a member is: numbers confirmed by a code, numbers that change hands, and look-ups that are no directory."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from loyalty_engine import enrolling, members
from loyalty_engine.businesses import Caller
from loyalty_engine.commands import EnrolMember, MemberRef
from loyalty_engine.errors import TooManyRequests
from loyalty_engine.house import House
from loyalty_engine.identifiers import Identifier
from loyalty_engine.identity import bouncing, changing, confirming
from loyalty_engine.identity.errors import ConfirmationRefused, IdentifierTaken, SecondFactNeeded, VerificationNeeded
from loyalty_engine.identity.people import ChangeAnswer, ChangeMember, ConfirmCode, VerifyMember
from loyalty_engine.instants import to_micros
from loyalty_engine.messages import outbox
from loyalty_engine.messages.outbox import COLUMNS, MessageRow
from tests.engine.shop import INGRID, MONDAY, OLAV, broken, buys, flat_whites, has, open_shop, programme, sees, ticket

pytestmark = pytest.mark.anyio

NEW = "999 00 210"


async def newest_code(house: House, business_id: int) -> str:
    """Read the code out of the newest message in the outbox, as its receiver would."""
    found = await house.database.fetch(
        f"SELECT {COLUMNS} FROM messages WHERE business_id = $1 ORDER BY id DESC LIMIT 1", business_id
    )
    row = MessageRow(*found[0])
    assert row.wrapped_key is not None
    code = re.search("[0-9]{6}", outbox.words_of(house, row, row.wrapped_key).text)
    assert code is not None
    return code[0]


async def joins(house: House, caller: Caller, phone: str, **said: Any) -> str:
    command = EnrolMember(member=MemberRef(phone=phone), **said)
    answer = await enrolling.enrol(house, caller, command, ticket())
    member: str = msgspec.json.decode(answer.body)["id"]
    return member


async def changes(house: House, caller: Caller, member: str, at: datetime = MONDAY, **what: Any) -> ChangeAnswer:
    answer = await changing.change(house, caller, member, ChangeMember(**what), ticket(at=at))
    return msgspec.json.decode(answer.body, type=ChangeAnswer)


async def says_back(
    house: House, caller: Caller, member: str, code: str, *, at: datetime = MONDAY, **fact: Any
) -> ChangeAnswer:
    answer = await confirming.confirm(house, caller, member, ConfirmCode(code, **fact), ticket(at=at))
    return msgspec.json.decode(answer.body, type=ChangeAnswer)


async def test_a_new_number_is_the_members_once_its_code_has_been_said_back(house: House, cafe: Caller) -> None:
    member = await joins(house, cafe, INGRID, name="Ingrid")

    sent = await changes(house, cafe, member, phone=NEW, replaces=MemberRef(phone=INGRID), language="nb")

    assert sent.code is not None
    assert (sent.name, sent.language) == ("Ingrid", "nb")
    assert (await sees(house, cafe, NEW)).known is False
    answer = await says_back(house, cafe, member, await newest_code(house, cafe.business_id))
    assert answer.masked == ("+47 ••• •• 210",)
    assert (await sees(house, cafe, INGRID)).known is False
    seen = (await sees(house, cafe, NEW)).member
    assert seen is not None
    assert (seen.id, seen.initial) == (member, "I.")
    assert await broken(house) == []


async def test_a_code_is_good_for_five_tries_and_ten_minutes(house: House, cafe: Caller) -> None:
    member = await joins(house, cafe, INGRID)
    await changes(house, cafe, member, phone=NEW)
    code = await newest_code(house, cafe.business_id)
    wrong = "000000" if code != "000000" else "000001"

    with pytest.raises(ConfirmationRefused):
        await says_back(house, cafe, member, code, at=MONDAY + timedelta(minutes=10))
    for _ in range(5):
        with pytest.raises(ConfirmationRefused):
            await says_back(house, cafe, member, wrong)
    with pytest.raises(ConfirmationRefused):
        await says_back(house, cafe, member, code)
    kept = await house.database.fetch("SELECT code_hash, sealed FROM confirmations")
    assert code not in kept[0][0]
    assert "99900210" not in kept[0][1]


async def test_a_code_is_taken_once(house: House, cafe: Caller) -> None:
    member = await joins(house, cafe, INGRID)
    await changes(house, cafe, member, phone=NEW)
    code = await newest_code(house, cafe.business_id)

    await says_back(house, cafe, member, code)

    with pytest.raises(ConfirmationRefused):
        await says_back(house, cafe, member, code)


async def test_whether_a_number_is_another_members_is_told_to_its_holder_only(house: House, cafe: Caller) -> None:
    member = await joins(house, cafe, INGRID)
    await joins(house, cafe, OLAV)

    free, taken = await changes(house, cafe, member, phone=NEW), await changes(house, cafe, member, phone=OLAV)

    assert free.code is not None
    assert taken.code is not None
    assert free.code.expires_at == taken.code.expires_at
    code = await newest_code(house, cafe.business_id)
    with pytest.raises(IdentifierTaken):
        await says_back(house, cafe, member, code)


async def test_a_name_is_changed_and_taken_away(house: House, cafe: Caller) -> None:
    member = await joins(house, cafe, INGRID, name="Ingrid")

    assert (await changes(house, cafe, member, name="Inger")).name == "Inger"
    assert (await changes(house, cafe, member, name=None)).name is None
    assert (await members.read_member(house, cafe, member, at=MONDAY)).name is None


# --- numbers that go to somebody else


@pytest.fixture
async def club(house: House) -> Caller:
    return await open_shop(house, source=programme(about='dormant_after = "90 days"'))


LATER = MONDAY + timedelta(days=91)


async def test_a_number_nobody_used_for_long_shows_nothing_until_it_is_verified(house: House, club: Caller) -> None:
    member = await joins(house, club, INGRID, name="Ingrid")
    await buys(house, club, flat_whites("1"))
    assert has(await sees(house, club, at=MONDAY + timedelta(days=89))) == 14

    seen = await sees(house, club, at=LATER)
    assert (seen.known, seen.balances, seen.hint) == (True, (), VerificationNeeded.title)
    bought = await buys(house, club, flat_whites("2"), at=LATER)
    assert (bought.balances, bought.receipt_text[0]) == ((), "+14 poeng")
    assert (await sees(house, club, at=LATER)).balances == (), "buying once is not being the same person"

    await changing.verify(house, club, member, VerifyMember(), ticket(at=LATER))
    code = await newest_code(house, club.business_id)
    with pytest.raises(SecondFactNeeded):
        await says_back(house, club, member, code, at=LATER)
    with pytest.raises(SecondFactNeeded):
        await says_back(house, club, member, code, at=LATER, name="Olav")
    await says_back(house, club, member, code, at=LATER, name="ingrid")

    assert has(await sees(house, club, at=LATER)) == 28
    assert await broken(house) == []


async def test_a_dormant_number_does_not_spend(house: House, club: Caller) -> None:
    await buys(house, club, flat_whites("1"))

    with pytest.raises(VerificationNeeded):
        await buys(house, club, flat_whites("2", redeem=[{"perk": "free-coffee"}]), at=LATER)


async def test_a_number_that_is_nobodys_any_more_is_doubted(house: House, cafe: Caller) -> None:
    await buys(house, cafe, flat_whites("1"))
    index = house.vault.blind_index(cafe.business_id, Identifier("phone", "+4799900201"))

    await bouncing.bounced(house, cafe.business_id, index, at=to_micros(MONDAY))

    seen = await sees(house, cafe)
    assert (seen.known, seen.balances) == (True, ())


# --- no directory


def till(caller: Caller) -> Caller:
    return msgspec.structs.replace(caller, key_id="7Q2mX0aB", scopes=frozenset({"till"}))


async def test_ten_thousand_numbers_in_a_row_are_stopped_early_and_told_to_a_person(house: House, cafe: Caller) -> None:
    thief, answered = till(cafe), 0
    for number in range(10_000):
        try:
            await sees(house, thief, f"+4799{number:06d}" if number > 99_999 else f"+47999{number:05d}")
        except TooManyRequests:
            break
        answered += 1

    assert answered <= 200
    alerts = await house.database.fetch("SELECT kind, key_id FROM alerts ORDER BY kind")
    assert ("lookups_block", "7Q2mX0aB") in [tuple(row) for row in alerts]
    with pytest.raises(TooManyRequests) as refused:
        await sees(house, thief, "+4799900001")
    assert 0 < refused.value.facts["retry_after_seconds"] <= 3601
    assert len(await house.database.fetch("SELECT 1 FROM alerts")) == len(alerts), "told once, not at every refusal"


async def test_a_key_that_hardly_ever_finds_anybody_is_told_of_once(house: House, cafe: Caller) -> None:
    thief = till(cafe)
    for number in range(260):
        await sees(house, thief, f"+4791{number:03d}{number % 7}21")

    alerts = await house.database.fetch("SELECT kind FROM alerts")
    assert [row[0] for row in alerts] == ["lookups_miss"]


async def test_an_hour_later_a_till_may_ask_again(house: House, cafe: Caller) -> None:
    thief = till(cafe)
    house.budgets._per_key = 3
    for _ in range(3):
        await sees(house, thief)
    with pytest.raises(TooManyRequests):
        await sees(house, thief)

    assert (await sees(house, thief, at=MONDAY + timedelta(hours=1))).known is False


async def asked(house: House, caller: Caller, phone: str) -> tuple[bytes, int]:
    """Give what a caller hears of a number, and how many pages the house read for it."""
    reads = 0
    open_page = house.database.open

    async def counted(opening: Any) -> Any:
        nonlocal reads
        reads += 1
        return await open_page(opening)

    house.database.open = counted  # type: ignore[method-assign]  # only to count
    try:
        return msgspec.json.encode(await sees(house, caller, phone)), reads
    finally:
        house.database.open = open_page  # type: ignore[method-assign]


async def nobody_can_tell(house: House, cafe: Caller, count: int) -> None:
    neighbour = await open_shop(house, "next-door")
    known = [f"+479990{number:04d}" for number in range(count)]
    unknown = [f"+479991{number:04d}" for number in range(count)]
    for number, phone in enumerate(known):
        await buys(house, cafe, flat_whites(str(number), phone=phone))

    heard = {await asked(house, neighbour, phone) for phone in (*known, *unknown)}

    assert len(heard) == 1
    assert len({await asked(house, cafe, phone) for phone in (known[0], unknown[0])}) == 2


async def test_a_neighbours_members_and_nobodys_are_alike(house: House, cafe: Caller) -> None:
    await nobody_can_tell(house, cafe, 30)


@pytest.mark.fault_long
async def test_two_thousand_members_and_two_thousand_strangers_are_alike(house: House, cafe: Caller) -> None:
    await nobody_can_tell(house, cafe, 2000)
