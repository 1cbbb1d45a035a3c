"""Joining on a page: a number is nobody's until its code is said back, and nothing tells whose it was."""

from __future__ import annotations

import re

import msgspec
import pytest

from loyalty_engine import members
from loyalty_engine.commands import MemberRef
from loyalty_engine.consent import consenting
from loyalty_engine.instants import to_micros
from loyalty_engine.referrals import codes
from tests.engine.agreeing import WORDINGS
from tests.engine.shop import INGRID, MONDAY, broken, buys, flat_whites, programme, publish
from tests.engine.test_referrals import REFERRAL
from tests.pages.conftest import Cafe

pytestmark = pytest.mark.anyio

NEWCOMER = "999 00 777"


async def known(cafe: Cafe, number: str) -> str | None:
    found = await members.recognise(cafe.house, cafe.caller, MemberRef(phone=number), at=cafe.clock.at)
    return found[0].member.id if found[0].member else None


def without_its_own(text: str) -> str:
    """Take out of a page what differs from visit to visit: the proof in its form, and the name of the code."""
    return re.sub(r'value="(dor_)?[0-9a-z]+"', "", text)


async def test_a_number_that_is_typed_is_nobodys_until_its_code_is_said_back(cafe: Cafe) -> None:
    page = await cafe.browser.get("/j/corner-cafe?lang=nb")
    asked = await cafe.fill_in(page, "corner-cafe", number=NEWCOMER, name="Nora")

    assert await known(cafe, NEWCOMER) is None
    let_in = await cafe.fill_in(asked, "code", code=await cafe.code())

    assert let_in.status_code == 303
    own = await cafe.browser.get(let_in.headers["location"])
    assert "Hei, Nora" in own.text
    assert "+47 ••• •• 777" in own.text
    assert await known(cafe, NEWCOMER) is not None
    assert await broken(cafe.house) == []


async def test_a_newcomer_is_welcomed_with_the_terms_and_how_to_stop(cafe: Cafe) -> None:
    await cafe.join(NEWCOMER)
    cafe.clock.forward(minutes=2)

    [welcome] = [one for one in await cafe.texts() if one.purpose == "service.welcome"]

    assert welcome.to == "+4799900777"
    assert "http://cafe.example/j/corner-cafe" in welcome.text
    assert "STOP" in welcome.text


async def test_a_member_and_a_stranger_are_answered_alike(cafe: Cafe) -> None:
    await buys(cafe.house, cafe.caller, flat_whites("ingrid-1"))
    page = await cafe.browser.get("/j/corner-cafe?lang=en")

    member = await cafe.fill_in(page, "corner-cafe", number=INGRID)
    stranger = await cafe.fill_in(page, "corner-cafe", number=NEWCOMER)

    assert member.status_code == stranger.status_code == 200
    assert without_its_own(member.text) == without_its_own(stranger.text)
    one, other = [text.text for text in await cafe.texts()]
    assert re.sub("[0-9]{6}", "", one) == re.sub("[0-9]{6}", "", other)


async def test_a_member_is_let_in_by_the_same_form_and_not_welcomed_again(cafe: Cafe) -> None:
    await buys(cafe.house, cafe.caller, flat_whites("ingrid-1"))

    own = await cafe.join(INGRID)

    assert "+9 points" in own.text
    assert "1 point per 10 kr" in own.text
    cafe.clock.forward(minutes=2)
    assert [one for one in await cafe.texts() if one.purpose == "service.welcome"] == []


async def test_what_is_ticked_is_written_down_in_the_words_that_stood_there(cafe: Cafe) -> None:
    await cafe.join(NEWCOMER, agreed="till-2026-01")

    member = await known(cafe, NEWCOMER)
    assert member is not None
    kept = await consenting.consents_of(cafe.house, cafe.caller, member, at=cafe.clock.at)
    [record] = kept.items
    assert (record.purpose, record.channel, record.decision) == ("marketing", "sms", "given")
    assert record.source == "page"
    assert record.wording.says == "Do you want offers by text? Send STOP when you have had enough."
    assert len(record.wording.sha256) == 64


