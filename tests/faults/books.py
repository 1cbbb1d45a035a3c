"""The books held against what the tills were told, read past the engine by the database's own driver."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from typing import Any

import apsw
import msgspec

from tests.faults.tills import Acknowledged
from tests.postgres import fetch


class Differences(msgspec.Struct, frozen=True):
    """What the books say otherwise than the tills; all empty where every command counted exactly once."""

    lost: tuple[str, ...]  # acknowledged, and no journal line of that key
    doubled: tuple[str, ...]  # more than one journal line of that key
    answered_otherwise: tuple[str, ...]  # another answer is kept than the till was given
    unasked: tuple[str, ...]  # a journal line nobody was told of
    unwritten: tuple[str, ...]  # ledger entries whose journal line is missing: units given by nobody's command
    balances: dict[str, tuple[int, int]]  # per member: what the tills were told in sum, what the account holds

    @property
    def none(self) -> bool:
        return not any(msgspec.structs.astuple(self))


async def rows(database_url: str, sql: str) -> list[tuple[Any, ...]]:
    """Read rows from a database that nobody else needs to have open."""
    if database_url.startswith("sqlite"):
        with closing(apsw.Connection(database_url.removeprefix("sqlite:///"))) as connection:
            connection.set_busy_timeout(20_000)
            return [tuple(row) for row in connection.execute(sql)]
    return [tuple(row) for row in await fetch(database_url, sql)]


async def differences(database_url: str, acknowledged: Iterable[Acknowledged]) -> Differences:
    """Hold the books against everything that was acknowledged, from the first command of the tills on."""
    given = {one.told.key: one for one in acknowledged}
    lines = await rows(
        database_url, "SELECT key, answer, status FROM journal WHERE kind IN ('purchase', 'refund', 'adjustment')"
    )
    times = Counter(key for key, _, _ in lines)
    kept = {key: answer for key, answer, status in lines if status < 400}
    return Differences(
        lost=tuple(sorted(key for key in given if not times[key])),
        doubled=tuple(sorted(key for key, number in times.items() if number > 1)),
        answered_otherwise=tuple(
            key for key, one in given.items() if one.status < 400 and key in kept and kept[key].encode() != one.body
        ),
        unasked=tuple(sorted(key for key in times if key not in given)),
        unwritten=await unwritten(database_url),
        balances=await _balances(database_url, given.values()),
    )  # fmt: skip


async def unwritten(database_url: str) -> tuple[str, ...]:
    """Journal lines that ledger entries speak of and that are not there."""
    orphans = await rows(
        database_url,
        "SELECT DISTINCT e.journal_id FROM entries e LEFT JOIN journal j ON j.business_id = e.business_id "
        "AND j.id = e.journal_id WHERE j.id IS NULL",
    )
    return tuple(row[0] for row in orphans)


async def _balances(database_url: str, given: Iterable[Acknowledged]) -> dict[str, tuple[int, int]]:
    """Members whose account holds something else than the sum of what the tills were told."""
    owners = dict(await rows(database_url, "SELECT id, member_id FROM journal WHERE member_id IS NOT NULL"))
    told: Counter[str] = Counter()
    for one in given:
        if one.status != 201:
            continue
        said = one.says
        whose = said["member"]["id"] if "member" in said else owners.get(said["id"], "nobody")
        told[whose] += sum(award["amount"] for award in said.get("awards", ()))
        told[whose] -= sum(part["amount"] for part in said.get("taken_back", ()))
    held = dict(await rows(database_url, "SELECT member_id, balance FROM accounts"))
    both = {member: (told[member], held.get(member, 0)) for member in {*told, *held}}
    return {member: pair for member, pair in both.items() if pair[0] != pair[1]}
