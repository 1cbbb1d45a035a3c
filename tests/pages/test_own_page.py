"""A member's own page: opened by a short-lived link, changed only from itself, and theirs to take away."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from api.pages.tongues import LANGUAGES
from loyalty_engine.consent import consenting
from loyalty_engine.instants import to_micros
from loyalty_engine.pages import visits
from loyalty_engine.texts import inbound
from loyalty_engine.texts.asking import Incoming
from tests.engine.agreeing import WORDINGS
from tests.engine.shop import INGRID, MONDAY, buys, flat_whites, programme, publish
from tests.engine.test_referrals import REFERRAL
from tests.pages.conftest import Cafe

pytestmark = pytest.mark.anyio

ACTIONS = ("consent", "details", "number", "confirm", "export", "leave", "close")


async def text(cafe: Cafe, words: str, number: str = "+4799900201") -> str:
    """Text the café, and give its answer."""
    before = len(cafe.telephone.got)
    incoming = Incoming(gateway="kannel", id=f"text-{before}-{words}", sender=number, to="26112", text=words)
    await inbound.receive(cafe.house, cafe.caller.business_id, cafe.caller.slug, incoming, at=cafe.clock.at)
    return (await cafe.texts())[-1].text


async def link(cafe: Cafe) -> str:
    """Buy two flat whites, and ask for the page by text."""
    await buys(cafe.house, cafe.caller, flat_whites("ingrid-1"))
    found = re.search(r"http://cafe\.example(/m/\w+)", await text(cafe, "SIDE"))
    assert found
    return found[1]


async def reading(cafe: Cafe) -> str:
    """Make a link that only reads, as a till's receipt has it."""
    bought = await buys(cafe.house, cafe.caller, flat_whites("ingrid-1"))
    token, row = visits.new_link(
        cafe.caller.business_id, bought.member.id, origin="till", at=to_micros(cafe.clock.at), reach="read"
    )
    await cafe.house.database.write_transaction(lambda transaction: visits.keep(transaction, row))
    return f"/m/{token}"


async def test_a_text_opens_the_page(cafe: Cafe) -> None:
    await buys(cafe.house, cafe.caller, flat_whites("ingrid-1"))

    for word in ("PAGE", "side", "Sida!", "SIVU", "min side"):
        assert "http://cafe.example/m/" in await text(cafe, word)


async def test_the_page_has_the_link_for_a_friend_where_the_programme_thanks_for_one(cafe: Cafe) -> None:
    without = await cafe.browser.get(f"{await link(cafe)}?lang=en")
    await publish(cafe.house, cafe.caller, programme(more=WORDINGS + REFERRAL), at=MONDAY)
    own = await cafe.browser.get(f"{await link(cafe)}?lang=en")

    assert "Bring a friend" not in without.text
    [friends] = re.findall(r'href="http://cafe\.example(/r/\w+)"', own.text)
    assert (await cafe.browser.get(friends)).status_code == 303


async def test_a_stranger_gets_no_page(cafe: Cafe) -> None:
    assert "/m/" not in await text(cafe, "SIDE", "+4799900999")


async def test_the_page_says_what_one_has_and_why(cafe: Cafe) -> None:
    page = await cafe.browser.get(f"{await link(cafe)}?lang=nb")

    assert page.status_code == 200
    assert re.findall(r'class="figure">(.*?)<', page.text) == ["14", "2"]
    assert "1 poeng per 10 kr på 98 kr" in page.text
    assert "23. november 2026" in page.text


async def test_the_page_is_there_in_every_language(cafe: Cafe) -> None:
    path = await link(cafe)

    for language in LANGUAGES:
        page = await cafe.browser.get(f"{path}?lang={language}")
        assert page.status_code == 200
        assert f'<html lang="{language}">' in page.text


async def test_a_link_is_over_after_half_an_hour(cafe: Cafe) -> None:
    path = await link(cafe)

    cafe.clock.at += timedelta(minutes=visits.MINUTES)

    over = await cafe.browser.get(path)
    assert over.status_code == 404
    assert "poeng" not in over.text


async def test_a_link_that_was_never_made_opens_nothing(cafe: Cafe) -> None:
    for token in ("x", "0" * 33, "z" * 33, "%C3%A6" * 11, "a" * 5000):
        assert (await cafe.browser.get(f"/m/{token}")).status_code == 404


async def test_closing_ends_every_link(cafe: Cafe) -> None:
    path = await link(cafe)
    page = await cafe.browser.get(path)

    assert (await cafe.fill_in(page, "close")).status_code == 200

    assert (await cafe.browser.get(path)).status_code == 404


async def test_a_switch_gives_and_takes_back_a_consent_in_its_words(cafe: Cafe) -> None:
    path = await link(cafe)
    page = await cafe.browser.get(f"{path}?lang=en")
    assert "Do you want offers by text?" in page.text

    for turn, decision, holds in (("on", "given", True), ("off", "withdrawn", False)):
        switched = await cafe.fill_in(page, "consent", turn=turn, channel="", wording="till-2026-01")
        assert switched.status_code == 303
        [[member]] = await cafe.house.database.fetch("SELECT id FROM members")
        kept = await consenting.consents_of(cafe.house, cafe.caller, member, at=cafe.clock.at)
        assert (kept.items[0].decision, kept.items[0].source) == (decision, "page")
        assert [one.holds for one in kept.current if one.purpose == "marketing"] == [holds]
        cafe.clock.forward(seconds=1)

    page = await cafe.browser.get(f"{path}?lang=en")
    assert "Taken back" in page.text
    assert "on a page" in page.text


