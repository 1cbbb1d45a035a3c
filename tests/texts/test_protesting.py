"""That was not me: a text lets go of what was set aside in the member's name, not of what was spent."""

from __future__ import annotations

import msgspec
import pytest

from loyalty_engine.redemption import holds
from loyalty_engine.redemption.commands import CaptureHold, PlaceHold
from loyalty_engine.redemption.hold_answers import HoldShown
from loyalty_engine.texts import reviewing
from loyalty_engine.texts.inbound import Heard
from rules import measure
from tests.engine.shop import INGRID, MONDAY, adjusts, buys, flat_whites, has, programme, publish, sees, ticket
from tests.texts.conftest import PERKS, WORDINGS, Phone

pytestmark = pytest.mark.anyio

INGRIDS = "+4799900201"
LIMITED = PERKS.replace('id = "free-coffee"', 'id = "free-coffee"\nlimit = { times = 2, per = "day" }')


async def sets_aside(phone: Phone) -> str:
    command = msgspec.convert({"member": {"phone": INGRID}, "perk": "free-coffee"}, PlaceHold)
    answer = await holds.place(phone.house, phone.caller, command, ticket(at=MONDAY))
    return msgspec.json.decode(answer.body, type=HoldShown).id


async def ingrid(phone: Phone) -> None:
    await publish(phone.house, phone.caller, programme(more=LIMITED + WORDINGS), at=MONDAY)
    bought = await buys(phone.house, phone.caller, flat_whites("ingrid", phone=INGRID), at=MONDAY)
    await adjusts(phone.house, phone.caller, bought.member.id, 46)


async def test_what_is_set_aside_is_let_go_of_at_the_members_word(phone: Phone) -> None:
    await ingrid(phone)
    for _ in range(2):
        await sets_aside(phone)
    before = has(await sees(phone.house, phone.caller))

    answered = await phone.texts(INGRIDS, "Ikke meg!")

    assert before == 20
    assert answered.text == "Corner Café: Gratis kaffe og Gratis kaffe er stoppet. Ingenting er brukt."
    found = await phone.house.database.fetch("SELECT DISTINCT status FROM holds")
    assert [tuple(row) for row in found] == [("released",)]
    assert has(await sees(phone.house, phone.caller)) == 60
    # What was not had does not count as had.
    for _ in range(2):
        await sets_aside(phone)


async def test_what_was_spent_is_for_a_person_to_look_into(phone: Phone) -> None:
    await ingrid(phone)
    hold = await sets_aside(phone)
    await holds.capture(phone.house, phone.caller, hold, CaptureHold(), ticket(at=MONDAY))

    answered = await phone.texts(INGRIDS, "Det var ikke meg")

    assert answered.text == "Corner Café: ingenting venter på å løses inn. Vi leser dette og tar kontakt."
    assert has(await sees(phone.house, phone.caller)) == 40
    assert [text.wish for text in (await reviewing.waiting(phone.house, phone.caller.business_id)).items] == ["not_me"]


async def test_nobody_else_lets_go_of_it(phone: Phone) -> None:
    await ingrid(phone)
    await sets_aside(phone)

    await phone.texts("+4799900202", "IKKE MEG")

    assert has(await sees(phone.house, phone.caller)) == 40


async def test_the_notice_says_what_to_answer_in_one_part(phone: Phone) -> None:
    await ingrid(phone)
    await sets_aside(phone)

    [[message]] = await phone.house.database.fetch("SELECT id FROM messages WHERE purpose = 'service.redemption'")
    notice = await phone.answer(Heard("", message))
    assert (notice.text or "").startswith("Corner Café: Gratis kaffe løses inn. Ikke deg? Svar IKKE MEG.")
    assert measure(notice.text or "").parts == 1
