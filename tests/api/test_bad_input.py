"""Nonsense on every call that takes a body: refused with the right code, and not one row written."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from api import examples
from api.app import create_app
from loyalty_engine.settings import Settings
from tests.api.belongings import MAKERS, sell_buns_for_points
from tests.api.conftest import Shop, everything, flat_whites

FULL_WIDTH = "".join(chr(0xFF10 + int(digit)) for digit in "91234567")
ARABIC = "".join(chr(0x0660 + int(digit)) for digit in "91234567")
# A version needs no note and no name, letting go no reason, and a look at a referral no remark.
MAY_BE_EMPTY = {
    ("publish_programme", "note"), ("publish_programme", "by"), ("release_hold", "reason"), ("review_referral", "note"),
}  # fmt: skip
# Where in a document a value may stand in for another.
HERE = "«here»"

MALFORMED = {
    "empty": b"",
    "cut off": b'{"a":',
    "trailing bytes": b"{} {}",
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": "{}".encode("utf-16"),
    "not UTF-8": b'{"a":"\xff"}',
    "a name twice": b'{"a":1,"a":1}',
    "NaN": b'{"a":NaN}',
    "64 deep": b"[" * 64 + b"]" * 64,
    "30 000 deep": b"[" * 30_000 + b"]" * 30_000,
    "30 000 objects opened": b'{"a":' * 10_000,
}
TYPES = [
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/msgpack",
    "application/json; charset=utf-16",
    "application/jsonp",
]
NUMBERS = [
    "0.1",
    "1.0",
    "1e2",
    '"100"',
    "true",
    "1e400",
    str(2**63 - 1),
    str(2**63),
    str(2**64),
    str(10**30),
    "9" * 5000,
    "-" + "9" * 5000,
    "[]",
]
TEXTS = [r'"\u0000"', r'"\ud800"', r'"a\udc00b"', "5", "{}", "[]", "true", '""', json.dumps("x" * 10_000)]
TIMES = [
    '"2026-11-22T09:41:00"',
    '"2026-02-30T09:41:00Z"',
    '"2099-01-01T00:00:00Z"',
    '"1970-01-01T00:00:00Z"',
    '"2026-11-22T08:51:00Z"',
    '"2026-11-23T10:00:00Z"',
    '"2026-10-22T08:00:00Z"',
    '"2026-06-30T23:59:60Z"',
    '"0001-01-01T00:00:00+14:00"',
    '"9999-12-31T23:59:59-14:00"',
    '"10000-01-01T00:00:00Z"',
    "1763800860000",
    '"today"',
]
PHONES = [
    "91234567, 98765432",
    "=+4791234567",
    "91234567 ext 12",
    "1-800-FLOWERS",
    "9l234567",
    "9O234567",
    "+47912345678",
    "+479123456",
    "+0000000000",
    "+",
    " ",
    "2012",
    "+99912345678",
    "91234567\n98765432",
    "9" * 320,
    "'; DROP TABLE",
]
EMAILS = [
    "a@@example.org",
    "a@localhost",
    "a@[127.0.0.1]",
    "a@example.org\r\nBcc: b@example.org",
    "@",
    "x" * 320,
    "a@",
]


class Door:
    """A call that takes a body: where, and a body it would take."""

    def __init__(self, method: str, path: str, name: str, kinds: list[str]) -> None:
        self.method, self.path, self.name, self.kinds = method, path, name, kinds

    @property
    def good(self) -> Any:
        """The reference's own example; of a batch one row only."""
        example = examples.REQUESTS.get(self.name, {})
        return example[:1] if isinstance(example, list) else example


def _doors() -> list[Door]:
    reference = json.loads(create_app(Settings()).state.openapi)
    return [
        Door(method.upper(), path, operation["operationId"], list(operation["requestBody"]["content"]))
        for path, methods in reference["paths"].items()
        for method, operation in methods.items()
        if "requestBody" in operation
    ]


DOORS = {door.name: door for door in _doors()}
every_door = pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
typed_doors = pytest.mark.parametrize(
    "door",
    [door for door in DOORS.values() if door.good and "application/toml" not in door.kinds],
    ids=lambda door: door.name,
)


@pytest.fixture
def shop(standing_shop: Shop) -> Shop:
    """One shop does for all tests here."""
    return standing_shop


@pytest.fixture(scope="module")
async def there(standing_shop: Shop) -> dict[str, str]:
    """One of each thing that an address can name, so that what is sent there is refused for its body alone."""
    await sell_buns_for_points(standing_shop, "manage")
    made = {name: await make(standing_shop, "manage") for name, make in MAKERS.items()}
    return made | {"gateway": "twilio"}  # the one whose settings the reference shows


@pytest.fixture
async def till(shop: Shop, there: dict[str, str]) -> AsyncIterator[Shop]:
    """The shop with what is on its books; afterwards these are just as they were."""
    shop.keys.update(there)
    before = await everything(shop.house)

    yield shop

    assert await everything(shop.house) == before


