"""Why did I get 24 points?  The same sentence at every door, for as long as the entry stands."""

from __future__ import annotations

from datetime import timedelta

import pytest

from loyalty_engine import explaining, members
from loyalty_engine.answers import LedgerEntry
from loyalty_engine.businesses import Caller
from loyalty_engine.errors import EntryUnknown
from loyalty_engine.explaining import EntryExplained
from loyalty_engine.house import House
from tests.engine.shop import (
    HAPPY_HOUR,
    INGRID,
    MONDAY,
    adjusts,
    buys,
    flat_whites,
    happens,
    joins,
    open_shop,
    programme,
    publish,
    returns,
)

pytestmark = pytest.mark.anyio

WELCOME = """
[[rules]]
id = "welcome"
on = "joined"
then.award = { unit = "points", amount = 25 }

[[rules]]
id = "fourth-cold-cup"
on = "cold_cup"
when.member = { count = { of = "cold_cup", within = "30 days", min = 1 } }
then.award = { unit = "points", amount = 8 }
"""


async def ledger(house: House, cafe: Caller, member: str) -> list[LedgerEntry]:
    page = await members.ledger_page(house, cafe, member, limit=50, cursor=None)
    return list(page.items)


async def why(house: House, cafe: Caller, entry: str | None, language: str | None = None) -> EntryExplained:
    assert entry is not None
    return await explaining.explain_entry(house, cafe, entry, language=language)


async def test_why_did_i_get_24_points_is_answered_alike_at_every_door(house: House, cafe: Caller) -> None:
    await joins(house, cafe, INGRID, language="en")

    bought = await buys(house, cafe, flat_whites("1", 5, total_minor=24500, lines=None))
    award = bought.awards[0]
    answered = next(one for one in bought.explanation if one.rule == "base")
    listed = next(one for one in await ledger(house, cafe, bought.member.id) if one.id == award.entry)
    explained = await why(house, cafe, award.entry)

    assert award.amount == 24
    assert award.reason == listed.reason == explained.because == "1 point per 10 kr on 245 kr"
    said = "24 points: 1 point per 10 kr on 245 kr"
    assert answered.because == said
    assert said in bought.receipt_text
    assert next(one.because for one in explained.rules if one.rule == "base") == said
    assert explained.sentence == "When a customer buys: 1 point per 10 kr"
    assert (explained.happened, explained.entry) == ("purchase", listed)


async def test_every_rule_says_why_it_fired_or_not_as_it_did_at_the_till(house: House, cafe: Caller) -> None:
    bought = await buys(house, cafe, flat_whites("1"))

    explained = await why(house, cafe, bought.awards[0].entry)

    assert [(one.rule, one.fired, one.because) for one in explained.rules] == [
        (one.rule, one.fired, one.because) for one in bought.explanation
    ]
    late = next(one for one in explained.rules if one.rule == "happy-hour")
    assert late.because == "the time is 10:30; the rule wants 14:00-16:00"


async def test_the_receipts_own_language_is_spoken_when_it_is_asked_for(house: House, cafe: Caller) -> None:
    bought = await buys(house, cafe, flat_whites("1"))

    explained = await why(house, cafe, bought.awards[0].entry, "nb")

    assert explained.because == "1 poeng per 10 kr på 98 kr"
    assert f"9 poeng: {explained.because}" in bought.receipt_text


async def test_an_old_entry_is_explained_by_the_version_of_its_day(house: House, cafe: Caller) -> None:
    bought = await buys(house, cafe, flat_whites("1"))
    before = await why(house, cafe, bought.awards[0].entry)

    await publish(house, cafe, programme().replace("per_minor = 1000", "per_minor = 500"), at=MONDAY)
    await buys(house, cafe, flat_whites("2"), at=MONDAY + timedelta(days=1))

    assert await why(house, cafe, bought.awards[0].entry) == before
    assert before.entry.programme_version == 1


async def test_a_multipliers_extra_explains_itself(house: House, cafe: Caller) -> None:
    bought = await buys(house, cafe, flat_whites("1"), at=HAPPY_HOUR)
    extra = next(award for award in bought.awards if award.rule == "happy-hour")

    explained = await why(house, cafe, extra.entry)

    assert explained.because == extra.reason
    assert "Monday or Tuesday" in (explained.sentence or "")


async def test_what_joining_and_an_event_gave_explain_themselves(house: House, cafe: Caller) -> None:
    await publish(house, cafe, programme(more=WELCOME), at=MONDAY - timedelta(days=1))
    bought = await buys(house, cafe, flat_whites("1"))
    await happens(house, cafe, "cold_cup", "cup-1")
    mended = await happens(house, cafe, "cold_cup", "cup-2")

    joined = await why(house, cafe, bought.awards[0].entry)
    happened = await why(house, cafe, mended.awards[0].entry)

    assert (joined.happened, [one.rule for one in joined.rules]) == ("joined", ["welcome"])
    assert (happened.happened, happened.rules[0].because) == ("cold_cup", mended.explanation[0].because)
    assert happened.entry.event == "cold_cup"


async def test_what_was_taken_back_says_what_is_left_and_what_had_been_given(house: House, cafe: Caller) -> None:
    bought = await buys(house, cafe, flat_whites("1"))
    part = await returns(house, cafe, bought.id, "R1", lines=[{"line": "1", "quantity": 1}])
    rest = await returns(house, cafe, bought.id, "R2", full=True)

    first = await why(house, cafe, part.taken_back[0].entry)
    norwegian = await why(house, cafe, part.taken_back[0].entry, "nb")
    last = await why(house, cafe, rest.taken_back[0].entry)

    assert (first.happened, first.because) == ("refund", "taken back: 1 point per 10 kr on 98 kr")
    assert next(one.because for one in first.rules if one.rule == "base") == "4 points: 1 point per 10 kr on 49 kr"
    assert first.reverses is not None
    assert first.reverses.entry.id == bought.awards[0].entry
    assert norwegian.because == "tatt tilbake: 1 poeng per 10 kr på 98 kr"
    assert last.rules == (), "nothing is left that a rule could judge"


async def test_a_correction_by_hand_gives_the_reason_that_was_typed(house: House, cafe: Caller) -> None:
    bought = await buys(house, cafe, flat_whites("1"))
    await adjusts(house, cafe, bought.member.id, 5)
    [corrected, *_] = await ledger(house, cafe, bought.member.id)

    explained = await why(house, cafe, corrected.id)

    assert (explained.happened, explained.because, explained.rules) == ("adjustment", "a spilt cup", ())


async def test_another_shops_entry_is_nobodys_here(house: House, cafe: Caller) -> None:
    bought = await buys(house, cafe, flat_whites("1"))
    bookshop = await open_shop(house, "bookshop")

    with pytest.raises(EntryUnknown):
        await why(house, bookshop, bought.awards[0].entry)
