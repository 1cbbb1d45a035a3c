"""The reference says what the server does, and the server does what the reference says."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from functools import cache
from pathlib import Path
from typing import Any, cast

import httpx
import jsonschema  # type: ignore[import-untyped]
import msgspec
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks

from api import examples, openapi
from api.app import create_app
from api.calls import Call
from loyalty_engine.settings import Settings
from rules.conditions import CONDITIONS
from rules.effects import EFFECTS
from tests.api.conftest import Shop

ROOT = Path(__file__).parents[2]
REFERENCE: dict[str, Any] = json.loads(create_app(Settings()).state.openapi)
OPERATIONS = {told["operationId"]: told for methods in REFERENCE["paths"].values() for told in methods.values()}
SWAGGER = ROOT / "api" / "static" / "swagger"


@pytest.fixture
def shop(standing_shop: Shop) -> Shop:
    """One shop does for all tests here."""
    return standing_shop


def test_the_reference_is_valid_openapi_31() -> None:
    OpenAPIV31SpecValidator(REFERENCE).validate()

    assert REFERENCE["openapi"].startswith("3.1.")
    assert all(server["url"].startswith("/") for server in REFERENCE["servers"])


def test_the_committed_reference_is_the_served_one() -> None:
    committed = (ROOT / "docs" / "reference" / "openapi.json").read_text(encoding="utf-8")

    served = msgspec.json.format(create_app(Settings()).state.openapi, indent=2).decode() + "\n"
    assert committed == served, "write it again: python3 run.py docs"


async def test_the_served_reference_is_this_one(shop: Shop) -> None:
    assert (await shop.ask("GET", "/openapi.json", key=None)).json() == REFERENCE


def test_where_unknown_fields_are_refused_the_reference_says_so() -> None:
    schemas = REFERENCE["components"]["schemas"]
    bodies = [
        content["schema"]
        for told in OPERATIONS.values()
        for kind, content in told.get("requestBody", {}).get("content", {}).items()
        if kind == "application/json" and "$ref" in content["schema"]
    ]

    assert len(bodies) > 5
    for body in bodies:
        assert schemas[body["$ref"].rpartition("/")[2]]["additionalProperties"] is False


def test_a_programme_sent_or_shown_is_described_table_by_table() -> None:
    schemas = REFERENCE["components"]["schemas"]
    sent = {
        name
        for name, told in OPERATIONS.items()
        for content in told.get("requestBody", {}).get("content", {}).values()
        if content["schema"] == {"$ref": "#/components/schemas/Programme"}
    }

    assert sent == {"save_draft", "check_programme"}
    for name in ("BacktestProgramme", "DraftAnswer", "VersionAnswer"):
        assert "#/components/schemas/Programme" in json.dumps(schemas[name]["properties"]["programme"])
    when, then = schemas["ProgrammeAll"]["properties"], schemas["ProgrammeThen"]["properties"]
    listed = {*(when.keys() - {"member"}), *(f"member.{name}" for name in when["member"]["properties"])}
    assert listed == {*CONDITIONS, "any", "all", "not"}
    assert set(then) == set(EFFECTS)


def test_every_post_that_changes_something_wants_a_key() -> None:
    keyed = {
        name
        for name, told in OPERATIONS.items()
        if any(parameter["name"] == "Idempotency-Key" and parameter["required"] for parameter in told["parameters"])
    }

    posts = {told["post"]["operationId"] for told in REFERENCE["paths"].values() if "post" in told}
    assert posts - keyed == {"lookup_member", "quote_purchase", "check_programme", "carry_out", "backtest_programme"}
    assert keyed - posts == {"change_member"}


def test_every_error_is_explained() -> None:
    for error in openapi.every_error():
        assert f"`{error.code}`" in REFERENCE["info"]["description"]


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_example_is_what_its_schema_describes(name: str) -> None:
    told = OPERATIONS[name]
    bodies = [told["requestBody"]["content"]] if "requestBody" in told else []
    for content in [*bodies, *(answer.get("content", {}) for answer in told["responses"].values())]:
        for media in content.values():
            shown = [media["example"]] if "example" in media else []
            named = [each["$ref"].rpartition("/")[2] for each in media.get("examples", {}).values()]
            shown += [REFERENCE["components"]["examples"][each]["value"] for each in named]
            for example in shown:
                jsonschema.validate(example, media["schema"] | {"components": REFERENCE["components"]})


def test_every_example_belongs_to_a_call() -> None:
    assert {name.partition(":")[0] for name in (*examples.REQUESTS, *examples.ANSWERS)} - set(OPERATIONS) == set()


async def test_the_example_purchase_is_taken_as_it_is(shop: Shop) -> None:
    answer = await shop.ask("POST", "/v1/purchases", examples.REQUESTS["record_purchase"], key="till")

    assert answer.status_code == 201
    schema = {"$ref": "#/components/schemas/PurchaseAnswer", "components": REFERENCE["components"]}
    jsonschema.validate(answer.json(), schema)
    assert set(answer.json()) == set(examples.ANSWERS["record_purchase"])


def test_a_promise_can_be_copied() -> None:
    call = Call(scopes=frozenset(), answers={200: None})

    assert call.__deepcopy__({}) is call


# --- the page to try the calls on ---


async def test_the_page_asks_no_other_host(shop: Shop) -> None:
    page = await shop.client.get("/docs")
    asked = re.findall(r'(?:src|href)="([^"]+)"', page.text)

    assert asked
    for address in asked:
        assert address == "data:," or address.startswith("/docs/")
        if address != "data:,":
            assert (await shop.client.get(address)).status_code == 200
    assert re.findall(r"https?://", page.text + (await shop.client.get("/docs/start.js")).text) == []
    assert "<script>" not in page.text
    assert "style=" not in page.text


async def test_the_page_may_load_nothing_from_elsewhere(shop: Shop) -> None:
    policy = (await shop.client.get("/docs")).headers["content-security-policy"]

    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
    assert "http" not in policy


def test_the_page_is_made_of_the_files_it_was_made_of() -> None:
    noted = dict(re.findall(r"\| `([^`]+)` \| `([0-9a-f]{64})` \|", (SWAGGER / "README.md").read_text()))

    assert set(noted) == {path.name for path in SWAGGER.iterdir()} - {"README.md", "LICENSE", "NOTICE"}
    for name, digest in noted.items():
        assert hashlib.sha256((SWAGGER / name).read_bytes()).hexdigest() == digest


# --- a stranger's program reads the reference and tries everything ---

CHECKS = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
]
REJECTED = checks.negative_data_rejection
# A batch is taken though its rows may be refused, each in its own result; a check tells what would be refused.
ANSWERED_ALL_THE_SAME = {"carry_out", "check_programme"}
# A whole programme takes as long to imagine as ten purchases; the long suite imagines more of everything.
LONG = {"save_draft", "check_programme", "backtest_programme"}
HOW = settings(
    database=None, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


@pytest.mark.parametrize("name", OPERATIONS)
async def test_a_strangers_program_finds_no_surprise(shop: Shop, name: str) -> None:
    await tries_everything(shop, name, 5 if name in LONG else 15)


@pytest.mark.fault_long
@pytest.mark.parametrize("name", OPERATIONS)
async def test_a_stranger_with_much_time_finds_no_surprise_either(shop: Shop, name: str) -> None:
    await tries_everything(shop, name, 60)


async def tries_everything(shop: Shop, name: str, times: int) -> None:
    for case in [*imagined(name, GenerationMode.POSITIVE, times), *imagined(name, GenerationMode.NEGATIVE, times)]:
        told = case.as_transport_kwargs(base_url="http://till.example")
        told["headers"]["authorization"] = f"Bearer {shop.keys['manage']}"
        case.headers["Authorization"] = told["headers"]["authorization"]
        answer = await shop.client.send(request_of(told))
        # Too large is refused whatever else is wrong, which the check of refusals does not count among them.
        refusing = [] if name in ANSWERED_ALL_THE_SAME or answer.status_code == 413 else [REJECTED]
        try:
            case.validate_response(answer, checks=[*CHECKS, *refusing])
        except schemathesis.errors.FailureGroup as found:
            # It is no Exception, and would end the loop of all tests that come after.
            pytest.fail(str(found))


@cache
def described() -> dict[str, Any]:
    """Give the calls of the reference as the stranger's program reads them."""
    schema = schemathesis.openapi.from_dict(REFERENCE)
    calls = [each.ok() for each in cast("Any", schema.get_all_operations())]
    return {call.definition.raw["operationId"]: call for call in calls}


@cache
def imagined(name: str, mode: GenerationMode, times: int) -> list[schemathesis.Case[Any]]:
    """Requests made of a call's schemas, once for both engines: such as the reference allows, or as it does not."""
    cases: list[schemathesis.Case[Any]] = []

    @settings(HOW, max_examples=times)
    @given(described()[name].as_strategy(generation_mode=mode))
    def collect(case: schemathesis.Case[Any]) -> None:
        cases.append(case)

    with contextlib.suppress(Unsatisfiable):  # a call without parameters and body cannot be asked wrongly
        collect()
    assert cases or mode is GenerationMode.NEGATIVE
    return cases


def request_of(told: dict[str, Any]) -> httpx.Request:
    """Make a request of what schemathesis would hand to the library `requests`."""
    kept = {name: told.get(name) for name in ("headers", "params", "json", "data")}
    prepared = requests.Request(told["method"], told["url"], **kept).prepare()
    headers = [(name.encode(), cast("str", value).encode("latin-1")) for name, value in prepared.headers.items()]
    return httpx.Request(
        told["method"], cast("str", prepared.url), headers=headers, content=cast("bytes", prepared.body)
    )