async def send(till: Shop, door: Door, body: bytes, **headers: str | None) -> tuple[int, dict[str, Any]]:
    """Send a body to a call; what comes back is a problem, of a batch that of its only row."""
    path = door.path.format(**till.keys) if "{" in door.path else door.path
    answer = await till.ask(door.method, path, body, **headers)
    told: dict[str, Any] = answer.json()
    if answer.status_code == 200 and "results" in told:
        (row,) = told["results"]
        assert "body" not in row
        return row["status"], row["problem"]
    assert answer.headers["content-type"] == "application/problem+json", (answer.status_code, told)
    assert told["status"] == answer.status_code
    return answer.status_code, told


def leaves(document: Any, kind: type) -> Iterator[Any]:
    """The document again and again, each time with one value of this kind replaced by HERE."""
    if isinstance(document, dict):
        for name, value in document.items():
            for changed in leaves(value, kind):
                yield document | {name: changed}
    elif isinstance(document, list):
        for place, value in enumerate(document):
            for changed in leaves(value, kind):
                yield [*document[:place], changed, *document[place + 1 :]]
    elif type(document) is kind:
        yield HERE


def put(document: Any, value: str) -> bytes:
    return json.dumps(document).replace(json.dumps(HERE), value).encode()


@every_door
async def test_what_is_not_json_is_malformed(till: Shop, door: Door) -> None:
    for name, body in MALFORMED.items():
        status, problem = await send(till, door, body)

        assert (status, problem["code"]) == (400, "malformed_body"), name


@every_door
async def test_only_the_right_kind_of_body_is_taken(till: Shop, door: Door) -> None:
    for kind in TYPES:
        status, problem = await send(till, door, json.dumps(door.good).encode(), content_type=kind)

        assert (status, problem["code"]) == (415, "not_json"), kind


@every_door
async def test_a_body_over_the_limit_is_too_large(till: Shop, door: Door) -> None:
    limit = 1024 * 1024 if door.name == "carry_out" else 64 * 1024
    for body in (b'{"a":"' + b"x" * limit + b'"}', b"[" * (limit + 1), b" " * 10_000_000):
        status, problem = await send(till, door, body)

        assert (status, problem["code"], problem["limit_bytes"]) == (413, "body_too_large", limit)


@typed_doors
async def test_an_unknown_field_is_refused_wherever_it_stands(till: Shop, door: Door) -> None:
    for document in objects(door.good):
        if any("surprise" in inside(document, name) for name in ("worth", "attributes", "words")):
            continue  # units, an event's own fields and the words one texts are called whatever the business calls them
        status, problem = await send(till, door, json.dumps(document).encode())

        if "surprise" in inside(document, "settings"):
            assert (status, problem["code"], problem["errors"][0]["pointer"]) == (422, "gateway_refused", "/settings")
            continue  # each gateway knows its own settings
        assert (status, problem["code"]) == (422, "body_invalid"), document
        assert problem["errors"][0]["pointer"].endswith("/surprise")
        assert problem["errors"][0]["code"] == "unknown_field"


def objects(document: Any) -> Iterator[Any]:
    """The document again and again, each time with one more field in one of its objects."""
    if isinstance(document, dict):
        yield document | {"surprise": 1}
        for name, value in document.items():
            for changed in objects(value):
                yield document | {name: changed}
    elif isinstance(document, list):
        for place, value in enumerate(document):
            for changed in objects(value):
                yield [*document[:place], changed, *document[place + 1 :]]


def replaced(document: Any) -> list[str]:
    """Give the name of the field that is replaced, if it stands in the outermost object."""
    return [name for name, value in document.items() if value == HERE] if isinstance(document, dict) else []


def inside(document: Any, name: str) -> dict[str, Any]:
    """Give the object of this name in the document, or an empty one."""
    found: dict[str, Any] = document.get(name, {}) if isinstance(document, dict) else {}
    return found


def in_own_field(document: Any) -> bool:
    """Tell whether what is replaced is an event's own field, which may be a number, a text, or true or false."""
    return HERE in inside(document, "attributes").values()


@typed_doors
async def test_a_number_is_a_whole_number_in_range(till: Shop, door: Door) -> None:
    for document in leaves(door.good, int):
        for number in NUMBERS:
            if number in {'"100"', "true"} and in_own_field(document):
                continue  # an event's own field may as well be a text, or true or false
            status, problem = await send(till, door, put(document, number))

            assert (status, problem["code"]) == (422, "body_invalid"), (document, number[:40])


