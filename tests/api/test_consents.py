"""Consent over HTTP: a yes with its words, a no that is heard, and who may ask."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import CORNER_CAFE, Shop, everything, flat_whites, open_shop
from tests.engine.agreeing import WORDINGS

YES = {"purpose": "marketing", "channel": "sms", "decision": "given", "wording": "till-2026-01"}


@pytest.fixture
async def shop(database_url: str, tmp_path: Path, anyio_backend: str) -> AsyncIterator[Shop]:
    async with open_shop(database_url, tmp_path / "loyalty.key") as opened:
        await opened.ask(
            "PUT", "/v1/programme/draft", (CORNER_CAFE + WORDINGS).encode(), content_type="application/toml"
        )
        published = await opened.ask("POST", "/v1/programme/publish", {"note": "wordings", "by": "owner"})
        assert published.status_code == 201, published.text
        yield opened


async def member_of(shop: Shop) -> str:
    answer = await shop.ask("POST", "/v1/purchases", flat_whites("1"))
    member: str = answer.json()["member"]["id"]
    return member


async def test_a_yes_at_the_till_is_kept_with_its_words_and_can_be_shown(shop: Shop) -> None:
    path = f"/v1/members/{await member_of(shop)}/consents"

    given = await shop.ask("POST", path, YES | {"evidence": {"till": "till-1", "staff": "ida"}}, key="till")
    again = await shop.ask("POST", path, YES | {"decision": "withdrawn"}, key="till")
    shown = (await shop.ask("GET", path, key="read")).json()

    assert (given.status_code, again.status_code) == (201, 201)
    assert given.json()["current"][0]["holds"] is True
    assert given.json()["record"]["wording"]["says"].startswith("Vil du ha tilbud")
    assert [one["decision"] for one in shown["items"]] == ["withdrawn", "given"]
    assert shown["items"][0]["previous"] == shown["items"][1]["hash"]
    assert [one["holds"] for one in shown["current"]] == [False]


async def test_a_retry_is_the_same_record(shop: Shop) -> None:
    path = f"/v1/members/{await member_of(shop)}/consents"

    first = await shop.ask("POST", path, YES, idempotency_key="yes-1")
    again = await shop.ask("POST", path, YES, idempotency_key="yes-1")
    other = await shop.ask("POST", path, YES | {"decision": "refused"}, idempotency_key="yes-1")

    assert first.content == again.content
    assert again.headers["idempotency-hit"] == "true"
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


BAD: list[tuple[dict[str, Any], str]] = [
    ({"purpose": "newsletter"}, "purpose_unknown"),
    ({"wording": "till-1999"}, "wording_unknown"),
    ({"wording": None}, "wording_unknown"),
    ({"language": "fi"}, "language_unknown"),
    ({"channel": "carrier-pigeon"}, "body_invalid"),
    ({"decision": "confirmed"}, "consent_not_asked_for"),
    ({"decision": "maybe"}, "body_invalid"),
    ({"evidence": {"file_sha256": "abc"}}, "body_invalid"),
    ({"evidence": {"source": "import"}}, "body_invalid"),
    ({"evidence": {"staff": "x" * 101}}, "body_invalid"),
    ({"evidence": {"text": "a\x00b"}}, "body_invalid"),
    ({"occurred_at": "2026-11-22T10:00:00"}, "body_invalid"),
    ({"occurred_at": "2099-01-01T00:00:00Z"}, "occurred_in_future"),
    ({"points": 50}, "body_invalid"),
]


@pytest.mark.parametrize(("change", "code"), BAD)
async def test_what_is_no_proof_is_refused_and_nothing_is_kept(shop: Shop, change: dict[str, Any], code: str) -> None:
    member = await member_of(shop)
    before = await everything(shop.house)

    answer = await shop.ask("POST", f"/v1/members/{member}/consents", YES | change)

    after = await everything(shop.house)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert [table for table in before if before[table] != after[table]] in ([], ["journal"])


async def test_the_neighbour_sees_nothing(shop: Shop) -> None:
    path = f"/v1/members/{await member_of(shop)}/consents"

    seen = await shop.ask("GET", path, key="next door")
    told = await shop.ask("POST", path, YES, key="next door")

    assert (seen.status_code, told.status_code) == (404, 404)


async def test_a_members_records_are_handed_to_another_system_and_to_no_neighbour(shop: Shop) -> None:
    member = await member_of(shop)
    await shop.ask("POST", f"/v1/members/{member}/consents", YES)

    told = await shop.ask("GET", f"/v1/members/{member}/consents/export", key="read")
    foreign = await shop.ask("GET", f"/v1/members/{member}/consents/export", key="next door")

    assert told.json()["dpv:hasDataSubject"] == member
    assert [one["dpv:hasConsentStatus"] for one in told.json()["dpv:hasRecord"]] == ["dpv:ConsentGiven"]
    assert foreign.status_code == 404


async def test_a_purchase_brings_a_consent_along_and_the_till_asks_no_more(shop: Shop) -> None:
    who = {"member": {"phone": "999 00 123"}}
    asked = await shop.ask("POST", "/v1/members/lookup", who, key="till")
    bought = await shop.ask("POST", "/v1/purchases", flat_whites("9", consents=[YES]), key="till")
    after = await shop.ask("POST", "/v1/members/lookup", who, key="till")
    unknown = await shop.ask("POST", "/v1/purchases", flat_whites("10", consents=[YES | {"wording": "x"}]), key="till")

    assert [one["wording"] for one in asked.json()["consent_prompts"]] == ["till-2026-01", "profiling-1"]
    assert bought.status_code == 201
    assert [one["wording"] for one in after.json()["consent_prompts"]] == ["profiling-1"]
    assert (unknown.status_code, unknown.json()["errors"][0]["pointer"]) == (422, "/consents/0/wording")
