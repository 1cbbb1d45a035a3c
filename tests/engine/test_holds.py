"""Something is set aside at the till, and ends in exactly one way; what needs a code gets one, and five tries."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from loyalty_engine.businesses import Caller
from loyalty_engine.errors import InsufficientBalance, LoyaltyError
from loyalty_engine.house import House
from loyalty_engine.messages import outbox
from loyalty_engine.redemption import holding, holds
from loyalty_engine.redemption.commands import CaptureHold, PlaceHold, ReleaseHold
from loyalty_engine.redemption.errors import (
    CodeUsedUp,
    CodeWrong,
    HoldClosed,
    HoldUnknown,
    PerkUsedUp,
    StepUpRequired,
    VoucherUsed,
)
from loyalty_engine.redemption.hold_answers import HoldShown
from tests.engine.counter import bun, off, open_counter, spends, with_units
from tests.engine.shop import INGRID, MONDAY, OLAV, broken, buys, flat_whites, has, returns, sees, ticket

pytestmark = pytest.mark.anyio


@pytest.fixture
async def cafe(house: House) -> Caller:
    return await open_counter(house)


async def sets_aside(
    house: House, cafe: Caller, *, at: datetime = MONDAY, key: str | None = None, **what: Any
) -> HoldShown:
    command = msgspec.convert({"member": {"phone": INGRID}} | what, PlaceHold)
    return msgspec.json.decode((await holds.place(house, cafe, command, ticket(key, at))).body, type=HoldShown)


async def captures(
    house: House, cafe: Caller, hold: str, *, at: datetime = MONDAY, key: str | None = None, **what: Any
) -> HoldShown:
    command = msgspec.convert(what, CaptureHold)
    return msgspec.json.decode((await holds.capture(house, cafe, hold, command, ticket(key, at))).body, type=HoldShown)


async def lets_go(house: House, cafe: Caller, hold: str, *, at: datetime = MONDAY) -> HoldShown:
    answer = await holds.release(house, cafe.business_id, hold, ReleaseHold(), ticket(at=at))
    return msgspec.json.decode(answer.body, type=HoldShown)


async def aside(house: House, cafe: Caller, unit: str, *, at: datetime = MONDAY) -> tuple[int, int]:
    """Give what can be spent of a unit and what is set aside."""
    balance = next(one for one in (await sees(house, cafe, at=at)).balances if one.unit == unit)
    return balance.available, balance.held


async def sent(house: House, cafe: Caller, member: str) -> str:
    """Give the words of the newest message to a member, as the member reads them."""
    [row, *_] = await house.database.fetch(
        f"SELECT {outbox.COLUMNS} FROM messages WHERE business_id = $1 ORDER BY queued_at DESC, id DESC",
        cafe.business_id,
    )
    [[key]] = await house.database.fetch("SELECT wrapped_key FROM members WHERE id = $1", member)
    return outbox.words_of(house, outbox.MessageRow(*row), key).text


async def test_units_are_set_aside_and_captured_in_part(house: House, cafe: Caller) -> None:
    await with_units(house, cafe, kroner=50)

    hold = await sets_aside(house, cafe, unit="kroner", amount=30)
    during = await aside(house, cafe, "kroner")
    done = await captures(house, cafe, hold.id, amount=20)

    assert (hold.status, during) == ("active", (20, 30))
    assert (done.status, done.captured) == ("captured", 20)
    assert await aside(house, cafe, "kroner") == (30, 0)
    with pytest.raises(HoldClosed) as closed:
        await lets_go(house, cafe, hold.id)
    assert closed.value.facts == {"status": "captured"}
    assert await broken(house) == []


async def test_goods_that_come_back_may_leave_less_than_is_set_aside(house: House, cafe: Caller) -> None:
    bought = await buys(house, cafe, flat_whites("1", 11))
    await sets_aside(house, cafe, unit="kroner", amount=3)

    await returns(house, cafe, bought.id, "R1", full=True)

    assert await aside(house, cafe, "kroner") == (0, 3)
    assert await broken(house) == []


async def test_a_hold_lapses_at_its_deadline_though_no_job_has_run(house: House, cafe: Caller) -> None:
    await with_units(house, cafe, kroner=30)
    hold = await sets_aside(house, cafe, unit="kroner", amount=30, ttl_seconds=60)
    just, after = MONDAY + timedelta(seconds=59), MONDAY + timedelta(seconds=60)

    assert await aside(house, cafe, "kroner", at=just) == (0, 30)
    assert await aside(house, cafe, "kroner", at=after) == (30, 0)
    assert (await holding.read_hold(house, cafe, hold.id, at=after)).status == "lapsed"
    with pytest.raises(HoldClosed):
        await captures(house, cafe, hold.id, at=after)
    bought = await buys(house, cafe, spends("1", {"unit": "kroner", "amount": 30}), at=after)
    assert off(bought) == [("kroner", 3000)]
    assert await broken(house) == []


async def test_upkeep_books_what_has_lapsed_once(house: House, cafe: Caller) -> None:
    await with_units(house, cafe, kroner=30, stamps=10)
    await sets_aside(house, cafe, unit="kroner", amount=30, ttl_seconds=60)
    await sets_aside(house, cafe, perk="free-coffee", ttl_seconds=60)
    later = MONDAY + timedelta(minutes=5)

    rounds = [await holding.lapse(house, at=later) for _ in range(3)]

    assert rounds == [2, 0, 0]
    assert await house.database.fetch("SELECT 1 FROM accounts WHERE held <> 0") == []
    assert await broken(house) == []


async def test_a_hold_on_a_perk_or_a_voucher_is_redeemed_in_the_purchase(house: House, cafe: Caller) -> None:
    [voucher] = (await buys(house, cafe, flat_whites("1", 11))).vouchers
    perk = await sets_aside(house, cafe, perk="free-coffee")
    held = await sets_aside(house, cafe, voucher=voucher.code)

    with pytest.raises(VoucherUsed):
        await buys(house, cafe, spends("2", {"voucher": voucher.code}))
    bought = await buys(house, cafe, spends("3", {"hold": perk.id}, {"hold": held.id}))

    assert off(bought) == [("free-coffee", 4900), ("fifty-off", 4900)]
    assert bought.to_pay_minor == 0
    assert {(await holding.read_hold(house, cafe, one, at=MONDAY)).status for one in (perk.id, held.id)} == {"captured"}
    assert await broken(house) == []


async def test_a_released_perk_may_be_had_again(house: House, cafe: Caller) -> None:
    await with_units(house, cafe, points=20)
    hold = await sets_aside(house, cafe, perk="once-a-month")
    with pytest.raises(PerkUsedUp):
        await sets_aside(house, cafe, perk="once-a-month")

    await lets_go(house, cafe, hold.id)
    bought = await buys(house, cafe, bun("1", redeem=[{"perk": "once-a-month"}]))

    assert off(bought) == [("once-a-month", 3000)]
    assert await broken(house) == []


async def test_more_than_there_is_cannot_be_set_aside_and_others_holds_are_not_found(
    house: House, cafe: Caller
) -> None:
    await with_units(house, cafe, kroner=30)
    await with_units(house, cafe, phone=OLAV, kroner=1)
    hold = await sets_aside(house, cafe, unit="kroner", amount=20)
    bookshop = await open_counter(house, "bookshop")

    with pytest.raises(InsufficientBalance) as refused:
        await sets_aside(house, cafe, unit="kroner", amount=11)
    with pytest.raises(HoldUnknown):
        await captures(house, bookshop, hold.id)
    with pytest.raises(HoldUnknown):
        await buys(house, cafe, spends("1", {"hold": hold.id}, member={"phone": OLAV}))

    assert refused.value.facts == {"unit": "kroner", "needed": 11, "available": 10}


STEP_UP = 'step_up = { above = { kroner = 100 }, new_location = true, dormant = "90 days" }'


async def test_above_the_threshold_a_code_is_sent_and_capture_wants_it(house: House) -> None:
    cafe = await open_counter(house, about=STEP_UP)
    member = await with_units(house, cafe, kroner=200)

    with pytest.raises(StepUpRequired):
        await buys(house, cafe, spends("1", {"unit": "kroner", "amount": 101}))
    hold = await sets_aside(house, cafe, unit="kroner", amount=101, location="grunerlokka")
    text = await sent(house, cafe, member)
    [code] = re.findall(r"Kode: (\d{6})", text)
    with pytest.raises(StepUpRequired):
        await captures(house, cafe, hold.id)
    done = await captures(house, cafe, hold.id, code=code)

    assert hold.step_up == "required"
    assert text.startswith("Corner Café: 101 kroner løses inn. Kode: ")
    assert done.captured == 101
    assert [row for row in await house.database.fetch("SELECT * FROM holds") if code in map(str, row)] == []
    assert await broken(house) == []


async def test_a_code_is_tried_five_times_and_no_more(house: House) -> None:
    cafe = await open_counter(house, about=STEP_UP)
    member = await with_units(house, cafe, kroner=200)
    hold = await sets_aside(house, cafe, unit="kroner", amount=101, location="grunerlokka")
    [code] = re.findall(r"Kode: (\d{6})", await sent(house, cafe, member))
    wrong = f"{(int(code) + 1) % 10**6:06}"

    for left in (4, 3):
        with pytest.raises(CodeWrong) as refused:
            await captures(house, cafe, hold.id, code=wrong)
        assert refused.value.facts == {"tries_left": left}
    with pytest.raises(CodeWrong):
        await captures(house, cafe, hold.id, code=wrong, key="the same again")
    with pytest.raises(CodeWrong):
        await captures(house, cafe, hold.id, code=wrong, key="the same again")
    for _ in range(2):
        with pytest.raises(CodeWrong):
            await buys(house, cafe, spends("1", {"hold": hold.id, "code": wrong}))
    with pytest.raises(CodeUsedUp):
        await captures(house, cafe, hold.id, code=code)


async def test_a_code_is_good_for_ten_minutes(house: House) -> None:
    cafe = await open_counter(house, about=STEP_UP)
    member = await with_units(house, cafe, kroner=200)
    hold = await sets_aside(house, cafe, unit="kroner", amount=101, location="grunerlokka")
    [code] = re.findall(r"Kode: (\d{6})", await sent(house, cafe, member))

    with pytest.raises(CodeUsedUp):
        await captures(house, cafe, hold.id, code=code, at=MONDAY + timedelta(minutes=10))


@pytest.mark.parametrize(
    ("location", "days", "wanted"),
    [("grunerlokka", 0, None), ("airport", 0, "required"), ("grunerlokka", 91, "required")],
)
async def test_a_new_location_or_a_long_absence_takes_a_code(
    house: House, location: str, days: int, wanted: str | None
) -> None:
    cafe = await open_counter(house, about=STEP_UP)
    await with_units(house, cafe, kroner=5)

    hold = await sets_aside(house, cafe, unit="kroner", amount=5, location=location, at=MONDAY + timedelta(days=days))

    assert hold.step_up == wanted


async def test_that_was_not_me_undoes_a_hold_until_it_is_captured(house: House, cafe: Caller) -> None:
    member = await with_units(house, cafe, kroner=30)
    hold = await sets_aside(house, cafe, unit="kroner", amount=30)
    [token] = re.findall(rf"Ikke deg\? Svar IKKE MEG\. {hold.id}\.(\S+)$", await sent(house, cafe, member))

    for wrong in ("x" * 22,):
        with pytest.raises(HoldUnknown):
            await holds.release(house, cafe.business_id, hold.id, ReleaseHold(), ticket(), token=wrong)
    await holds.release(house, cafe.business_id, hold.id, ReleaseHold(), ticket(), token=token)

    assert await aside(house, cafe, "kroner") == (30, 0)
    with pytest.raises(LoyaltyError):
        await captures(house, cafe, hold.id)
    assert has(await sees(house, cafe), "kroner") == 30
