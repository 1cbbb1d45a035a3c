"""Spending at the till: what perks take off, what they cost, and everything that is refused, in the order it is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from loyalty_engine.businesses import Caller
from loyalty_engine.errors import BodyInvalid, InsufficientBalance, LoyaltyError, UnitUnknown
from loyalty_engine.house import House
from loyalty_engine.redemption.errors import (
    PerkAllGone,
    PerkGivesNothing,
    PerkNotForTier,
    PerkNotNow,
    PerkOnlyGranted,
    PerkUnknown,
    PerkUsedUp,
    UnitPaysNothing,
    VoucherExpired,
    VoucherUnknown,
    VoucherUsed,
)
from tests.engine.counter import asks, bun, off, open_counter, spends, with_units
from tests.engine.shop import INGRID, MONDAY, OLAV, broken, buys, flat_whites, has, sees

pytestmark = pytest.mark.anyio


@pytest.fixture
async def cafe(house: House) -> Caller:
    return await open_counter(house)


async def test_the_eleventh_coffee_is_free_and_earns_nothing(house: House, cafe: Caller) -> None:
    await with_units(house, cafe, stamps=10, points=0)

    bought = await buys(house, cafe, spends("1", {"perk": "free-coffee"}))

    assert off(bought) == [("free-coffee", 4900)]
    assert bought.to_pay_minor == 4900
    # Of two flat whites one was paid for: one stamp, and 4 points of 49 kr, and 5 more of the morning.
    assert [(award.rule, award.amount) for award in bought.awards] == [
        ("base", 4), ("coffee-stamp", 1), ("five-per-cent", 2),
    ]  # fmt: skip
    assert has(bought, "stamps") == 1
    assert bought.receipt_text[:2] == ("En gratis kaffe: -49 kr", "-9 stempler (saldo 1)")
    assert await broken(house) == []


async def test_what_a_perk_paid_earns_where_the_programme_says_so(house: House) -> None:
    cafe = await open_counter(house, about="perks_earn = true")
    await with_units(house, cafe, stamps=10)

    bought = await buys(house, cafe, spends("1", {"perk": "free-coffee"}))

    assert bought.to_pay_minor == 4900
    assert sum(award.amount for award in bought.awards if award.unit == "stamps") == 2
    assert await broken(house) == []


async def test_a_purchase_that_cannot_be_paid_for_keeps_nothing(house: House, cafe: Caller) -> None:
    await with_units(house, cafe, stamps=9)

    with pytest.raises(InsufficientBalance) as refused:
        await buys(house, cafe, spends("1", {"perk": "free-coffee"}), key="till-1")
    with pytest.raises(InsufficientBalance) as again:
        await buys(house, cafe, spends("1", {"perk": "free-coffee"}), key="till-1")

    assert refused.value.facts == {"unit": "stamps", "needed": 10, "available": 9}
    assert again.value.hit
    assert has(await sees(house, cafe), "stamps") == 9
    assert (await buys(house, cafe, spends("1"))).receipt_text
    assert await broken(house) == []


async def test_units_pay_like_money_as_far_as_the_basket_goes(house: House, cafe: Caller) -> None:
    await with_units(house, cafe, kroner=60)

    bought = await buys(house, cafe, spends("1", {"unit": "kroner", "amount": 60}, quantity=1))

    assert off(bought) == [("kroner", 4900)]
    assert (bought.to_pay_minor, has(bought, "kroner")) == (0, 11)
    assert await broken(house) == []


async def test_lots_are_spent_earliest_expiry_first(house: House, cafe: Caller) -> None:
    await with_units(house, cafe, kroner=5)
    await buys(house, cafe, flat_whites("2", 4), at=MONDAY + timedelta(days=40))

    await buys(house, cafe, spends("3", {"unit": "kroner", "amount": 8}), at=MONDAY + timedelta(days=41))

    lots = await house.database.fetch(
        "SELECT amount, remaining FROM lots WHERE unit = 'kroner' ORDER BY expires_at, recorded_at, id"
    )
    assert [tuple(row) for row in lots][:3] == [(1, 0), (4, 0), (9, 6)]
    assert await broken(house) == []


async def test_a_rule_grants_a_voucher_and_the_next_purchase_redeems_it(house: House, cafe: Caller) -> None:
    granted = await buys(house, cafe, flat_whites("1", 11))
    [voucher] = granted.vouchers

    typed = voucher.code.lower().replace("-", " ")
    bought = await buys(house, cafe, spends("2", {"voucher": typed}))

    assert voucher.says == "50 kr av"
    assert voucher.expires_at == "2026-12-23T09:30:00Z"
    assert set(voucher.code) - set("23456789ABCDEFGHJKLMNPQRSTUVWXYZ-") == set()
    assert off(bought) == [("fifty-off", 5000)]
    assert bought.to_pay_minor == 4800
    with pytest.raises(VoucherUsed):
        await buys(house, cafe, spends("3", {"voucher": voucher.code}))
    assert await broken(house) == []


async def test_a_quote_says_what_could_be_had_and_what_is_nearly_reached(house: House, cafe: Caller) -> None:
    await with_units(house, cafe, stamps=8, points=20)

    quoted = await asks(house, cafe, spends("1"))

    offered = {offer.perk: (offer.affordable, offer.discount_minor) for offer in quoted.perks}
    assert offered == {"free-coffee": (False, 4900), "tenth-off": (True, 980), "first-ten": (True, 0)}
    assert [nudge.text for nudge in quoted.nudges] == ["2 stempler til en gratis kaffe"]


async def test_a_look_up_shows_perks_vouchers_and_nudges(house: House, cafe: Caller) -> None:
    await buys(house, cafe, flat_whites("1", 11))

    seen = await sees(house, cafe)

    assert {offer.perk for offer in seen.perks if offer.affordable} == {
        "free-coffee", "tenth-off", "once-a-month", "first-ten",
    }  # fmt: skip
    assert [(voucher.perk, voucher.state) for voucher in seen.vouchers] == [("fifty-off", "issued")]
    assert seen.nudges == ()


async def test_a_look_up_does_not_offer_what_has_been_had_as_often_as_it_may(house: House, cafe: Caller) -> None:
    await with_units(house, cafe, points=20)
    before = {offer.perk for offer in (await sees(house, cafe)).perks}

    await buys(house, cafe, bun("1", redeem=[{"perk": "once-a-month"}]))

    assert before - {offer.perk for offer in (await sees(house, cafe)).perks} == {"once-a-month"}


Many = list[dict[str, Any]]

# What is refused, in order of precedence: each of these baskets has every mistake from its own row on.
REFUSALS: list[tuple[Many, type[LoyaltyError], str]] = [
    ([{"perk": "free-coffee", "voucher": "K7QF-2MXP"}], BodyInvalid, "/redeem/0"),
    ([{"unit": "points"}], BodyInvalid, "/redeem/0"),
    ([{"perk": "free-coffee", "code": "123456"}], BodyInvalid, "/redeem/0"),
    ([{"perk": "advent"}, {}], BodyInvalid, "/redeem/1"),
    ([{"voucher": "K7QF-2MXP"}, {"voucher": "K7QF-2MXP"}], BodyInvalid, "/redeem/1/voucher"),
    ([{"perk": "free-cofee"}, {"perk": "advent"}], PerkUnknown, "/redeem/0/perk"),
    ([{"perk": "fifty-off"}, {"perk": "free-cofee"}], PerkOnlyGranted, "/redeem/0/perk"),
    ([{"perk": "advent"}, {"perk": "gold-cake"}], PerkNotNow, "/redeem/0/perk"),
    ([{"perk": "gold-cake"}, {"perk": "free-cofee"}], PerkNotForTier, "/redeem/0/perk"),
    ([{"perk": "once-a-month"}, {"perk": "once-a-month"}], PerkUsedUp, "/redeem/1/perk"),
    ([{"perk": "first-ten"}] * 11, PerkAllGone, "/redeem/10/perk"),
    ([{"voucher": "K7QF-2MXP"}, {"unit": "beans", "amount": 1}], VoucherUnknown, "/redeem/0/voucher"),
    ([{"unit": "beans", "amount": 1}, {"unit": "points", "amount": 1}], UnitUnknown, "/redeem/0/unit"),
    ([{"unit": "points", "amount": 1}, {"perk": "free-coffee"}], UnitPaysNothing, "/redeem/0/unit"),
    ([{"perk": "free-coffee"}, {"perk": "once-a-month"}], PerkGivesNothing, "/redeem/1"),
    ([{"perk": "free-coffee"}, {"perk": "tenth-off"}], InsufficientBalance, "/redeem/0"),
]


@pytest.mark.parametrize(("redeem", "refusal", "pointer"), REFUSALS)
async def test_what_is_refused_first(
    house: House, cafe: Caller, redeem: Many, refusal: type[LoyaltyError], pointer: str
) -> None:
    member = await with_units(house, cafe, stamps=9, points=0)

    with pytest.raises(refusal) as refused:
        await buys(house, cafe, spends("1", *redeem))

    assert [detail.pointer for detail in refused.value.details] == [pointer]
    for asked in (asks(house, cafe, spends("1", *redeem)),):
        with pytest.raises(refusal):
            await asked
    [[revision]] = await house.database.fetch("SELECT revision FROM members WHERE id = $1", member)
    [[lines]] = await house.database.fetch("SELECT count(*) FROM journal WHERE kind = 'purchase' AND status = 201")
    assert (lines, revision > 0) == (1, True)
    assert await broken(house) == []


async def test_a_voucher_that_ran_out_or_is_somebody_elses_is_refused(house: House, cafe: Caller) -> None:
    [voucher] = (await buys(house, cafe, flat_whites("1", 11))).vouchers
    await buys(house, cafe, bun("2", phone=OLAV))

    with pytest.raises(VoucherUnknown):
        await buys(house, cafe, spends("3", {"voucher": voucher.code}, phone=OLAV))
    with pytest.raises(VoucherExpired):
        await buys(house, cafe, spends("4", {"voucher": voucher.code}), at=MONDAY + timedelta(days=31))
    with pytest.raises(VoucherUnknown):
        await buys(house, cafe, spends("5", {"voucher": voucher.code}, phone="999 00 203"))


async def test_a_perk_once_a_month_can_be_had_again_the_month_after(house: House, cafe: Caller) -> None:
    await with_units(house, cafe, points=20)

    await buys(house, cafe, bun("1", redeem=[{"perk": "once-a-month"}]))
    with pytest.raises(PerkUsedUp):
        await buys(house, cafe, bun("2", redeem=[{"perk": "once-a-month"}]), at=MONDAY + timedelta(days=6))
    later = await buys(house, cafe, bun("3", redeem=[{"perk": "once-a-month"}]), at=MONDAY + timedelta(days=9))

    assert off(later) == [("once-a-month", 3000)]
    assert later.to_pay_minor == 0
    assert await broken(house) == []


async def test_a_newcomer_has_nothing_to_spend(house: House, cafe: Caller) -> None:
    with pytest.raises(InsufficientBalance) as refused:
        await buys(house, cafe, spends("1", {"perk": "free-coffee"}, phone=INGRID))

    assert refused.value.facts["available"] == 0
    assert not (await sees(house, cafe)).known
