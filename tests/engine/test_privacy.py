"""What we owe a member: everything about them in one document, and nothing of them once they are erased."""

from __future__ import annotations

import asyncio
import hashlib
import re
import subprocess
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import apsw
import jsonschema  # type: ignore[import-untyped]  # it ships no types
import msgspec
import pytest

from loyalty_engine import enrolling, members, refunding, tombstones
from loyalty_engine.businesses import Caller
from loyalty_engine.commands import EnrolMember, MemberRef, RefundPurchase
from loyalty_engine.errors import MemberUnknown
from loyalty_engine.house import House
from loyalty_engine.identifiers import Identifier
from loyalty_engine.identity import viewing as viewings
from loyalty_engine.identity.people import NoteRequest, RequestAnswer, ShowInFull, ShownInFull
from loyalty_engine.instants import to_micros
from loyalty_engine.messages import outbox
from loyalty_engine.privacy import erasing, exporting, requests, retention
from loyalty_engine.privacy.belongings import BELONGINGS
from loyalty_engine.privacy.exporting import COLUMNS
from loyalty_engine.redemption import holds
from loyalty_engine.redemption.commands import PlaceHold
from tests.engine.agreeing import WORDINGS, says
from tests.engine.counter import open_counter, spends
from tests.engine.post import note, put
from tests.engine.shop import (
    INGRID,
    MONDAY,
    OLAV,
    adjusts,
    broken,
    buys,
    flat_whites,
    has,
    sees,
    ticket,
)
from tests.postgres import find_programs

pytestmark = pytest.mark.anyio

# Numbers that no Norwegian operator has given out.
NUMBERS = [f"+4799900{n}" for n in range(300, 999)]
HIDDEN = re.compile("business_id|wrapped_key|fingerprint|blind_index|hash|previous|number_index|replaces")


@pytest.fixture(autouse=True)
def _a_list_of_its_own(house: House, tmp_path: Path) -> None:
    house.settings = msgspec.structs.replace(house.settings, erasure_list=str(tmp_path / "erased.list"))


async def joins(house: House, caller: Caller, phone: str, name: str, *, email: str | None = None) -> str:
    ref = MemberRef(phone=phone) if email is None else MemberRef(email=email)
    answer = await enrolling.enrol(house, caller, EnrolMember(member=ref, name=name), ticket())
    member: str = msgspec.json.decode(answer.body)["id"]
    return member


# SQLite forgets a thousand; PostgreSQL a part, for every one is asked over a socket.
THOUSAND = {"sqlite": 1000, "postgres": 200}

# --- everything about one member


IDS = re.compile("(ent|lot|pur|rfd|adj|jnl|evt|vch|hld|con|msg|req)_[0-9a-z]{26}")


class Walk:
    """Every row of every table, found by each word in it, without any registry."""

    def __init__(self, rows: dict[str, list[dict[str, Any]]]) -> None:
        self._rows = [(table, row) for table, listed in rows.items() for row in listed]
        self._naming: dict[str, list[int]] = {}
        for place, (_, row) in enumerate(self._rows):
            for word in {value for value in row.values() if isinstance(value, str)}:
                self._naming.setdefault(word, []).append(place)

    @classmethod
    async def of(cls, house: House, business_id: int) -> Walk:
        return cls({
            table: [dict(zip(columns, row, strict=True)) for row in await house.database.fetch(
                f"SELECT {', '.join(f'{chr(34)}{name}{chr(34)}' for name in columns)} FROM {table} "
                "WHERE business_id = $1",
                business_id,
            )]
            for table, columns in COLUMNS.items()
        })  # fmt: skip

    def rows_of(self, member: str) -> dict[str, list[dict[str, Any]]]:
        """Find every row that names the member, or names a row that names them."""
        names, waiting, found = {member}, [member], set[int]()
        while waiting:
            for place in self._naming.get(waiting.pop(), ()):
                if place in found:
                    continue
                found.add(place)
                new = {word for word in self._rows[place][1].values() if isinstance(word, str) and IDS.fullmatch(word)}
                waiting += new - names
                names |= new
        listed: dict[str, list[dict[str, Any]]] = {}
        for place in sorted(found):
            table, row = self._rows[place]
            listed.setdefault(table, []).append(row)
        return listed


