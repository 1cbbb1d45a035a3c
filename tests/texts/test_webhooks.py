"""What happens is told to whoever subscribed: signed, once or in the end not at all, and never into our own network."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from standardwebhooks.webhooks import Webhook

from loyalty_engine.commands import Ticket
from loyalty_engine.privacy import erasing
from loyalty_engine.texts.errors import WebhookRefused
from loyalty_engine.webhooks import posting, signing, subscriptions, telling
from loyalty_engine.webhooks.posting import AddressRefused, Answered
from tests.engine.shop import MONDAY, buys, flat_whites, programme, publish, returns, ticket
from tests.texts.conftest import Phone

pytestmark = pytest.mark.anyio

URL = "https://shop.example.com/loyalty"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Receiver:
    """An address that answers as a test says, and remembers what it was told."""

    def __init__(self, *answers: Answered | Exception) -> None:
        self.told: list[tuple[str, dict[str, str], bytes]] = []
        self._answers = list(answers)

    async def __call__(self, url: str, headers: dict[str, str], body: bytes) -> Answered:
        self.told.append((url, headers, body))
        answer = self._answers.pop(0) if self._answers else Answered(204)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def ids(self) -> list[str]:
        return [headers["webhook-id"] for _, headers, _ in self.told]


async def subscribed(phone: Phone, *kinds: str, at: datetime = MONDAY) -> dict[str, Any]:
    command = msgspec.convert({"url": URL, "kinds": kinds}, subscriptions.CreateWebhook)
    answer = await subscriptions.create(phone.house, phone.caller, command, ticket(at=at))
    made: dict[str, Any] = msgspec.json.decode(answer.body)
    return made


async def states(phone: Phone) -> list[tuple[str, str, int]]:
    found = await phone.house.database.fetch(
        "SELECT kind, state, tries FROM webhook_deliveries ORDER BY queued_at, event_id"
    )
    return [(kind, state, tries) for kind, state, tries in found]


def test_a_message_is_signed_as_the_vector_says() -> None:
    signed = signing.sign(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')

    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_a_purchase_is_told_once_and_the_receivers_own_library_accepts_it(phone: Phone) -> None:
    made = await subscribed(phone)
    bought = await buys(phone.house, phone.caller, flat_whites("r-1"), at=MONDAY + timedelta(seconds=5))
    receiver = Receiver()

    for _ in range(3):
        await telling.tell(phone.house, MONDAY + timedelta(seconds=10), post=receiver)

    [(url, headers, body)] = receiver.told
    assert url == URL
    assert headers["webhook-id"] == bought.id
    told = msgspec.json.decode(body)
    assert (told["type"], told["data"]["member"]) == ("purchase.recorded", bought.member.id)
    assert b"999" not in body
    library = Webhook(made["secret"])
    key = library._whsecret
    assert library.sign(bought.id, MONDAY + timedelta(seconds=10), body.decode()) == headers["webhook-signature"]
    assert key
    assert await states(phone) == [("purchase.recorded", "delivered", 1)]


NOTICE = """
[[rules]]
id = "big-spender"
on = "purchase"
when.total = { min = 9000 }
then.notify = { event = "vip-in-the-shop" }
"""


async def test_a_notice_of_a_rule_is_told_under_its_own_name(phone: Phone) -> None:
    await publish(phone.house, phone.caller, programme(more=NOTICE), at=MONDAY - timedelta(days=1))
    await subscribed(phone, "notice")
    at = MONDAY + timedelta(seconds=5)
    await buys(phone.house, phone.caller, flat_whites("r-1", 1), at=at)
    big = await buys(phone.house, phone.caller, flat_whites("r-2", 2), at=at)
    again = await buys(phone.house, phone.caller, flat_whites("r-2", 2), at=at + timedelta(seconds=1))
    receiver = Receiver()

    for minutes in (1, 5):
        await telling.tell(phone.house, MONDAY + timedelta(minutes=minutes), post=receiver)

    assert again.id == big.id
    [(_, headers, body)] = receiver.told
    told = msgspec.json.decode(body)
    assert told == {
        "type": "vip-in-the-shop", "timestamp": "2026-11-23T09:30:05Z",
        "data": {"id": headers["webhook-id"], "member": big.member.id, "location": None, "rule": "big-spender",
                 "cause": big.id},
    }  # fmt: skip
    assert await states(phone) == [("notice", "delivered", 1)]


async def test_whoever_subscribed_is_told_that_a_member_was_erased_and_nothing_of_them(phone: Phone) -> None:
    list_of_its_own = str(Path(phone.house.settings.key_file or "").with_name("erased.list"))
    phone.house.settings = msgspec.structs.replace(phone.house.settings, erasure_list=list_of_its_own)
    bought = await buys(phone.house, phone.caller, flat_whites("r-1"))
    await subscribed(phone, "member.erased", at=MONDAY + timedelta(seconds=1))
    await erasing.erase(phone.house, phone.caller, bought.member.id, at=MONDAY + timedelta(seconds=5))
    receiver = Receiver()

    await telling.tell(phone.house, MONDAY + timedelta(seconds=10), post=receiver)

    [(_, headers, body)] = receiver.told
    assert msgspec.json.decode(body) == {
        "type": "member.erased", "timestamp": "2026-11-23T09:30:05Z",
        "data": {"id": headers["webhook-id"], "member": bought.member.id, "location": None},
    }  # fmt: skip


async def test_what_happened_before_is_not_told_and_only_what_was_asked_for_is(phone: Phone) -> None:
    before = await buys(phone.house, phone.caller, flat_whites("r-0"), at=MONDAY - timedelta(minutes=1))
    await subscribed(phone, "refund.recorded")
    at = MONDAY + timedelta(seconds=5)
    await buys(phone.house, phone.caller, flat_whites("r-1"), at=at)
    refund = await returns(phone.house, phone.caller, before.id, "back-1", at=at, full=True)
    receiver = Receiver()

    await telling.tell(phone.house, at, post=receiver)

    assert receiver.ids() == [refund.id]
    assert msgspec.json.decode(receiver.told[0][2])["data"]["purchase"] == before.id


async def test_a_receiver_that_fails_is_told_again_later_and_given_up_in_the_end(phone: Phone) -> None:
    await subscribed(phone)
    at = MONDAY
    await buys(phone.house, phone.caller, flat_whites("r-1"), at=at)
    failing: list[Answered | Exception] = [Answered(500), ConnectionError("ConnectTimeout"), Answered(302)]
    receiver = Receiver(*failing * 4)

    for _ in range(12):
        await telling.tell(phone.house, at, post=receiver)
        at += timedelta(hours=30)

    assert len(receiver.told) == len(telling.PAUSES) + 1
    assert len(set(receiver.ids())) == 1
    assert [(kind, state) for kind, state, _ in await states(phone)] == [("purchase.recorded", "dead")]
    [webhook] = await subscriptions.listed(phone.house, phone.caller)
    assert webhook.disabled_why is not None


async def test_retry_after_is_honoured_and_gone_is_final(phone: Phone) -> None:
    await subscribed(phone)
    await buys(phone.house, phone.caller, flat_whites("r-1"), at=MONDAY)
    receiver = Receiver(Answered(429, 3600), Answered(410))

    for seconds in (0, 60, 3500, 4100):
        await telling.tell(phone.house, MONDAY + timedelta(seconds=seconds), post=receiver)

    assert len(receiver.told) == 2
    [webhook] = await subscriptions.listed(phone.house, phone.caller)
    assert webhook.disabled_why == "it answered 410: gone"


async def test_a_message_that_was_under_way_at_a_kill_is_told_under_the_same_id(phone: Phone) -> None:
    await subscribed(phone)
    await buys(phone.house, phone.caller, flat_whites("r-1"), at=MONDAY)

    class Killed(BaseException):
        pass

    class Dying(Receiver):
        async def __call__(self, url: str, headers: dict[str, str], body: bytes) -> Answered:
            await super().__call__(url, headers, body)
            raise Killed

    dying, receiver = Dying(), Receiver()
    with pytest.raises(Killed):
        await telling.tell(phone.house, MONDAY, post=dying)
    await telling.tell(phone.house, MONDAY + timedelta(seconds=30), post=receiver)
    assert receiver.told == []
    await telling.tell(phone.house, MONDAY + timedelta(seconds=61), post=receiver)

    assert receiver.ids() == dying.ids()
    assert [state for _, state, _ in await states(phone)] == ["delivered"]


async def test_several_rounds_at_once_tell_each_event_once(phone: Phone) -> None:
    await subscribed(phone)
    for number in range(5):
        await buys(phone.house, phone.caller, flat_whites(f"r-{number}"), at=MONDAY)
    receiver = Receiver()

    await asyncio.gather(*(telling.tell(phone.house, MONDAY, post=receiver) for _ in range(3)))

    assert len(receiver.told) == len(set(receiver.ids())) == 5


async def test_both_secrets_sign_for_a_day_after_a_rotation(phone: Phone) -> None:
    made = await subscribed(phone)
    command = ticket(at=MONDAY)
    rotated = await subscriptions.rotate(phone.house, phone.caller, made["id"], command)
    again = await subscriptions.rotate(phone.house, phone.caller, made["id"], command)
    fresh = msgspec.json.decode(rotated.body)["secret"]
    assert (again.hit, msgspec.json.decode(again.body)["secret"]) == (True, None)
    receiver = Receiver()

    for hours in (1, 30):
        at = MONDAY + timedelta(hours=hours)
        await subscriptions.test(phone.house, phone.caller, made["id"], Ticket(f"t{hours}", "r", at))
        await telling.tell(phone.house, at, post=receiver)

    for (_, headers, body), secrets in zip(receiver.told, ((fresh, made["secret"]), (fresh,)), strict=True):
        seconds = int(headers["webhook-timestamp"])
        wanted = [signing.sign(secret, headers["webhook-id"], seconds, body) for secret in secrets]
        assert headers["webhook-signature"].split(" ") == wanted
    kept = repr([await phone.rows("webhooks"), await phone.rows("journal")])
    assert fresh not in kept
    assert made["secret"] not in kept


REFUSED = [
    "http://shop.example.com/x", "https://localhost/x", "https://127.0.0.1/", "https://10.0.0.1/", "https://[::1]/",
    "https://169.254.169.254/latest/meta-data", "https://192.168.1.1/", "https://172.16.0.1/", "https://100.64.0.1/",
    "https://[::ffff:10.0.0.1]/", "https://[fd00::1]/", "https://[fe80::1]/", "https://0.0.0.0/", "https://2130706433/",
    "https://0x7f.1/", "https://user:pw@shop.example.com/", "https://shop.example.com:8443/", "https://x/", "ftp://x.no/",
    "https://shop.example.com/#x", "https://printer.local/", "https://db.internal/", "https://a b.example.com/",
    "https://[64:ff9b::a00:1]/", "https://[2002:a00:1::]/", "https://224.0.0.1/", "https://255.255.255.255/",
    "https://shop.example.com/\n", "https:///x", "https://[", "https://shop.example.com:99999/",
]  # fmt: skip


@pytest.mark.parametrize("url", REFUSED)
async def test_an_address_in_our_own_network_cannot_be_subscribed(phone: Phone, url: str) -> None:
    command = subscriptions.CreateWebhook(url)
    if url in {"https://2130706433/", "https://0x7f.1/"}:
        with pytest.raises((AddressRefused, ConnectionError, WebhookRefused)):
            await posting.post(url, {}, b"{}")
        return

    with pytest.raises(WebhookRefused):
        await subscriptions.create(phone.house, phone.caller, command, ticket())


@pytest.mark.parametrize(
    ("address", "open_to_all"),
    [("93.184.215.14", True), ("2606:2800:21f::1", True), ("10.1.2.3", False), ("::ffff:127.0.0.1", False),
     ("169.254.169.254", False), ("fe80::1", False), ("64:ff9b::7f00:1", False), ("2002:7f00:1::", False),
     ("fec0::1", False), ("198.18.0.1", False), ("240.0.0.1", False)],
)  # fmt: skip
def test_only_the_open_internet_is_public(address: str, open_to_all: bool) -> None:  # noqa: FBT001
    assert posting.public(ip_address(address)) is open_to_all


async def test_a_name_that_leads_inside_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def inside(*_: Any, **__: Any) -> list[Any]:
        return [(2, 1, 6, "", ("93.184.215.14", 443)), (2, 1, 6, "", ("10.0.0.7", 443))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", inside)

    with pytest.raises(AddressRefused):
        await posting.post(URL, {}, b"{}")


async def test_the_very_address_that_was_judged_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[httpx.Request] = []

    async def outside(*_: Any, **__: Any) -> list[Any]:
        return [(2, 1, 6, "", ("93.184.215.14", 443))]

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(302, headers={"location": "https://10.0.0.1/", "retry-after": "7"}, content=b"x" * 99_999)

    client: Callable[..., httpx.AsyncClient] = httpx.AsyncClient
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", outside)
    monkeypatch.setattr(httpx, "AsyncClient", lambda **more: client(transport=httpx.MockTransport(answer), **more))

    answered = await posting.post(URL, {"webhook-id": "x"}, b"{}")

    assert answered == Answered(302, 7)
    [request] = asked
    assert request.url.host == "93.184.215.14"
    assert request.headers["host"] == "shop.example.com"
    assert request.extensions["sni_hostname"] == "shop.example.com"
