"""Friends by text: a member asks for a code or names a number, and a friend joins with the code."""

from __future__ import annotations

import pytest

from loyalty_engine.referrals import rounds
from tests.engine.shop import INGRID, MONDAY, broken, buys, flat_whites, has, programme, publish, sees
from tests.engine.test_referrals import IN_TWO_WEEKS, REFERRAL
from tests.texts.conftest import PERKS, WORDINGS, Phone

pytestmark = pytest.mark.anyio

INGRIDS, NEW, OTHER = "+4799900201", "+4799900299", "+4799900298"


async def with_friends(phone: Phone) -> None:
    await publish(phone.house, phone.caller, programme(more=WORDINGS + PERKS + REFERRAL), at=MONDAY)
    await buys(phone.house, phone.caller, flat_whites("1", phone=INGRID))


async def test_a_friend_joins_with_the_code_a_member_was_texted(phone: Phone) -> None:
    await with_friends(phone)
    asked = await phone.texts(INGRIDS, "VERV")
    assert asked.text is not None
    code = asked.text.split("kode ")[1].split()[0]

    await phone.texts(NEW, f"BLI MED {code}")
    bought = await buys(phone.house, phone.caller, flat_whites("2", phone=NEW))
    await rounds.go(phone.house, at=IN_TWO_WEEKS)

    assert bought.referral is not None
    assert bought.referral.state == "held"
    assert has(await sees(phone.house, phone.caller, INGRID, at=IN_TWO_WEEKS)) == 14 + 100
    assert await broken(phone.house) == []


async def test_naming_a_friend_by_text_tells_nobody_who_is_a_member(phone: Phone) -> None:
    await with_friends(phone)
    await buys(phone.house, phone.caller, flat_whites("2", phone=OTHER))

    stranger = await phone.texts(INGRIDS, "VERV 999 00 299")
    member = await phone.texts(INGRIDS, "VERV 999 00 298")
    asked = await phone.texts(INGRIDS, "VERV")

    assert stranger.text == member.text == asked.text
    states = [
        (row[0], row[1]) for row in await phone.house.database.fetch("SELECT state, reason FROM referrals ORDER BY id")
    ]
    assert states == [("named", None), ("refused", "already_member")]
    joined = await phone.texts(NEW, "BLI MED")
    assert joined.text is not None
    found = await phone.house.database.fetch("SELECT state FROM referrals ORDER BY id")
    assert [row[0] for row in found] == ["joined", "refused"]
    assert await broken(phone.house) == []
