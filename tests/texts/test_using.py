"""USE by text: what costs units is bought with a code that is said back, and one text alone spends nothing."""

from __future__ import annotations

import asyncio
import re
from datetime import datetime, timedelta

import pytest

from tests.engine.shop import INGRID, MONDAY, adjusts, buys, flat_whites, has, programme, publish, sees
from tests.texts.conftest import PERKS, WORDINGS, Phone

pytestmark = pytest.mark.anyio

INGRIDS = "+4799900201"
MINUTE = timedelta(minutes=1)
ONCE = PERKS.replace('id = "free-coffee"', 'id = "free-coffee"\nlimit = { times = 1, per = "day" }')


async def ingrid_with(phone: Phone, points: int) -> None:
    bought = await buys(phone.house, phone.caller, flat_whites("ingrid", phone=INGRID), at=MONDAY)
    await adjusts(phone.house, phone.caller, bought.member.id, points - 14)


async def code_for(phone: Phone, text: str = "BRUK gratis kaffe", *, at: datetime = MONDAY) -> str:
    """Ask by text for a perk and read the code in the answer."""
    said = (await phone.texts(INGRIDS, text, at=at)).text or ""
    found = re.search(r"\d{6}", said)
    assert found is not None, said
    return found[0]


def another(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06}"


async def points(phone: Phone, at: datetime = MONDAY) -> int:
    return has(await sees(phone.house, phone.caller, at=at))


async def test_using_a_perk_names_the_price_and_a_code_and_spends_nothing(phone: Phone) -> None:
    await ingrid_with(phone, 34)
    before = await phone.rows("entries")

    asked = await phone.texts(INGRIDS, "BRUK gratis kaffe")

    assert asked.text is not None
    assert re.fullmatch(
        r"Gratis kaffe koster 20 poeng\. Svar \d{6} innen 10 minutter for å kjøpe\. Du har 34 poeng og 2 stempler\.",
        asked.text,
    )
    assert (asked.to, asked.row and asked.row.purpose) == (INGRIDS, "code")
    assert await phone.rows("entries") == before
    assert await phone.rows("vouchers") == []


async def test_the_code_said_back_buys_the_voucher_and_answers_its_code(phone: Phone) -> None:
    await ingrid_with(phone, 34)
    code = await code_for(phone)

    bought = await phone.texts(INGRIDS, f" {code[:3]} {code[3:]}. ", at=MONDAY + MINUTE)
    again = await phone.texts(INGRIDS, code, at=MONDAY + 2 * MINUTE)
    shown = await phone.texts(INGRIDS, "BRUK", at=MONDAY + 3 * MINUTE)

    [[voucher, state, origin]] = await phone.house.database.fetch("SELECT code, state, origin FROM vouchers")
    assert bought.text == f"Corner Café: Gratis kaffe. Vis koden {voucher} i kassen."
    assert (state, origin) == ("issued", "bought:text")
    assert again.text == "Den koden gjelder ikke lenger. Svar BRUK og navnet for å få en ny."
    assert shown.text == bought.text
    assert await points(phone) == 14


async def test_a_code_is_good_for_five_tries(phone: Phone) -> None:
    await ingrid_with(phone, 34)
    code = await code_for(phone)

    answers = [await phone.texts(INGRIDS, another(code), at=MONDAY + MINUTE) for _ in range(5)]
    right = await phone.texts(INGRIDS, code, at=MONDAY + MINUTE)

    assert answers[0].text == "Det var ikke koden. Du kan prøve 4 til."
    assert answers[4].text == "Den koden gjelder ikke lenger. Svar BRUK og navnet for å få en ny."
    assert right.text == answers[4].text
    assert await points(phone) == 34


async def test_tries_at_the_same_moment_are_all_counted(phone: Phone) -> None:
    await ingrid_with(phone, 34)
    code = await code_for(phone)

    await asyncio.gather(*(phone.texts(INGRIDS, another(code), at=MONDAY + MINUTE) for _ in range(20)))

    [[tries]] = await phone.house.database.fetch("SELECT tries FROM confirmations")
    assert tries == 5


