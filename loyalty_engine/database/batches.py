"""Many members in one transaction, for what the clock does and not a till: claim them, decide, keep.

Invariant: who is claimed moves for nobody else until the transaction ends, so what is read of them after the claim is
what is decided on; who is claimed by another is left to that one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from loyalty_engine.database.pages import Dialect, Moved
from loyalty_engine.database.postings import group_parameters, group_statement
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


async def claim(transaction: Transaction, business_id: int, members: Sequence[str]) -> dict[str, MemberRow]:
    """Give the rows of those of these members that nobody else works on, held until the transaction ends."""
    held = "" if transaction.dialect == "sqlite" else " FOR UPDATE SKIP LOCKED"
    found = await transaction.fetch(
        f"SELECT {_COLUMNS} FROM members WHERE business_id = $1 AND id IN {among(transaction.dialect, 2)} "
        f"ORDER BY id{held}",
        business_id, listing(sorted(set(members))),
    )  # fmt: skip
    return {row[1]: MemberRow(*row) for row in found}


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
