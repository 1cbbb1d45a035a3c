"""The ready programmes as a business would test its own: somebody buys, time passes, and the rules answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from loyalty_engine.testing import Clock, line
from loyalty_engine.testing.member import Member
from rules import Event, Programme, Purchase

READY = Path(__file__).parents[2] / "rules" / "examples"
FLAT_WHITE = line("coffee", 4900, sku="FW")
Somebody = Callable[..., Member]
Basket = Callable[..., Purchase]
Happened = Callable[..., Event]


class TestTheCornerCafe:
    @pytest.fixture
    def programme_file(self) -> Path:
        return READY / "corner-cafe.toml"

    def test_ten_coffees_on_ten_days_are_a_free_one(self, member: Somebody, purchase: Basket, clock: Clock) -> None:
        ida = member()

        for _ in range(10):
            ida.buys(purchase(FLAT_WHITE))
            clock.forward("1 day")

        assert ida.balance["stamps"] == 10

    def test_points_can_be_spent_after_the_return_window(
        self, member: Somebody, purchase: Basket, clock: Clock
    ) -> None:
        ida = member()

        ida.buys(purchase(49_000))

        assert ida.balance["points"] == 0
        clock.forward("14 days")
        assert ida.balance["points"] == 49
        clock.forward("12 months")
        assert ida.balance["points"] == 0

    def test_happy_hour_ends_at_four(self, member: Somebody, purchase: Basket, clock: Clock) -> None:
        ida = member()

        clock.at("2026-01-05 15:59")
        assert ida.buys(purchase(12_000))["points"] == 24
        clock.at("16:00")
        late = ida.buys(purchase(12_000))

        assert late["points"] == 12
        assert late.because["happy-hour"] == "the time is 16:00; the rule wants 14:00-16:00"

    def test_gold_members_have_their_weekend_once_a_day(self, member: Somebody, purchase: Basket, clock: Clock) -> None:
        astrid = member(tier="gold")
        clock.at("2026-01-10")

        assert "gold-weekend" in astrid.buys(purchase(FLAT_WHITE)).fired
        assert "gold-weekend" not in astrid.buys(purchase(FLAT_WHITE)).fired
        clock.forward("1 day")
        assert "gold-weekend" in astrid.buys(purchase(FLAT_WHITE)).fired

    def test_nobody_earns_more_than_the_cap_of_the_day(self, member: Somebody, purchase: Basket) -> None:
        ida = member()

        assert ida.buys(purchase(400_000))["points"] == 400
        assert ida.buys(purchase(400_000))["points"] == 100

    def test_a_gift_card_earns_nothing(self, member: Somebody, purchase: Basket) -> None:
        assert member().buys(purchase(line("gift-card", 50_000))).units == {}

    def test_low_marks_open_a_case(self, member: Somebody, event: Happened) -> None:
        assert member().meets(event("feedback", score=2)).effects == {"low-marks": ["open_case", "promise"]}
        assert member().meets(event("feedback", score=3)).fired == ()


class TestTheBookshop:
    @pytest.fixture
    def programme_file(self) -> Path:
        return READY / "bookshop.toml"

    def test_three_different_books_twice_a_month(self, member: Somebody, purchase: Basket, clock: Clock) -> None:
        oliver = member()
        clock.at("2026-03-02")
        three = purchase(*(line("fiction", 9900, sku=f"NOVEL-{n}") for n in range(3)))

        times = ["three-different" in oliver.buys(three).fired for _ in range(3)]

        assert times == [True, True, False]
        clock.at("2026-04-01")
        assert "three-different" in oliver.buys(three).fired

    def test_who_did_not_agree_is_not_written_to(self, member: Somebody, event: Happened, clock: Clock) -> None:
        away = {"usual_interval_days": 20, "last_purchase_at": "2026-01-05"}
        clock.at("2026-03-02")

        assert member(**away).meets(event("overdue")).fired == ()
        assert member(**away, consents=["marketing.sms", "profiling"]).meets(event("overdue")).fired == ("we-miss-you",)


class TestTheFarmShop:
    @pytest.fixture
    def programme_file(self) -> Path:
        return READY / "farm-shop.toml"

    def test_of_two_thanks_the_better_one(self, member: Somebody, purchase: Basket) -> None:
        neighbour = member(tags=["neighbour"])

        thanked = neighbour.buys(purchase(6_000))

        assert "neighbour" in thanked.fired
        assert "big-box" not in thanked.fired

    def test_who_brought_a_friend_is_remembered(self, member: Somebody, event: Happened) -> None:
        ida = member()

        ida.meets(event("referral_qualified"))

        assert ida.facts.tags == ("friend-of-the-farm",)


class TestTheHairdresser:
    @pytest.fixture
    def programme_file(self) -> Path:
        return READY / "hairdresser.toml"

    def test_a_second_visit_on_one_day_is_none(self, member: Somebody, purchase: Basket, clock: Clock) -> None:
        maja = member()
        clock.at("2026-03-06")

        assert maja.buys(purchase(line("cut", 52_000)))["visits"] == 1
        assert maja.buys(purchase(line("colour", 145_000)))["visits"] == 0

    def test_back_within_six_weeks(self, member: Somebody, purchase: Basket, clock: Clock) -> None:
        maja, cut = member(), purchase(line("cut", 52_000))

        assert maja.buys(cut)["points"] == 0
        clock.forward("6 weeks")
        assert maja.buys(cut)["points"] == 15
        clock.forward("7 months")
        assert maja.buys(cut).fired == ("visit", "missed-you")


class TestTheServiceFirm:
    @pytest.fixture
    def programme_file(self) -> Path:
        return READY / "service-firm.toml"

    def test_the_third_service_visit_in_half_a_year(self, member: Somebody, event: Happened, clock: Clock) -> None:
        house = member()
        clock.at("2026-01-05")

        fired = []
        for _ in range(3):
            fired.append(house.meets(event("service_visit")).fired)
            clock.forward("1 month")

        assert fired == [(), (), ("third-visit",)]

    def test_the_filter_course_counts_once(self, member: Somebody, event: Happened) -> None:
        house, course = member(), event("course_done", course="filter-change")

        assert house.meets(course)["credits"] == 3
        assert house.meets(course)["credits"] == 0


class TestWhatATestGetsWrong:
    @pytest.fixture
    def programme_file(self) -> Path:
        return READY / "corner-cafe.toml"

    def test_a_unit_the_programme_does_not_have(self, member: Somebody, purchase: Basket) -> None:
        came = member().buys(purchase(4900))

        with pytest.raises(KeyError, match="no unit 'point', only points, stamps"):
            came["point"]

    @pytest.mark.parametrize(
        ("known", "says"),
        [({"teir": "gold"}, "tier"), ({"tier": "glod"}, "only gold"), ({"balance": {"coins": 1}}, "coins")],
    )
    def test_a_member_the_programme_does_not_know(self, member: Somebody, known: dict[str, str], says: str) -> None:
        with pytest.raises(ValueError, match=says):
            member(**known)

    def test_a_purchase_of_money_and_lines(self, purchase: Basket) -> None:
        with pytest.raises(TypeError, match="either"):
            purchase(4900, FLAT_WHITE)

    def test_the_story_says_why_each_rule_fired_or_did_not(
        self, member: Somebody, purchase: Basket, programme: Programme
    ) -> None:
        told = repr(member().buys(purchase(FLAT_WHITE)))

        assert told.startswith("4 points, 1 stamps\n  base: 4 points (1 point per 10 kr on 49 kr)")
        assert "  not gold-weekend: the member's tier is not known; the rule wants gold" in told
        assert all(rule.id in told for rule in programme.rules if rule.on == "purchase")
