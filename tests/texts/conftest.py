"""A café with members who text it, on each database: what they send goes the whole way and what leaves is looked at."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import Struct

from loyalty_engine.businesses import Caller
from loyalty_engine.house import House, open_house
from loyalty_engine.messages import outbox
from loyalty_engine.messages.outbox import MessageRow
from loyalty_engine.settings import Settings
from loyalty_engine.texts import inbound
from loyalty_engine.texts.asking import Incoming
from loyalty_engine.texts.inbound import Heard
from tests.engine.shop import MONDAY, broken, open_shop, programme

WORDINGS = """
[[consent.wordings]]
id = "offers-by-text"
purpose = "marketing"
channel = "sms"
says.nb = "Vil du ha tilbud fra oss på SMS?"
says.en = "Would you like offers by text?"

[[consent.wordings]]
id = "asked-at-the-till"
purpose = "feedback"
channel = "sms"
confirm = true
says.nb = "Kan vi spørre deg hvordan det var?"
"""
PERKS = """
[[perks]]
id = "free-coffee"
says.nb = "Gratis kaffe"
says.en = "Free coffee"
price = { unit = "points", amount = 20 }
gives.free_item = { category = ["coffee"], up_to_minor = 6000 }
"""
_numbers = count(1)


class Answered(Struct, frozen=True):
    """What came of a text, and the answer as it waits in the outbox."""

    heard: Heard
    row: MessageRow | None
    text: str | None
    to: str | None


class Phone:
    """A telephone, and the café it texts to."""

    def __init__(self, house: House, caller: Caller) -> None:
        self.house = house
        self.caller = caller

    async def texts(self, sender: str, text: str, *, at: datetime = MONDAY, **more: Any) -> Answered:
        """Send a text and give what came of it."""
        told = {"gateway": "vonage", "id": f"text-{next(_numbers)}", "sender": sender, "to": "2012", "text": text}
        heard = await inbound.receive(
            self.house, self.caller.business_id, self.caller.slug, Incoming(**told | more), at=at
        )
        return await self.answer(heard)

    async def answer(self, heard: Heard) -> Answered:
        """Unseal an answer."""
        if heard.answer_id is None:
            return Answered(heard, None, None, None)
        [found] = await self.house.database.fetch(
            f"SELECT {outbox.COLUMNS} FROM messages WHERE business_id = $1 AND id = $2",
            self.caller.business_id, heard.answer_id,
        )  # fmt: skip
        row = MessageRow(*found)
        key = row.wrapped_key
        if row.member_id is not None:
            [[key]] = await self.house.database.fetch(
                "SELECT wrapped_key FROM members WHERE business_id = $1 AND id = $2", row.business_id, row.member_id
            )
        words = outbox.words_of(self.house, row, key or "")
        return Answered(heard, row, words.text, words.to)

    async def rows(self, table: str) -> list[Any]:
        """Give all rows of a table."""
        return await self.house.database.fetch(f"SELECT * FROM {table}")

    async def consents(self) -> list[tuple[str, str, str]]:
        """Give (purpose, channel, state) of every member."""
        found = await self.house.database.fetch("SELECT purpose, channel, state FROM consents ORDER BY 1, 2")
        return [(purpose, channel, state) for purpose, channel, state in found]


@pytest.fixture
async def phone(database_url: str, tmp_path: Path, anyio_backend: str) -> AsyncIterator[Phone]:
    """A telephone and an open café, on each database."""
    settings = Settings(
        database_url=database_url, key_file=str(tmp_path / "loyalty.key"), public_url="https://poeng.example.no"
    )
    house = await open_house(settings)
    caller = await open_shop(house, source=programme(more=PERKS + WORDINGS))
    yield Phone(house, caller)
    assert await broken(house) == []
    await house.close()


def decoded(row: Any) -> Any:
    return msgspec.json.decode(row)
