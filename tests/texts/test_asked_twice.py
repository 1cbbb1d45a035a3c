"""A yes that is asked for twice: it waits, its number is asked once, and only what that number answers counts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from loyalty_engine.consent import reading
from loyalty_engine.wording import confirming_text
from rules import measure
from tests.engine.agreeing import holding, says
from tests.engine.post import Hand, became, note, post_goes, put
from tests.engine.shop import INGRID, MONDAY, buys, flat_whites, joins, programme, publish
from tests.texts.conftest import PERKS, WORDINGS, Phone

pytestmark = pytest.mark.anyio

INGRIDS = "+4799900201"
NEW = "+4799900299"
MINUTE = timedelta(minutes=1)
FEEDBACK: dict[str, Any] = {"purpose": "feedback", "channel": "sms", "wording": "asked-at-the-till"}
QUESTION = "Corner Café: Kan vi spørre deg hvordan det var? Svar JA for å bekrefte."


@pytest.fixture
def hand(phone: Phone) -> Hand:
    taken = Hand()
    phone.house.carrier_of = lambda _, __: taken
    return taken


def sent(hand: Hand) -> list[tuple[str, str]]:
    return [(one.to, one.text) for one in hand.taken.values()]


async def ingrid(phone: Phone) -> str:
    return (await buys(phone.house, phone.caller, flat_whites("ingrid", phone=INGRID), at=MONDAY)).member.id


async def advert(phone: Phone, member: str, at: Any) -> tuple[str, str | None]:
    """Try to send a question of the purpose that was agreed to, and tell what became of it."""
    row = await put(phone.house, phone.caller, member, note("feedback"), at)
    await post_goes(phone.house, at)
    return await became(phone.house, row)


async def test_a_yes_at_the_till_waits_until_its_number_says_it_again(phone: Phone, hand: Hand) -> None:
    member = await ingrid(phone)

    asked = await says(phone.house, phone.caller, member, **FEEDBACK)
    await post_goes(phone.house, MONDAY)
    too_soon = await advert(phone, member, MONDAY + MINUTE)
    confirmed = await phone.texts(INGRIDS, "Ja!", id="SM-yes", at=MONDAY + 2 * MINUTE)

    assert (asked.record.decision, holding(asked)) == ("requested", set())
    assert sent(hand)[:1] == [(INGRIDS, QUESTION)]
    assert too_soon == ("refused", "no_consent")
    assert confirmed.text == "Takk! Corner Café har notert at du sa ja. Kan vi spørre deg hvordan det var?"
    assert await phone.consents() == [("feedback", "sms", "given")]
    [_, record] = await reading.records_of(phone.house.database, phone.caller.business_id, member)
    assert (record.decision, record.source, record.actor) == ("confirmed", "text", "message SM-yes")
    assert await advert(phone, member, MONDAY + 3 * MINUTE) == ("sent", None)


async def test_a_yes_along_with_a_purchase_or_with_joining_waits_as_well(phone: Phone, hand: Hand) -> None:
    said = [{"purpose": "feedback", "channel": "sms", "decision": "given", "wording": "asked-at-the-till"}]

    await buys(phone.house, phone.caller, flat_whites("ingrid", phone=INGRID, consents=said), at=MONDAY)
    await joins(phone.house, phone.caller, phone=NEW, consents=said)
    await post_goes(phone.house, MONDAY)

    assert sorted(sent(hand)) == [(INGRIDS, QUESTION), (NEW, QUESTION)]
    assert await phone.consents() == [("feedback", "sms", "requested")] * 2


async def test_the_number_is_asked_once_for_each_decision_and_not_while_one_waits(phone: Phone, hand: Hand) -> None:
    member = await ingrid(phone)

    for key in ("yes-1", "yes-1", "yes-2"):
        await says(phone.house, phone.caller, member, key=key, **FEEDBACK)
    await post_goes(phone.house, MONDAY)
    later = MONDAY + timedelta(days=7)
    await says(phone.house, phone.caller, member, at=later, **FEEDBACK)
    await post_goes(phone.house, later)

    assert [text for _, text in sent(hand)] == [QUESTION, QUESTION]


async def test_a_yes_that_is_not_confirmed_in_time_lapses(phone: Phone, hand: Hand) -> None:
    member = await ingrid(phone)
    await says(phone.house, phone.caller, member, **FEEDBACK)
    week = MONDAY + timedelta(days=7)

    late = await phone.texts(INGRIDS, "JA", at=week)

    assert late.text is not None
    assert late.text.startswith("Corner Café forsto ikke det.")
    assert await advert(phone, member, week) == ("refused", "no_consent")


async def test_a_no_to_the_second_question_is_a_refusal(phone: Phone, hand: Hand) -> None:
    member = await ingrid(phone)
    await says(phone.house, phone.caller, member, **FEEDBACK)

    await phone.texts(INGRIDS, "Nei takk", at=MONDAY + MINUTE)
    await phone.texts(INGRIDS, "JA", at=MONDAY + 2 * MINUTE)

    assert await phone.consents() == [("feedback", "sms", "refused")]


async def test_nobody_elses_yes_confirms_it(phone: Phone, hand: Hand) -> None:
    member = await ingrid(phone)
    await says(phone.house, phone.caller, member, **FEEDBACK)

    await phone.texts("+4799900202", "JA", at=MONDAY + MINUTE)

    assert await phone.consents() == [("feedback", "sms", "requested")]


async def test_whoever_stopped_is_not_asked_again_by_text(phone: Phone, hand: Hand) -> None:
    member = await ingrid(phone)
    await phone.texts(INGRIDS, "STOPP", says_goodbye=True)

    await says(phone.house, phone.caller, member, at=MONDAY + MINUTE, **FEEDBACK)
    await post_goes(phone.house, MONDAY + MINUTE)

    assert sent(hand) == []


@pytest.mark.parametrize("asks_twice", ["confirm = true", 'jurisdiction = "EU"'], ids=["the programme", "the country"])
async def test_a_yes_by_text_is_asked_for_again_where_every_yes_is(phone: Phone, hand: Hand, asks_twice: str) -> None:
    source = programme(more=PERKS + f"\n[consent]\n{asks_twice}\n" + WORDINGS)
    if "EU" in asks_twice:
        source = source.replace('country = "NO"', 'country = "DE"') + '\n[messages]\ncountries = ["NO"]\n'
    await publish(phone.house, phone.caller, source, at=MONDAY - timedelta(days=1))
    await phone.texts(NEW, "JOIN", at=MONDAY)

    once = await phone.texts(NEW, "JA", at=MONDAY + MINUTE)
    waits = await phone.consents()
    twice = await phone.texts(NEW, "JA", at=MONDAY + 2 * MINUTE)

    assert once.text == "Corner Café: Vil du ha tilbud fra oss på SMS? Svar JA for å bekrefte."
    assert waits == [("marketing", "sms", "requested")]
    assert twice.text == "Takk! Du får tilbud fra Corner Café på SMS. Svar STOPP når du vil slutte."
    assert await phone.consents() == [("marketing", "sms", "given")]


async def test_a_page_is_no_proof_of_a_number(phone: Phone, hand: Hand) -> None:
    member = await ingrid(phone)

    page = {"source": "page", "page": "https://corner.example/offers", "address": "192.0.2.7"}
    asked = await says(phone.house, phone.caller, member, evidence=page, **FEEDBACK)

    assert asked.record.decision == "requested"


def test_words_too_long_for_one_part_are_cut_and_still_ask() -> None:
    text = confirming_text("Corner Café", "nb", "Vil du " + "gjerne " * 30 + "ha tilbud?")

    assert text.startswith("Corner Café: Vil du gjerne")
    assert text.endswith("... Svar JA for å bekrefte.")
    assert measure(text).parts == 1
