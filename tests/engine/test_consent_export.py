"""Consents handed out: one member's records for another system, and the head of all of them on the command line."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from loyalty_engine.businesses import Caller
from loyalty_engine.cli import main
from loyalty_engine.consent import consenting
from loyalty_engine.house import House, open_house
from loyalty_engine.settings import Settings
from tests.engine.agreeing import by_hand, ingrid_of, open_agreeing_shop, says
from tests.engine.shop import KEY, MONDAY, broken

pytestmark = pytest.mark.anyio

# What ISO/IEC TS 27560 demands of every record, as the W3C's guide writes it.
MANDATORY = {
    "dct:identifier", "dpv:hasNotice", "dpv:hasPurpose", "dpv:hasLegalBasis", "dpv:hasPersonalData",
    "dpv:hasStorageCondition", "dpv:hasJurisdiction", "dpv:hasRecipient", "dpv:hasConsentControl",
    "dpv:isIndicatedAtTime", "dpv:isImplementedByEntity", "dpv:hasConsentStatus",
}  # fmt: skip


@pytest.fixture
async def cafe(house: House) -> Caller:
    return await open_agreeing_shop(house)


async def test_another_system_reads_every_field_the_standard_demands(house: House, cafe: Caller) -> None:
    ingrid = await ingrid_of(house, cafe)
    await says(house, cafe, ingrid, evidence={"staff": "ida"})
    await says(house, cafe, ingrid, at=MONDAY + timedelta(days=300))
    await says(house, cafe, ingrid, "stopped", at=MONDAY + timedelta(days=301))

    told = await consenting.exported(house, cafe, ingrid, at=MONDAY)

    states = [one["dpv:hasConsentStatus"] for one in told["dpv:hasRecord"]]
    assert states == ["dpv:ConsentGiven", "dpv:RenewedConsentGiven", "dpv:ConsentWithdrawn"]
    assert all(set(one) >= MANDATORY for one in told["dpv:hasRecord"])
    assert told["dpv:hasDataController"]["dpv:hasName"] == "Corner Café AS"
    first = told["dpv:hasRecord"][0]
    assert first["dpv:hasNotice"]["dct:description"].startswith("Vil du ha tilbud")
    assert first["dct:valid"]["@value"] == "2027-11-23T09:30:00Z"
    assert "99900201" not in json.dumps(told)


def test_a_published_head_is_held_against_what_is_there(
    sqlite_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio

    monkeypatch.setenv("LOYALTY_KEY", KEY)

    async def live() -> str:
        house = await open_house(Settings(database_url=sqlite_database_url, key=KEY, auto_migrate=False))
        cafe = await open_agreeing_shop(house)
        ingrid = await ingrid_of(house, cafe)
        await says(house, cafe, ingrid, at=MONDAY)
        await house.close()
        return ingrid

    async def forge() -> list[str]:
        house = await open_house(Settings(database_url=sqlite_database_url, key=KEY, auto_migrate=False))
        await by_hand(
            house, "DROP TRIGGER consent_records_delete", "DELETE FROM consent_records", "DELETE FROM consents"
        )
        found = await broken(house)
        await house.close()
        return found

    def loyalty(*words: str) -> tuple[int, str]:
        ran = CliRunner().invoke(main, [*words, "--database", sqlite_database_url])
        return ran.exit_code, ran.output

    monkeypatch.setattr("loyalty_engine.consent.command.now", lambda: MONDAY + timedelta(days=1))
    ingrid = asyncio.run(live())
    code, printed = loyalty("consents", "head", "--business", "corner-cafe")
    published = tmp_path / "head.json"
    published.write_text(printed)

    held = loyalty("consents", "check", str(published))
    anew = loyalty("consents", "rebuild")
    handed = loyalty("consents", "export", ingrid, "--business", "corner-cafe")
    unseen = asyncio.run(forge())
    lost = loyalty("consents", "check", str(published))

    assert (code, json.loads(printed)["records"]) == (0, 1)
    assert held == (0, "1 records up to 2026-11-24T09:28:00Z are what they were\n")
    assert anew == (0, "made anew for 1 members\n")
    assert json.loads(handed[1])["dpv:hasDataSubject"] == ingrid
    assert unseen == []
    assert lost[0] == 1
    assert "1 records of 1 members then, 0 of 0 now" in lost[1]
