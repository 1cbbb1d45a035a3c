"""The master key is replaced while sixteen tills buy: nobody is refused, and the old key opens nothing afterwards."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from loyalty_engine import members, tombstones
from loyalty_engine.house import House, open_house
from loyalty_engine.identifiers import Identifier
from loyalty_engine.instants import to_micros
from loyalty_engine.messages import outbox
from loyalty_engine.privacy import erasing
from loyalty_engine.settings import Settings
from loyalty_engine.tables import TABLES
from loyalty_engine.vaults import rotating
from loyalty_engine.vaults.command import rotate_file
from loyalty_engine.vaults.key_file import read_keys, write_keys
from loyalty_engine.vaults.keys import read_again
from loyalty_engine.vaults.vault import Vault, VaultClosed
from tests.engine.shop import MONDAY, OLAV, broken, buys, flat_whites, has, open_shop, sees

pytestmark = pytest.mark.anyio


@pytest.fixture
async def kept(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    """A house whose master key lies in a file."""
    settings = Settings(database_url=database_url, key_file=str(tmp_path / "loyalty.key"), auto_migrate=False)
    opened = await open_house(settings)
    yield opened
    await opened.close()


async def everything_opens_with(house: House, vault: Vault) -> int:
    """Count the keys and numbers that a vault opens or finds."""
    opened = 0
    for one in rotating.WRAPPED:
        names = ", ".join(one.key)
        rows = await house.database.fetch(
            f"SELECT business_id, {names}, {one.column} FROM {one.table} WHERE {one.column} <> ''"
        )
        for business_id, *named, wrapped in rows:
            for bound in one.bound_to:
                try:
                    vault.unwrap(business_id, bound.format(**dict(zip(one.key, named, strict=True))), wrapped)
                except VaultClosed:
                    continue
                opened += 1
    numbers = [Identifier("phone", f"+4799900{number}") for number in range(200, 320)]
    for [business_id] in await house.database.fetch("SELECT business_id FROM businesses"):
        wanted = {str(vault.blind_index(business_id, number)) for number in numbers}
        for table, column in (("identifiers", "blind_index"), ("messages", "number_index")):
            rows = await house.database.fetch(f"SELECT {column} FROM {table}")
            opened += sum(row[0] in wanted for row in rows)
    return opened


async def test_the_key_is_replaced_while_sixteen_tills_buy(kept: House) -> None:
    cafe = await open_shop(kept)
    file = kept.settings.vault_file
    [old] = read_keys(file)
    for number in range(16):
        await buys(kept, cafe, flat_whites(f"first{number}", phone=f"+47999002{number:02d}"))
    note = outbox.Note(channel="sms", purpose="answer", text="112 poeng", language="nb")
    stranger = outbox.to_stranger(
        kept, cafe.business_id, Identifier("phone", "+4799900319"), note, at=to_micros(MONDAY)
    )
    await kept.database.write_transaction(lambda tx: outbox.put(tx, stranger))
    done = asyncio.Event()
    refused: list[Exception] = []

    async def till(number: int) -> int:
        bought = 0
        while not done.is_set():
            receipt = f"{number}-{bought}"
            try:
                told = flat_whites(receipt, phone=f"+47999002{number:02d}")
                one = await buys(kept, cafe, told, key=receipt)
                again = await buys(kept, cafe, told, key=receipt)
                assert one.id == again.id, "a retry across the change is still a retry"
                assert not one.member.new, "nobody is a stranger meanwhile"
            except Exception as problem:  # noqa: BLE001  # whatever it is, no till may see it
                refused.append(problem)
                return bought
            bought += 1
            await asyncio.sleep(0)
        return bought

    async def rotate() -> None:
        try:
            await rotate_file(kept, file, 0)
            await read_again(kept)
        finally:
            done.set()

    *counts, _ = await asyncio.gather(*(till(number) for number in range(16)), rotate())

    assert refused == []
    assert all(counts)
    [new] = read_keys(file)
    assert new != old
    assert await everything_opens_with(kept, Vault(old)) == 0
    assert await everything_opens_with(kept, Vault(new)) >= 33
    assert has(await sees(kept, cafe, "+4799900200")) > 0
    assert await broken(kept) == []


async def test_a_change_that_was_stopped_is_begun_again(kept: House) -> None:
    cafe = await open_shop(kept)
    file = kept.settings.vault_file
    bought = await buys(kept, cafe, flat_whites("1"), key="told before")
    await buys(kept, cafe, flat_whites("2", phone=OLAV))
    await erasing.erase(kept, cafe, (await sees(kept, cafe, OLAV)).member.id, at=MONDAY)  # type: ignore[union-attr]
    [old] = read_keys(file)
    new = os.urandom(32)
    write_keys(file, old, new)
    await read_again(kept)
    await rotating.begin(kept, Vault(new, old), at=to_micros(MONDAY))
    write_keys(file, new, old)
    await read_again(kept)
    await rotating.rewrite(kept, at=to_micros(MONDAY))

    again = await open_house(kept.settings)
    done = await rotate_file(again, file, 0)
    await again.close()
    once_more = await open_house(kept.settings)

    assert done.total() == 0
    assert read_keys(file) == (new,)
    assert (await buys(once_more, cafe, flat_whites("1"), key="told before")).id == bought.id
    assert await tombstones.was_here(
        once_more, once_more.database, cafe.business_id, Identifier("phone", "+4799900202")
    )
    await once_more.close()


async def test_the_key_can_be_replaced_twice(kept: House) -> None:
    cafe = await open_shop(kept)
    file = kept.settings.vault_file
    bought = await buys(kept, cafe, flat_whites("1"), key="told before")

    for _ in range(2):
        await rotate_file(kept, file, 0)
        await read_again(kept)

    assert (await buys(kept, cafe, flat_whites("1"), key="told before")).id == bought.id
    assert (await members.read_member(kept, cafe, bought.member.id, at=MONDAY)).masked == ("+47 ••• •• 201",)


def test_every_column_of_wrapped_keys_is_wrapped_anew() -> None:
    columns = {
        (table._meta.tablename, column._meta.db_column_name)
        for table in TABLES
        for column in table._meta.columns
        if column._meta.db_column_name.startswith("wrapped")
    }

    assert columns == {(one.table, one.column) for one in rotating.WRAPPED}
