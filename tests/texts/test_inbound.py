"""A member texts the café: one text has one effect and one answer, to the number that asked."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from loyalty_engine.privacy import retention
from loyalty_engine.texts import reviewing
from rules import measure
from tests.engine.shop import INGRID, MONDAY, OLAV, buys, flat_whites, ticket
from tests.texts.conftest import Phone

pytestmark = pytest.mark.anyio

INGRIDS = "+4799900201"
NEW = "+4799900299"


async def a_member(phone: Phone, number: str = INGRID) -> None:
    await buys(phone.house, phone.caller, flat_whites(f"coffee-{number}", phone=number), at=MONDAY)


async def test_a_text_for_the_balance_is_answered_with_it(phone: Phone) -> None:
    await a_member(phone)

    answered = await phone.texts(INGRIDS, "poeng!")

    assert answered.heard.wish == "balance"
    assert answered.text == ("Corner Café: du har 14 poeng og 2 stempler. Svar HVORFOR for siste bevegelse.")
    assert answered.to == INGRIDS
    assert answered.row is not None
    assert (answered.row.purpose, answered.row.state, answered.row.channel) == ("answer", "queued", "sms")


async def test_the_balance_is_told_to_nobody_else(phone: Phone) -> None:
    await a_member(phone)

    answered = await phone.texts("+4799900202", "SALDO +47 999 00 201")
    asked = await phone.texts("+4799900202", "SALDO")

    assert answered.heard.wish == "unknown"
    assert answered.text is None
    assert asked.text == "Dette nummeret er ikke med hos Corner Café. Svar BLI MED for å samle poeng."


async def test_why_explains_the_last_movement(phone: Phone) -> None:
    await a_member(phone)

    answered = await phone.texts(INGRIDS, "hvorfor")

    assert answered.text is not None
    assert answered.text.startswith("Corner Café 23.11.: +14 poeng og +2 stempler.")
    assert "98 kr" in answered.text
    assert measure(answered.text).parts == 1


async def test_perks_are_named_with_their_price(phone: Phone) -> None:
    await a_member(phone)

    answered = await phone.texts(INGRIDS, "FORDELER")

    assert answered.text == ("Corner Café: Gratis kaffe 20 poeng. Svar BRUK og navnet. Du har 14 poeng og 2 stempler.")


async def test_using_a_perk_says_what_is_missing_and_spends_nothing_by_text(phone: Phone) -> None:
    await a_member(phone)

    before = await phone.rows("entries")
    dear = await phone.texts(INGRIDS, "BRUK gratis kaffe")
    none = await phone.texts(INGRIDS, "bruk helikopter")

    assert dear.text == "Gratis kaffe koster 20 poeng. Du har 14 poeng og 2 stempler."
    assert none.text == "Corner Café har ingen slik fordel. Svar FORDELER for listen."
    assert await phone.rows("entries") == before


async def test_joining_by_text_makes_a_member_and_asks_for_nothing_in_return(phone: Phone) -> None:
    answered = await phone.texts(NEW, "Bli med grunerlokka")

    assert answered.text == (
        "Velkommen til Corner Café! Vilkår: https://poeng.example.no/j/corner-cafe "
        "Vil du ha tilbud fra oss på SMS? Svar JA. Avslutt: STOPP"
    )
    assert len(await phone.rows("members")) == 1
    assert await phone.consents() == []
    again = await phone.texts(NEW, "JOIN")
    assert again.text is not None
    assert again.text.startswith("Du er allerede med hos Corner Café.")
    assert len(await phone.rows("members")) == 1


async def test_who_joins_with_the_code_of_a_shop_has_joined_there(phone: Phone) -> None:
    await a_member(phone)  # who bought there, so that the shop is known

    await phone.texts(NEW, "Bli med GRUNERLOKKA")
    await phone.texts("+4799900298", "JOIN nowhere")

    found = await phone.house.database.fetch("SELECT location FROM journal WHERE kind = 'text' ORDER BY id")
    assert [row[0] for row in found] == ["grunerlokka", None]


async def test_a_yes_to_the_question_is_consent_and_a_yes_to_nothing_is_none(phone: Phone) -> None:
    await a_member(phone)
    nothing = await phone.texts(INGRIDS, "JA")
    assert nothing.heard.wish == "yes"
    assert await phone.consents() == []

    await phone.texts(NEW, "JOIN")
    given = await phone.texts(NEW, "Ja takk!", at=MONDAY + timedelta(hours=1))

    assert given.text == "Takk! Du får tilbud fra Corner Café på SMS. Svar STOPP når du vil slutte."
    assert await phone.consents() == [("marketing", "sms", "given")]


async def test_a_yes_comes_too_late_after_a_day(phone: Phone) -> None:
    await phone.texts(NEW, "JOIN")

    await phone.texts(NEW, "JA", at=MONDAY + timedelta(hours=25))

    assert await phone.consents() == []


async def test_a_no_to_the_question_is_a_refusal_and_a_no_to_nothing_is_read_by_a_person(phone: Phone) -> None:
    await a_member(phone)
    await phone.texts(INGRIDS, "NEI")
    assert await phone.consents() == []
    assert [text.text for text in (await reviewing.waiting(phone.house, phone.caller.business_id)).items] == ["NEI"]

    await phone.texts(NEW, "JOIN")
    await phone.texts(NEW, "nei takk")

    assert await phone.consents() == [("marketing", "sms", "refused")]


async def test_stop_ends_everything_on_the_channel_at_once_and_start_is_no_consent(phone: Phone) -> None:
    await phone.texts(NEW, "JOIN")
    await phone.texts(NEW, "JA")

    stopped = await phone.texts(NEW, "JA, men STOPP!", at=MONDAY + timedelta(seconds=1))

    assert stopped.text == "Du får ikke flere meldinger fra Corner Café. Svar START om du angrer."
    assert stopped.row is not None
    assert stopped.row.purpose == "stopped"
    assert await phone.consents() == [("*", "sms", "stopped"), ("marketing", "sms", "withdrawn")]
    started = await phone.texts(NEW, "START", at=MONDAY + timedelta(seconds=2))
    assert started.text == "Corner Café kan svare deg igjen. Vil du ha tilbud fra oss på SMS? Svar JA."
    assert await phone.consents() == [("*", "sms", "started"), ("marketing", "sms", "withdrawn")]


async def test_stop_all_is_for_every_channel(phone: Phone) -> None:
    await a_member(phone)

    await phone.texts(INGRIDS, "STOPP ALT")

    assert await phone.consents() == [("*", "any", "stopped")]


async def test_where_the_gateway_says_goodbye_we_do_not_say_it_twice(phone: Phone) -> None:
    await a_member(phone)

    stopped = await phone.texts(INGRIDS, "STOP", gateway="twilio", says_goodbye=True)

    assert stopped.row is None
    assert await phone.consents() == [("*", "sms", "stopped")]


async def test_a_stop_of_a_stranger_is_confirmed_once_and_lets_nobody_in(phone: Phone) -> None:
    stopped = await phone.texts(NEW, "STOP")

    assert stopped.row is not None
    assert stopped.row.member_id is None
    assert await phone.rows("members") == []


async def test_what_is_not_understood_lets_nobody_in_or_out_and_is_read_by_a_person(phone: Phone) -> None:
    await a_member(phone)

    member = await phone.texts(INGRIDS, "Når åpner dere?")
    stranger = await phone.texts(NEW, "Hei, har dere åpent?")

    assert member.text == "Corner Café forsto ikke det. Svar POENG for saldo, HJELP for mer eller STOPP for å slutte."
    assert stranger.text is None
    assert await phone.consents() == []
    page = await reviewing.waiting(phone.house, phone.caller.business_id)
    assert [(text.text, text.masked) for text in page.items] == [
        ("Når åpner dere?", "+47 ••• •• 201"), ("Hei, har dere åpent?", "+47 ••• •• 299"),
    ]  # fmt: skip
    first = page.items[0]
    await reviewing.reviewed(phone.house, phone.caller, first.id, ticket())
    assert len((await reviewing.waiting(phone.house, phone.caller.business_id)).items) == 1


async def test_a_complaint_is_thanked_for_and_read_by_a_person(phone: Phone) -> None:
    await a_member(phone)

    answered = await phone.texts(INGRIDS, "KLAGE kaffen var kald")

    assert answered.text == "Beklager, og takk for at du sier fra. Corner Café leser dette og tar kontakt."
    [text] = (await reviewing.waiting(phone.house, phone.caller.business_id)).items
    assert (text.wish, text.text) == ("complaint", "KLAGE kaffen var kald")


@pytest.mark.parametrize("sender", ["2012", "Telenor", "", "+881 612 345 678", "+47 23 10 00 00"])
async def test_what_is_no_mobile_number_is_kept_and_not_answered(phone: Phone, sender: str) -> None:
    answered = await phone.texts(sender, "JOIN")

    assert answered.row is None
    assert len(await phone.rows("inbound_texts")) == 1
    assert await phone.rows("members") == []


@pytest.mark.parametrize("text", ["JOIN", "SALDO", "STOP", "hva?"])
async def test_one_text_told_fifty_times_at_once_has_one_effect_and_one_answer(phone: Phone, text: str) -> None:
    await a_member(phone, OLAV)

    heard = await asyncio.gather(*(phone.texts("+4799900202" if text != "JOIN" else NEW, text, id="SM1")
                                   for _ in range(50)))  # fmt: skip

    assert sum(not one.heard.hit for one in heard) == 1
    assert len({one.heard.answer_id for one in heard}) == 1
    assert len(await phone.rows("messages")) == 1
    assert len(await phone.rows("inbound_texts")) == 1
    assert len(await phone.rows("members")) == (2 if text == "JOIN" else 1)
    assert len(await phone.rows("consent_records")) == (1 if text == "STOP" else 0)


async def test_two_texts_of_one_newcomer_at_once_make_one_member(phone: Phone) -> None:
    await asyncio.gather(*(phone.texts(NEW, "JOIN") for _ in range(10)))

    assert len(await phone.rows("members")) == 1
    assert len(await phone.rows("inbound_texts")) == 10


async def test_a_piece_of_a_long_text_is_read_by_a_person_unless_it_says_stop(phone: Phone) -> None:
    await a_member(phone)

    piece = await phone.texts(INGRIDS, "SALDO", parts=3)
    stop = await phone.texts(INGRIDS, "please stop texting me", parts=2)

    assert (piece.heard.wish, stop.heard.wish) == ("unknown", "stop")


async def test_a_long_text_is_put_together_before_it_is_read(phone: Phone) -> None:
    await a_member(phone)
    said = "KLAGE kaffen var kald, bollen var tørr, og " + "ingen sa unnskyld. " * 15
    pieces = [said[:153], said[153:306], said[306:]]

    for number in (3, 1, 2, 2):
        await phone.texts(
            INGRIDS, pieces[number - 1], id=f"piece-{number}", part=number, parts=3, series="77",
            at=MONDAY + timedelta(seconds=number),
        )  # fmt: skip

    [text] = (await reviewing.waiting(phone.house, phone.caller.business_id)).items
    assert (text.wish, text.text) == ("complaint", said)
    assert len(await phone.rows("messages")) == 1


async def test_pieces_of_two_long_texts_are_not_mixed(phone: Phone) -> None:
    await a_member(phone)

    await phone.texts(INGRIDS, "SAL", id="a-1", part=1, parts=2, series="1")
    other = await phone.texts(INGRIDS, "NG", id="b-2", part=2, parts=2, series="2")
    whole = await phone.texts(INGRIDS, "DO", id="a-2", part=2, parts=2, series="1")

    assert other.heard.wish == "unknown"
    assert other.text is None
    assert (whole.heard.wish, (whole.text or "")[:24]) == ("balance", "Corner Café: du har 14 p")


async def test_a_strangers_text_is_forgotten_at_the_end_of_its_period_and_a_members_is_not(phone: Phone) -> None:
    await a_member(phone)
    await phone.texts(NEW, "Hei, har dere åpent?")
    await phone.texts(INGRIDS, "Hei, har dere åpent?")

    for days, left in ((89, 2), (91, 1)):
        await retention.tidy(phone.house, at=MONDAY + timedelta(days=days))
        assert len(await phone.rows("inbound_texts")) == left


async def test_neither_number_nor_words_lie_in_the_database_in_clear(phone: Phone) -> None:
    await phone.texts(NEW, "KLAGE den hemmelige kaffen")
    await phone.texts(NEW, "JOIN")

    kept = repr([await phone.rows(table) for table in ("inbound_texts", "messages", "journal", "members")])

    assert "hemmelige" not in kept
    assert "99900299" not in kept


async def test_a_business_has_its_own_words(phone: Phone) -> None:
    answered = await phone.texts(NEW, "kaffe GRUNERLOKKA", words={"KAFFE": "join"})

    assert answered.heard.wish == "join"
    assert len(await phone.rows("members")) == 1


async def test_a_rehearsed_text_is_answered_and_nothing_waits_to_leave(phone: Phone) -> None:
    await a_member(phone)

    answered = await phone.texts(INGRIDS, "POENG", gateway="rehearsed", rehearsed=True)

    assert answered.row is not None
    assert (answered.row.state, answered.row.parts) == ("sent", 1)