async def test_a_code_said_back_ten_times_at_once_buys_once(phone: Phone) -> None:
    await ingrid_with(phone, 90)
    code = await code_for(phone)

    await asyncio.gather(*(phone.texts(INGRIDS, code, at=MONDAY + MINUTE) for _ in range(10)))

    assert len(await phone.rows("vouchers")) == 1
    assert await points(phone) == 70


@pytest.mark.parametrize(("later", "left"), [(timedelta(minutes=10) - timedelta(seconds=1), 14), (10 * MINUTE, 34)])
async def test_a_code_is_good_for_ten_minutes(phone: Phone, later: timedelta, left: int) -> None:
    await ingrid_with(phone, 34)
    code = await code_for(phone)

    await phone.texts(INGRIDS, code, at=MONDAY + later)

    assert await points(phone) == left


async def test_only_the_newest_code_is_listened_to(phone: Phone) -> None:
    await ingrid_with(phone, 34)
    old = await code_for(phone)
    new = await code_for(phone, at=MONDAY + MINUTE)

    if old != new:
        await phone.texts(INGRIDS, old, at=MONDAY + 2 * MINUTE)
        assert await points(phone) == 34
    await phone.texts(INGRIDS, new, at=MONDAY + 2 * MINUTE)

    assert await points(phone) == 14


async def test_a_code_from_another_number_buys_nothing(phone: Phone) -> None:
    await ingrid_with(phone, 34)
    await buys(phone.house, phone.caller, flat_whites("olav", phone="999 00 202"), at=MONDAY)
    code = await code_for(phone)

    other = await phone.texts("+4799900202", code, at=MONDAY + MINUTE)
    stranger = await phone.texts("+4799900203", code, at=MONDAY + MINUTE)

    assert other.heard.wish == "code"
    assert (other.text or "").startswith("Corner Café forsto ikke det.")
    assert stranger.text is None
    assert await points(phone) == 34


async def test_what_the_code_names_is_what_is_paid(phone: Phone) -> None:
    await ingrid_with(phone, 60)
    code = await code_for(phone)
    dearer = programme(more=PERKS.replace("amount = 20", "amount = 50") + WORDINGS)
    await publish(phone.house, phone.caller, dearer, at=MONDAY + timedelta(seconds=30))

    answer = await phone.texts(INGRIDS, code, at=MONDAY + MINUTE)

    assert answer.text == "Den koden gjelder ikke lenger. Svar BRUK og navnet for å få en ny."
    assert await points(phone) == 60


async def test_a_perk_that_was_had_often_enough_has_no_code(phone: Phone) -> None:
    await publish(phone.house, phone.caller, programme(more=ONCE + WORDINGS), at=MONDAY - timedelta(days=1))
    await ingrid_with(phone, 90)
    await phone.texts(INGRIDS, await code_for(phone), at=MONDAY + MINUTE)
    await phone.house.database.write_transaction(
        lambda transaction: transaction.fetch("UPDATE vouchers SET expires_at = $1", 1)
    )

    again = await phone.texts(INGRIDS, "BRUK gratis kaffe", at=MONDAY + 2 * MINUTE)

    assert again.text == "Gratis kaffe kan ikke kjøpes nå. Svar FORDELER for listen."


async def test_only_so_many_codes_go_to_a_number_in_a_day(phone: Phone) -> None:
    await ingrid_with(phone, 34)
    for n in range(10):
        await code_for(phone, at=MONDAY + n * MINUTE)

    eleventh = await phone.texts(INGRIDS, "BRUK gratis kaffe", at=MONDAY + 11 * MINUTE)

    assert (eleventh.text or "").startswith("Corner Café: POENG, HVORFOR")


async def test_the_code_lies_in_the_database_neither_in_clear_nor_as_a_plain_hash(phone: Phone) -> None:
    await ingrid_with(phone, 34)
    code = await code_for(phone)

    kept = repr([await phone.rows(table) for table in ("confirmations", "messages", "inbound_texts", "journal")])

    assert not re.search(rf"(?<!\d){code}(?!\d)", kept)
