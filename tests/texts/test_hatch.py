"""Gateways knock at the hatch: each is let in by its own proof; the others are turned away, never with a 500."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

import httpx
import msgspec
import pytest

from api.app import create_app
from api.texts.twilio import Twilio
from loyalty_engine.businesses import create_key
from loyalty_engine.commands import CreateKey, Ticket
from loyalty_engine.messages import sending
from loyalty_engine.messages.carrying import Leaving, NotCarried, Receipt
from loyalty_engine.texts.inbound import heard_stop
from tests.engine.shop import INGRID, MONDAY, buys, flat_whites
from tests.texts.conftest import Phone
from tests.texts.samples import SAMPLES, TWILIO_TOKEN, twilio_form

pytestmark = pytest.mark.anyio

FORM = {"content-type": "application/x-www-form-urlencoded"}
PUBLIC = "https://poeng.example.no"


class Street:
    """The café's door as gateways and its manager see it."""

    def __init__(self, phone: Phone, client: httpx.AsyncClient, key: str) -> None:
        self.phone = phone
        self.client = client
        self.key = key

    async def connect(self, gateway: str, settings: dict[str, Any] | None = None, **more: Any) -> dict[str, str]:
        """Set a gateway up and give its addresses."""
        body = {"settings": settings if settings is not None else SAMPLES[gateway]().settings} | more
        answer = await self.manage("PUT", f"/v1/gateways/{gateway}", body)
        assert answer.status_code == 200, answer.text
        return cast("dict[str, str]", answer.json())

    async def manage(self, method: str, path: str, body: Any = None, *, idempotency_key: str = "") -> httpx.Response:
        head = {"authorization": f"Bearer {self.key}", "content-type": "application/json"}
        head |= {"idempotency-key": idempotency_key} if idempotency_key else {}
        content = None if body is None else msgspec.json.encode(body)
        return await self.client.request(method, path, headers=head, content=content)

    async def twilio(self, url: str, **more: str) -> httpx.Response:
        """Knock as Twilio does, signed."""
        form = twilio_form(From="+4799900201", **more)
        settings = msgspec.convert(SAMPLES["twilio"]().settings, Twilio)
        head = FORM | {"x-twilio-signature": settings.signature(url, form)}
        return await self.client.post(url.removeprefix(PUBLIC), content=urlencode(form), headers=head)


@pytest.fixture
async def street(phone: Phone, tmp_path: Path) -> AsyncIterator[Street]:
    answer = await create_key(
        phone.house,
        phone.caller,
        CreateKey(scopes=("manage", "till", "read")),
        Ticket(key="k", request_id="r", at=MONDAY),
    )
    app = create_app(house=phone.house, now=lambda: MONDAY)
    transport = httpx.ASGITransport(app=cast("Any", app))
    async with httpx.AsyncClient(transport=transport, base_url="http://door.example") as client:
        yield Street(phone, client, msgspec.json.decode(answer.body)["key"])


async def test_twilio_is_answered_with_nothing_to_say_and_the_answer_waits_in_the_outbox(street: Street) -> None:
    way = await street.connect("twilio")
    await buys(street.phone.house, street.phone.caller, flat_whites("r-1", phone=INGRID))

    answer = await street.twilio(way["texts_url"], Body="POENG")

    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/xml")
    assert answer.text == '<?xml version="1.0" encoding="UTF-8"?><Response />'
    [row] = await street.phone.house.database.fetch("SELECT once, state FROM messages")
    assert tuple(row) == ("reply:twilio:SM" + "0" * 31 + "1", "queued")


