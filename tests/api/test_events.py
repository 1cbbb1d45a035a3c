"""Events over HTTP: told once, answered like a purchase, with a key that may do nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from loyalty_engine import businesses, programmes
from loyalty_engine.commands import PublishProgramme, Ticket
from tests.api.conftest import CORNER_CAFE, Shop, everything, flat_whites

pytestmark = pytest.mark.anyio

# The four stories: a course, a failure that comes again, work that the customer does, and somebody who stays away.
LIVELY = (
    CORNER_CAFE
    + """
[[rules]]
id = "latte-art"
on = "course_done"
when.attributes = { course = ["latte-art"] }
then = { award = { unit = "points", amount = 50 }, tag = { add = ["barista"] } }
limit = { times = 1, per = "ever" }

[[rules]]
id = "fourth-failure"
on = "delivery_failed"
when.member = { count = { of = "delivery_failed", within = "90 days", min = 3 } }
then.award = { unit = "points", amount = 80 }

[[rules]]
id = "own-cup"
on = "self_service"
when.attributes = { what = ["own-cup", "tray-returned"] }
then.award = { unit = "points", amount = 2 }
limit = { times = 2, per = "day" }

[[rules]]
id = "win-back"
on = "purchase"
when.member = { overdue = { min = 2 }, consent = ["profiling"] }
then.award = { unit = "points", amount = 30 }

[[rules]]
id = "barista-visit"
on = "purchase"
when.member = { tag = ["barista"] }
then.award = { unit = "points", amount = 1 }

