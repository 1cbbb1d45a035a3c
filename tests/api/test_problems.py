"""Every failure reads alike: RFC 9457, a stable code, and nothing that is nobody's business."""

from __future__ import annotations

from typing import Any

import pytest
import structlog

from api import cashier
from api.openapi import every_error
from loyalty_engine.errors import DatabaseAway, LoyaltyError
from tests.api.conftest import Shop, flat_whites

MEMBERS = {"type", "title", "status", "detail", "code", "errors", "request_id", "retryable"}


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/", 404, "route_unknown"),
        ("GET", "/v1", 404, "route_unknown"),
        ("GET", "/v1/members/a/b/c", 404, "route_unknown"),
        ("GET", "/docs/..%2f..%2fapp.py", 404, "route_unknown"),
        ("GET", "/docs/page.html", 404, "route_unknown"),
        ("GET", "/problems/nonsense", 404, "route_unknown"),
        ("PATCH", "/v1/purchases", 405, "method_not_allowed"),
        ("GET", "/v1/purchases", 405, "method_not_allowed"),
        ("DELETE", "/openapi.json", 405, "method_not_allowed"),
        ("GET", "/v1/members/x", 404, "member_unknown"),
    ],
)
async def test_the_router_says_no_as_everybody_does(shop: Shop, method: str, path: str, status: int, code: str) -> None:
    answer = await shop.ask(method, path)

    told = answer.json()
    assert (answer.status_code, told["status"], told["code"]) == (status, status, code)
    assert set(told) - {"cashier_message"} == MEMBERS
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-request-id"] == told["request_id"]


async def test_405_says_what_the_address_takes(shop: Shop) -> None:
    answer = await shop.ask("GET", "/v1/purchases")

    assert answer.headers["allow"] == "OPTIONS, POST"


@pytest.fixture
def shop(standing_shop: Shop) -> Shop:
    """One shop does for all tests here."""
    return standing_shop


@pytest.fixture
def trouble(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes the database answer with an exception."""

    def make(error: Exception) -> None:
        async def fetch(*_: object) -> object:
            raise error

        monkeypatch.setattr(shop.house.database, "fetch", fetch)

    return make


async def test_our_own_mistakes_are_told_to_the_log_and_to_nobody_else(shop: Shop, trouble: Any) -> None:
    await shop.ask("GET", "/v1/keys")
    trouble(RuntimeError("the secret is 999 00 123"))

    with structlog.testing.capture_logs() as log:
        answer = await shop.ask("GET", f"/v1/purchases/pur_{'0' * 26}", x_request_id="asked-by-till-1")

    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "999" not in answer.text
    assert "RuntimeError" not in answer.text
    (story,) = [line for line in log if line["event"] == "unhandled"]
    assert story["request_id"] == answer.json()["request_id"] == "asked-by-till-1"
    assert "secret" in str(story["exc_info"])


async def test_a_database_that_is_away_is_503_with_retry_after(shop: Shop, trouble: Any) -> None:
    await shop.ask("GET", "/v1/keys")
    trouble(DatabaseAway())

    answer = await shop.ask("GET", f"/v1/purchases/pur_{'0' * 26}")

    assert (answer.status_code, answer.json()["code"]) == (503, "database_away")
    assert answer.json()["retryable"] is True
    assert int(answer.headers["retry-after"]) >= 1


@pytest.mark.parametrize("error", list(every_error()), ids=lambda error: error.code)
async def test_every_problem_type_leads_to_its_meaning(shop: Shop, error: type[LoyaltyError]) -> None:
    answer = await shop.ask("GET", f"/problems/{error.code}", key=None)

    assert answer.status_code == 200
    assert f"<code>{error.code}</code>" in answer.text


# --- the doorstep ---


async def test_every_answer_is_timed_named_and_dressed(shop: Shop) -> None:
    for method, path, key in [
        ("GET", "/health/live", None),
        ("GET", "/nowhere", None),
        ("GET", "/v1/keys", "manage"),
        ("GET", "/v1/keys", None),
        ("PUT", "/v1/keys", "manage"),
        ("GET", "/docs", None),
        ("OPTIONS", "/v1/keys", None),
    ]:
        answer = await shop.ask(method, path, key=key)

        assert answer.headers["server-timing"].startswith("app;dur=")
        assert answer.headers["x-request-id"].startswith("req_")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "insane", ["short", "x" * 65, "a b c d e f", "<script>alert(1)", "æøåæøåæøå".encode().decode("latin-1")]
)
async def test_a_request_keeps_the_name_it_came_with_if_it_is_sane(shop: Shop, insane: str) -> None:
    named = await shop.ask("GET", "/health/live", x_request_id="till-1.2026-11-22_000123")
    odd = await shop.client.get("/health/live", headers={b"x-request-id": insane.encode("latin-1")})

    assert named.headers["x-request-id"] == "till-1.2026-11-22_000123"
    assert odd.headers["x-request-id"].startswith("req_")


async def test_the_log_holds_one_line_and_nothing_personal(shop: Shop) -> None:
    with structlog.testing.capture_logs() as log:
        await shop.ask("POST", "/v1/purchases?phone=99900123", flat_whites("r-1"), key="till")
        await shop.ask("GET", "/v1/99900123")
        await shop.ask("DELETE", "/v1/locations/99900123")

    assert [(line["route"], line["status"]) for line in log] == [
        ("/v1/purchases", 201),
        ("-", 404),
        ("/v1/locations/{location}", 404),
    ]
    assert "999" not in str([{**line, "request_id": None, "key": None, "ms": None} for line in log])
    assert log[0]["business"] == "corner-cafe"


# --- the cashier ---


def test_the_cashier_is_spoken_to_in_six_languages() -> None:
    assert {frozenset(sentences) for sentences in cashier.SENTENCES.values()} == {
        frozenset({"en", "nb", "nn", "sv", "da", "fi"})
    }


def test_every_sentence_for_the_cashier_belongs_to_an_error() -> None:
    assert set(cashier.SENTENCES) - {""} - {error.code for error in every_error()} == set()


async def test_the_cashier_reads_norwegian_in_a_norwegian_shop(shop: Shop) -> None:
    refused = await shop.ask("POST", "/v1/purchases", flat_whites("r", member={"phone": "1-800-COFFEE"}), key="till")

    assert refused.json()["cashier_message"].startswith("Dette er ikke et telefonnummer")


async def test_a_program_is_not_spoken_to_as_a_cashier(shop: Shop) -> None:
    assert "cashier_message" not in (await shop.ask("GET", "/v1/programme/draft")).json()


def test_no_error_hides_a_member_of_the_problem_behind_a_figure() -> None:
    from api.problems import problem

    told = problem(DatabaseAway(status=1, code="x", more=2), "req")

    assert (told["status"], told["code"], told["more"]) == (503, "database_away", 2)
