"""Many members in one transaction, for what the clock does and not a till: claim them, decide, keep.

Invariant: who is claimed moves for nobody else until the transaction ends, so what is read of them after the claim is
what is decided on; who is claimed by another is left to that one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import msgspec

from loyalty_engine.database.pages import AccountState, Dialect, Moved
from loyalty_engine.database.postings import group_parameters, group_statement
from loyalty_engine.lots import Lot
from loyalty_engine.rows import MemberRow, Posting

if TYPE_CHECKING:
    from loyalty_engine.database import Transaction

_COLUMNS = ", ".join(f'"{name}"' for name in MemberRow.__struct_fields__)


def among(dialect: Dialect, number: int) -> str:
    """Give a sub-select of the texts in parameter `number`, a JSON list; see `listing`."""
    if dialect == "sqlite":
        return f"(SELECT value FROM json_each(${number}))"
    return f"(SELECT json_array_elements_text(${number}::json))"


def listing(texts: Sequence[str]) -> str:
    """Encode texts as the JSON list that `among` reads."""
    return msgspec.json.encode(texts).decode()


async def claim(
    transaction: Transaction, business_id: int, members: Iterable[str], *, wait: bool = False
) -> dict[str, MemberRow]:
    """Give the rows of these members, held until the transaction ends; those that somebody else works on are left out,
    or waited for.
    """
    held = "" if transaction.dialect == "sqlite" else " FOR UPDATE" if wait else " FOR UPDATE SKIP LOCKED"
    found = await transaction.fetch(
        f"SELECT {_COLUMNS} FROM members WHERE business_id = $1 AND id IN {among(transaction.dialect, 2)} "
        f"ORDER BY id{held}",
        business_id, listing(sorted(set(members))),
    )  # fmt: skip
    return {row[1]: MemberRow(*row) for row in found}


async def holdings(
    transaction: Transaction, business_id: int, members: Sequence[str]
) -> tuple[dict[str, list[AccountState]], dict[str, dict[str, list[Lot]]]]:
    """Read the accounts of claimed members, and their lots that hold something."""
    named = listing(members)
    accounts: dict[str, list[AccountState]] = {}
    for member, *account in await transaction.fetch(
        "SELECT member_id, unit, balance, held, pending_until, next_expiry FROM accounts "
        f"WHERE business_id = $1 AND member_id IN {among(transaction.dialect, 2)}",
        business_id, named,
    ):  # fmt: skip
        unit, balance, set_aside, pending_until, next_expiry = account
        found = AccountState(unit, balance, set_aside, pending_until, next_expiry, 0, 0)
        accounts.setdefault(member, []).append(found)
    lots: dict[str, dict[str, list[Lot]]] = {}
    for member, *lot in await transaction.fetch(
        "SELECT member_id, id, unit, amount, remaining, journal_id, spendable_at, expires_at, recorded_at FROM lots "
        f"WHERE business_id = $1 AND member_id IN {among(transaction.dialect, 2)} AND remaining > 0",
        business_id, named,
    ):  # fmt: skip
        lots.setdefault(member, {}).setdefault(lot[1], []).append(Lot(*lot))
    return accounts, lots


async def keep_all(transaction: Transaction, postings: list[Posting]) -> None:
    """Write postings of claimed members; where one cannot be kept the whole transaction begins anew."""
    alone = [posting for posting in postings if posting.goes_alone or transaction.dialect != "postgres"]
    together = [posting for posting in postings if not posting.goes_alone and transaction.dialect == "postgres"]
    for posting in alone:
        await transaction.keep(posting)
    if together:
        kept = await transaction.fetch(group_statement(), *group_parameters(together))
        if len(kept) != len(together):
            raise Moved
