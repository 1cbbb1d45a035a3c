"""Members say yes and no, and what holds is what they said last; each record proves itself."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest

from loyalty_engine.businesses import Caller
from loyalty_engine.consent import consenting, reading, recording
from loyalty_engine.errors import (
    ConsentNotAskedFor,
    IdempotencyKeyReused,
    LanguageUnknown,
    MemberTooYoung,
    MemberUnknown,
    PurposeUnknown,
    WordingUnknown,
)
from loyalty_engine.house import House
from tests.engine.agreeing import holding, ingrid_of, open_agreeing_shop, says
from tests.engine.post import Hand, became, note, post_goes, put
from tests.engine.shop import MONDAY, broken

pytestmark = pytest.mark.anyio

OFFERS = ("marketing", "sms")
LETTERS = ("marketing", "email")
AT_TILL = {"source": "till", "till": "till-1", "staff": "ida", "location": "grunerlokka"}


@pytest.fixture
async def cafe(house: House) -> Caller:
    return await open_agreeing_shop(house)


@pytest.fixture
async def ingrid(house: House, cafe: Caller) -> str:
    return await ingrid_of(house, cafe)


@pytest.fixture
def hand(house: House) -> Hand:
    taken = Hand()
    house.carrier_of = lambda _, __: taken
    return taken


async def test_a_yes_keeps_the_very_words_and_who_asked(house: House, cafe: Caller, ingrid: str) -> None:
    answer = await says(house, cafe, ingrid, evidence=AT_TILL)

    record, words = answer.record, "Vil du ha tilbud på SMS? Send STOPP når du ikke vil mer."
    assert holding(answer) == {OFFERS}
    assert (record.wording.says, record.wording.language, record.wording.version) == (words, "nb", 1)
    assert record.wording.sha256 == hashlib.sha256(words.encode()).hexdigest()
    assert (record.source, record.actor, record.location) == ("till", "staff ida, till till-1", "grunerlokka")
    assert (record.jurisdiction, record.number, record.previous) == ("NO", 1, "0" * 64)
    assert record.expires_at == "2027-11-23T09:30:00Z"
    assert await broken(house) == []


async def test_a_consent_runs_out_and_can_be_given_anew(house: House, cafe: Caller, ingrid: str, hand: Hand) -> None:
    await says(house, cafe, ingrid)
    later = MONDAY + timedelta(days=365)

    early = await put(house, cafe, ingrid, note("marketing"), later - timedelta(minutes=1))
    await post_goes(house, later - timedelta(minutes=1))
    late = await put(house, cafe, ingrid, note("marketing"), later)
    await post_goes(house, later)
    answer = await says(house, cafe, ingrid, at=later)

    assert (await became(house, early), await became(house, late)) == (("sent", None), ("refused", "no_consent"))
    assert holding(answer) == {OFFERS}
    assert await broken(house) == []


async def test_stop_covers_what_waits_and_every_purpose_of_the_channel(
    house: House, cafe: Caller, ingrid: str, hand: Hand
) -> None:
    await says(house, cafe, ingrid)
    row = await put(house, cafe, ingrid, note("marketing.sms", due_at=0), MONDAY)
    receipt = await put(house, cafe, ingrid, note("service.receipt"), MONDAY)
    goodbye = await put(house, cafe, ingrid, note("stopped"), MONDAY)
    twice = await put(house, cafe, ingrid, note("stopped"), MONDAY)
    answer = await says(house, cafe, ingrid, "stopped", evidence={"source": "text", "text": "Stopp!"})

    for _ in range(2):
        await post_goes(house, MONDAY, seconds=1)

    assert holding(answer) == set()
    assert await became(house, row) == ("refused", "stopped")
    assert await became(house, receipt) == ("refused", "stopped")
    assert {await became(house, goodbye), await became(house, twice)} == {("sent", None), ("refused", "stopped")}
    assert await broken(house) == []


async def test_start_opens_the_channel_and_is_no_consent(house: House, cafe: Caller, ingrid: str, hand: Hand) -> None:
    await says(house, cafe, ingrid)
    await says(house, cafe, ingrid, "stopped")
    answer = await says(house, cafe, ingrid, "started", at=MONDAY + timedelta(seconds=1))
    advert = await put(house, cafe, ingrid, note("marketing"), MONDAY)
    receipt = await put(house, cafe, ingrid, note("service"), MONDAY)

    await post_goes(house, MONDAY, seconds=2)

    assert holding(answer) == set()
    assert await became(house, advert) == ("refused", "no_consent")
    assert await became(house, receipt) == ("sent", None)


async def test_a_yes_from_a_till_that_was_offline_does_not_undo_a_stop_that_came_after_it(
    house: House, cafe: Caller, ingrid: str
) -> None:
    await says(house, cafe, ingrid, "stopped", at=MONDAY)
    answer = await says(house, cafe, ingrid, occurred_at="2026-11-23T08:00:00Z", at=MONDAY + timedelta(hours=2))

    assert holding(answer) == set()
    assert await broken(house) == []


async def test_a_till_whose_clock_runs_ahead_does_not_outlive_a_stop(house: House, cafe: Caller, ingrid: str) -> None:
    await says(house, cafe, ingrid, occurred_at="2026-11-23T09:34:00Z", at=MONDAY)
    answer = await says(house, cafe, ingrid, "stopped", at=MONDAY + timedelta(seconds=1))

    assert holding(answer) == set()


async def test_who_asked_for_letters_confirms_it_before_any_comes(house: House, cafe: Caller, ingrid: str) -> None:
    asked = await says(house, cafe, ingrid, channel="email", wording="letter-1")
    confirmed = await says(house, cafe, ingrid, "confirmed", channel="email", wording="letter-1")

    assert (asked.record.decision, holding(asked)) == ("requested", set())
    assert holding(confirmed) == {LETTERS}
    with pytest.raises(ConsentNotAskedFor):
        await says(house, cafe, ingrid, "confirmed", channel="email", wording="letter-1")


async def test_a_confirmation_that_comes_too_late_is_refused(house: House, cafe: Caller, ingrid: str) -> None:
    await says(house, cafe, ingrid, channel="email", wording="letter-1")

    week = MONDAY + timedelta(days=7)
    with pytest.raises(ConsentNotAskedFor):
        await says(house, cafe, ingrid, "confirmed", channel="email", wording="letter-1", at=week)


async def test_a_consent_to_texts_is_none_to_letters_and_none_to_being_watched(
    house: House, cafe: Caller, ingrid: str, hand: Hand
) -> None:
    await says(house, cafe, ingrid)
    letter = await put(house, cafe, ingrid, note("marketing", channel="email"), MONDAY)
    tasting = await put(house, cafe, ingrid, note("tastings"), MONDAY)

    await post_goes(house, MONDAY)

    assert await became(house, letter) == ("refused", "no_address")
    assert await became(house, tasting) == ("refused", "no_consent")


async def test_advertising_waits_for_the_morning_and_comes_twice_a_week(
    house: House, cafe: Caller, ingrid: str, hand: Hand
) -> None:
    await says(house, cafe, ingrid)
    night = MONDAY + timedelta(hours=11)  # half past nine in the evening in Oslo
    rows = [await put(house, cafe, ingrid, note("marketing", text=str(n)), night) for n in range(3)]

    await post_goes(house, night)
    asleep = len(hand.asked)
    await post_goes(house, night, hours=10, minutes=29)
    still_asleep = len(hand.asked)
    for _ in range(3):
        await post_goes(house, night, hours=10, minutes=30)

    assert (asleep, still_asleep, len(hand.asked)) == (0, 0, 2)
    assert min([await became(house, row) for row in rows]) == ("refused", "too_often")
    assert await broken(house) == []


REFUSED = [
    ({"purpose": "world-peace"}, PurposeUnknown),
    ({"purpose": "*"}, PurposeUnknown),
    ({"wording": "till-2025-07"}, WordingUnknown),
    ({"channel": "email"}, WordingUnknown),
    ({"purpose": "feedback"}, WordingUnknown),
    ({"language": "fi"}, LanguageUnknown),
]


@pytest.mark.parametrize(("told", "error"), REFUSED)
async def test_what_cannot_be_proved_later_is_refused_now(
    house: House, cafe: Caller, ingrid: str, told: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        await says(house, cafe, ingrid, **told)

    assert await reading.records_of(house.database, cafe.business_id, ingrid) == ()


async def test_a_no_is_taken_in_any_words(house: House, cafe: Caller, ingrid: str) -> None:
    await says(house, cafe, ingrid)
    answer = await says(house, cafe, ingrid, "withdrawn", evidence={"source": "phone", "text": "la meg være i fred"})

    assert holding(answer) == set()
    assert answer.record.wording.sha256 == hashlib.sha256(b"la meg v\xc3\xa6re i fred").hexdigest()


async def test_the_same_decision_told_twice_is_one_record(house: House, cafe: Caller, ingrid: str) -> None:
    first = await says(house, cafe, ingrid, key="yes")
    again = await says(house, cafe, ingrid, key="yes", at=MONDAY + timedelta(hours=1))

    assert first == again
    with pytest.raises(IdempotencyKeyReused):
        await says(house, cafe, ingrid, "refused", key="yes")


async def test_evidence_is_sealed_and_can_be_shown(house: House, cafe: Caller, ingrid: str) -> None:
    await says(house, cafe, ingrid, evidence={"source": "page", "page": "/j/corner-cafe", "address": "192.0.2.7"})

    [record] = await reading.records_of(house.database, cafe.business_id, ingrid)
    [[key]] = await house.database.fetch("SELECT wrapped_key FROM members")
    opened = recording.evidence_of(house, record, key)

    assert "192.0.2.7" not in repr(record)
    assert opened is not None
    assert (opened.page, opened.address) == ("/j/corner-cafe", "192.0.2.7")


async def test_who_is_too_young_cannot_agree_alone(house: House, cafe: Caller) -> None:
    import msgspec

    from loyalty_engine import enrolling
    from loyalty_engine.commands import EnrolMember
    from tests.engine.shop import ticket

    told = {"member": {"phone": "999 00 209"}, "birthday": "2008-11-24"}
    answer = await enrolling.enrol(house, cafe, msgspec.convert(told, EnrolMember), ticket())
    young = msgspec.json.decode(answer.body)["id"]

    with pytest.raises(MemberTooYoung):
        await says(house, cafe, young)
    grown = await says(house, cafe, young, at=MONDAY + timedelta(days=1))

    assert holding(grown) == {OFFERS}


async def test_consents_of_another_business_are_not_there(house: House, cafe: Caller, ingrid: str) -> None:
    farm = await open_agreeing_shop(house, "farm-shop")
    await says(house, cafe, ingrid)

    with pytest.raises(MemberUnknown):
        await consenting.consents_of(house, farm, ingrid, at=MONDAY)
    with pytest.raises(MemberUnknown):
        await says(house, farm, ingrid)
    shown = await consenting.consents_of(house, cafe, ingrid, at=MONDAY)

    assert [one.decision for one in shown.items] == ["given"]