async def test_nothing_is_ticked_beforehand_and_none_is_needed(cafe: Cafe) -> None:
    page = await cafe.browser.get("/j/corner-cafe?lang=en")

    assert 'type="checkbox"' in page.text
    assert "checked" not in page.text
    await cafe.join(NEWCOMER)
    assert await known(cafe, NEWCOMER) is not None


async def test_a_wrong_code_is_tried_five_times_at_most(cafe: Cafe) -> None:
    asked = await cafe.fill_in(await cafe.browser.get("/j/corner-cafe?lang=en"), "corner-cafe", number=NEWCOMER)
    right = await cafe.code()
    wrong = "000000" if right != "000000" else "000001"

    for _ in range(5):
        refused = await cafe.fill_in(asked, "code", code=wrong)
        assert refused.status_code == 422
        assert "not right" in refused.text

    assert (await cafe.fill_in(asked, "code", code=right)).status_code == 422
    assert await known(cafe, NEWCOMER) is None


async def test_a_code_opens_once(cafe: Cafe) -> None:
    asked = await cafe.fill_in(await cafe.browser.get("/j/corner-cafe?lang=en"), "corner-cafe", number=NEWCOMER)
    code = await cafe.code()

    assert (await cafe.fill_in(asked, "code", code=code)).status_code == 303
    assert (await cafe.fill_in(asked, "code", code=code)).status_code == 422


async def test_a_code_is_too_old_after_ten_minutes(cafe: Cafe) -> None:
    asked = await cafe.fill_in(await cafe.browser.get("/j/corner-cafe?lang=en"), "corner-cafe", number=NEWCOMER)
    code = await cafe.code()

    cafe.clock.forward(minutes=11)

    assert (await cafe.fill_in(asked, "code", code=code)).status_code == 422


async def test_one_number_gets_one_code_a_minute_and_five_a_day(cafe: Cafe) -> None:
    page = await cafe.browser.get("/j/corner-cafe?lang=en")
    for _ in range(10):
        for _ in range(2):
            asked = await cafe.fill_in(page, "corner-cafe", number=NEWCOMER)
            assert asked.status_code == 200, "whoever asks too often is answered the same"
        await cafe.texts()
        cafe.clock.forward(minutes=12)

    assert len(await cafe.texts()) == 5


async def test_numbers_beside_each_other_get_thirty_codes_an_hour(cafe: Cafe) -> None:
    page = await cafe.browser.get("/j/corner-cafe?lang=en")
    for n in range(40):
        if n == 20:
            cafe.clock.forward(minutes=11)
        assert (await cafe.fill_in(page, "corner-cafe", number=f"999 00 {n:03}")).status_code == 200

    found = await cafe.house.database.fetch("SELECT count(*) FROM door_codes WHERE code_hash <> ''")
    assert found[0][0] == 30


async def test_one_address_fills_in_thirty_forms_in_ten_minutes(cafe: Cafe) -> None:
    page = await cafe.browser.get("/j/corner-cafe?lang=en")
    statuses = [(await cafe.fill_in(page, "corner-cafe", number="nonsense")).status_code for _ in range(31)]

    assert statuses == [422] * 30 + [429]


async def test_the_second_form_of_an_impatient_guest_takes_the_code_of_the_first(cafe: Cafe) -> None:
    page = await cafe.browser.get("/j/corner-cafe?lang=en")
    await cafe.fill_in(page, "corner-cafe", number=NEWCOMER)
    again = await cafe.fill_in(page, "corner-cafe", number=NEWCOMER)

    assert (await cafe.fill_in(again, "code", code=await cafe.code())).status_code == 303


async def test_an_address_is_confirmed_by_a_letter(cafe: Cafe) -> None:
    own = await cafe.join("kari@example.org")

    assert "k•••@example.org" in own.text
    assert cafe.telephone.got[0].channel == "email"


async def test_what_is_no_number_is_said_to_be_none(cafe: Cafe) -> None:
    for number in ("", "9l234567", "+4791234567 ext 12", "<script>alert(1)</script>", "a@", "1" * 400):
        asked = await cafe.fill_in(await cafe.browser.get("/j/corner-cafe?lang=en"), "corner-cafe", number=number)
        assert asked.status_code == 422
        assert "<script>alert" not in asked.text


