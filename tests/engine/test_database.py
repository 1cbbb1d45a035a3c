"""What the room with the databases promises: all or nothing, nobody stands still, and no start on shaky ground."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import ClassVar

import apsw
import pytest

from loyalty_engine.businesses import Caller
from loyalty_engine.database import Database, Opening, Transaction, open_database
from loyalty_engine.database.lanes import Lanes
from loyalty_engine.database.pages import Moved, page_statement
from loyalty_engine.database.sqlite import wal_is_safe
from loyalty_engine.errors import Busy, DatabaseAway
from loyalty_engine.house import House, open_house
from loyalty_engine.settings import Settings, SettingsRefused
from loyalty_engine.turns import Turns
from loyalty_engine.vaults.vault import MasterKeyUnusable
from tests.engine.shop import KEY, broken, buys, flat_whites, has, open_shop, sees

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("release", "safe"),
    [("3.40.1", False), ("3.44.5", False), ("3.44.6", True), ("3.50.6", False), ("3.50.7", True), ("3.51.2", False),
     ("3.51.3", True), ("3.54.1", True)],
)  # fmt: skip
def test_the_write_ahead_log_is_used_on_repaired_releases_only(release: str, *, safe: bool) -> None:
    assert wal_is_safe(release) is safe


async def test_what_fails_half_way_leaves_nothing(house: House, cafe: Caller) -> None:
    async def half(transaction: Transaction) -> None:
        await transaction.fetch("UPDATE businesses SET name = 'Half'")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await house.database.write_transaction(half)

    assert await house.database.fetch("SELECT name FROM businesses") == [("Corner Café",)]
    await buys(house, cafe, flat_whites("1"))  # and the connection is as good as new


async def test_a_transaction_that_was_overtaken_is_tried_again_and_then_gives_up(house: House, cafe: Caller) -> None:
    tries = 0

    async def overtaken(_: Transaction) -> int:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise Moved
        return tries

    assert await house.database.write_transaction(overtaken) == 3

    async def always(_: Transaction) -> None:
        raise Moved

    with pytest.raises(Busy):
        await house.database.write_transaction(always)


async def test_a_decision_on_an_old_page_is_never_kept(house: House, cafe: Caller) -> None:
    """Two decide on the same page; the second is told no and nothing of it is written."""
    from loyalty_engine.journal import Told, line
    from loyalty_engine.members import moved
    from loyalty_engine.rows import Posting
    from tests.engine.shop import ticket

    bought = await buys(house, cafe, flat_whites("1"))
    opening = Opening(business_id=cafe.business_id, member_id=bought.member.id, now=1)
    page = await house.database.open(opening)
    assert page is not None
    assert page.member is not None

    member = page.member

    def decided(name: str) -> Posting:
        told = Told(kind="adjustment", ticket=ticket(name), opening=opening, fingerprint=name)
        return Posting(
            business_id=cafe.business_id, expected=member.revision, member=moved(cafe.business_id, member),
            journal=line(told, f"adj_{name}", status=201, answer=b"{}", member_id=bought.member.id, revision=9),
        )  # fmt: skip

    verdicts = await asyncio.gather(*(house.database.keep(decided(name)) for name in ("one", "two", "three")))

    assert sorted(verdicts) == [False, False, True]
    [[lines]] = await house.database.fetch("SELECT count(*) FROM journal WHERE kind = 'adjustment'")
    assert lines == 1


async def test_a_taken_key_spoils_only_its_own_posting_of_a_group(house: House, cafe: Caller) -> None:
    commands = [flat_whites(f"{n % 6}", phone=f"999 01 {n:03d}") for n in range(12)]

    answers = await asyncio.gather(*(buys(house, cafe, command) for command in commands))

    assert len({answer.id for answer in answers}) == 6
    assert await broken(house) == []


async def test_a_posting_is_kept_only_with_all_of_its_extra_rows(house: House, cafe: Caller) -> None:
    from loyalty_engine.journal import Told, line
    from loyalty_engine.rows import LocationRow, Posting
    from tests.engine.shop import ticket

    class Counter(LocationRow, frozen=True):
        CONFLICT: ClassVar[str] = "ON CONFLICT (business_id, location) DO NOTHING"

    opening = Opening(business_id=cafe.business_id, now=1)

    def with_extra(name: str, *places: str) -> Posting:
        told = Told(kind="adjustment", ticket=ticket(name), opening=opening, fingerprint=name)
        written = line(told, f"adj_{name}", status=201, answer=b"{}")
        extra = tuple(Counter(cafe.business_id, place, None, 1) for place in places)
        return Posting(business_id=cafe.business_id, expected=None, member=None, journal=written, extra=extra)

    verdicts = [
        await house.database.keep(with_extra("one", "harbour", "airport")),
        await house.database.keep(with_extra("two", "station", "airport")),
    ]

    assert verdicts == [True, False]
    found = await house.database.fetch("SELECT location FROM locations ORDER BY location")
    assert [row[0] for row in found] == ["airport", "harbour"]
    assert [row[0] for row in await house.database.fetch("SELECT id FROM journal WHERE kind = 'adjustment'")] == [
        "adj_one"
    ]


async def test_members_are_served_in_turn_and_turns_leave_nothing_behind() -> None:
    turns, order = Turns(), []

    async def visit(name: str) -> None:
        async with turns.of("ingrid"):
            order.append(f"{name} in")
            await asyncio.sleep(0)
            order.append(f"{name} out")

    await asyncio.gather(visit("a"), visit("b"), visit("c"))

    assert order == ["a in", "a out", "b in", "b out", "c in", "c out"]
    assert not turns._held  # nothing may pile up for members who have left


async def test_a_visitor_who_leaves_the_queue_does_not_block_it() -> None:
    turns, served = Turns(), []
    inside = asyncio.Event()
    leave = asyncio.Event()

    async def first() -> None:
        async with turns.of("ingrid"):
            inside.set()
            await leave.wait()

    async def other(name: str) -> None:
        async with turns.of("ingrid"):
            served.append(name)

    one = asyncio.create_task(first())
    await inside.wait()
    impatient, patient = asyncio.create_task(other("impatient")), asyncio.create_task(other("patient"))
    await asyncio.sleep(0)
    impatient.cancel()
    leave.set()
    await asyncio.gather(one, patient)

    assert served == ["patient"]
    assert not turns._held


async def test_a_lane_serves_what_waits_together_and_tells_each_their_own_answer() -> None:
    groups: list[list[int]] = []
    release = asyncio.Event()

    async def double(_: int, group: list[int]) -> list[int | BaseException]:
        groups.append(group)
        await release.wait()
        return [ValueError("odd") if one % 2 else one * 2 for one in group]

    lanes: Lanes[int, int] = Lanes(1, double)
    asked = [asyncio.create_task(lanes.ask(one)) for one in (2, 4, 5, 6)]
    await asyncio.sleep(0)
    release.set()
    answers = await asyncio.gather(*asked, return_exceptions=True)
    await lanes.close()

    assert [len(group) for group in groups] in ([4], [1, 3])
    assert [str(answer) for answer in answers] == ["4", "8", "odd", "12"]


async def test_another_process_writing_makes_us_wait_and_not_fail(sqlite_database_url: str) -> None:
    house = await open_house(Settings(database_url=sqlite_database_url, key=KEY, auto_migrate=False))
    cafe = await open_shop(house)
    other = apsw.Connection(sqlite_database_url.removeprefix("sqlite:///"))
    other.execute("BEGIN IMMEDIATE")
    purchase = asyncio.create_task(buys(house, cafe, flat_whites("1")))
    for _ in range(10):
        await asyncio.sleep(0)
    assert (await sees(house, cafe)).known is False  # looking up goes on meanwhile
    other.execute("ROLLBACK")

    assert has(await purchase) == 14
    other.close()
    await house.close()


async def test_a_url_of_no_known_kind_says_which_kinds_there_are() -> None:
    with pytest.raises(DatabaseAway, match="sqlite:///path"):
        await open_database(Settings(database_url="mysql://localhost/x"))


async def test_a_database_that_is_not_there_says_so() -> None:
    with pytest.raises(DatabaseAway):
        await open_database(Settings(database_url="postgresql://nobody@127.0.0.1:9/none"))


@pytest.mark.pg
async def test_postgres_that_may_lose_what_it_confirmed_is_refused(postgres_database_url: str) -> None:
    first: Database = await open_database(Settings(database_url=postgres_database_url))
    name = postgres_database_url.rsplit("/", 1)[1].split("?", maxsplit=1)[0]
    await first.fetch(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
    await first.close()

    with pytest.raises(DatabaseAway, match="synchronous_commit off"):
        await open_database(Settings(database_url=postgres_database_url))
    allowed = await open_database(Settings(database_url=postgres_database_url, unsafe_durability=True))
    await allowed.close()


async def test_a_house_with_another_master_key_does_not_open(house: House, cafe: Caller, database_url: str) -> None:
    with pytest.raises(MasterKeyUnusable, match="another master key"):
        await open_house(Settings(database_url=database_url, key="77aa" + KEY[4:], auto_migrate=False))


def test_a_setting_that_cannot_be_read_is_named() -> None:
    with pytest.raises(SettingsRefused, match="LOYALTY_backdate_days"):
        Settings.from_environ({"LOYALTY_BACKDATE_DAYS": "a month"})
    assert Settings.from_environ({"LOYALTY_BACKDATE_DAYS": "45", "HOME": "/root"}).backdate_days == 45


def test_the_key_file_lies_beside_the_database() -> None:
    assert Settings(database_url="sqlite:///data/loyalty.db").vault_file == Path("data/loyalty.key")
    assert Settings(database_url="postgresql://x/y").vault_file == Path("loyalty.key")
    assert Settings(key_file="/run/secrets/vault").vault_file == Path("/run/secrets/vault")


@pytest.mark.parametrize(
    "statement",
    [
        page_statement("sqlite"),
        "SELECT id, remaining FROM lots WHERE business_id = $1 AND member_id = $2 AND unit = $3 AND remaining > 0",
        "SELECT kind, sealed FROM identifiers WHERE business_id = $1 AND member_id = $2 ORDER BY added_at, blind_index",
        "SELECT id FROM entries WHERE business_id = $1 AND member_id = $2 ORDER BY revision DESC LIMIT 5",
        "SELECT input FROM journal WHERE business_id = $1 AND subject = $2 AND kind = 'refund' ORDER BY revision",
    ],
)
async def test_sqlite_never_reads_a_whole_business_for_one_member(sqlite_database_url: str, statement: str) -> None:
    """A file without statistics would: it takes every first column of a key for a narrow one."""
    database = await open_database(Settings(database_url=sqlite_database_url))
    try:
        nothing = [None] * max(int(number) for number in re.findall(r"\$(\d+)", statement))
        plan = await database.fetch("EXPLAIN QUERY PLAN " + statement, *nothing)
    finally:
        await database.close()

    steps = [step for *_, step in plan if " b " not in step and step != "SCAN CONSTANT ROW"]
    assert any("USING" in step for step in steps)
    assert [step for step in steps if step.endswith("(business_id=?)") or step.startswith("SCAN ")] in ([], ["SCAN q"])
