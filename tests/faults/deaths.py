"""Where a process may die while it carries a command out, and a program that dies there.

Run with a database's URL and names of deaths, it forks once for each, carries that command out and is gone at the
named point, as if the power were cut between two statements.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any, Literal, NoReturn

import msgspec

from loyalty_engine.answers import Answer
from loyalty_engine.database import postgres, sqlite
from tests.faults.shop import PROGRAMME, Shop, open_shop, purchase, regular

GONE = 71
Command = Literal["purchase", "refund", "parked refund", "settled refund", "adjustment", "enrolment", "publication"]
# The database's own verbs are the named points: a posting is kept, or a transaction committed.
Point = Literal["keep", "transaction's keep", "write_transaction"]


class Death(msgspec.Struct, frozen=True):
    """A command, and where in it the process dies: before or after the nth time it comes to that point."""

    command: Command
    point: Point
    when: Literal["before", "after"]
    nth: int = 1

    @property
    def name(self) -> str:
        return f"{self.command}, {self.when} {self.point} {self.nth}"

    @property
    def written(self) -> bool:
        """Whether the command itself is in the books when the process is gone."""
        if self.command == "publication":
            return self.point == "write_transaction" and self.when == "after"
        return self.when == "after" or self.nth > 1


KEPT: tuple[Command, ...] = ("purchase", "refund", "parked refund", "adjustment", "enrolment")
DEATHS = (
    *(Death(command, "keep", when) for command in KEPT for when in ("before", "after")),
    *(Death("settled refund", "keep", when, nth) for nth in (1, 2) for when in ("before", "after")),
    Death("publication", "write_transaction", "before"),
    Death("publication", "transaction's keep", "after"),
    Death("publication", "write_transaction", "after"),
)


async def prepare(shop: Shop, death: Death) -> None:
    """Do what must have happened before the command."""
    if death.command in {"refund", "adjustment"}:
        await shop.buy(f"{death.name}: bought before", purchase(death.name, _phone(death), flat_whites=3))
    elif death.command == "settled refund":
        await shop.refund_receipt(f"{death.name}: parked before", death.name, receipt=death.name, full=True)


async def carry_out(shop: Shop, death: Death) -> Answer:
    """Carry the command out, always under the same key."""
    key = death.name
    if death.command in {"purchase", "settled refund"}:
        return await shop.buy(key, purchase(death.name, _phone(death)))
    if death.command in {"refund", "parked refund"}:
        return await shop.refund_receipt(key, death.name, receipt=f"back {death.name}", amount_minor=2000)
    if death.command == "adjustment":
        [[member]] = await shop.rows("SELECT member_id FROM journal WHERE key = $1", f"{key}: bought before")
        return await shop.adjust(key, member, -3)
    if death.command == "enrolment":
        return await shop.enrol(key, _phone(death))
    return await shop.publish(key, f"# {death.name}\n{PROGRAMME}")


def _phone(death: Death) -> str:
    return regular(DEATHS.index(death))


def _die_at(shop: Shop, death: Death) -> None:
    """Put the end of the process where it is to come."""
    database: Any = shop.house.database
    if death.point == "transaction's keep":
        for kind in (postgres.PostgresTransaction, sqlite.SqliteTransaction):
            kind.keep = _ending(kind.keep, death)  # type: ignore[assignment, method-assign]
    else:
        setattr(database, death.point, _ending(getattr(database, death.point), death))


def _ending(usual: Callable[..., Awaitable[Any]], death: Death) -> Callable[..., Awaitable[Any]]:
    times = 0

    async def ending(*arguments: Any) -> Any:
        nonlocal times
        times += 1
        if times == death.nth and death.when == "before":
            os._exit(GONE)
        result = await usual(*arguments)
        if times == death.nth:
            os._exit(GONE)
        return result

    return ending


async def _die(database_url: str, death: Death) -> None:
    shop = await open_shop(database_url)
    _die_at(shop, death)
    await carry_out(shop, death)


def main(database_url: str, *names: str) -> NoReturn:
    """Fork for each death named; the exit code is 0 where each process was gone where it should be."""
    alive = 0
    for death in (one for one in DEATHS if one.name in names):
        child = os.fork()
        if child == 0:
            asyncio.run(_die(database_url, death))
            os._exit(0)
        alive += os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != GONE
    sys.exit(alive)


if __name__ == "__main__":
    main(*sys.argv[1:])
