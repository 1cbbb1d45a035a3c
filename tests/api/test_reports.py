"""Reports over HTTP: who may read them, and what may stand after the question mark."""

from __future__ import annotations

import pytest

from tests.api.conftest import Shop, flat_whites


async def test_a_reader_sees_what_is_owed_what_moved_and_what_rules_gave(shop: Shop) -> None:
    await shop.ask("POST", "/v1/purchases", flat_whites("r-1"))

    owed = (await shop.ask("GET", "/v1/reports/liability", key="read")).json()
    moved = (await shop.ask("GET", "/v1/reports/activity?closed=4&until=2026-11-23T00:00:00Z", key="read")).json()
    rules = (await shop.ask("GET", "/v1/reports/rules?until=2026-11-23T00:00:00Z", key="read")).json()

    assert [(one["unit"], one["outstanding"], one["members"]) for one in owed["units"]] == [("points", 12, 1)]
    assert [(one["unit"], one["issued"]) for one in moved["units"]] == [("points", 12)]
    assert (moved["purchases"], moved["members_active"], moved["recognised_permille"]) == (1, 1, 250)
    assert [(one["rule"], one["given"]) for one in rules["rules"]] == [("base", 12)]


@pytest.mark.parametrize("report", ["liability", "activity", "rules"])
async def test_a_till_reads_no_reports_and_next_door_sees_its_own(shop: Shop, report: str) -> None:
    await shop.ask("POST", "/v1/purchases", flat_whites("r-1"))

    assert (await shop.ask("GET", f"/v1/reports/{report}", key="till")).status_code == 403
    told = (await shop.ask("GET", f"/v1/reports/{report}", key="next door")).json()
    assert told.get("rules", []) == []
    assert [one.get("outstanding", 0) for one in told.get("units", [])] in ([], [0])


@pytest.mark.parametrize(
    "asked",
    [
        "since=yesterday", "since=2026-02-30T00:00:00Z", "since=2026-11-22T00:00:00",
        "until=0001-01-01T00:00:00%2B23:00",
        "since=2026-11-22T00:00:00Z&until=2026-11-22T00:00:00Z", "closed=0", "closed=1e3", "until=%FF",
    ],
)  # fmt: skip
async def test_a_time_that_is_none_is_refused(shop: Shop, asked: str) -> None:
    answer = await shop.ask("GET", f"/v1/reports/activity?{asked}", key="read")

    assert answer.status_code == 400, answer.text
    assert answer.json()["code"] == "parameter_malformed"