@typed_doors
async def test_a_text_is_a_text_that_can_be_kept(till: Shop, door: Door) -> None:
    for document in leaves(door.good, str):
        for text in TEXTS:
            if text == '""' and any((door.name, name) in MAY_BE_EMPTY for name in replaced(document)):
                continue
            if text in {"5", "true"} and in_own_field(document):
                continue  # an event's own field may as well be a number, or true or false
            status, problem = await send(till, door, put(document, text))

            if door.name == "backtest_programme" and problem["code"] == "version_unknown":
                continue  # a number written as a text names a version, and there is none such
            assert status in {400, 422}, (document, text[:40])
            assert problem["code"] in {
                "body_invalid", "identifier_invalid", "idempotency_key_malformed", "programme_refused",
                "gateway_refused",
            }  # fmt: skip


@pytest.mark.parametrize(
    "door", [DOORS[name] for name in ("record_purchase", "refund_purchase", "record_event")], ids=lambda door: door.name
)
async def test_a_time_has_a_zone_and_lies_near(till: Shop, door: Door) -> None:
    for time in TIMES:
        status, problem = await send(till, door, put(door.good | {"occurred_at": HERE}, time))

        assert status == 422, time
        assert problem["code"] in {"body_invalid", "occurred_in_future", "occurred_too_long_ago"}
        assert problem["errors"][0]["pointer"] == "/occurred_at"


@pytest.mark.parametrize(
    "door",
    [DOORS[name] for name in ("lookup_member", "enrol_member", "record_purchase", "quote_purchase", "record_event")],
    ids=lambda door: door.name,
)
async def test_a_number_nobody_can_have_is_refused_by_name(till: Shop, door: Door) -> None:
    wrong = [{"phone": phone} for phone in PHONES] + [{"email": email} for email in EMAILS]
    both: dict[str, str] = {"phone": "999 00 123", "email": "kari@example.org"}
    for member in [*wrong, {}, both]:
        status, problem = await send(till, door, json.dumps(door.good | {"member": member}).encode())

        assert status == 422, member
        assert problem["code"] in {"identifier_invalid", "body_invalid"}
        assert problem["errors"][0]["pointer"].startswith("/member"), member


async def test_money_must_add_up_in_the_programmes_own_currency(till: Shop) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"total_minor": 12801}, "lines_do_not_add_up"),
        ({"currency": "SEK"}, "currency_mismatch"),
        ({"currency": "XXX"}, "currency_mismatch"),
        ({"currency": "nok"}, "body_invalid"),
        ({"currency": "NOK\n"}, "body_invalid"),
    ]
    for fields, code in wrong:
        body = json.dumps(flat_whites("2026-11-22-000101", **fields)).encode()
        status, problem = await send(till, DOORS["record_purchase"], body)

        assert (status, problem["code"]) == (422, code)


@pytest.mark.parametrize("kind", ["application/toml", "text/toml", "application/json"])
async def test_a_programme_that_cannot_be_read_is_refused(till: Shop, kind: str) -> None:
    for source in [
        b"= 5",
        b"{}",
        b'{"programme": 5}',
        b"[programme]\nname = 1",
        b"\xff",
        b"a\x00b",
        b"[[[[",
        b"x = " + b"[" * 5000,
    ]:
        for door in (DOORS["save_draft"], DOORS["check_programme"]):
            path = door.path
            answer = await till.ask(door.method, path, source, content_type=kind)

            assert answer.status_code in {200, 400, 422}, (source[:20], answer.text)
            if answer.status_code == 200:
                assert path.endswith("/check")
                assert answer.json()["ok"] is False
            else:
                assert answer.json()["code"] in {"programme_refused", "malformed_body", "body_invalid"}


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=-1",
        "limit=101",
        "limit=1.0",
        "limit=x",
        "limit=",
        "limit=٣",
        "limit=" + "9" * 5000,
        "cursor=%00",
        "cursor=" + "x" * 100,
        "cursor=%FF",
        "limit=25&cursor=x",
        "cursor=" + "9" * 40 + ".ent_" + "0" * 26,
    ],
)
async def test_a_page_that_does_not_exist_is_refused(till: Shop, query: str) -> None:
    for path in (f"/v1/members/{till.keys['member_id']}/ledger", "/v1/programme/versions"):
        answer = await till.ask("GET", f"{path}?{query}")

        assert answer.status_code == 400, path
        assert answer.json()["code"] in {"parameter_malformed", "cursor_malformed"}


async def test_refused_phones_do_not_hide_that_good_ones_are_one_member(shop: Shop) -> None:
    written = [
        "91234567", "912 34 567", "+47 912 34 567", "004791234567", "4791234567", "0047-912-34-567",
        "tel:+4791234567", "912\u00a034\u00a0567", "\u200e912 34 567\u202d", FULL_WIDTH, ARABIC,
        "\uff0b47 912 34 567", "+47 (0) 912 34 567",
    ]  # fmt: skip
    seen = set()
    for number, phone in enumerate(written):
        body = flat_whites(f"receipt-{number}", member={"phone": phone})
        answer = await shop.ask("POST", "/v1/purchases", body)
        assert answer.status_code == 201, (phone, answer.text)
        seen.add(answer.json()["member"]["id"])

    assert len(seen) == 1
