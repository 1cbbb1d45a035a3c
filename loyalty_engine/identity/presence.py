"""Who is here: a member who sleeps in another is answered as that other, and one who was erased is nobody.

Invariant: no door acts for a member who sleeps or is erased. Whoever is here costs nothing to tell: it stands on the
page; only for somebody who is not is more asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from loyalty_engine.database import MemberState, Opening, Page
from loyalty_engine.errors import MemberUnknown

MERGED, ERASED, DOUBTED = "merged", "erased", "doubted"


class Read(Protocol):
    """Whatever rows can be read from."""

    async def fetch(self, sql: str, *args: Any) -> Sequence[Sequence[Any]]:
        """Run one statement and give its rows."""


class Asked(Read, Protocol):
    """The database, or a transaction in it."""

    async def open(self, opening: Opening) -> Page | None:
        """Read a page."""


async def page_of(asked: Asked, opening: Opening) -> Page | None:
    """Read a page; of a member who sleeps, that of the one they sleep in."""
    page = await asked.open(opening)
    while page is not None and page.member is not None and page.member.presence == MERGED:
        into = await sleeps_in(asked, opening.business_id, page.member.id)
        opening = msgspec.structs.replace(opening, member_id=into, blind_index=None)
        page = await asked.open(opening)
    return page


async def sleeps_in(asked: Asked, business_id: int, member_id: str) -> str:
    """Tell in whom a merged member sleeps."""
    found = await asked.fetch(
        "SELECT into_id FROM merges WHERE business_id = $1 AND member_id = $2 AND undone_at IS NULL",
        business_id, member_id,
    )  # fmt: skip
    into: str = found[0][0]
    return into


def here(state: MemberState | None) -> MemberState:
    """Give a member who is here; raise MemberUnknown where there is none, or none any more."""
    if state is None or state.presence == ERASED:
        raise MemberUnknown
    return state


async def sleepers(asked: Read, business_id: int, member_id: str) -> list[str]:
    """Give the ids of all who sleep in a member, and of those who sleep in these."""
    found: list[str] = []
    waiting = [member_id]
    while waiting:
        rows = await asked.fetch(
            "SELECT member_id FROM merges WHERE business_id = $1 AND into_id = $2 AND undone_at IS NULL",
            business_id, waiting.pop(),
        )  # fmt: skip
        found += (new := [row[0] for row in rows])
        waiting += new
    return found
