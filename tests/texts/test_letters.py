"""Letters leave by a mail server with one click to be left alone; the click is proof enough, and done once."""

from __future__ import annotations

import asyncio
import smtplib
from typing import Any, ClassVar, Self, cast

import httpx
import pytest

from api.app import create_app
from api.texts import carrier
from api.texts.smtp import Smtp
from loyalty_engine.messages import outbox
from loyalty_engine.messages.carrying import Leaving, NotCarried
from tests.engine.shop import MONDAY, buys, flat_whites
from tests.texts.conftest import Phone

pytestmark = pytest.mark.anyio


def letter(
    message_id: str = "msg_01m7q5cqg0envvna4f65046jha", business_id: int = 1, to: str = "kari@example.org"
) -> Leaving:
    return Leaving(
        id=message_id, business_id=business_id, channel="email", purpose="marketing",
        to="kari@example.org", language="nb",
        subject="Tilbud\r\nBcc: all@example.org", text="Ærlig talt: gratis kaffe på lørdag.",
    )  # fmt: skip


class Server:
    """A mail server as smtplib speaks with one."""

    posted: ClassVar[list[Any]] = []
    refuses: ClassVar[smtplib.SMTPException | None] = None

    def __init__(self, *_: Any, **__: Any) -> None: ...
    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...
    def starttls(self, **_: Any) -> None: ...
    def login(self, *_: Any) -> None: ...
    def send_message(self, message: Any) -> None:
        if Server.refuses is not None:
            raise Server.refuses
        Server.posted.append(message)


@pytest.fixture(autouse=True)
def server(monkeypatch: pytest.MonkeyPatch) -> None:
    Server.posted, Server.refuses = [], None
    monkeypatch.setattr(smtplib, "SMTP", Server)


def test_a_letter_can_be_ended_by_one_click_and_its_subject_adds_no_header() -> None:
    written = Smtp(host="mail", sender="cafe@example.org").letter(letter(), "https://poeng.example.no/leave/x")

    assert written["List-Unsubscribe"] == "<https://poeng.example.no/leave/x>"
    assert written["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert written["Message-ID"] == "<msg_01m7q5cqg0envvna4f65046jha@example.org>"
    assert written["Bcc"] is None
    assert "Ærlig talt" in written.get_content()


@pytest.mark.parametrize(("code", "again"), [(421, True), (550, False)])
def test_a_refusal_is_for_now_or_for_ever(code: int, again: bool) -> None:  # noqa: FBT001
    Server.refuses = smtplib.SMTPRecipientsRefused({"kari@example.org": (code, b"no")})

    with pytest.raises(NotCarried) as refused:
        Smtp(host="mail", sender="cafe@example.org").post(letter(), "")

    assert refused.value.again is again


def test_a_password_never_travels_in_clear() -> None:
    with pytest.raises(ValueError, match="TLS"):
        Smtp(host="mail", sender="x@example.org", username="u", password="p", tls="never")


async def test_one_click_stops_letters_and_looking_does_not(phone: Phone) -> None:
    from loyalty_engine.texts import lines

    bought = await buys(phone.house, phone.caller, flat_whites("r-1", member={"email": "kari@example.org"}), at=MONDAY)
    business = phone.caller.business_id
    [[key]] = await phone.house.database.fetch("SELECT wrapped_key FROM members WHERE id = $1", bought.member.id)
    note = outbox.Note(channel="email", purpose="marketing", text="Hei", language="nb")
    row = outbox.to_member(phone.house, business, bought.member.id, key, note, at=1)
    await phone.house.database.write_transaction(lambda transaction: outbox.put(transaction, row))
    settings = {"host": "mail", "sender": "cafe@example.org"}
    await lines.connect(phone.house, business, "smtp", settings, {}, sends=False, at=MONDAY)
    async with carrier.new_client() as client:
        out = carrier.carriers(phone.house, client, lambda: MONDAY)(business, "email")
        await out.send(letter(row.id, business))
    way = Server.posted[0]["List-Unsubscribe"].strip("<>").removeprefix("https://poeng.example.no")
    transport = httpx.ASGITransport(app=cast("Any", create_app(house=phone.house, now=lambda: MONDAY)))

    async with httpx.AsyncClient(transport=transport, base_url="http://door.example") as door:
        looked = await door.get(way)
        assert (looked.status_code, await phone.consents()) == (200, [])
        clicks = await asyncio.gather(*(door.post(way, content="List-Unsubscribe=One-Click") for _ in range(5)))
        forged = [(await door.post(bad)).status_code for bad in (way[:-1] + "x", way.replace("corner-cafe", "farm"))]

    assert {click.status_code for click in clicks} == {200}
    assert await phone.consents() == [("*", "email", "stopped")]
    assert len(await phone.rows("consent_records")) == 1
    assert forged == [403, 403]
