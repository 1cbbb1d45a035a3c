"""Over the counter: what a programme would have given, what differs between two, and the way back."""

from __future__ import annotations

import asyncio

from tests.api.conftest import CORNER_CAFE, Shop, everything, flat_whites

TWICE = CORNER_CAFE.replace("amount = 1, per_minor", "amount = 2, per_minor")


async def test_the_draft_is_tried_on_the_journal(shop: Shop) -> None:
    await shop.ask("POST", "/v1/purchases", flat_whites("r-1"), key="till")
    draft = {"content_type": "application/toml"}
    await shop.ask("PUT", "/v1/programme/draft", TWICE.encode(), **draft)
    before = await everything(shop.house)

    answer = await shop.ask("POST", "/v1/programme/backtest", {"worth": {"points": "10"}}, key="read")

    assert answer.status_code == 200
    told = answer.json()
    assert (told["tried"], told["against"], told["purchases"]) == ("the draft", "version 1", 1)
    [base, _] = told["rules"]
    assert base["tried"] == {
        "awarded": 24, "taken_back": 0, "times": 1, "members": 1, "value_minor": 240, "share_percent": "1.88",
    }  # fmt: skip
    assert base["against"]["awarded"] == 12
    [winner] = told["winners"]
    assert winner["masked"] == "+47 ••• •• 123"
    assert await everything(shop.house) == before


async def test_a_programme_sent_along_is_tried(shop: Shop) -> None:
    for body in ({"toml": TWICE}, {"toml": TWICE, "since": "2026-01-01T00:00:00+01:00", "against": 1}):
        answer = await shop.ask("POST", "/v1/programme/backtest", body)
        assert answer.status_code == 200, answer.text
        assert answer.json()["tried"] == "the programme sent"


async def test_what_cannot_be_tried_is_refused(shop: Shop) -> None:
    for body, status, code in (
        ({}, 404, "draft_missing"),
        ({"toml": "[programme"}, 422, "programme_refused"),
        ({"programme": 5}, 422, "programme_refused"),
        ({"programme": {}, "toml": ""}, 422, "body_invalid"),
        ({"toml": TWICE, "against": 9}, 404, "version_unknown"),
        ({"toml": TWICE, "against": "tomorrow"}, 422, "body_invalid"),
        ({"toml": TWICE, "worth": {"points": "-1"}}, 422, "body_invalid"),
        ({"toml": TWICE, "until": "2026-01-01"}, 422, "body_invalid"),
    ):
        answer = await shop.ask("POST", "/v1/programme/backtest", body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), body


async def test_one_backtest_of_a_business_runs_at_a_time(shop: Shop) -> None:
    for number in range(3):
        await shop.ask("POST", "/v1/purchases", flat_whites(f"r-{number}"), key="till")

    answers = await asyncio.gather(
        *(shop.ask("POST", "/v1/programme/backtest", {"toml": TWICE}) for _ in range(3)),
        shop.ask("POST", "/v1/programme/backtest", {"toml": TWICE}, key="next door"),
    )

    assert sorted(answer.status_code for answer in answers) == [200, 200, 409, 409]
    assert answers[-1].status_code == 200
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert (refused.json()["code"], refused.json()["retryable"]) == ("backtest_running", True)
    assert "retry-after" in refused.headers


async def test_a_till_may_not_try_or_roll_back(shop: Shop) -> None:
    assert (await shop.ask("POST", "/v1/programme/backtest", {"toml": TWICE}, key="till")).status_code == 403
    told = {"note": "x", "by": "y"}
    for key in ("till", "read"):
        assert (await shop.ask("POST", "/v1/programme/rollback", told, key=key)).status_code == 403


async def test_rolling_back_publishes_an_old_version_again(shop: Shop) -> None:
    await shop.ask("PUT", "/v1/programme/draft", TWICE.encode(), content_type="application/toml")
    await shop.ask("POST", "/v1/programme/publish", {"note": "double"})
    told = {"note": "too dear", "by": "Ida"}

    first = await shop.ask("POST", "/v1/programme/rollback", told, idempotency_key="back-1")
    again = await shop.ask("POST", "/v1/programme/rollback", told, idempotency_key="back-1")

    assert (first.status_code, first.json()["version"], first.json()["note"]) == (201, 3, "too dear")
    assert (again.content, again.headers["idempotency-hit"]) == (first.content, "true")
    assert (await shop.ask("GET", "/v1/programme/versions/3")).json()["toml"] == CORNER_CAFE
    unnamed = await shop.ask("POST", "/v1/programme/rollback", {"note": "", "by": "Ida"})
    assert (unnamed.status_code, unnamed.json()["code"]) == (422, "body_invalid")
    missing = await shop.ask("POST", "/v1/programme/rollback", told | {"to": 12})
    assert (missing.status_code, missing.json()["code"]) == (404, "version_unknown")


async def test_what_differs_is_told_in_sentences(shop: Shop) -> None:
    await shop.ask("PUT", "/v1/programme/draft", TWICE.encode(), content_type="application/toml")

    found = await shop.ask("GET", "/v1/programme/diff", key="read")
    same = await shop.ask("GET", "/v1/programme/diff?from=1&to=1", key="read")

    says = 'Rule "base" changes: then.award.amount from 1 to 2.'
    assert found.json() == {
        "before": "version 1", "after": "the draft", "changes": [{"part": "rules", "id": "base", "says": says}],
    }  # fmt: skip
    assert same.json()["changes"] == []
    for query, status in (("from=0", 400), ("to=one", 400), ("from=2", 404)):
        assert (await shop.ask("GET", f"/v1/programme/diff?{query}", key="read")).status_code == status
