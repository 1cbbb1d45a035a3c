"""A text from a number that may be somebody else's by now: it is told neither what is there nor why, nor any code."""

from __future__ import annotations

from datetime import timedelta

import pytest

from loyalty_engine.identifiers import Identifier
from loyalty_engine.identity import bouncing
from loyalty_engine.instants import to_micros
from loyalty_engine.redemption import handing_out
from loyalty_engine.redemption.commands import IssueVoucher
from tests.engine.shop import MONDAY, adjusts, buys, flat_whites, programme, publish, ticket
from tests.texts.conftest import PERKS, WORDINGS, Phone

pytestmark = pytest.mark.anyio

TEXTS = ("SALDO", "HVORFOR", "FORDELER", "BRUK free-coffee", "BLI MED", "START", "HJELP", "JA", "hva har jeg?")


async def heard(phone: Phone, *, days: int = 0) -> str:
    """Everything that is answered to all these texts."""
    at = MONDAY + timedelta(days=days)
    answers = [await phone.texts("+4799900201", text, at=at + timedelta(minutes=n)) for n, text in enumerate(TEXTS)]
    return "\n".join(one.text or "" for one in answers)


async def a_member(phone: Phone) -> str:
    """Let somebody have 7 777 points and a voucher; gives the voucher's code."""
    source = programme(about='dormant_after = "90 days"', more=PERKS + WORDINGS)
    await publish(phone.house, phone.caller, source, at=MONDAY - timedelta(days=1))
    bought = await buys(phone.house, phone.caller, flat_whites("1"))
    await adjusts(phone.house, phone.caller, bought.member.id, 7777 - 14)
    granted = IssueVoucher(perk="free-coffee", by="granted", reason="a birthday")
    await handing_out.issue(phone.house, phone.caller, bought.member.id, granted, ticket())
    [[code]] = await phone.house.database.fetch("SELECT code FROM vouchers")
    return str(code)


@pytest.mark.parametrize("how", ["dormant", "bounced"])
async def test_a_doubted_number_is_told_nothing_by_text(phone: Phone, how: str) -> None:
    code = await a_member(phone)
    if how == "bounced":
        index = phone.house.vault.blind_index(phone.caller.business_id, Identifier("phone", "+4799900201"))
        await bouncing.bounced(phone.house, phone.caller.business_id, index, at=to_micros(MONDAY))

    said = await heard(phone, days=91 if how == "dormant" else 0)

    assert [told for told in ("7 777", "7777", code, "spilt") if told in said] == []


async def test_the_same_texts_tell_it_to_whoever_is_known(phone: Phone) -> None:
    code = await a_member(phone)

    said = await heard(phone)

    assert "7 777" in said.replace("\N{NO-BREAK SPACE}", " ")
    assert code in said
