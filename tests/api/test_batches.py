"""A till comes back online and hands in what it kept."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.api.conftest import Shop, everything, flat_whites


def bought(receipt: str, **fields: Any) -> dict[str, Any]:
    return {"op": "purchase", "key": f"key-{receipt}", "body": flat_whites(receipt, **fields)}


def back(receipt: str, purchase: Any) -> dict[str, Any]:
    return {
        "op": "refund",
        "key": f"key-{receipt}",
        "body": {"receipt": receipt, "full": True, "purchase": purchase},
    }


async def hand_in(shop: Shop, rows: list[Any], *, lines: bool = False) -> list[dict[str, Any]]:
    if lines:
        body = b"\n".join(row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows) + b"\n"
        answer = await shop.ask("POST", "/v1/batches", body, key="till", content_type="application/x-ndjson")
    else:
        answer = await shop.ask("POST", "/v1/batches", rows, key="till")
    assert answer.status_code == 200, answer.text
    results: list[dict[str, Any]] = answer.json()["results"]
    assert len(results) == len(rows)
    return results


as_lines = pytest.mark.parametrize("lines", [False, True], ids=["array", "lines"])


@as_lines
async def test_each_row_is_answered_as_if_it_had_come_alone(shop: Shop, *, lines: bool) -> None:
    alone = await shop.ask("POST", "/v1/purchases", flat_whites("r-0"), idempotency_key="key-r-0")

    first, second, refund = await hand_in(
        shop,
        [bought("r-0"), bought("r-1"), back("b-1", {"receipt": "r-1", "location": "grunerlokka"})],
        lines=lines,
    )

    assert (first["key"], first["status"], first["body"]) == ("key-r-0", 201, alone.json())
    assert second["body"]["balances"][0]["available"] == 24
    assert (refund["status"], refund["body"]["balances"][0]["available"]) == (201, 12)


async def test_a_batch_handed_in_twice_counts_once(shop: Shop) -> None:
    rows = [bought(f"r-{number}") for number in range(5)]
    first = await hand_in(shop, rows)
    kept = await everything(shop.house)

    assert await hand_in(shop, rows) == first
    assert await hand_in(shop, [row | {"key": f"new-{row['key']}"} for row in rows[:0]]) == []
    assert await everything(shop.house) == kept


async def test_a_refund_names_its_purchase_by_id_or_by_receipt(shop: Shop) -> None:
    told = (await shop.ask("POST", "/v1/purchases", flat_whites("r-1"))).json()

    by_id, unknown, nonsense, early = await hand_in(
        shop,
        [
            back("b-1", told["id"]),
            back("b-2", "pur_01m7q5cqg0envvna4f65046jhb"),
            back("b-3", "../etc"),
            back("b-4", {"receipt": "r-99"}),
        ],
    )

    assert (by_id["status"], by_id["body"]["status"]) == (201, "recorded")
    assert (unknown["status"], unknown["problem"]["code"]) == (404, "purchase_unknown")
    assert (nonsense["status"], nonsense["problem"]["code"]) == (404, "purchase_unknown")
    assert (early["status"], early["body"]["status"]) == (202, "parked")


@as_lines
async def test_one_bad_row_harms_no_other(shop: Shop, *, lines: bool) -> None:
    rows: list[Any] = [
        bought("r-1"),
        bought("r-2", total_minor=1),
        {"op": "sing", "key": "k-1", "body": {}},
        {"op": "purchase", "key": "x" * 256, "body": {}},
        {"op": "purchase", "body": {}},
        5,
        None,
        [],
        bought("r-3", points=500),
        bought("r-4", till="a\x00b"),
        bought("r-5"),
    ]

    results = await hand_in(shop, rows, lines=lines)

    assert [(result["status"], result.get("problem", {}).get("code")) for result in results] == [
        (201, None),
        (422, "lines_do_not_add_up"),
        (422, "body_invalid"),
        (400, "idempotency_key_malformed"),
        *[(422, "body_invalid")] * 6,
        (201, None),
    ]
    assert results[1]["key"] == "key-r-2"
    assert results[1]["problem"]["cashier_message"].startswith("Fordelsprogrammet")
    assert results[-1]["body"]["balances"][0]["available"] == 24


async def test_a_line_that_is_not_json_is_that_lines_problem(shop: Shop) -> None:
    results = await hand_in(
        shop,
        [b"{", json.dumps(bought("r-1")).encode(), b'{"op":"purchase","op":"refund"}', b"[" * 5000, b"\xff"],
        lines=True,
    )

    assert [result["status"] for result in results] == [400, 201, 400, 400, 400]
    assert [result["key"] for result in results] == [None, "key-r-1", None, None, None]


async def test_a_thousand_rows_are_taken_and_not_one_more(shop: Shop) -> None:
    too_many = await shop.ask("POST", "/v1/batches", [{}] * 1001, key="till")
    enough = await hand_in(shop, [{}] * 1000)

    assert (too_many.status_code, too_many.json()["code"]) == (422, "body_invalid")
    assert {result["status"] for result in enough} == {422}


async def test_an_envelope_that_cannot_be_read_is_refused_as_a_whole(shop: Shop) -> None:
    for body, status in [(b"{}", 422), (b"5", 422), (b"[{}", 400), (b"[{}] x", 400), (b"", 400)]:
        answer = await shop.ask("POST", "/v1/batches", body, key="till")

        assert answer.status_code == status, body


async def test_a_batch_needs_no_key_of_its_own(shop: Shop) -> None:
    answer = await shop.ask("POST", "/v1/batches", [bought("r-1")], key="till", idempotency_key=None)

    assert answer.json()["results"][0]["status"] == 201
