"""What a till sees: a purchase, the same again, a look-up, a refund, and what happens when it asks twice."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.api.conftest import Shop, everything, flat_whites


async def test_a_phone_number_is_the_card(shop: Shop) -> None:
    bought = await shop.ask("POST", "/v1/purchases", flat_whites("r-1"), key="till")

    assert bought.status_code == 201
    told = bought.json()
    assert told["member"]["masked"] == "+47 ••• •• 123"
    assert told["member"]["new"] is True
    assert [(award["rule"], award["amount"]) for award in told["awards"]] == [("base", 12)]
    assert told["balances"] == [{"unit": "points", "available": 12, "held": 0, "pending": 0}]
    assert told["receipt_text"] == ["+12 poeng (saldo 12)", "12 poeng: 1 poeng per 10 kr på 128 kr"]

    known = await shop.ask("POST", "/v1/members/lookup", {"member": {"phone": "+47 99900123"}}, key="till")
    assert known.json()["known"] is True
    assert known.json()["member"]["id"] == told["member"]["id"]


async def test_a_purchase_can_be_looked_up_afterwards(shop: Shop) -> None:
    told = (await shop.ask("POST", "/v1/purchases", flat_whites("r-1"))).json()

    read = await shop.ask("GET", f"/v1/purchases/{told['id']}", key="till")

    assert read.status_code == 200
    assert read.json()["outcome"] == told
    assert read.json()["receipt"] == "r-1"


async def test_a_quote_keeps_nothing(shop: Shop) -> None:
    before = await everything(shop.house)

    quoted = await shop.ask("POST", "/v1/quotes", flat_whites("r-1"), key="till", idempotency_key=None)

    assert quoted.json()["totals"] == [{"unit": "points", "amount": 12}]
    assert await everything(shop.house) == before


async def test_what_comes_back_takes_its_points_along(shop: Shop) -> None:
    told = (await shop.ask("POST", "/v1/purchases", flat_whites("r-1"))).json()

    path = f"/v1/purchases/{told['id']}/refunds"
    back = await shop.ask("POST", path, {"receipt": "b-1", "lines": [{"line": "2"}]}, key="till")

    assert back.status_code == 201, back.text
    assert back.json()["refunded_minor"] == 3000
    assert back.json()["balances"][0]["available"] == 9


async def test_a_refund_that_comes_first_waits_for_its_purchase(shop: Shop) -> None:
    refund = {"receipt": "b-1", "full": True, "purchase": {"receipt": "r-1", "location": "grunerlokka"}}

    waiting = await shop.ask("POST", "/v1/refunds", refund, key="till")
    await shop.ask("POST", "/v1/purchases", flat_whites("r-1"), key="till")

    assert (waiting.status_code, waiting.json()["status"]) == (202, "parked")
    known = await shop.ask("POST", "/v1/members/lookup", {"member": {"phone": "99900123"}}, key="till")
    assert known.json()["balances"][0]["available"] == 0


async def test_the_ledger_is_read_page_by_page_newest_first(shop: Shop) -> None:
    bought = [(await shop.ask("POST", "/v1/purchases", flat_whites(f"r-{number}"))).json() for number in range(5)]
    path = f"/v1/members/{bought[0]['member']['id']}/ledger"

    pages = [(await shop.ask("GET", f"{path}?limit=2", key="read")).json()]
    while (cursor := pages[-1]["next_cursor"]) is not None:
        pages.append((await shop.ask("GET", f"{path}?limit=2&cursor={cursor}", key="read")).json())

    assert [len(page["items"]) for page in pages] == [2, 2, 1]
    assert [entry["balance_after"] for page in pages for entry in page["items"]] == [60, 48, 36, 24, 12]


# --- asked twice ---


CHANGES: list[tuple[str, dict[str, Any]]] = [
    ("/v1/purchases", flat_whites("r-1")),
    ("/v1/members", {"member": {"phone": "999 00 124"}}),
    ("/v1/refunds", {"receipt": "b-1", "full": True, "purchase": {"receipt": "r-9"}}),
    ("/v1/locations", {"location": "airport"}),
]
every_change = pytest.mark.parametrize(("path", "body"), CHANGES, ids=[path for path, _ in CHANGES])


@every_change
async def test_the_same_key_and_body_get_the_same_bytes(shop: Shop, path: str, body: dict[str, Any]) -> None:
    first = await shop.ask("POST", path, body, idempotency_key="till-1-1")
    kept = await everything(shop.house)

    for written in ("till-1-1", '"till-1-1"'):
        again = await shop.ask("POST", path, dict(reversed(body.items())), idempotency_key=written)

        assert (again.status_code, again.content) == (first.status_code, first.content)
        assert again.headers["idempotency-hit"] == "true"
    assert "idempotency-hit" not in first.headers
    assert await everything(shop.house) == kept


@every_change
async def test_a_key_is_not_used_for_something_else(shop: Shop, path: str, body: dict[str, Any]) -> None:
    await shop.ask("POST", path, body, idempotency_key="till-1-1")

    for other_path, other_body in [*CHANGES, ("/v1/purchases", flat_whites("r-2"))]:
        if other_path != path or other_body != body:
            answer = await shop.ask("POST", other_path, other_body, idempotency_key="till-1-1")
            assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused"), other_path


@every_change
async def test_without_a_key_nothing_changes(shop: Shop, path: str, body: dict[str, Any]) -> None:
    before = await everything(shop.house)

    missing = await shop.ask("POST", path, body, idempotency_key=None)

    assert (missing.status_code, missing.json()["code"]) == (400, "idempotency_key_missing")
    for malformed in ("", " ", "x" * 256, '"x', '""', 'x"'[::-1], '"a"b"'):
        answer = await shop.ask("POST", path, body, idempotency_key=malformed)
        assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_malformed"), malformed
    assert await everything(shop.house) == before


async def test_a_key_of_255_characters_is_taken(shop: Shop) -> None:
    assert (await shop.ask("POST", "/v1/purchases", flat_whites("r-1"), idempotency_key="x" * 255)).status_code == 201


async def test_a_receipt_earns_once_whatever_the_key(shop: Shop) -> None:
    first = await shop.ask("POST", "/v1/purchases", flat_whites("r-1"))

    again = await shop.ask("POST", "/v1/purchases", flat_whites("r-1"))

    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotency-hit"] == "true"


async def test_a_receipt_with_another_amount_is_a_conflict(shop: Shop) -> None:
    await shop.ask("POST", "/v1/purchases", flat_whites("r-1"))
    other = flat_whites("r-1", total_minor=4900, lines=[{"line": "1", "amount_minor": 4900}])

    for _ in range(2):
        answer = await shop.ask("POST", "/v1/purchases", other, idempotency_key="till-1-2")
        assert (answer.status_code, answer.json()["code"]) == (422, "receipt_conflict")
        assert answer.json()["recorded_minor"] == 12800


async def test_a_refusal_is_remembered_word_for_word(shop: Shop) -> None:
    told = (await shop.ask("POST", "/v1/purchases", flat_whites("r-1"))).json()
    path, unknown = f"/v1/purchases/{told['id']}/refunds", {"receipt": "b-1", "lines": [{"line": "99"}]}

    first = await shop.ask("POST", path, unknown, idempotency_key="till-1-2")
    again = await shop.ask("POST", path, unknown, idempotency_key="till-1-2")

    assert (first.status_code, first.json()["code"]) == (422, "line_unknown")
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["idempotency-hit"] == "true"
    assert "idempotency-hit" not in first.headers


async def test_a_refusal_that_reached_nobody_is_not_remembered(shop: Shop) -> None:
    broken = await shop.ask("POST", "/v1/purchases", b"{", idempotency_key="till-1-1")
    mended = await shop.ask("POST", "/v1/purchases", flat_whites("r-1"), idempotency_key="till-1-1")

    assert (broken.status_code, mended.status_code) == (400, 201)


async def test_the_keys_of_two_businesses_do_not_meet(shop: Shop) -> None:
    mine = await shop.ask("POST", "/v1/purchases", flat_whites("r-1"), idempotency_key="1")
    theirs = await shop.ask("POST", "/v1/purchases", flat_whites("r-1"), idempotency_key="1", key="next door")

    assert (mine.status_code, theirs.status_code) == (201, 201)
    assert mine.json()["id"] != theirs.json()["id"]


async def test_a_new_key_is_shown_once(shop: Shop) -> None:
    first = await shop.ask("POST", "/v1/keys", {"scopes": ["till"]}, idempotency_key="k")
    again = await shop.ask("POST", "/v1/keys", {"scopes": ["till"]}, idempotency_key="k")

    assert first.json()["key"].startswith("lyl_live_")
    assert again.headers["idempotency-hit"] == "true"
    assert again.json() == first.json() | {"key": None}
    assert first.json()["key"] not in json.dumps(await everything(shop.house))