async def test_a_yes_given_over_http_is_confirmed_by_the_members_own_text(street: Street) -> None:
    way = await street.connect("twilio")
    bought = await buys(street.phone.house, street.phone.caller, flat_whites("r-1", phone=INGRID))
    path = f"/v1/members/{bought.member.id}/consents"
    yes = {"purpose": "feedback", "channel": "sms", "decision": "given", "wording": "asked-at-the-till"}

    asked = await street.manage("POST", path, yes, idempotency_key="yes-1")
    answer = await street.twilio(way["texts_url"], Body="JA")
    shown = (await street.manage("GET", path)).json()

    assert (asked.status_code, asked.json()["record"]["decision"], answer.status_code) == (201, "requested", 200)
    assert [one["holds"] for one in shown["current"]] == [True]
    assert (shown["items"][0]["decision"], shown["items"][0]["source"]) == ("confirmed", "text")
    assert shown["items"][0]["actor"] == "message SM" + "0" * 31 + "1"


async def test_one_callback_told_fifty_times_at_once_is_one_text(street: Street) -> None:
    way = await street.connect("twilio")

    answers = await asyncio.gather(*(street.twilio(way["texts_url"], Body="JOIN") for _ in range(50)))

    assert {answer.status_code for answer in answers} == {200}
    assert len(await street.phone.rows("members")) == 1
    assert len(await street.phone.rows("messages")) == 1


async def test_whoever_has_not_the_way_in_or_the_proof_is_turned_away(street: Street) -> None:
    way = await street.connect("twilio")
    path = way["texts_url"].removeprefix(PUBLIC)
    secret = path.rpartition("/")[2]
    other = path.replace("corner-cafe", "farm-shop")
    statuses = {}

    for name, where in {
        "unsigned": path, "wrong secret": path[:-1] + ("A" if path[-1] != "A" else "B"),
        "another gateway": path.replace("twilio", "sinch"), "no gateway": path.replace("twilio", "pigeon"),
        "another business": other, "odd business": f"/sms/twilio/%00/{secret}", "odd gateway": f"/sms/..%2F/x/{secret}",
        "reports": f"{path}/reports",
    }.items():  # fmt: skip
        for method in ("GET", "POST"):
            answer = await street.client.request(method, where, content=urlencode(twilio_form()), headers=FORM)
            statuses[name, method] = answer.status_code
    statuses["forged", "POST"] = (
        await street.client.post(path, content="Body=JOIN", headers=FORM | {"x-twilio-signature": "AAAA"})
    ).status_code

    assert set(statuses.values()) <= {401, 403, 404}, statuses
    assert statuses["unsigned", "POST"] == 401
    assert statuses["forged", "POST"] == 403
    assert await street.phone.rows("inbound_texts") == []


async def test_what_is_proved_and_unreadable_is_422_and_too_large_is_413(street: Street) -> None:
    way = await street.connect("kannel", SAMPLES["kannel"]().settings | {"addresses": ["127.0.0.1"]})
    path = way["texts_url"].removeprefix(PUBLIC)

    assert (await street.client.get(path)).status_code == 422
    assert (await street.client.post(path, content=b"x" * 70_000)).status_code == 413
    good = await street.client.get(path, params={"id": "1", "from": "+4799900299", "to": "2012", "text": "JOIN"})
    assert (good.status_code, good.content) == (200, b"")


async def test_secrets_are_sealed_and_never_shown(street: Street) -> None:
    await street.connect("twilio")

    listed = await street.manage("GET", "/v1/gateways")
    kept = repr(await street.phone.rows("phone_lines"))

    assert [one["gateway"] for one in listed.json()["items"]] == ["twilio"]
    assert TWILIO_TOKEN not in listed.text + kept
    assert (await street.manage("DELETE", "/v1/gateways/twilio")).status_code == 204
    assert (await street.manage("DELETE", "/v1/gateways/twilio")).status_code == 404


@pytest.mark.parametrize(
    ("gateway", "body"),
    [
        ("pigeon", {"settings": {}}),
        ("twilio", {"settings": {"account_sid": "AC"}}),
        ("twilio", {"settings": SAMPLES["twilio"]().settings | {"auth_token": ""}}),
        ("sinch", {"settings": {"service_plan_id": "p", "api_token": "t", "sender": "x"}}),
        ("logged", {"settings": {}, "words": {"KAFFE": "fly"}}),
        ("logged", {"settings": {}, "words": {"a b c d e f": "join"}}),
        ("logged", {"settings": [], "words": {}}),
    ],
)
async def test_a_gateway_that_cannot_work_is_not_set_up(street: Street, gateway: str, body: Any) -> None:
    answer = await street.manage("PUT", f"/v1/gateways/{gateway}", body)

    assert answer.status_code == (404 if gateway == "pigeon" else 422)
    assert await street.phone.rows("phone_lines") == []


