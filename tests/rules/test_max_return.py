"""What a purchase may give back at most: cut in the defined order, so that the bound is true whatever the rules."""

from datetime import UTC, datetime
from fractions import Fraction
from random import Random
from typing import Any

import pytest

from rules import MemberFacts, Programme, Purchase, Share, check, compile_programme
from tests.rules import random_programmes
from tests.rules.corner_cafe import document, read_document

FIVE_OFF = {"id": "five-off", "price": {"unit": "points", "amount": 10}, "gives": {"amount_off_minor": 500}}
BASE = {"id": "base", "then": {"award": {"unit": "points", "amount": 1, "per_minor": 1000}}}
HELLO = {"id": "hello", "then": {"award": {"unit": "points", "amount": 25}}}


def programme_of(
    *rules: dict[str, Any], share: str = "30 %", perks: tuple[dict[str, Any], ...] = (FIVE_OFF,)
) -> Programme:
    programme, findings = read_document(document(*rules, max_return=share) | {"perks": list(perks)})
    assert findings == ()
    return programme


def awarded(programme: Programme, total_minor: int) -> dict[str, int]:
    event = Purchase(occurred_at=datetime(2026, 1, 5, 15, tzinfo=UTC), total_minor=total_minor)
    outcome = compile_programme(programme).evaluate(event, MemberFacts())
    return {award.rule: award.amount for award in outcome.awards}


def test_a_point_is_worth_what_the_best_perk_gives_for_it() -> None:
    better = {"id": "tea", "price": {"unit": "points", "amount": 6}, "gives": {"free_item": {"up_to_minor": 400}}}

    assert programme_of(BASE).worth_minor("points") == 50
    assert programme_of(BASE, perks=(FIVE_OFF, better)).worth_minor("points") == Fraction(400, 6)
    assert programme_of(BASE).worth_minor("stamps") == 0


def test_what_is_given_fits_and_nothing_is_cut() -> None:
    # 4 points and 25 points of 50 øre are 14.50 kr, and 30 % of 49 kr is 14.70 kr
    assert awarded(programme_of(BASE, HELLO), 4900) == {"base": 4, "hello": 25}


def test_the_later_in_the_file_is_cut_first() -> None:
    # 30 % of 40 kr is 12 kr: 24 points of 50 øre
    assert awarded(programme_of(BASE, HELLO), 4000) == {"base": 4, "hello": 20}
    assert awarded(programme_of(HELLO, BASE), 4000) == {"hello": 24}


def test_who_got_nothing_for_it_is_told_why() -> None:
    programme = programme_of(HELLO, BASE)
    compiled = compile_programme(programme)
    event = Purchase(occurred_at=datetime(2026, 1, 5, 15, tzinfo=UTC), total_minor=4000)

    because = compiled.explain(event, MemberFacts(), compiled.evaluate(event, MemberFacts()))

    assert because[1].because == "a purchase gives back at most 30 %, and that is used up"


def test_a_share_may_have_one_decimal() -> None:
    assert str(Share.parse("12.5 %")) == "12.5 %"
    assert awarded(programme_of(HELLO, share="12.5%"), 4000) == {"hello": 10}


@pytest.mark.parametrize("written", ["0 %", "101 %", "30", "a third", "12.55 %", "-1 %"])
def test_a_share_that_is_none_is_refused(written: str) -> None:
    _, findings = read_document(document(BASE, max_return=written))

    assert [finding.place for finding in findings] == ["programme.max_return"]


def test_a_perk_of_unbounded_worth_cannot_be_promised_a_bound() -> None:
    percent = {"id": "ten-percent", "price": {"unit": "points", "amount": 50}, "gives": {"percent_off": 10}}

    (finding,) = check(programme_of(BASE, perks=(FIVE_OFF, percent)))

    assert (finding.severity, finding.place) == ("refused", "perks[1].gives")


def test_a_voucher_that_a_purchase_grants_cannot_be_cut() -> None:
    grant = {"id": "surprise", "then": {"grant": {"perk": "five-off"}}}

    (finding,) = check(programme_of(BASE, grant))

    assert (finding.severity, finding.place, finding.rule) == ("refused", "rules[1].then.grant", "surprise")


@pytest.mark.parametrize("seed", range(6))
def test_no_purchase_gives_back_more_than_its_share(seed: int) -> None:
    random = Random(seed)  # noqa: S311 - the same programmes in every run
    bounded = 0

    for _ in range(12):
        programme = random_programmes.programme(random, rules=10)
        if programme.max_return is None:
            continue
        evaluate = compile_programme(programme).evaluate
        for _ in range(40):
            event = random_programmes.purchase(random)
            outcome = evaluate(event, random_programmes.member(random, programme, event))

            worth = sum(award.amount * (programme.worth_minor(award.unit) or 0) for award in outcome.awards)
            paid = max(event.total_minor - event.refunded_minor, 0)
            assert worth * 1000 <= programme.max_return.thousandths * paid
            bounded += 1

    assert bounded