async def guests(house: House, cafe: Caller, phones: list[str]) -> list[str]:
    """Let guests have a little of everything that is kept of a member; gives their ids."""
    found = []
    for number, phone in enumerate(phones):
        member = await joins(house, cafe, phone, f"Guest {number}")
        found.append(member)
        bought = await buys(house, cafe, flat_whites(f"p{number}", 11 if number % 3 else 2, phone=phone))
        await adjusts(house, cafe, member, 3)
        if number % 2:
            command = RefundPurchase(receipt=f"r{number}", amount_minor=900)
            await refunding.record_refund(house, cafe, bought.id, command, ticket())
        else:
            await says(house, cafe, member, "given")
        for voucher in bought.vouchers[: number % 2]:
            await buys(house, cafe, spends(f"s{number}", {"voucher": voucher.code}, phone=phone))
        if number % 4 == 0:
            aside = msgspec.convert({"member": {"phone": phone}, "unit": "kroner", "amount": 1}, PlaceHold)
            await holds.place(house, cafe, aside, ticket())
        if number % 5 == 0:
            await put(house, cafe, member, note(text=f"Hei, Guest {number}"), MONDAY)
            await requests.take(house, cafe, member, NoteRequest("access"), ticket())
            await viewings.show_in_full(house, cafe, member, ShowInFull("a lost receipt", "ida"), ticket())
    return found


async def exports_are_whole(house: House, count: int) -> None:
    cafe = await open_counter(house, more=WORDINGS)
    phones = NUMBERS[:count]
    everybody = await guests(house, cafe, phones)
    schema = exporting.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    fits = jsonschema.Draft202012Validator(schema)
    documents = [
        msgspec.json.decode(msgspec.json.encode(await exporting.export(house, cafe, member, at=MONDAY)))
        for member in everybody
    ]
    walk = await Walk.of(house, cafe.business_id)

    tables = set[str]()
    for member, phone, document in zip(everybody, phones, documents, strict=True):
        fits.validate(document)
        there = walk.rows_of(member)
        tables |= there.keys()
        assert {table: len(rows) for table, rows in document["tables"].items()} == {
            table: len(rows) for table, rows in there.items()
        }
        for table, rows in there.items():
            shown = {name for row in document["tables"][table] for name in row}
            assert {name for row in rows for name in row if not HIDDEN.search(name)} <= shown, table
        text = msgspec.json.encode(document).decode()
        assert phone in text
        assert [other for other in phones if other in text] == [phone]
        assert set(re.findall("mem_[0-9a-z]{26}", text)) == {member}
    assert tables >= {
        "vouchers",
        "voucher_steps",
        "holds",
        "consents",
        "consent_records",
        "messages",
        "requests",
        "viewings",
        "entries",
    }


async def test_an_export_holds_every_row_and_every_column_of_a_member_and_of_nobody_else(house: House) -> None:
    await exports_are_whole(house, 12)


@pytest.mark.fault_long
async def test_two_hundred_exports_are_whole(house: House) -> None:
    await exports_are_whole(house, 200)


