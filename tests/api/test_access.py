"""Who may ask what: every call in the reference, with every kind of key, for every kind of id."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from api import examples
from api.access import Counter
from api.app import create_app
from loyalty_engine.errors import Busy, TooManyRequests
from loyalty_engine.settings import Settings
from tests.api.belongings import MAKERS, sell_buns_for_points, token_of
from tests.api.conftest import Shop, everything, flat_whites

UNKNOWN = {
    "purchase_id": "pur_01m7q5cqg0envvna4f65046jhb",
    "member_id": "mem_01m7q5cqg0envvna4f65046jha",
    "key_id": "7Q2mX0aB",
    "entry_id": "ent_01m7q5cqg0envvna4f65046jhd",
    "merge_id": "mrg_01m7q5cqg0envvna4f65046jhm",
    "request_id": "rqs_01m7q5cqg0envvna4f65046jhr",
    "text_id": "jnl_01m7q5cqg0envvna4f65046jhx",
    "webhook_id": "whk_01m7q5cqg0envvna4f65046jhw",
    "hold_id": "hld_01m7q5cqg0envvna4f65046jhg",
    "award_id": "awd_01m7q5cqg0envvna4f65046jhk",
    "voucher_id": "vch_01m7q5cqg0envvna4f65046jhv",
    "referral_id": "ref_01m7q5cqg0envvna4f65046jhf",
    "gateway": "pigeon",
    "number": "9",
    "location": "nowhere",
}
MALFORMED = [
    "x",
    "mem_",
    "pur_01M7Q5CQG0ENVVNA4F65046JHB",
    "%D9%A1%D9%A2",
    "9" * 30,
    "a%00b",
    "%F0%9F%92%A9",
    "x" * 300,
]
# What a till must add to do what a manager does: whoever gives goodwill says who they are.
AT_THE_TILL = {"adjust_balance": {"staff": "ida"}}


class Operation:
    """One call of the reference."""

    def __init__(self, method: str, path: str, told: dict[str, Any]) -> None:
        self.method, self.path, self.told = method.upper(), path, told
        self.name = told["operationId"]
        self.body = examples.REQUESTS.get(self.name, {}) if "requestBody" in told else None

    def parameters(self) -> list[str]:
        return [each["name"] for each in self.told["parameters"] if each["in"] == "path"]

    def scopes(self) -> set[str]:
        said = self.told["description"].rpartition("For keys with the scope ")[2]
        return {scope for scope in ("till", "manage", "read", "events") if f"`{scope}`" in said}

    async def ask(
        self, shop: Shop, key: str | None, ids: dict[str, str] = UNKNOWN, more: dict[str, Any] | None = None,
        **headers: str | None,
    ) -> Any:  # fmt: skip
        body = self.body | more if more and self.body is not None else self.body
        return await shop.ask(self.method, self.path.format(**ids), body, key=key, **headers)


def operations() -> Iterator[Operation]:
    reference = json.loads(create_app(Settings()).state.openapi)
    for path, methods in reference["paths"].items():
        for method, told in methods.items():
            yield Operation(method, path, told)


OPERATIONS = [each for each in operations() if each.path.startswith("/v1/")]
every_call = pytest.mark.parametrize("call", OPERATIONS, ids=lambda call: call.name)


@pytest.fixture
def street(standing_shop: Shop) -> Shop:
    """One shop does for all that is only asked, or held against what it finds."""
    return standing_shop


def test_every_call_says_who_may_ask() -> None:
    assert {call.name for call in OPERATIONS if not call.scopes()} == set()


def test_the_door_has_no_call_that_the_reference_is_silent_about() -> None:
    app = create_app(Settings())
    told = {(call.path, call.method) for call in operations()}
    public = {"/openapi.json", "/docs", "/docs/{name}", "/problems/{code}"}
    # What comes in at the hatch is as the gateways send it, each in its own way.
    hatch = "/sms/{gateway}/{business}/{secret}"
    public |= {hatch, f"{hatch}/reports", "/leave/{business}/{message}/{proof}"}
    pages = ("/j/", "/r/", "/m/", "/pages/")  # what a member opens on a telephone is no call

    routed = {
        (route.path_format, method)
        for route in app.routes
        for method in getattr(route, "methods", ())
        if method != "OPTIONS" and route.path_format not in public and not route.path_format.startswith(pages)
    }

    assert routed == told


@every_call
async def test_nobody_comes_in_without_a_good_key(street: Shop, call: Operation) -> None:
    before = await everything(street.house)
    good = street.keys["manage"]
    other_shape = f"{good[:-1]}{'a' if good[-1] != 'a' else 'b'}"
    for authorization in [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Basic bWFuYWdlOng=",
        good,
        f"Token {good}",
        "Bearer x",
        f"Bearer {other_shape}",
        f"Bearer {street.keys['expired']}",
        f"Bearer {good} x",
        f"Bearer lyl_live_{'a' * 8000}",
        "Bearer lyl_live_7Q2mX0aB_003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf01fOQ0",
    ]:
        answer = await call.ask(street, None, authorization=authorization)

        assert answer.status_code == 401, authorization
        assert answer.json()["code"] in {"key_missing", "key_unknown"}
        assert answer.headers["www-authenticate"] == "Bearer"
    assert await everything(street.house) == before


@every_call
async def test_a_key_does_what_its_scopes_say_and_no_more(street: Shop, call: Operation) -> None:
    before = await everything(street.house)
    for scope in {"till", "manage", "read", "events"} - call.scopes():
        answer = await call.ask(street, scope)

        assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing"), scope
    assert await everything(street.house) == before
    for scope in call.scopes():
        answer = await call.ask(street, scope, more=AT_THE_TILL.get(call.name) if scope == "till" else None)

        assert answer.status_code not in {401, 403}, (scope, answer.text)
        assert answer.status_code < 500


def the_same(answer: Any) -> tuple[int, dict[str, Any]]:
    told = answer.json()
    told.pop("request_id")
    return answer.status_code, told


def test_there_is_something_of_every_kind_that_an_address_can_name() -> None:
    assert {name for call in OPERATIONS for name in call.parameters()} == set(MAKERS) == set(UNKNOWN)


@pytest.mark.parametrize("call", [call for call in OPERATIONS if call.parameters()], ids=lambda call: call.name)
async def test_what_is_next_door_and_what_is_nowhere_get_one_answer(street: Shop, call: Operation) -> None:
    (name,) = call.parameters()
    made = []
    for key in ("manage", "next door"):
        await sell_buns_for_points(street, key)
        made.append(await MAKERS[name](street, key))
    ours, theirs = made
    before = await everything(street.house)

    nowhere = the_same(await call.ask(street, "manage"))

    assert nowhere[0] == 404
    if name not in {"number", "gateway"}:  # every business has a version 1 and may have a Kannel, and they are its own
        assert the_same(await call.ask(street, "manage", {name: theirs})) == nowhere
    for malformed in MALFORMED:
        assert the_same(await call.ask(street, "manage", {name: malformed})) == nowhere, malformed
    assert await everything(street.house) == before
    more = {"token": await token_of(street, ours)} if call.name == "undo_hold" else None
    assert (await call.ask(street, "manage", {name: ours}, more)).status_code != 404


async def test_the_phone_of_a_neighbours_member_is_nobodys_here(shop: Shop) -> None:
    await shop.ask("POST", "/v1/purchases", flat_whites("r-1"), key="next door")

    here = await shop.ask("POST", "/v1/members/lookup", {"member": {"phone": "999 00 123"}}, key="till")

    assert here.json()["known"] is False


async def test_the_id_of_a_neighbours_member_is_nobodys_here(shop: Shop) -> None:
    theirs = (await shop.ask("POST", "/v1/purchases", flat_whites("r-1"), key="next door")).json()["member"]["id"]

    for path, body in [
        ("/v1/members/lookup", {"member": {"id": theirs}}),
        ("/v1/purchases", flat_whites("r-2", member={"id": theirs})),
        ("/v1/quotes", flat_whites("r-2", member={"id": theirs})),
        ("/v1/members", {"member": {"id": theirs}}),
    ]:
        answer = await shop.ask("POST", path, body)
        assert (answer.status_code, answer.json()["code"]) == (404, "member_unknown"), path


async def test_a_revoked_key_is_worthless(shop: Shop) -> None:
    made = (await shop.ask("POST", "/v1/keys", {"scopes": ["till"]})).json()
    assert (await shop.ask("POST", "/v1/quotes", flat_whites("r"), key=made["key"])).status_code == 200

    assert (await shop.ask("DELETE", f"/v1/keys/{made['id']}")).status_code == 204

    answer = await shop.ask("POST", "/v1/quotes", flat_whites("r"), key=made["key"])
    assert (answer.status_code, answer.json()["code"]) == (401, "key_unknown")


async def test_the_key_of_the_airport_cannot_sell_in_town(shop: Shop) -> None:
    for path in ("/v1/purchases", "/v1/quotes"):
        answer = await shop.ask("POST", path, flat_whites("r-1"), key="airport")
        assert (answer.status_code, answer.json()["code"]) == (403, "location_not_yours"), path

    at_home = flat_whites("r-1")
    del at_home["location"]
    assert (await shop.ask("POST", "/v1/purchases", at_home, key="airport")).status_code == 201


@pytest.mark.parametrize("parameter", ["key", "api_key", "access_token", "q"])
async def test_a_key_in_the_address_is_refused_even_beside_a_good_one(shop: Shop, parameter: str) -> None:
    for written in (
        shop.keys["manage"],
        shop.keys["manage"].replace("_", "%5F"),
        shop.keys["manage"].upper(),
    ):
        answer = await shop.ask("GET", f"/v1/keys?{parameter}={written}")

        assert (answer.status_code, answer.json()["code"]) == (403, "key_in_url")
        assert written not in answer.text


# --- the counter: a token bucket and two caps, with a clock that a test moves ---


class Stopwatch:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def stopwatch() -> Stopwatch:
    return Stopwatch()


def enter(counter: Counter, times: int, key: str = "till-1") -> list[Callable[[], None]]:
    return [counter.enter(key) for _ in range(times)]


def test_a_burst_is_let_in_and_then_the_average(stopwatch: Stopwatch) -> None:
    counter = Counter(10, 20, stopwatch)
    enter(counter, 20)

    with pytest.raises(TooManyRequests) as refused:
        counter.enter("till-1")

    assert refused.value.facts == {"retry_after_seconds": 1}
    stopwatch.seconds = 0.5
    enter(counter, 5)
    with pytest.raises(TooManyRequests):
        counter.enter("till-1")


def test_one_key_does_not_use_up_what_another_has(stopwatch: Stopwatch) -> None:
    counter = Counter(1, 1, stopwatch)
    counter.enter("till-1")

    counter.enter("till-2")


def test_a_quiet_key_saves_up_no_more_than_a_burst(stopwatch: Stopwatch) -> None:
    counter = Counter(10, 20, stopwatch)
    counter.enter("till-1")
    stopwatch.seconds = 3600

    enter(counter, 20)

    with pytest.raises(TooManyRequests):
        counter.enter("till-1")


def test_without_a_rate_only_those_at_the_counter_are_counted(stopwatch: Stopwatch) -> None:
    counter = Counter(0, 1, stopwatch)
    here = enter(counter, 512)

    with pytest.raises(TooManyRequests):
        counter.enter("till-1")

    here.pop()()
    counter.enter("till-1")


def test_the_room_holds_so_many_and_no_more(stopwatch: Stopwatch) -> None:
    counter = Counter(0, 1, stopwatch)
    for till in range(4):
        enter(counter, 512, f"till-{till}")

    with pytest.raises(Busy):
        counter.enter("till-5")


def test_keys_that_have_left_are_forgotten(stopwatch: Stopwatch) -> None:
    counter = Counter(1, 1, stopwatch)
    for till in range(30_000):
        counter.enter(f"till-{till}")()

    assert len(counter._buckets) <= 10_000


async def test_too_many_a_second_is_429_with_retry_after(shop: Shop) -> None:
    shop.app.state.counter = Counter(1, 2, lambda: 0.0)
    answers = [await shop.ask("GET", "/v1/keys") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[-1].json()["code"] == "too_many_requests"
    assert answers[-1].json()["retryable"] is True
    assert answers[-1].headers["retry-after"] == "2"


async def test_everybody_who_came_in_has_left(shop: Shop) -> None:
    for path in ("/v1/keys", "/v1/members/x", "/v1/programme/draft"):
        await shop.ask("GET", path)
    await shop.ask("POST", "/v1/purchases", b"nonsense")

    counter = shop.app.state.counter
    assert counter._here == 0
    assert {bucket.here for bucket in counter._buckets.values()} == {0}
