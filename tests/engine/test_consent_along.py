"""Consent rides along: with a purchase, with joining, in what the cashier asks, and in what rules may know."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from loyalty_engine import enrolling
from loyalty_engine.businesses import Caller
from loyalty_engine.commands import EnrolMember
from loyalty_engine.consent import consenting
from loyalty_engine.errors import MemberTooYoung, WordingUnknown
from loyalty_engine.house import House
from tests.engine.agreeing import WORDINGS, holding, ingrid_of, open_agreeing_shop, says
from tests.engine.post import Hand, post_goes
from tests.engine.shop import MONDAY, OLAV, broken, buys, flat_whites, has, open_shop, programme, sees, ticket

pytestmark = pytest.mark.anyio

YES = {"purpose": "marketing", "channel": "sms", "decision": "given", "wording": "till-2026-01"}
PROFILED = """
[[rules]]
id = "your-usual"
on = "purchase"
when = { member = { consent = ["profiling"] }, items = { sku = ["FLATWHITE"] } }
then.award = { unit = "points", amount = 7 }
"""
THANKS = """
[[rules]]
id = "thanks"
on = "purchase"
then.message = { purpose = "service", text.nb = "Takk for besøket!" }

[[rules]]
id = "offer"
on = "purchase"
then.message = { purpose = "marketing.sms", text.nb = "Halv pris i morgen!" }
"""


@pytest.fixture
async def cafe(house: House) -> Caller:
    return await open_agreeing_shop(house)


async def enrols(house: House, cafe: Caller, *, key: str | None = None, **told: Any) -> tuple[int, dict[str, Any]]:
    command = msgspec.convert({"member": {"phone": OLAV}} | told, EnrolMember)
    answer = await enrolling.enrol(house, cafe, command, ticket(key))
    body: dict[str, Any] = msgspec.json.decode(answer.body)
    return answer.status, body


async def test_a_newcomer_agrees_with_their_first_purchase_in_one_piece(house: House, cafe: Caller) -> None:
    command = flat_whites("1", consents=[YES], staff="ida", till="till-1")
    bought = await buys(house, cafe, command, key="one")
    again = await buys(house, cafe, command, key="one")

    shown = await consenting.consents_of(house, cafe, bought.member.id, at=MONDAY)

    assert bought == again
    assert holding(shown) == {("marketing", "sms")}
    assert [(one.actor, one.location) for one in shown.items] == [("staff ida, till till-1", "grunerlokka")]
    assert await broken(house) == []


async def test_a_purchase_with_words_nobody_knows_is_refused_whole(house: House, cafe: Caller) -> None:
    with pytest.raises(WordingUnknown) as refused:
        await buys(house, cafe, flat_whites("1", consents=[YES, YES | {"wording": "till-1999"}]))

    assert refused.value.details[0].pointer == "/consents/1/wording"
    assert not (await sees(house, cafe)).known
    assert await house.database.fetch("SELECT id FROM consent_records") == []


async def test_joining_keeps_what_was_agreed_and_a_member_may_agree_by_joining_again(
    house: House, cafe: Caller
) -> None:
    first = await enrols(house, cafe, consents=[YES])
    again = await enrols(house, cafe, consents=[YES | {"decision": "withdrawn"}])

    shown = await consenting.consents_of(house, cafe, first[1]["id"], at=MONDAY)

    assert (first[0], again[0]) == (201, 200)
    assert [one.decision for one in shown.items] == ["withdrawn", "given"]
    assert holding(shown) == set()
    assert await broken(house) == []


async def test_a_child_joins_and_does_not_agree_alone(house: House, cafe: Caller) -> None:
    with pytest.raises(MemberTooYoung):
        await enrols(house, cafe, birthday="2014-05-17", consents=[YES])

    assert (await enrols(house, cafe, birthday="2014-05-17"))[0] == 201


async def test_the_till_is_told_what_to_ask_in_which_words(house: House, cafe: Caller) -> None:
    stranger = (await sees(house, cafe)).consent_prompts
    ingrid = await ingrid_of(house, cafe)
    member = (await sees(house, cafe)).consent_prompts
    await says(house, cafe, ingrid)
    answered = (await sees(house, cafe)).consent_prompts
    await says(house, cafe, ingrid, "refused", purpose="profiling", channel="any", wording="profiling-1")
    nothing = (await sees(house, cafe)).consent_prompts

    assert [one.wording for one in stranger] == ["till-2026-01", "profiling-1"]
    assert member == stranger
    assert member[0].says == "Vil du ha tilbud på SMS? Send STOPP når du ikke vil mer."
    assert [one.wording for one in answered] == ["profiling-1"]
    assert nothing == ()


async def test_a_yes_is_asked_for_anew_before_it_runs_out_and_a_no_after_a_year(house: House, cafe: Caller) -> None:
    ingrid = await ingrid_of(house, cafe)
    await says(house, cafe, ingrid)
    await says(house, cafe, ingrid, "refused", purpose="profiling", channel="any", wording="profiling-1")

    asked = {
        days: [one.wording for one in (await sees(house, cafe, at=MONDAY + timedelta(days=days))).consent_prompts]
        for days in (1, 300, 310, 366)
    }

    assert asked == {1: [], 300: [], 310: ["till-2026-01"], 366: ["till-2026-01", "profiling-1"]}


async def test_who_sent_stop_is_left_in_peace(house: House, cafe: Caller) -> None:
    ingrid = await ingrid_of(house, cafe)
    await says(house, cafe, ingrid, "stopped")

    assert [one.wording for one in (await sees(house, cafe)).consent_prompts] == ["profiling-1"]


async def test_a_rule_that_watches_is_skipped_without_consent_and_everybody_keeps_the_rest(house: House) -> None:
    cafe = await open_shop(house, source=programme() + PROFILED + WORDINGS)
    tuesday = MONDAY + timedelta(days=1, hours=10)
    watched = {"purpose": "profiling", "decision": "given", "channel": "any", "wording": "profiling-1"}

    before = await buys(house, cafe, flat_whites("1", consents=[watched]), at=tuesday)
    agreed = await buys(house, cafe, flat_whites("2"), at=tuesday)
    await says(house, cafe, before.member.id, "withdrawn", purpose="profiling", channel="any", at=tuesday)
    after = await buys(house, cafe, flat_whites("3"), at=tuesday)

    earned = [sum(award.amount for award in one.awards if award.unit == "points") for one in (before, agreed, after)]
    assert earned == [9, 16, 9]
    assert has(after) == 34
    assert await broken(house) == []


async def test_texts_of_rules_go_through_the_gate(house: House) -> None:
    cafe = await open_shop(house, source=programme() + THANKS + WORDINGS)
    hand = Hand()
    house.carrier_of = lambda _, __: hand
    await buys(house, cafe, flat_whites("1"))
    await buys(house, cafe, flat_whites("2", phone=OLAV, consents=[YES]))

    await post_goes(house, MONDAY)

    said = sorted((one.to[-3:], one.text) for one in hand.asked)
    assert said == [
        ("201", "Takk for besøket!"),
        ("202", "Halv pris i morgen!"),
        ("202", "Takk for besøket!"),
    ]
    assert await broken(house) == []
