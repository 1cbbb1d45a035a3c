"""The gate by itself: each reason not to send, in its order, and what time it is where the member may be."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

import rules
from loyalty_engine.consent.fold import Standing as Stands
from loyalty_engine.instants import from_micros, to_micros
from loyalty_engine.messages import gate
from loyalty_engine.messages.gate import Asking, Policy, Standing, Verdict
from loyalty_engine.messages.zones import zones_of
from tests.engine.shop import MONDAY, programme

AT = to_micros(MONDAY)
POLICY = gate.policy_of(rules.read(programme() + '[messages]\ncountries = ["NO", "US"]\nper_day_to.US = 5\n', "toml"))
YES = {("marketing", "sms"): Stands("given", "con_1", 1)}
RAN_OUT = {("marketing", "sms"): Stands("given", "con_1", 1, AT)}
STOP = {("*", "sms"): Stands("stopped", "con_2", 2)}
ADVERT = Asking(purpose="marketing.sms", channel="sms", country="NO", member=True)
RECEIPT = Asking(purpose="service.receipt", channel="sms", country="NO", member=True)
ANSWER = Asking(purpose="answer", channel="sms", country="NO", member=True)
HERE = Standing(states=YES, zones=("Europe/Oslo",))


def judged(asking: Asking, policy: Policy = POLICY, at: int = AT, **known: Any) -> Verdict:
    return gate.judge(asking, msgspec.structs.replace(HERE, **known), policy, at)


def changed(asking: Asking, **fields: Any) -> Asking:
    return msgspec.structs.replace(asking, **fields)


REASONS: dict[str, tuple[Verdict, str | None]] = {
    "with a consent it leaves": (judged(ADVERT), None),
    "a receipt needs none": (judged(RECEIPT, states={}), None),
    "too late": (judged(changed(ANSWER, expires_at=AT)), "too_late"),
    "another country": (judged(changed(ADVERT, country="SE")), "country_not_allowed"),
    "no consent": (judged(ADVERT, states={}), "no_consent"),
    "consent to another channel": (judged(changed(ADVERT, channel="email", country=None)), "no_consent"),
    "a stranger": (judged(changed(ADVERT, member=False)), "no_consent"),
    "a consent that ran out": (judged(ADVERT, states=RAN_OUT), "no_consent"),
    "a purpose nobody can agree to": (judged(changed(ADVERT, purpose="lottery")), "purpose_unknown"),
    "a STOP stops advertising": (judged(ADVERT, states=YES | STOP), "stopped"),
    "a STOP stops receipts": (judged(RECEIPT, states=STOP), "stopped"),
    "who asks is answered after a STOP": (judged(ANSWER, states=STOP), None),
    "one goodbye": (judged(changed(ANSWER, purpose="stopped"), states=STOP), None),
    "and no second": (judged(changed(ANSWER, purpose="stopped"), states=STOP, said_goodbye=True), "stopped"),
    "twice this week already": (judged(ADVERT, advertised=(AT - 1, AT - 2)), "too_often"),
    "twice last week": (judged(ADVERT, advertised=(AT - 7 * 24 * 3600 * 10**6, AT - 6 * 24 * 3600 * 10**6)), None),
    "the budget of the day": (judged(RECEIPT, left_today=1000), "over_budget"),
    "the budget of a country": (
        judged(changed(RECEIPT, country="US"), left_today_to_country=5), "over_country_budget",
    ),
    "too many answers to one number": (judged(ANSWER, to_number=tuple(range(50))), "too_many_to_number"),
}  # fmt: skip


@pytest.mark.parametrize("case", REASONS)
def test_each_reason_not_to_send(case: str) -> None:
    verdict, reason = REASONS[case]

    assert verdict.reason == reason
    assert verdict.leaves is (reason is None)


def test_what_leaves_by_consent_names_it() -> None:
    assert judged(ADVERT).consent_id == "con_1"
    assert judged(RECEIPT).consent_id is None


@pytest.mark.parametrize(
    ("at", "wakes"),
    [
        ("2026-11-23T19:59:00Z", None),
        ("2026-11-23T20:00:00Z", "2026-11-24T07:00:00Z"),
        ("2026-11-24T06:59:00Z", "2026-11-24T07:00:00Z"),
        ("2026-11-24T07:00:00Z", None),
        ("2026-03-29T00:30:00Z", "2026-03-29T06:00:00Z"),  # the night the clocks go forward
    ],
)
def test_advertising_waits_for_the_morning_of_the_place(at: str, wakes: str | None) -> None:
    verdict = judged(ADVERT, at=to_micros(datetime.fromisoformat(at)))

    waited = None if verdict.wait_until is None else from_micros(verdict.wait_until)
    assert waited == (None if wakes is None else datetime.fromisoformat(wakes))


def test_a_number_of_a_wide_country_is_written_to_when_it_is_day_in_all_of_it() -> None:
    american = changed(ADVERT, country="US")

    noon_in_new_york = to_micros(datetime(2026, 11, 23, 17, 0, tzinfo=UTC))
    verdict = judged(american, at=noon_in_new_york, zones=zones_of("US"))

    assert verdict.wait_until is not None
    assert from_micros(verdict.wait_until) == datetime(2026, 11, 23, 18, 0, tzinfo=UTC)  # eight in Honolulu
    assert judged(american, at=verdict.wait_until, zones=zones_of("US")).leaves


def test_hours_that_are_law_cannot_be_written_away() -> None:
    ours = programme() + '[consent]\njurisdiction = "US"\n[messages]\nquiet = "03:00-04:00"\n'
    theirs = gate.policy_of(rules.read(ours, "toml"))
    late = to_micros(datetime(2026, 11, 23, 21, 30, tzinfo=UTC))  # half past ten in the evening

    assert judged(ADVERT, theirs, late).wait_until is not None
    assert judged(ANSWER, theirs, late).leaves