[[consent.wordings]]
id = "habits-1"
purpose = "profiling"
ask = "till"
says.nb = "Kan vi velge tilbud etter hva du pleier å kjøpe?"
says.en = "May we choose offers by what you usually buy?"
"""
)
INGRID = {"phone": "999 00 123"}


@pytest.fixture
async def lively(shop: Shop) -> Shop:
    """The café with rules on more than purchases, and Ingrid as a member."""
    business_id = await businesses.business_called(shop.house.database, shop.slug)
    owner = businesses.owner(business_id, shop.slug)
    ticket = Ticket(key="lively", request_id="lively", at=shop.clock.at)
    await programmes.publish(shop.house, owner, PublishProgramme(), ticket, source=LIVELY, form="toml")
    yes = {"purpose": "profiling", "channel": "any", "decision": "given", "wording": "habits-1"}
    await shop.ask("POST", "/v1/members", {"member": INGRID, "consents": [yes]})
    return shop


async def tell(shop: Shop, kind: str, reference: str, **more: Any) -> dict[str, Any]:
    body = {"kind": kind, "member": INGRID, "reference": reference} | more
    answer = await shop.ask("POST", "/v1/events", body, key="events")
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


def gave(told: dict[str, Any]) -> dict[str, int]:
    return {award["rule"]: award["amount"] for award in told["awards"]}


async def test_an_event_is_answered_in_the_shape_of_a_purchase(lively: Shop) -> None:
    bought = (await lively.ask("POST", "/v1/purchases", flat_whites("r-1", occurred_at=None))).json()

    told = await tell(lively, "course_done", "course-1", attributes={"course": "latte-art"})

    assert told.keys() == bought.keys()
    assert told["receipt_text"] == ["+50 poeng (saldo 62)"]
    assert told["explanation"][0]["rule"] == "latte-art"
    assert told["explanation"][0]["fired"] is True


async def test_a_course_gives_once_and_its_tag_is_seen_by_the_next_purchase(lively: Shop) -> None:
    first = await tell(lively, "course_done", "course-1", attributes={"course": "latte-art"})
    second = await tell(lively, "course_done", "course-2", attributes={"course": "latte-art"})
    bought = (await lively.ask("POST", "/v1/purchases", flat_whites("r-1", occurred_at=None))).json()

    assert (gave(first), gave(second)) == ({"latte-art": 50}, {})
    assert gave(bought)["barista-visit"] == 1


async def test_the_fourth_failure_is_mended_by_itself(lively: Shop) -> None:
    answers = [await tell(lively, "delivery_failed", f"order-{number}") for number in range(4)]

    assert [gave(told) for told in answers] == [{}, {}, {}, {"fourth-failure": 80}]


async def test_what_the_customer_does_is_rewarded_twice_a_day(lively: Shop) -> None:
    answers = [
        await tell(lively, "self_service", f"cup-{number}", attributes={"what": "own-cup"}) for number in range(3)
    ]
    lively.clock.forward(days=1)
    tomorrow = await tell(lively, "self_service", "cup-tomorrow", attributes={"what": "tray-returned"})

    assert [gave(told) for told in [*answers, tomorrow]] == [{"own-cup": 2}, {"own-cup": 2}, {}, {"own-cup": 2}]


async def test_who_comes_back_late_is_welcomed_with_points(lively: Shop) -> None:
    given = []
    for number, days in enumerate((0, 10, 10, 19, 40)):
        lively.clock.forward(days=days)
        body = flat_whites(f"visit-{number}", occurred_at=None)
        given.append(gave((await lively.ask("POST", "/v1/purchases", body)).json()))

    assert ["win-back" in one for one in given] == [False, False, False, False, True]


async def test_a_retry_under_another_key_gets_the_first_answer(lively: Shop) -> None:
    body = {"kind": "delivery_failed", "member": INGRID, "reference": "order-1"}

    first = await lively.ask("POST", "/v1/events", body, key="till")
    again = await lively.ask("POST", "/v1/events", body, key="till")
    other = await lively.ask("POST", "/v1/events", body | {"attributes": {"why": "wet"}}, key="till")

    assert (again.content, again.headers["idempotency-hit"]) == (first.content, "true")
    assert (other.status_code, other.json()["code"]) == (422, "reference_conflict")


async def test_what_cannot_be_told_is_refused_and_leaves_nothing(lively: Shop) -> None:
    theirs = await lively.ask("POST", "/v1/members", {"member": INGRID}, key="next door")
    good: dict[str, Any] = {"kind": "course_done", "member": INGRID, "reference": "course-1"}
    wrong: list[tuple[dict[str, Any], int, str]] = [
        ({"kind": "joined"}, 422, "event_raised_here"),
        ({"kind": "purchase"}, 422, "event_raised_here"),
        ({"kind": "Course done"}, 422, "body_invalid"),
        ({"attributes": {"a": None}}, 422, "body_invalid"),
        ({"attributes": {"a": 1.5}}, 422, "body_invalid"),
        ({"attributes": {"a": ["x"]}}, 422, "body_invalid"),
        ({"attributes": {"a": 2**63}}, 422, "body_invalid"),
        ({"attributes": {"": 1}}, 422, "body_invalid"),
        ({"attributes": {f"a{number}": 1 for number in range(31)}}, 422, "body_invalid"),
        ({"attributes": []}, 422, "body_invalid"),
        ({"reference": ""}, 422, "body_invalid"),
        ({"member": {"id": theirs.json()["id"]}}, 404, "member_unknown"),
        ({"member": {"id": "mem_01m7q5cqg0envvna4f65046jha"}}, 404, "member_unknown"),
    ]
    before = await everything(lively.house)
    for fields, status, code in wrong:
        answer = await lively.ask("POST", "/v1/events", good | fields, key="events")

        assert (answer.status_code, answer.json()["code"]) == (status, code), fields
    assert await everything(lively.house) == before


async def test_nobody_joins_by_being_told_of(lively: Shop) -> None:
    body = {"kind": "course_done", "member": {"phone": "999 00 777"}, "reference": "course-1"}

    answer = await lively.ask("POST", "/v1/events", body, key="events")

    assert (answer.status_code, answer.json()["code"]) == (422, "member_not_found_by_number")


async def test_a_batch_takes_events_among_purchases(lively: Shop) -> None:
    event = {"kind": "self_service", "member": INGRID, "reference": "cup-1", "attributes": {"what": "own-cup"}}
    rows = [
        {"op": "purchase", "key": "b-1", "body": flat_whites("b-1")},
        {"op": "event", "key": "b-2", "body": event},
        {"op": "event", "key": "b-3", "body": event | {"kind": "joined"}},
        {"op": "event", "key": "b-2", "body": event},
    ]

    results = (await lively.ask("POST", "/v1/batches", rows, key="till")).json()["results"]

    assert [row["status"] for row in results] == [201, 201, 422, 201]
    assert gave(results[1]["body"]) == {"own-cup": 2}
    assert results[1]["body"] == results[3]["body"]
    assert results[2]["problem"]["code"] == "event_raised_here"


async def test_what_the_guide_shows_is_taken_as_it_stands(shop: Shop) -> None:
    guide = (Path(__file__).parents[2] / "docs/howto/events.md").read_text(encoding="utf-8")
    [rules] = re.findall(r"```toml\n(.*?)```", guide, re.DOTALL)
    [body] = re.findall(r"```json\n(.*?)```", guide, re.DOTALL)
    checked = await shop.ask(
        "POST", "/v1/programme/check", (CORNER_CAFE + rules).encode(), content_type="application/toml"
    )
    await shop.ask("PUT", "/v1/programme/draft", (CORNER_CAFE + rules).encode(), content_type="application/toml")
    await shop.ask("POST", "/v1/programme/publish", {})
    joined = await shop.ask("POST", "/v1/members", {"member": INGRID})

    told = await shop.ask("POST", "/v1/events", msgspec.json.decode(body), key="events")

    assert [finding for finding in checked.json()["findings"] if "edition" in finding["says"]] == []
    assert gave(joined.json()) == {"welcome": 25}
    assert gave(told.json()) == {"latte-art": 50}
