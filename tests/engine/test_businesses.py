"""Keys, locations and published programmes: who may ask, and what they are judged by."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from loyalty_engine import businesses, programmes
from loyalty_engine.answers import VersionAnswer
from loyalty_engine.answers_of_doors import KeyAnswer, LocationAnswer
from loyalty_engine.businesses import Caller
from loyalty_engine.commands import CreateKey, DeclareLocation, PublishProgramme
from loyalty_engine.errors import (
    BusinessUnknown,
    CursorMalformed,
    DraftMissing,
    IdempotencyKeyReused,
    KeyIdUnknown,
    KeyUnknown,
    LocationNotYours,
    LocationUnknown,
    ProgrammeRefused,
    VersionUnknown,
)
from loyalty_engine.house import House
from tests.engine.shop import MONDAY, buys, flat_whites, open_shop, programme, publish, ticket

pytestmark = pytest.mark.anyio

TILL = CreateKey(scopes=("till",), location="grunerlokka", name="till 1")


async def made(house: House, caller: Caller, command: CreateKey, key: str | None = None) -> KeyAnswer:
    answer = await businesses.create_key(house, caller, command, ticket(key))
    return msgspec.json.decode(answer.body, type=KeyAnswer)


async def test_a_key_names_its_business_scopes_and_location(house: House, cafe: Caller) -> None:
    key = await made(house, cafe, TILL)
    assert key.key is not None

    caller = await businesses.authenticate(house, key.key, at=MONDAY)

    assert caller == Caller(cafe.business_id, "corner-cafe", key.id, frozenset({"till"}), "grunerlokka")


async def test_a_key_is_shown_once_and_kept_as_a_hash(house: House, cafe: Caller) -> None:
    first = await made(house, cafe, TILL, "k")
    again = await made(house, cafe, TILL, "k")

    assert first.key is not None
    assert again == msgspec.structs.replace(first, key=None)
    assert [key.id for key in await businesses.list_keys(house, cafe)] == [first.id]
    for table in ("keys", "journal"):
        rows = await house.database.fetch(f"SELECT * FROM {table}")
        assert not any(first.key in str(value) for row in rows for value in row)


async def test_a_revoked_an_expired_and_a_mistyped_key_are_one_and_the_same_refusal(house: House, cafe: Caller) -> None:
    revoked = await made(house, cafe, TILL)
    short = await made(house, cafe, CreateKey(scopes=("till",), expires_at=MONDAY + timedelta(hours=1)))
    assert revoked.key is not None
    assert short.key is not None
    await businesses.authenticate(house, revoked.key, at=MONDAY)
    await businesses.revoke_key(house, cafe, revoked.id, at=MONDAY)

    for key, at in [
        (revoked.key, MONDAY),
        (short.key, MONDAY + timedelta(hours=1)),
        (short.key[:-1] + ("y" if short.key[-1] == "x" else "x"), MONDAY),
    ]:
        with pytest.raises(KeyUnknown):
            await businesses.authenticate(house, key, at=at)


async def test_a_key_of_another_business_cannot_be_revoked(house: House, cafe: Caller) -> None:
    bookshop = await open_shop(house, "bookshop")
    key = await made(house, cafe, TILL)

    with pytest.raises(KeyIdUnknown):
        await businesses.revoke_key(house, bookshop, key.id, at=MONDAY)


async def test_a_location_is_listed_once_a_till_has_sold_there(house: House, cafe: Caller) -> None:
    await buys(house, cafe, flat_whites("1", location="majorstuen"))

    assert [one.location for one in await businesses.list_locations(house, cafe)] == ["majorstuen"]


async def test_a_location_can_be_declared_named_and_taken_away(house: House, cafe: Caller) -> None:
    command = DeclareLocation("grunerlokka", "Grünerløkka")
    answer = await businesses.declare_location(house, cafe, command, ticket("k"))
    again = await businesses.declare_location(house, cafe, command, ticket("k"))

    assert msgspec.json.decode(answer.body, type=LocationAnswer).name == "Grünerløkka"
    assert (answer.status, again.hit, again.body) == (201, True, answer.body)
    await businesses.remove_location(house, cafe, "grunerlokka")
    with pytest.raises(LocationUnknown):
        await businesses.remove_location(house, cafe, "grunerlokka")


async def test_one_key_for_two_kinds_of_command_is_refused(house: House, cafe: Caller) -> None:
    await buys(house, cafe, flat_whites("1"), key="k")

    with pytest.raises(IdempotencyKeyReused):
        await businesses.create_key(house, cafe, TILL, ticket("k"))


@pytest.mark.parametrize("slug", ["", "Café", "corner cafe", "CORNER", "x" * 61, "a/b"])
async def test_a_business_needs_a_plain_short_name(house: House, slug: str) -> None:
    with pytest.raises(ValueError, match="lower-case letters"):
        await businesses.found_business(house, slug, "x", at=1)


async def test_a_business_nobody_founded_is_unknown(house: House, cafe: Caller) -> None:
    assert await businesses.business_called(house.database, "corner-cafe") == cafe.business_id
    with pytest.raises(BusinessUnknown):
        await businesses.business_called(house.database, "nowhere")


async def test_a_draft_is_saved_checked_and_published(house: House, cafe: Caller) -> None:
    source = programme().replace("per_minor = 1000", "per_minor = 500")
    saved = await programmes.save_draft(house, cafe, source, "toml", at=MONDAY)

    answer = await programmes.publish(house, cafe, PublishProgramme(note="twice as much"), ticket(at=MONDAY))

    version = msgspec.json.decode(answer.body, type=VersionAnswer)
    assert saved.toml == source
    assert saved.programme["rules"][0]["then"]["award"]["per_minor"] == 500
    assert (answer.status, version.version, version.note) == (201, 2, "twice as much")
    assert (await buys(house, cafe, flat_whites("1"))).awards[0].amount == 19
    assert (await programmes.version(house, cafe, 2)).toml == source
    assert [v.version for v in (await programmes.versions(house, cafe, limit=10, cursor=None))[0]] == [2, 1]


async def test_publishing_what_is_current_makes_no_new_version(house: House, cafe: Caller) -> None:
    answer = await publish(house, cafe, programme(), at=MONDAY)

    assert answer.status == 200
    assert msgspec.json.decode(answer.body, type=VersionAnswer).version == 1


async def test_a_draft_that_is_no_programme_is_refused_with_every_place(house: House, cafe: Caller) -> None:
    wrong = programme().replace('"points", by = 2', '"pionts", by = 2').replace('country = "NO"', 'country = "Norway"')

    with pytest.raises(ProgrammeRefused) as refused:
        await programmes.save_draft(house, cafe, wrong, "toml", at=MONDAY)

    places = {detail.pointer for detail in refused.value.details}
    assert any(place.startswith("/rules/1") for place in places)
    assert "/programme/country" in places


async def test_a_programme_whose_examples_fail_is_not_published(house: House, cafe: Caller) -> None:
    example = """
