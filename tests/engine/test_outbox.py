"""Messages wait in the box, leave once through the gate, and come back when a gateway is in trouble."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from loyalty_engine.businesses import Caller
from loyalty_engine.house import House
from loyalty_engine.instants import to_micros
from loyalty_engine.messages import sending
from loyalty_engine.messages.carrying import Leaving, NotCarried, Receipt
from loyalty_engine.upkeep import keep_up
from tests.engine.post import Hand, became, note, post_goes, put, put_to_stranger
from tests.engine.shop import INGRID, MONDAY, buys, flat_whites, open_shop, programme, publish

pytestmark = pytest.mark.anyio

PER_DAY = '\n[messages]\ncountries = ["NO", "SE"]\nper_day = 3\nper_day_to.NO = 2\n'
GERMAN = "+49 1511 2345678"


@pytest.fixture
def hand(house: House) -> Hand:
    taken = Hand()
    house.carrier_of = lambda _, __: taken
    return taken


@pytest.fixture
async def ingrid(house: House, cafe: Caller) -> str:
    return (await buys(house, cafe, flat_whites("1"))).member.id


async def test_a_message_goes_to_the_members_number_once(house: House, cafe: Caller, ingrid: str, hand: Hand) -> None:
    row = await put(house, cafe, ingrid, note(text="Du har 9 poeng."), MONDAY)

    await post_goes(house, MONDAY)
    await post_goes(house, MONDAY, hours=1)

    assert [(one.to, one.text, one.country) for one in hand.asked] == [("+4799900201", "Du har 9 poeng.", "NO")]
    assert await became(house, row) == ("sent", None)


async def test_nothing_personal_lies_in_the_box(house: House, cafe: Caller, ingrid: str) -> None:
    await put(house, cafe, ingrid, note(text="Du har 9 poeng, Ingrid."), MONDAY)
    await put_to_stranger(house, cafe, "999 00 203", note("answer", text="Hvem er du?"), MONDAY)

    rows = repr(await house.database.fetch("SELECT * FROM messages"))

    assert not any(told in rows for told in ("poeng", "Ingrid", "Hvem", "99900201", "99900203"))


async def test_the_same_cause_is_answered_once(house: House, cafe: Caller, ingrid: str, hand: Hand) -> None:
    rows = [await put(house, cafe, ingrid, note("answer", once="reply:SM1"), MONDAY) for _ in range(3)]
    await post_goes(house, MONDAY)

    assert [row is not None for row in rows] == [True, False, False]
    assert len(hand.asked) == 1


async def test_eight_postmen_at_once_send_a_message_once(house: House, cafe: Caller, ingrid: str, hand: Hand) -> None:
    for number in range(5):
        await put(house, cafe, ingrid, note("answer", text=str(number)), MONDAY)

    await asyncio.gather(*(post_goes(house, MONDAY) for _ in range(8)))

    assert sorted(one.text for one in hand.asked) == ["0", "1", "2", "3", "4"]


async def test_a_gateway_in_trouble_is_tried_again_a_little_later_each_time(
    house: House, cafe: Caller, ingrid: str
) -> None:
    hand = Hand(NotCarried("queue full"), OSError("cut"))
    house.carrier_of = lambda _, __: hand
    row = await put(house, cafe, ingrid, note(), MONDAY)

    await post_goes(house, MONDAY)
    first = await became(house, row)
    await post_goes(house, MONDAY, seconds=5)
    await post_goes(house, MONDAY, seconds=25)
    second = await became(house, row)
    await post_goes(house, MONDAY, minutes=3)

    assert (first, second) == (("queued", "queue full"), ("queued", "OSError"))
    assert await became(house, row) == ("sent", None)
    assert [one.id for one in hand.asked] == [row.id if row else ""] * 3


async def test_what_no_gateway_takes_ends_among_the_dead_letters_and_can_be_sent_again(
    house: House, cafe: Caller, ingrid: str
) -> None:
    hand = Hand(*[NotCarried("no route")] * 10)
    house.carrier_of = lambda _, __: hand
    row = await put(house, cafe, ingrid, note(), MONDAY)
    assert row is not None

    for hour in range(24):
        await post_goes(house, MONDAY, hours=2 * hour)
    dead = await became(house, row)
    week = MONDAY + timedelta(days=7)
    again = await sending.send_again(house, cafe.business_id, row.id, at=to_micros(week))
    await post_goes(house, week)

    assert dead == ("dead", "no route")
    assert again
    assert await became(house, row) == ("sent", None)


async def test_what_a_gateway_refuses_for_good_is_not_tried_again(house: House, cafe: Caller, ingrid: str) -> None:
    hand = Hand(NotCarried("unknown subscriber", again=False))
    house.carrier_of = lambda _, __: hand
    row = await put(house, cafe, ingrid, note(), MONDAY)

    await post_goes(house, MONDAY)
    await post_goes(house, MONDAY, days=1)

    assert len(hand.asked) == 1
    assert await became(house, row) == ("failed", "unknown subscriber")


async def test_a_postman_who_died_on_the_way_is_followed_by_another_under_the_same_id(
    house: House, cafe: Caller, ingrid: str
) -> None:
    class Dying(Hand):
        async def send(self, message: Leaving) -> Receipt:
            if not self.asked:
                self.asked.append(message)
                raise asyncio.CancelledError
            return await super().send(message)

    hand = Dying()
    house.carrier_of = lambda _, __: hand
    row = await put(house, cafe, ingrid, note(), MONDAY)

    with pytest.raises(asyncio.CancelledError):
        await post_goes(house, MONDAY)
    await post_goes(house, MONDAY, seconds=60)
    waiting = len(hand.asked)
    await post_goes(house, MONDAY, seconds=121)

    assert waiting == 1
    assert [one.id for one in hand.asked] == [row.id if row else ""] * 2
    assert await became(house, row) == ("sent", None)


async def test_a_report_tells_what_became_of_a_message(house: House, cafe: Caller, ingrid: str, hand: Hand) -> None:
    row = await put(house, cafe, ingrid, note(), MONDAY)
    await post_goes(house, MONDAY)
    assert row is not None
    at = to_micros(MONDAY)

    known = await sending.reported(house, cafe.business_id, f"gw-{row.id}", "delivered", at=at)
    unknown = await sending.reported(house, cafe.business_id, "gw-nothing", "delivered", at=at)
    next_door = await sending.reported(house, 7, f"gw-{row.id}", "failed", at=at)

    assert (known, unknown, next_door) == (True, False, False)
    assert await became(house, row) == ("delivered", None)


async def test_advertising_without_consent_stays(house: House, cafe: Caller, ingrid: str, hand: Hand) -> None:
    row = await put(house, cafe, ingrid, note("marketing.sms", text="Halv pris!"), MONDAY)

    await post_goes(house, MONDAY)

    assert hand.asked == []
    assert await became(house, row) == ("refused", "no_consent")


async def test_an_answer_that_comes_too_late_is_not_sent(house: House, cafe: Caller, ingrid: str, hand: Hand) -> None:
    row = await put(house, cafe, ingrid, note("code", text="123 456"), MONDAY)

    await post_goes(house, MONDAY, minutes=16)

    assert await became(house, row) == ("refused", "too_late")
    assert hand.asked == []


async def test_a_stranger_gets_one_answer_a_minute_and_few_in_all_and_is_forgotten(
    house: House, cafe: Caller, hand: Hand
) -> None:
    rows = []
    for minute in range(8):
        at = MONDAY + timedelta(minutes=2 * minute)
        rows += [await put_to_stranger(house, cafe, "999 00 203", note("answer"), at) for _ in range(2)]
        await post_goes(house, at)

    assert len(hand.asked) == 5
    assert {(await became(house, row))[1] for row in rows} == {None, "too_many_to_number"}
    assert await house.database.fetch("SELECT id FROM messages WHERE wrapped_key IS NOT NULL") == []


async def test_no_text_goes_to_a_country_that_is_not_switched_on(house: House, cafe: Caller, hand: Hand) -> None:
    row = await put_to_stranger(house, cafe, GERMAN, note("answer"), MONDAY)
    await post_goes(house, MONDAY)

    assert (hand.asked, await became(house, row)) == ([], ("refused", "country_not_allowed"))


async def test_the_budget_of_a_day_is_a_hard_stop_for_each_country_and_in_all(house: House) -> None:
    cafe = await open_shop(house, source=programme() + PER_DAY)
    hand = Hand()
    house.carrier_of = lambda _, __: hand
    numbers = [f"999 00 2{n:02}" for n in range(4)] + [f"+46 70 174 06 {n:02}" for n in range(5, 8)]
    rows = [await put_to_stranger(house, cafe, number, note("answer"), MONDAY) for number in numbers]

    for _ in range(3):
        await post_goes(house, MONDAY)

    reasons = [await became(house, row) for row in rows]
    assert len(hand.asked) <= 3
    assert sum(one.country == "NO" for one in hand.asked) <= 2
    assert {reason for _, reason in reasons} - {None} <= {"over_budget", "over_country_budget", "country_not_allowed"}


async def test_the_postman_goes_while_the_house_is_kept_up(house: House, cafe: Caller, ingrid: str, hand: Hand) -> None:
    await put(house, cafe, ingrid, note(), MONDAY)

    rounds = asyncio.create_task(keep_up(house, lambda: MONDAY))
    while not hand.taken:  # noqa: ASYNC110  # the round is what is waited for
        await asyncio.sleep(0.01)
    rounds.cancel()
    await asyncio.gather(rounds, return_exceptions=True)

    assert len(hand.asked) == 1


async def test_who_was_erased_gets_nothing_more(house: House, cafe: Caller, ingrid: str, hand: Hand) -> None:
    row = await put(house, cafe, ingrid, note(), MONDAY)
    await house.database.write_transaction(
        lambda tx: tx.fetch("UPDATE members SET wrapped_key = '' WHERE id = $1", ingrid)
    )

    await post_goes(house, MONDAY)

    assert (hand.asked, await became(house, row)) == ([], ("refused", "erased"))


async def test_a_new_programme_takes_effect_on_what_waits(house: House, cafe: Caller, hand: Hand) -> None:
    row = await put_to_stranger(house, cafe, GERMAN, note("answer"), MONDAY)
    await publish(house, cafe, programme() + '\n[messages]\ncountries = ["NO", "DE"]\n', at=MONDAY)

    await post_goes(house, MONDAY)

    assert await became(house, row) == ("sent", None)


def test_a_leaving_message_prints_no_number() -> None:
    message = Leaving(
        id="msg_1", business_id=1, channel="sms", purpose="answer", to=INGRID, text="Du har 9 poeng.", language="nb"
    )

    assert INGRID not in repr(message)
    assert "poeng" not in repr(message)
