"""A satisfied member lets the shop name them as a reference: a purpose of its own, and thanks for one given."""

from __future__ import annotations

import msgspec
import pytest

from loyalty_engine.businesses import Caller
from loyalty_engine.consent import consenting
from loyalty_engine.consent.commands import RecordConsent
from loyalty_engine.house import House
from loyalty_engine.programmes import check_text
from tests.engine.shop import INGRID, OLAV, broken, buys, flat_whites, happens, open_shop, programme, ticket

pytestmark = pytest.mark.anyio

REFERENCES = programme(
    more="""
[[consent.wordings]]
id = "reference-2026"
purpose = "reference"
channel = "phone"
says.nb = "Kan vi oppgi deg som referanse til andre?"
says.en = "May we name you as a reference to others?"

[[rules]]
id = "reference-thanks"
on = "reference_given"
when = { member = { consent = ["reference"] }, attributes = { spoke = true } }
then.award = { unit = "points", amount = 30 }
limit = { times = 1, per = "month" }
"""
)


async def agrees(house: House, cafe: Caller, member: str) -> None:
    told = {"purpose": "reference", "channel": "phone", "decision": "given", "wording": "reference-2026",
            "language": "nb", "evidence": {"source": "till", "staff": "ida"}}  # fmt: skip
    await consenting.record_consent(house, cafe, member, msgspec.convert(told, RecordConsent), ticket())


def test_such_a_programme_is_lawful() -> None:
    found, findings = check_text(REFERENCES, "toml")

    assert found is not None
    assert [one for one in findings if one.severity == "refused"] == []


async def test_a_reference_is_thanked_for_where_the_member_agreed_to_be_one(house: House) -> None:
    cafe = await open_shop(house, source=REFERENCES)
    ingrid = await buys(house, cafe, flat_whites("1", phone=INGRID))
    await buys(house, cafe, flat_whites("2", phone=OLAV))
    await agrees(house, cafe, ingrid.member.id)

    given = await happens(house, cafe, "reference_given", "call-17", phone=INGRID, attributes={"spoke": True})
    not_asked = await happens(house, cafe, "reference_given", "call-18", phone=OLAV, attributes={"spoke": True})

    assert [(one.rule, one.amount) for one in given.awards] == [("reference-thanks", 30)]
    assert not_asked.awards == ()
    assert await broken(house) == []