async def test_an_export_that_forgets_a_table_is_found(
    house: House, cafe: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    bought = await buys(house, cafe, flat_whites("1"))
    monkeypatch.setattr(exporting, "BELONGINGS", [b for b in BELONGINGS if b.table != "lots"])

    document = await exporting.export(house, cafe, bought.member.id, at=MONDAY)

    walk = await Walk.of(house, cafe.business_id)
    assert document.tables.keys() != walk.rows_of(bought.member.id).keys()


# --- forgotten


async def test_an_erased_member_is_nobody_and_the_ledger_stays(house: House, cafe: Caller) -> None:
    bought = await buys(house, cafe, flat_whites("1"))
    before = await house.database.fetch("SELECT id, amount, balance_after FROM entries ORDER BY id")

    await erasing.erase(house, cafe, bought.member.id, at=MONDAY)

    assert [tuple(row) for row in await house.database.fetch(
        "SELECT id, amount, balance_after FROM entries ORDER BY id")] == [tuple(row) for row in before]  # fmt: skip
    assert (await sees(house, cafe)).known is False
    for ask in (
        members.read_member(house, cafe, bought.member.id, at=MONDAY),
        members.ledger_page(house, cafe, bought.member.id, limit=10, cursor=None),
        exporting.export(house, cafe, bought.member.id, at=MONDAY),
        erasing.erase(house, cafe, bought.member.id, at=MONDAY),
        adjusts(house, cafe, bought.member.id, 5),
    ):
        with pytest.raises(MemberUnknown):
            await ask
    assert await broken(house) == []


async def test_goods_come_back_from_somebody_who_is_nobody_any_more(house: House, cafe: Caller) -> None:
    bought = await buys(house, cafe, flat_whites("1"))
    await erasing.erase(house, cafe, bought.member.id, at=MONDAY)

    answer = await refunding.record_refund(house, cafe, bought.id, RefundPurchase(receipt="R", full=True), ticket())

    assert answer.status == 201
    assert await broken(house) == []


async def test_who_joins_again_is_new_and_only_the_tombstone_knows(house: House, cafe: Caller) -> None:
    bought = await buys(house, cafe, flat_whites("1"))
    phone = Identifier("phone", "+4799900201")
    assert await tombstones.was_here(house, house.database, cafe.business_id, phone) is False

    await erasing.erase(house, cafe, bought.member.id, at=MONDAY)
    again = await buys(house, cafe, flat_whites("2"))

    assert again.member.id != bought.member.id
    assert again.member.new
    assert has(again) == 14
    assert await tombstones.was_here(house, house.database, cafe.business_id, phone) is True
    assert (
        await tombstones.was_here(house, house.database, cafe.business_id, Identifier("phone", "+4799900202")) is False
    )


def traces(phone: str, name: str, email: str) -> list[bytes]:
    """The ways a person may be found in a file: five spellings, the unkeyed hash, the address and the name."""
    national = phone.removeprefix("+47")
    spelt = [
        phone, national, f"0047{national}", f"{national[:3]} {national[3:5]} {national[5:]}",
        f"+47 {national[:3]} {national[3:5]} {national[5:]}", hashlib.sha256(phone.encode()).hexdigest(),
        hashlib.sha256(national.encode()).hexdigest(), email, hashlib.sha256(email.encode()).hexdigest(), name,
        email[:1] + "•••@" + email.partition("@")[2],
    ]  # fmt: skip
    return [one.encode() for one in spelt]


def vacuumed(file: str | Path, to: Path) -> Path:
    with closing(apsw.Connection(str(file))) as connection:
        connection.execute("VACUUM INTO ?", (str(to),))
    return to


def everything_kept(house: House, folder: Path) -> bytes:
    """All bytes of the database: the vacuumed file, or a dump."""
    if house.database.dialect == "sqlite":
        path: str = house.database.path  # type: ignore[attr-defined]  # only SQLite has one
        return vacuumed(path, folder / "vacuumed.db").read_bytes()
    url: str = house.database.url  # type: ignore[attr-defined]  # only PostgreSQL has one
    program = Path(find_programs() or "") / "pg_dump"
    return subprocess.run([str(program), url], check=True, capture_output=True).stdout


async def erased_under_load(house: House, cafe: Caller, folder: Path, count: int) -> None:
    people = [
        (phone, f"Vigdis Prøvesen{n}", f"vigdis{n}@prove-{n}.example") for n, phone in enumerate(NUMBERS * 2)
    ][:count]  # fmt: skip
    gone = []
    for number, (phone, name, email) in enumerate(people):
        if number >= len(NUMBERS):
            phone = f"+4799901{number - len(NUMBERS):03d}"  # noqa: PLW2901  # the next range
            people[number] = (phone, name, email)
        gone.append(await joins(house, cafe, phone, name))
        bought = await buys(house, cafe, flat_whites(f"p{number}", phone=phone))
        by_mail = await joins(house, cafe, "", name, email=email)
        await buys(house, cafe, flat_whites(f"m{number}", member={"email": email}))
        gone.append(by_mail)
        written = outbox.Note(channel="sms", purpose="service.receipt", text=f"{name}, {phone}", language="nb")
        row = (await house.database.fetch("SELECT wrapped_key FROM members WHERE id = $1", bought.member.id))[0][0]
        message = outbox.to_member(house, cafe.business_id, bought.member.id, row, written, at=to_micros(MONDAY))
        await house.database.write_transaction(partial(outbox.put, row=message))
    before = await house.database.fetch("SELECT unit, CAST(sum(balance) AS BIGINT) FROM accounts GROUP BY unit")

    async def trade() -> None:
        for number in range(count):
            await buys(house, cafe, flat_whites(f"load{number}", phone=OLAV))

    async def forget() -> None:
        for member in gone:
            await erasing.erase(house, cafe, member, at=MONDAY)

    await asyncio.gather(trade(), forget())

    kept = await asyncio.to_thread(everything_kept, house, folder)
    found = {trace for person in people for trace in traces(*person) if trace in kept}
    assert found == set()
    after = await house.database.fetch("SELECT unit, CAST(sum(balance) AS BIGINT) FROM accounts GROUP BY unit")
    olav = {balance.unit: balance.available for balance in (await sees(house, cafe, OLAV)).balances}
    assert {unit: total - olav[unit] for unit, total in after} == dict(tuple(row) for row in before)
    assert await broken(house) == []


async def test_nothing_of_the_erased_can_be_found_in_the_file(house: House, cafe: Caller, tmp_path: Path) -> None:
    await erased_under_load(house, cafe, tmp_path, 25)


@pytest.mark.fault_long
async def test_nothing_of_a_thousand_erased_can_be_found(house: House, cafe: Caller, tmp_path: Path) -> None:
    await erased_under_load(house, cafe, tmp_path, THOUSAND[house.database.dialect])


async def test_the_search_finds_who_is_there(house: House, cafe: Caller, tmp_path: Path) -> None:
    await adjusts(house, cafe, (await buys(house, cafe, flat_whites("1"))).member.id, 1)

    assert b"a spilt cup" in everything_kept(house, tmp_path)


# --- who looked, and who asked


async def test_seeing_a_number_in_full_is_written_down(house: House, cafe: Caller) -> None:
    member = await joins(house, cafe, INGRID, "Ingrid")

    answer = await viewings.show_in_full(house, cafe, member, ShowInFull("a lost receipt", "ida"), ticket("once"))
    again = await viewings.show_in_full(house, cafe, member, ShowInFull("a lost receipt", "ida"), ticket("once"))

    shown = msgspec.json.decode(answer.body, type=ShownInFull)
    assert (shown.name, shown.identifiers[0].value) == ("Ingrid", "+4799900201")
    assert again.body == answer.body
    rows = await house.database.fetch("SELECT member_id, what, staff, reason FROM viewings")
    assert [tuple(row) for row in rows] == [(member, "number", "ida", "a lost receipt")]
    journal_holds = await house.database.fetch("SELECT answer FROM journal WHERE kind = 'viewing'")
    assert "99900201" not in journal_holds[0][0]
    with pytest.raises(Exception, match="are never changed"):
        await house.database.write_transaction(lambda tx: tx.fetch("UPDATE viewings SET staff = 'somebody'"))


async def test_a_request_has_a_month_and_a_reminder_a_week_before(house: House, cafe: Caller) -> None:
    member = await joins(house, cafe, INGRID, "Ingrid")
    answer = await requests.take(house, cafe, member, NoteRequest("access"), ticket())
    asked = msgspec.json.decode(answer.body, type=RequestAnswer)

    assert asked.due_at == "2026-12-23T09:30:00Z"
    assert await requests.remind(house, at=MONDAY + timedelta(days=20)) == 0
    assert await requests.remind(house, at=MONDAY + timedelta(days=24)) == 1
    assert await requests.remind(house, at=MONDAY + timedelta(days=25)) == 0
    alerts = await house.database.fetch("SELECT kind, says FROM alerts")
    assert alerts[0][0] == "request_due"
    assert asked.id in alerts[0][1]
    await exporting.export(house, cafe, member, at=MONDAY + timedelta(days=25))
    assert await requests.waiting(house, cafe, limit=10, cursor=None) == ()


async def test_what_is_at_the_end_of_its_retention_goes(house: House, cafe: Caller) -> None:
    member = await joins(house, cafe, INGRID, "Ingrid")
    await viewings.show_in_full(house, cafe, member, ShowInFull("a lost receipt"), ticket())

    assert await retention.tidy(house, at=MONDAY + timedelta(days=1800)) == 0
    assert await retention.tidy(house, at=MONDAY + timedelta(days=1826)) == 1
    assert await house.database.fetch("SELECT 1 FROM viewings") == []


async def test_who_stays_away_for_long_is_erased_where_the_house_says_so(house: House, cafe: Caller) -> None:
    await buys(house, cafe, flat_whites("1"))
    await buys(house, cafe, flat_whites("2", phone=OLAV))
    later = MONDAY + timedelta(days=700)
    await buys(house, cafe, flat_whites("3", phone=OLAV), at=later)
    house.settings = msgspec.structs.replace(house.settings, keep_inactive_days=400)

    assert await retention.tidy(house, at=later) == 1

    assert (await sees(house, cafe, INGRID)).known is False
    assert (await sees(house, cafe, OLAV)).known is True
