"""Strangers text JOIN from abroad by the hundred: it costs the budget of the day at most; the rest is not sent."""

from __future__ import annotations

from datetime import timedelta

import pytest

from loyalty_engine.messages import sending
from loyalty_engine.messages.carrying import Leaving, Receipt
from tests.engine.shop import MONDAY, programme, publish
from tests.texts.conftest import PERKS, WORDINGS, Phone

pytestmark = pytest.mark.anyio

BUDGET = 20


class Counting:
    """A gateway that takes everything and counts it."""

    name = "counting"

    def __init__(self) -> None:
        self.sent: list[str] = []

    async def send(self, message: Leaving) -> Receipt:
        self.sent.append(message.to)
        return Receipt(message.id)


async def flood(phone: Phone, count: int, number: str) -> Counting:
    """Let so many foreign numbers join, and send what may be sent."""
    gateway = Counting()
    phone.house.carrier_of = lambda _, __: gateway
    for n in range(count):
        await phone.texts(number.format(n), "JOIN", at=MONDAY)
    while await sending.send_due(phone.house, lambda: MONDAY + timedelta(seconds=1)):
        pass
    return gateway


@pytest.mark.parametrize("count", [60, pytest.param(10_000, marks=pytest.mark.fault_long)])
async def test_texts_from_a_country_that_is_not_switched_on_cost_nothing(phone: Phone, count: int) -> None:
    gateway = await flood(phone, count, "+4670174{:04d}")

    assert gateway.sent == []
    refused = await phone.house.database.fetch("SELECT reason, count(*) FROM messages GROUP BY reason")
    assert [tuple(row) for row in refused] == [("country_not_allowed", count)]


@pytest.mark.parametrize("count", [60, pytest.param(10_000, marks=pytest.mark.fault_long)])
async def test_texts_from_a_country_that_is_cost_the_budget_of_the_day(phone: Phone, count: int) -> None:
    about = f'\n[messages]\ncountries = ["NO", "SE"]\nper_day = {BUDGET}\n'
    await publish(phone.house, phone.caller, programme(more=PERKS + WORDINGS + about), at=MONDAY - timedelta(days=1))

    gateway = await flood(phone, count, "+4670174{:04d}")

    assert len(gateway.sent) == BUDGET
    found = await phone.house.database.fetch("SELECT state, reason, count(*) FROM messages GROUP BY 1, 2 ORDER BY 1")
    assert [tuple(row) for row in found] == [("refused", "over_budget", count - BUDGET), ("sent", None, BUDGET)]