async def test_a_delivery_report_says_what_became_of_an_answer(street: Street) -> None:
    way = await street.connect("kannel")
    await street.phone.texts("+4799900299", "JOIN")

    class Taking:
        name = "kannel"

        async def send(self, message: Leaving) -> Receipt:
            return Receipt(message.id)

    street.phone.house.carrier_of = lambda _, __: Taking()
    await sending.send_due(street.phone.house, lambda: MONDAY)
    [[message]] = await street.phone.house.database.fetch("SELECT gateway_id FROM messages")
    path = way["reports_url"].removeprefix(PUBLIC)
    told = await street.client.get(path, params={"id": message, "state": "1"})

    assert told.status_code == 200
    assert [row[0] for row in await street.phone.house.database.fetch("SELECT state FROM messages")] == ["delivered"]


async def test_a_stop_that_the_gateway_heard_first_is_a_withdrawal_here(street: Street) -> None:
    phone = street.phone
    await phone.texts("+4799900299", "JOIN")
    await phone.texts("+4799900299", "JA")

    for _ in range(2):
        await heard_stop(phone.house, phone.caller.business_id, "corner-cafe", "+4799900299", "msg_1", at=MONDAY)

    assert await phone.consents() == [("*", "sms", "stopped"), ("marketing", "sms", "withdrawn")]


async def test_a_report_that_its_receiver_said_stop_is_a_withdrawal(street: Street) -> None:
    way = await street.connect("twilio")
    await buys(street.phone.house, street.phone.caller, flat_whites("r-1", phone=INGRID))
    url = way["reports_url"]
    form = [("MessageSid", "SM9"), ("MessageStatus", "undelivered"), ("ErrorCode", "21610"), ("To", "+4799900201")]
    settings = msgspec.convert(SAMPLES["twilio"]().settings, Twilio)
    head = FORM | {"x-twilio-signature": settings.signature(url, form)}

    for _ in range(2):
        answer = await street.client.post(url.removeprefix(PUBLIC), content=urlencode(form), headers=head)
        assert answer.status_code == 200

    assert await street.phone.consents() == [("*", "sms", "stopped")]
    assert len(await street.phone.rows("consent_records")) == 1
    assert await street.phone.rows("messages") == []


async def test_texts_leave_by_the_gateway_that_was_set_up(street: Street) -> None:
    from api.texts import carrier

    asked: list[httpx.Request] = []

    def gateway(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(400, json={"code": 21610}) if len(asked) > 1 else httpx.Response(201, json={"sid": "SM7"})

    await street.connect("twilio")
    phone = street.phone
    await phone.texts("+4799900299", "JOIN")
    async with httpx.AsyncClient(transport=httpx.MockTransport(gateway)) as client:
        phone.house.carrier_of = carrier.carriers(phone.house, client, lambda: MONDAY)
        await sending.send_due(phone.house, lambda: MONDAY)
        out = phone.house.carrier_of(phone.caller.business_id, "sms")
        note = Leaving(id="msg_2", business_id=phone.caller.business_id, channel="sms", purpose="service",
                       to="+4799900299", text="Hei", language="nb")  # fmt: skip
        with pytest.raises(NotCarried):
            await out.send(note)

    assert asked[0].url.path == "/2010-04-01/Accounts/AC" + "0" * 32 + "/Messages.json"
    assert b"StatusCallback=https%3A%2F%2Fpoeng.example.no%2Fsms%2Ftwilio%2Fcorner-cafe%2F" in asked[0].content
    [row] = await phone.house.database.fetch("SELECT state, gateway, gateway_id FROM messages")
    assert tuple(row) == ("sent", "twilio", "SM7")
    assert await phone.consents() == [("*", "sms", "stopped")]
