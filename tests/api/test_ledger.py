"""Why does this entry stand? Asked over HTTP with the id that the purchase's own answer gave."""

from __future__ import annotations

import pytest

from tests.api.conftest import Shop, flat_whites

pytestmark = pytest.mark.anyio


async def test_an_entry_explains_itself_in_the_words_of_the_receipt(shop: Shop) -> None:
    bought = (await shop.ask("POST", "/v1/purchases", flat_whites("r-1"), key="till")).json()
    path = f"/v1/ledger/{bought['awards'][0]['entry']}/explanation"

    english = await shop.ask("GET", path, key="till")
    norwegian = await shop.ask("GET", f"{path}?language=nb", key="read")

    told = english.json()
    assert told["because"] == bought["awards"][0]["reason"] == "1 point per 10 kr on 128 kr"
    assert [{name: rule[name] for name in ("rule", "fired", "because")} for rule in told["rules"]] == bought[
        "explanation"
    ]
    assert told["rules"][1]["sentence"] == "When a customer buys, Monday or Tuesday: double points"
    assert f"12 poeng: {norwegian.json()['because']}" in bought["receipt_text"]


@pytest.mark.parametrize("language", ["", "norsk", "n", "nb%00", "NB"])
async def test_a_language_is_named_by_its_code(shop: Shop, language: str) -> None:
    bought = (await shop.ask("POST", "/v1/purchases", flat_whites("r-1"))).json()

    answer = await shop.ask("GET", f"/v1/ledger/{bought['awards'][0]['entry']}/explanation?language={language}")

    assert (answer.status_code, answer.json()["code"]) == (400, "parameter_malformed")