[[examples]]
name = "two flat whites"
at = 2026-01-05T10:00:00
purchase = { total_minor = 9800 }
expect = { points = 99 }
"""
    await programmes.save_draft(house, cafe, programme(more=example), "toml", at=MONDAY)

    assert (await programmes.check_source(house, cafe, None, "toml")).ok is False
    with pytest.raises(ProgrammeRefused):
        await programmes.publish(house, cafe, PublishProgramme(), ticket(at=MONDAY))
    assert (await programmes.versions(house, cafe, limit=10, cursor=None))[0][0].version == 1


async def test_what_is_not_there_says_so(house: House, cafe: Caller) -> None:
    with pytest.raises(DraftMissing):
        await programmes.read_draft(house, cafe)
    with pytest.raises(VersionUnknown):
        await programmes.version(house, cafe, 7)
    with pytest.raises(CursorMalformed):
        await programmes.versions(house, cafe, limit=10, cursor="; DROP TABLE")


async def test_a_version_published_by_another_process_judges_the_next_purchase(house: House, cafe: Caller) -> None:
    from loyalty_engine.house import House as Other

    await buys(house, cafe, flat_whites("1"))
    other = Other(house.settings, house.database, house.vault)
    await publish(other, cafe, programme().replace("per_minor = 1000", "per_minor = 490"), at=MONDAY)

    answer = await buys(house, cafe, flat_whites("2"))

    assert answer.programme_version == 2
    assert answer.awards[0].amount == 20


async def test_what_the_language_can_say_and_this_edition_cannot_do_is_warned_for(house: House, cafe: Caller) -> None:
    more = """
[[rules]]
id = "kept-waiting"
on = "case_overdue"
then.award = { unit = "points", amount = 5 }

[[rules]]
id = "regular"
on = "purchase"
when.member = { open_case = true }
then.open_case = { about = "a delivery failed again", within = "2 days" }

[[tiers]]
id = "gold"
needs = { earned = { unit = "points", amount = 1000 }, within = "12 months" }
keeps_for = "12 months"
"""

    source = programme(points='expiry_notice = "30 days"', more=more)
    answer = await programmes.check_source(house, cafe, source, "toml")

    warned = {finding.place: finding.says for finding in answer.findings if finding.severity == "warned"}
    assert answer.ok
    assert warned["rules[4].on"] == 'nothing tells this edition of "case_overdue" yet, so this rule will not fire'
    assert "does not carry it out yet" in warned["rules[5].then.open_case"]
    assert "does not keep open case" in warned["rules"]
    assert "units.points.expiry_notice" not in warned


async def test_a_key_of_one_location_reaches_no_further(house: House, cafe: Caller) -> None:
    bound = msgspec.structs.replace(cafe, location="grunerlokka")

    with pytest.raises(LocationNotYours):
        await businesses.create_key(house, bound, CreateKey(scopes=("till",)), ticket())
    with pytest.raises(LocationNotYours):
        await businesses.declare_location(house, bound, DeclareLocation("majorstuen"), ticket())
    with pytest.raises(LocationNotYours):
        await businesses.remove_location(house, bound, "majorstuen")
    assert (await made(house, bound, TILL)).location == "grunerlokka"


@pytest.mark.parametrize("deep", [".".join(["a"] * 1000) + " = 1", "[" + ".".join(["a"] * 32000) + "]"])
async def test_a_key_of_very_many_parts_is_refused_before_it_is_parsed(house: House, cafe: Caller, deep: str) -> None:
    with pytest.raises(ProgrammeRefused):
        await programmes.save_draft(house, cafe, deep, "toml", at=MONDAY)


async def test_the_currency_of_a_running_programme_stays(house: House, cafe: Caller) -> None:
    await programmes.save_draft(house, cafe, programme().replace('"NOK"', '"SEK"'), "toml", at=MONDAY)

    with pytest.raises(ProgrammeRefused) as refused:
        await programmes.publish(house, cafe, PublishProgramme(), ticket(at=MONDAY))

    assert [detail.pointer for detail in refused.value.details] == ["/programme/currency"]