async def test_a_form_without_our_proof_is_not_taken(cafe: Cafe) -> None:
    await cafe.browser.get("/j/corner-cafe")

    refused = await cafe.browser.post("/j/corner-cafe", data={"number": NEWCOMER, "proof": "0" * 32})
    foreign = await cafe.browser.post("/j/corner-cafe", data={}, headers={"sec-fetch-site": "cross-site"})

    assert refused.status_code == foreign.status_code == 403
    assert await cafe.house.database.fetch("SELECT 1 FROM door_codes") == []


async def test_a_number_that_may_be_another_persons_by_now_opens_nothing(cafe: Cafe) -> None:
    bought = await buys(cafe.house, cafe.caller, flat_whites("ingrid-1"))
    await cafe.house.database.write_transaction(
        lambda t: t.fetch("UPDATE members SET presence = 'doubted' WHERE id = $1", bought.member.id)
    )
    asked = await cafe.fill_in(await cafe.browser.get("/j/corner-cafe?lang=en"), "corner-cafe", number=INGRID)

    refused = await cafe.fill_in(asked, "code", code=await cafe.code())

    assert refused.status_code == 422
    assert await cafe.house.database.fetch("SELECT 1 FROM page_links") == []


async def test_erasing_a_member_takes_their_codes_and_links_along(cafe: Cafe) -> None:
    own = await cafe.join(NEWCOMER)
    await cafe.fill_in(own, "leave", sure="yes")

    for table in ("door_codes", "page_links"):
        assert await cafe.house.database.fetch(f"SELECT 1 FROM {table}") == []


async def test_a_database_holds_neither_number_nor_token(cafe: Cafe) -> None:
    own = await cafe.join(NEWCOMER, name="Nora")
    token = str(own.url).rpartition("/")[2].partition("?")[0]

    rows = [await cafe.house.database.fetch(f"SELECT * FROM {table}") for table in ("door_codes", "page_links")]

    kept = msgspec.json.encode([[list(row) for row in found] for found in rows]).decode()
    assert token not in kept
    assert "99900777" not in kept
    assert "Nora" not in kept


async def test_whoever_joins_by_a_shops_poster_joins_at_that_shop(cafe: Cafe) -> None:
    await buys(cafe.house, cafe.caller, flat_whites("ingrid-1"))
    page = await cafe.browser.get("/j/corner-cafe?lang=en&at=grunerlokka")
    asked = await cafe.fill_in(page, "corner-cafe", number=NEWCOMER)
    await cafe.fill_in(asked, "code", code=await cafe.code())

    [[line]] = await cafe.house.database.fetch("SELECT location FROM journal WHERE kind = 'enrolment'")

    assert line == "grunerlokka"


async def test_a_poster_of_no_shop_lets_in_all_the_same(cafe: Cafe) -> None:
    page = await cafe.browser.get("/j/corner-cafe?lang=en&at=nowhere")
    asked = await cafe.fill_in(page, "corner-cafe", number=NEWCOMER)

    assert (await cafe.fill_in(asked, "code", code=await cafe.code())).status_code == 303


async def test_a_friend_who_follows_a_members_link_is_theirs(cafe: Cafe) -> None:
    await publish(cafe.house, cafe.caller, programme(more=WORDINGS + REFERRAL), at=MONDAY)
    bought = await buys(cafe.house, cafe.caller, flat_whites("ingrid-1"))
    code = await codes.code_of(cafe.house, cafe.caller.business_id, bought.member.id, at=to_micros(MONDAY))

    page = await cafe.browser.get(f"/r/{code}?lang=en", follow_redirects=True)
    assert "A friend has asked you in" in page.text
    asked = await cafe.fill_in(page, "corner-cafe", number=NEWCOMER)
    await cafe.fill_in(asked, "code", code=await cafe.code())

    [[ambassador, state]] = await cafe.house.database.fetch("SELECT ambassador_id, state FROM referrals")
    assert (ambassador, state) == (bought.member.id, "joined")
    assert await broken(cafe.house) == []


async def test_a_link_that_nobody_has_leads_nowhere(cafe: Cafe) -> None:
    for code in ("CDFGHJK", "x", "CDFGHJK%00", "9" * 300):
        assert (await cafe.browser.get(f"/r/{code}")).status_code == 404
