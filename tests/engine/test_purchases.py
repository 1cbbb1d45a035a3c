"""A purchase by phone number earns points, once, and says why."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from loyalty_engine import earning, enrolling, journal, members, purchases, quoting
from loyalty_engine.answers import PurchaseAnswer
from loyalty_engine.businesses import Caller
from loyalty_engine.commands import EnrolMember, MemberRef, QuotePurchase, fingerprint_text
from loyalty_engine.errors import (
    BodyInvalid,
    CurrencyMismatch,
    IdempotencyKeyReused,
    IdentifierInvalid,
    LinesDoNotAddUp,
    LocationNotYours,
    LocationUndeclared,
    MemberNotFoundByNumber,
    MemberUnknown,
    OccurredInFuture,
    OccurredTooLongAgo,
    ProgrammeMissing,
    PurchaseUnknown,
    ReceiptConflict,
)
from loyalty_engine.house import House
from loyalty_engine.redemption import greeting
from tests.engine.shop import (
    HAPPY_HOUR,
    INGRID,
    MONDAY,
    OLAV,
    broken,
    buys,
    flat_whites,
    has,
    open_shop,
    programme,
    publish,
    sees,
    ticket,
)

pytestmark = pytest.mark.anyio


async def test_an_unknown_number_is_answered_and_not_refused(house: House, cafe: Caller) -> None:
    seen = await sees(house, cafe)

    assert seen.known is False
    assert seen.member is None
    assert seen.balances == ()


async def test_the_first_purchase_enrols_and_gives_points_with_their_reasons(house: House, cafe: Caller) -> None:
    answer = await buys(house, cafe, flat_whites("2026-1"))

    assert answer.member.new
    assert answer.member.masked == "+47 ••• •• 201"
    assert [(a.rule, a.unit, a.amount, a.reason) for a in answer.awards] == [
        ("base", "points", 9, "1 point per 10 kr on 98 kr"),
        ("coffee-stamp", "stamps", 2, "1 stamp per item of category coffee, 2 of them"),
        ("morning", "points", 5, "5 points"),
    ]
    assert answer.receipt_text == (
        "+14 poeng (saldo 14)",
        "+2 stempler (saldo 2)",
        "9 poeng: 1 poeng per 10 kr på 98 kr",
        "2 stempler: 1 stempel per vare av varegruppe coffee, 2 av dem",
    )
    assert {said.rule: said.fired for said in answer.explanation} == {
        "base": True,
        "happy-hour": False,
        "coffee-stamp": True,
        "morning": True,
    }
    assert await broken(house) == []


async def test_the_number_is_a_member_from_then_on(house: House, cafe: Caller) -> None:
    bought = await buys(house, cafe, flat_whites("2026-1"))

    seen = await sees(house, cafe, "+47 999 00 201")

    assert seen.known
    assert seen.member is not None
    assert seen.member.id == bought.member.id
    assert has(seen) == 14
    assert has(seen, "stamps") == 2


@pytest.mark.parametrize(
    "spelling",
    ["99900201", "+47 999 00 201", "004799900201", "+47 (0) 999 00 201", "９９９００２０１", "tel:+4799900201"],  # noqa: RUF001
)
async def test_a_number_however_typed_is_one_member(house: House, cafe: Caller, spelling: str) -> None:
    first = await buys(house, cafe, flat_whites("2026-1", phone=INGRID))

    second = await buys(house, cafe, flat_whites("2026-2", phone=spelling))

    assert second.member.id == first.member.id
    assert not second.member.new


async def test_an_email_address_is_as_good_as_a_number(house: House, cafe: Caller) -> None:
    first = await buys(house, cafe, flat_whites("1", member={"email": "Kari@Example.org"}))
    second = await buys(house, cafe, flat_whites("2", member={"email": "kari@example.ORG"}))

    assert first.member.masked == "k•••@example.org"
    assert second.member.id == first.member.id


async def test_a_member_can_be_named_by_id(house: House, cafe: Caller) -> None:
    first = await buys(house, cafe, flat_whites("1"))

    second = await buys(house, cafe, flat_whites("2", member={"id": first.member.id}))

    assert second.member == msgspec.structs.replace(first.member, new=False)


async def test_the_same_key_gives_the_same_bytes_again(house: House, cafe: Caller) -> None:
    first = await earning.record_purchase(house, cafe, flat_whites("1"), ticket("till-1-key"))
    again = await earning.record_purchase(house, cafe, flat_whites("1"), ticket("till-1-key"))

    assert (first.hit, again.hit) == (False, True)
    assert again.body == first.body
    assert has(await sees(house, cafe)) == 14


async def test_the_same_receipt_under_a_new_key_gives_the_first_outcome(house: House, cafe: Caller) -> None:
    first = await earning.record_purchase(house, cafe, flat_whites("1"), ticket("before the crash"))
    again = await earning.record_purchase(house, cafe, flat_whites("1"), ticket("after the crash"))

    assert again.hit
    assert again.body == first.body
    assert has(await sees(house, cafe)) == 14


async def test_another_body_under_the_same_key_is_refused(house: House, cafe: Caller) -> None:
    await buys(house, cafe, flat_whites("1"), key="k")

    with pytest.raises(IdempotencyKeyReused):
        await buys(house, cafe, flat_whites("1", 3), key="k")


async def test_another_amount_on_the_same_receipt_is_refused(house: House, cafe: Caller) -> None:
    await buys(house, cafe, flat_whites("1"))

    with pytest.raises(ReceiptConflict):
        await buys(house, cafe, flat_whites("1", 3))


async def test_one_receipt_number_in_two_shops_is_two_purchases(house: House, cafe: Caller) -> None:
    one = await buys(house, cafe, flat_whites("1", location="grunerlokka"))
    other = await buys(house, cafe, flat_whites("1", location="majorstuen"))

    assert one.id != other.id


async def test_happy_hour_doubles_and_the_extra_is_a_line_of_its_own(house: House, cafe: Caller) -> None:
    answer = await buys(house, cafe, flat_whites("1"), at=HAPPY_HOUR)

    assert [(a.rule, a.amount) for a in answer.awards if a.unit == "points"] == [("base", 9), ("happy-hour", 9)]
    assert has(answer) == 18


async def test_a_daily_limit_and_a_cap_count_over_the_day(house: House, cafe: Caller) -> None:
    await buys(house, cafe, flat_whites("1", 2))
    second = await buys(house, cafe, flat_whites("2", 18))
    third = await buys(house, cafe, flat_whites("3", 2))
    tomorrow = await buys(house, cafe, flat_whites("4", 2), at=MONDAY + timedelta(days=1))

    assert [(a.rule, a.amount) for a in second.awards if a.unit == "points"] == [("base", 86)]  # 14 + 88 meets the cap
    assert [a for a in third.awards if a.unit == "points"] == []
    assert sum(a.amount for a in tomorrow.awards if a.unit == "points") == 14
    assert has(await sees(house, cafe, at=MONDAY + timedelta(days=1))) == 114
    assert await broken(house) == []


async def test_a_purchase_is_judged_by_the_version_of_its_day(house: House, cafe: Caller) -> None:
    generous = programme().replace("per_minor = 1000", "per_minor = 100")
    await publish(house, cafe, generous, at=MONDAY - timedelta(days=1))

    before = await buys(house, cafe, flat_whites("1", occurred_at=(MONDAY - timedelta(days=2)).isoformat()))
    after = await buys(house, cafe, flat_whites("2"))
    long_ago = await buys(house, cafe, flat_whites("3", occurred_at=(MONDAY - timedelta(days=20)).isoformat()))

    assert [before.programme_version, after.programme_version, long_ago.programme_version] == [1, 2, 1]
    # The cap of 100 points a day leaves the morning's award, which comes later in the file, 2 of its 5.
    assert [a.amount for a in after.awards if a.unit == "points"] == [98, 2]


async def test_points_are_pending_until_the_return_window_is_over(house: House) -> None:
    cafe = await open_shop(house, source=programme(points='pending_for = "14 days"'))
    await buys(house, cafe, flat_whites("1"))

    now = await sees(house, cafe)
    later = await sees(house, cafe, at=MONDAY + timedelta(days=14, seconds=1))

    assert [(b.available, b.pending) for b in now.balances] == [(0, 14), (2, 0)]
    assert [(b.available, b.pending) for b in later.balances] == [(14, 0), (2, 0)]


async def test_points_past_their_expiry_cannot_be_spent_even_before_they_are_booked(house: House, cafe: Caller) -> None:
    await buys(house, cafe, flat_whites("1"))

    assert has(await sees(house, cafe, at=MONDAY.replace(year=2027) - timedelta(seconds=1))) == 14
    assert has(await sees(house, cafe, at=MONDAY.replace(year=2027))) == 0


async def test_a_till_that_knows_only_the_total_still_earns(house: House, cafe: Caller) -> None:
    answer = await buys(house, cafe, flat_whites("1", lines=None))

    assert [a.rule for a in answer.awards] == ["base", "morning"]
    coffee = next(said for said in answer.explanation if said.rule == "coffee-stamp")
    assert not coffee.fired


async def test_a_quote_says_what_a_basket_would_earn_and_keeps_nothing(house: House, cafe: Caller) -> None:
    basket = msgspec.convert(msgspec.to_builtins(flat_whites("1")), QuotePurchase)

    quoted = await quoting.quote(house, cafe, basket, at=MONDAY)

    assert [(t.unit, t.amount) for t in quoted.totals] == [("points", 14), ("stamps", 2)]
    assert not (await sees(house, cafe)).known
    [[lines]] = await house.database.fetch("SELECT count(*) FROM journal WHERE kind <> 'publication'")
    assert lines == 0


async def test_a_purchase_can_be_read_afterwards_as_it_was_answered(house: House, cafe: Caller) -> None:
    answer = await buys(house, cafe, flat_whites("2026-1"))

    read = await purchases.read_purchase(house, cafe, answer.id)

    assert read.outcome == answer
    assert (read.receipt, read.location, read.total_minor, read.refunded_minor) == ("2026-1", "grunerlokka", 9800, 0)


async def test_the_ledger_tells_each_movement_newest_first_page_by_page(house: House, cafe: Caller) -> None:
    visits = [await buys(house, cafe, flat_whites(f"r{day}"), at=MONDAY + timedelta(days=day)) for day in range(3)]
    bought = visits[-1]

    first = await members.ledger_page(house, cafe, bought.member.id, limit=4, cursor=None)
    rest = await members.ledger_page(house, cafe, bought.member.id, limit=100, cursor=first.next_cursor)

    entries = [*first.items, *rest.items]
    assert len(entries) == 9
    assert rest.next_cursor is None
    assert [entry.id for entry in entries] == sorted((entry.id for entry in entries), reverse=True)
    assert entries[0].purchase == bought.id
    points = [entry for entry in reversed(entries) if entry.unit == "points"]
    assert [entry.balance_after for entry in points] == [9, 14, 23, 28, 37, 42]


@pytest.mark.parametrize(
    ("more", "refusal", "pointer"),
    [
        ({"currency": "SEK"}, CurrencyMismatch, "/currency"),
        ({"total_minor": 9900}, LinesDoNotAddUp, "/total_minor"),
        ({"occurred_at": "2026-11-23T09:36:00Z"}, OccurredInFuture, "/occurred_at"),
        ({"occurred_at": "2026-10-23T09:36:00Z"}, OccurredTooLongAgo, "/occurred_at"),
        ({"member": {"phone": "22 33 44 55"}}, IdentifierInvalid, "/member/phone"),
        ({"member": {"phone": "91234567, 98765432"}}, IdentifierInvalid, "/member/phone"),
        ({"member": {"email": "kari@localhost"}}, IdentifierInvalid, "/member/email"),
        ({"member": {}}, BodyInvalid, "/member"),
        ({"member": {"phone": INGRID, "email": "kari@example.org"}}, BodyInvalid, "/member"),
        ({"member": {"id": "mem_01m839gd9pe92t55regz99pjcx"}}, MemberUnknown, "/member/id"),
        ({"redeem": [{"perk": "free-coffee", "hold": "hld_1"}]}, BodyInvalid, "/redeem/0"),
        ({"lines": [{"line": "1", "amount_minor": 4900}] * 2}, BodyInvalid, "/lines/1/line"),
    ],
)
async def test_what_cannot_be_so_is_refused_by_place_and_nothing_is_written(
    house: House, cafe: Caller, more: dict[str, Any], refusal: type[Exception], pointer: str
) -> None:
    before = await house.database.fetch("SELECT count(*) FROM journal")

    with pytest.raises(refusal) as refused:
        await buys(house, cafe, flat_whites("1", **more))

    assert [detail.pointer for detail in refused.value.details] == [pointer]  # type: ignore[attr-defined]
    assert await house.database.fetch("SELECT count(*) FROM journal") == before
    assert await house.database.fetch("SELECT id FROM members") == []


async def test_a_till_clock_may_be_five_minutes_fast(house: House, cafe: Caller) -> None:
    answer = await buys(house, cafe, flat_whites("1", occurred_at="2026-11-23T09:35:00Z"))

    assert answer.awards


async def test_a_programme_may_want_joining_to_be_said_out_loud(house: House) -> None:
    cafe = await open_shop(house, source=programme(about='join = "explicit"'))

    with pytest.raises(MemberNotFoundByNumber):
        await buys(house, cafe, flat_whites("1"))


async def test_a_programme_may_take_declared_locations_only(house: House) -> None:
    cafe = await open_shop(house, source=programme(about='locations = "declared"'))

    with pytest.raises(LocationUndeclared):
        await buys(house, cafe, flat_whites("1"))


async def test_a_refusal_of_the_business_is_kept_and_repeated_under_its_key(house: House) -> None:
    cafe = await open_shop(house, source=programme(about='locations = "declared"'))
    with pytest.raises(LocationUndeclared) as first:
        await buys(house, cafe, flat_whites("1"), key="k")

    with pytest.raises(LocationUndeclared) as again:
        await buys(house, cafe, flat_whites("1"), key="k")

    assert (first.value.hit, again.value.hit) == (False, True)
    assert again.value.details == first.value.details
    assert again.value.request_id == first.value.request_id


async def test_a_till_bound_to_a_location_serves_no_other(house: House, cafe: Caller) -> None:
    till = msgspec.structs.replace(cafe, location="majorstuen")

    with pytest.raises(LocationNotYours):
        await buys(house, till, flat_whites("1", location="grunerlokka"))
    answer = await buys(house, till, flat_whites("2", location=None))

    read = await purchases.read_purchase(house, cafe, answer.id)
    assert read.location == "majorstuen"


async def test_a_business_without_a_programme_says_so(house: House) -> None:
    from loyalty_engine import businesses

    business_id = await businesses.found_business(house, "bare", "Bare", at=1)

    with pytest.raises(ProgrammeMissing):
        await buys(house, businesses.owner(business_id, "bare"), flat_whites("1"))


async def test_two_businesses_in_one_database_never_see_each_other(house: House, cafe: Caller) -> None:
    bookshop = await open_shop(house, "bookshop")
    ours = await buys(house, cafe, flat_whites("1"), key="same key")
    theirs = await buys(house, bookshop, flat_whites("1"), key="same key")

    assert ours.member.id != theirs.member.id
    assert has(theirs) == 14
    with pytest.raises(PurchaseUnknown):
        await purchases.read_purchase(house, bookshop, ours.id)
    with pytest.raises(MemberUnknown):
        await members.read_member(house, bookshop, ours.member.id, at=MONDAY)
    with pytest.raises(MemberUnknown):
        await greeting.lookup(house, bookshop, MemberRef(id=ours.member.id), at=MONDAY)
    with pytest.raises(MemberUnknown):
        await buys(house, bookshop, flat_whites("2", member={"id": ours.member.id}))
    with pytest.raises(MemberUnknown):
        await members.ledger_page(house, bookshop, ours.member.id, limit=10, cursor=None)
    assert await broken(house) == []


async def test_a_name_is_told_back_and_kept_sealed(house: House, cafe: Caller) -> None:
    command = msgspec.convert(
        {"member": {"phone": INGRID}, "name": "Ingrid Fictional", "birthday": "1987-05-17"}, EnrolMember
    )
    first = await enrolling.enrol(house, cafe, command, ticket("k"))
    again = await enrolling.enrol(house, cafe, command, ticket("k"))
    known = await enrolling.enrol(house, cafe, msgspec.structs.replace(command, name="Somebody"), ticket())

    assert msgspec.json.decode(first.body)["name"] == "Ingrid Fictional"
    assert again.body == first.body
    assert (known.status, msgspec.json.decode(known.body)["name"]) == (200, None)
    member = await members.read_member(house, cafe, msgspec.json.decode(first.body)["id"], at=MONDAY)
    assert (member.name, member.birthday) == ("Ingrid Fictional", "1987-05-17")
    for table in ("members", "identifiers", "journal"):
        kept = " ".join(str(value) for row in await house.database.fetch(f"SELECT * FROM {table}") for value in row)
        assert "Ingrid" not in kept
        assert "1987" not in kept


async def test_the_journal_does_not_give_a_number_away_to_who_guesses(house: House, cafe: Caller) -> None:
    """Whoever has the database and not the key cannot try numbers out against what is kept of a purchase."""
    command = flat_whites("1")
    await buys(house, cafe, command)

    [[kept]] = await house.database.fetch("SELECT fingerprint FROM journal WHERE kind = 'purchase'")
    guessed = hashlib.sha256(b"purchase\n" + fingerprint_text(command)).hexdigest()

    assert kept != guessed[: len(kept)]
    assert kept == journal.fingerprint(house, cafe.business_id, "purchase", command)


async def test_nothing_kept_names_a_person(house: House, cafe: Caller) -> None:
    await buys(house, cafe, flat_whites("1", phone=INGRID))
    await buys(house, cafe, flat_whites("2", phone=OLAV))

    for table in ("members", "identifiers", "journal", "entries", "lots", "accounts"):
        for row in await house.database.fetch(f"SELECT * FROM {table}"):
            text = " ".join(str(value) for value in row)
            assert "99900201" not in text, table
            assert "999 00 201" not in text, table


async def test_the_answer_is_what_the_types_say(house: House, cafe: Caller) -> None:
    answer = await earning.record_purchase(house, cafe, flat_whites("1"), ticket())

    assert answer.status == 201
    assert msgspec.json.encode(msgspec.json.decode(answer.body, type=PurchaseAnswer)) == answer.body
