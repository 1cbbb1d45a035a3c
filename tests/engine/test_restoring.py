"""What an older backup brings back, and what of a key is left in the file."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from loyalty_engine.house import open_house
from loyalty_engine.privacy import erasing
from loyalty_engine.settings import Settings
from tests.engine.shop import KEY, MONDAY, OLAV, broken, buys, flat_whites, open_shop, sees

pytestmark = pytest.mark.anyio


def vacuumed(file: Path, to: Path) -> Path:
    with closing(apsw.Connection(str(file))) as connection:
        connection.execute("VACUUM INTO ?", (str(to),))
    return to


def restored(backup: Path, file: Path) -> None:
    for left in ("-wal", "-shm"):
        Path(f"{file}{left}").unlink(missing_ok=True)
    shutil.copy(backup, file)


async def test_a_destroyed_key_does_not_lie_on_in_the_file(sqlite_database_url: str, tmp_path: Path) -> None:
    house = await open_house(Settings(database_url=sqlite_database_url, key=KEY, auto_migrate=False))
    cafe = await open_shop(house)
    bought = await buys(house, cafe, flat_whites("1"))
    key = (await house.database.fetch("SELECT wrapped_key FROM members WHERE id = $1", bought.member.id))[0][0]
    await erasing.erase(house, cafe, bought.member.id, at=MONDAY)
    await house.close()

    file = Path(sqlite_database_url.removeprefix("sqlite:///"))
    assert key.encode() not in file.read_bytes()  # noqa: ASYNC240  # nobody else waits


async def test_a_restored_backup_is_held_against_the_list(sqlite_database_url: str, tmp_path: Path) -> None:
    settings = Settings(
        database_url=sqlite_database_url, key=KEY, auto_migrate=False, erasure_list=str(tmp_path / "list")
    )
    house = await open_house(settings)
    cafe = await open_shop(house)
    bought = await buys(house, cafe, flat_whites("1"))
    await buys(house, cafe, flat_whites("2", phone=OLAV))
    await house.close()
    file = Path(sqlite_database_url.removeprefix("sqlite:///"))
    backup = vacuumed(file, tmp_path / "backup.db")
    house = await open_house(settings)
    await erasing.erase(house, cafe, bought.member.id, at=MONDAY)
    await house.close()
    restored(backup, file)

    house = await open_house(settings)
    assert (await sees(house, cafe)).known is True
    again = await erasing.replay(house, erasing.listed(house.settings.erasure_file))

    assert again == 1
    assert (await sees(house, cafe)).known is False
    assert (await sees(house, cafe, OLAV)).known is True
    assert await erasing.replay(house, erasing.listed(house.settings.erasure_file)) == 0
    assert await broken(house) == []
    await house.close()