async def test_texts_are_stopped_and_opened_again_by_a_switch(cafe: Cafe) -> None:
    path = await link(cafe)

    for turn, shown in (("off", "false"), ("on", "true")):
        page = await cafe.browser.get(f"{path}?lang=en")
        await cafe.fill_in(page, "consent", turn=turn, channel="sms")
        cafe.clock.forward(seconds=1)
        page = await cafe.browser.get(f"{path}?lang=en")
        assert f'aria-checked="{shown}" aria-labelledby="line-1"' in page.text


async def test_a_link_that_only_reads_changes_nothing_and_shows_no_data(cafe: Cafe) -> None:
    path = await reading(cafe)
    page = await cafe.browser.get(f"{path}?lang=en")

    assert "point" in page.text
    assert "<form" not in page.text
    [[visit]] = await cafe.house.database.fetch("SELECT token_hash FROM page_links")
    assert visit not in page.text
    opened = await visits.opened(cafe.house, path.rpartition("/")[2], at=to_micros(cafe.clock.at))
    proof = visits.form_proof(cafe.house, opened)
    for action in ACTIONS:
        refused = await cafe.browser.post(f"{path}/{action}", data={"proof": proof, "sure": "yes", "turn": "on"})
        assert refused.status_code == 403


async def test_nothing_changes_without_the_proof_of_our_own_form(cafe: Cafe) -> None:
    path = await link(cafe)

    for action in ACTIONS:
        refused = await cafe.browser.post(f"{path}/{action}", data={"proof": "0" * 32, "sure": "yes", "turn": "on"})
        foreign = await cafe.browser.post(f"{path}/{action}", data={}, headers={"sec-fetch-site": "cross-site"})
        assert refused.status_code == foreign.status_code == 403
    assert (await cafe.browser.get(path)).status_code == 200


async def test_a_member_corrects_what_we_know(cafe: Cafe) -> None:
    path = await link(cafe)
    page = await cafe.browser.get(path)

    saved = await cafe.fill_in(page, "details", name="Ingrid <b>", birthday="1990-05-17", language="sv")

    assert saved.status_code == 303
    page = await cafe.browser.get(path)
    assert "Hej, Ingrid &lt;b&gt;" in page.text
    assert 'value="1990-05-17"' in page.text


async def test_another_number_is_theirs_once_its_code_is_said_back(cafe: Cafe) -> None:
    page = await cafe.browser.get(f"{await link(cafe)}?lang=en")

    asked = await cafe.fill_in(page, "number", number="999 00 204")
    assert "+47 ••• •• 204" in asked.text
    confirmed = await cafe.fill_in(asked, "confirm", code=await cafe.code())

    assert confirmed.status_code == 303
    page = await cafe.browser.get(confirmed.headers["location"])
    assert "+47 ••• •• 204" in page.text


async def test_everything_is_handed_out(cafe: Cafe) -> None:
    page = await cafe.browser.get(await link(cafe))

    taken = await cafe.fill_in(page, "export")

    assert taken.headers["content-type"] == "application/json"
    assert "attachment" in taken.headers["content-disposition"]
    assert taken.json()["tables"]["identifiers"][0]["sealed"] == "+4799900201"
    assert "token_hash" not in taken.text


async def test_leaving_is_asked_for_twice_and_then_done(cafe: Cafe) -> None:
    path = await link(cafe)
    page = await cafe.browser.get(path)

    unsure = await cafe.fill_in(page, "leave")
    assert unsure.status_code == 303
    assert (await cafe.browser.get(path)).status_code == 200
    left = await cafe.fill_in(page, "leave", sure="yes")

    assert left.status_code == 200
    assert (await cafe.browser.get(path)).status_code == 404
    assert await cafe.house.database.fetch("SELECT 1 FROM identifiers") == []


async def test_looking_changes_nothing(cafe: Cafe) -> None:
    path = await link(cafe)
    before = await cafe.house.database.fetch("SELECT count(*) FROM journal")

    for action in ACTIONS:
        assert (await cafe.browser.get(f"{path}/{action}")).status_code in {404, 405}
    await cafe.browser.get(path)

    assert await cafe.house.database.fetch("SELECT count(*) FROM journal") == before


async def test_a_page_holds_no_script_and_asks_no_other_host(cafe: Cafe) -> None:
    for path in (f"{await link(cafe)}", "/j/corner-cafe", "/j/corner-cafe/poster", "/j/nowhere"):
        page = await cafe.browser.get(path)
        policy = page.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'self'")
        assert "unsafe" not in policy
        assert "<script" not in page.text
        assert "style=" not in page.text
        for address in re.findall(r'(?:src|href|action)="([^"]+)"', page.text):
            assert address.startswith(("/", "?", "#")), address
        assert page.headers["referrer-policy"] == "no-referrer"


async def test_one_business_does_not_open_the_others_pages(cafe: Cafe) -> None:
    path = await link(cafe)
    token = path.rpartition("/")[2]
    neighbour, _ = visits.new_link(4711, "mem_x", origin="text", at=0)

    assert (await cafe.browser.get(f"/m/{neighbour[:11]}{token[11:]}")).status_code == 404
    assert INGRID not in (await cafe.browser.get(path)).text
