"""A member's own page is opened by a link that they were sent: short-lived, and ended whenever they say so.

Invariant: a link is kept as a hash, so that nobody opens a page with a copy of the database; what it opens is one
member of one business. A link from a till reaches only as far as reading: its receipt may lie on the counter.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import TYPE_CHECKING, ClassVar, Final, Literal

from msgspec import Struct

from loyalty_engine.pages.errors import PageLinkOver

if TYPE_CHECKING:
    from loyalty_engine.database import Transaction
    from loyalty_engine.house import House

Reach = Literal["all", "read"]
MINUTES: Final = 30
_LASTS: Final = MINUTES * 60 * 1_000_000
_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
# Eleven characters name the business, so that a link is looked for among its own only; the rest is 128 bits of chance.
_BUSINESS_LETTERS, _SECRET_LETTERS = 11, 22
_TOKEN: Final = re.compile(f"[0-9A-Za-z]{{{_BUSINESS_LETTERS + _SECRET_LETTERS}}}")


class LinkRow(Struct, frozen=True):
    """A link as it is kept."""

    TABLE: ClassVar[str] = "page_links"
    KEY: ClassVar[int] = 2

    business_id: int
    token_hash: str
    member_id: str
    reach: str
    origin: str
    made_at: int
    expires_at: int
    ended_at: int | None = None


class Visit(Struct, frozen=True):
    """Somebody at a member's page: whose, how far the link reaches, and until when. Printed, it shows no token."""

    business_id: int
    slug: str
    member_id: str
    token: str
    reach: str
    expires_at: int

    def __repr__(self) -> str:
        """Show whose page it is, and not what opens it."""
        return f"Visit({self.member_id})"


def new_link(business_id: int, member_id: str, *, origin: str, at: int, reach: Reach = "all") -> tuple[str, LinkRow]:
    """Make a link: its token, which is told once, and its row, which rides in the posting of whatever asked for it."""
    token = _written(business_id, _BUSINESS_LETTERS) + "".join(secrets.choice(_DIGITS) for _ in range(_SECRET_LETTERS))
    return token, LinkRow(business_id, _hashed(token), member_id, reach, origin, at, at + _LASTS)


def address(house: House, token: str) -> str:
    """Give the address a link stands for; nothing where the installation has no address of its own."""
    public = house.settings.public_url
    return f"{public}/m/{token}" if public else ""


async def keep(transaction: Transaction, row: LinkRow) -> None:
    """Keep a link inside a transaction."""
    await transaction.fetch(
        "INSERT INTO page_links (business_id, token_hash, member_id, reach, origin, made_at, expires_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7)",
        row.business_id, row.token_hash, row.member_id, row.reach, row.origin, row.made_at, row.expires_at,
    )  # fmt: skip


async def opened(house: House, token: str, *, at: int) -> Visit:
    """Open a page by its link; raise PageLinkOver for one that is over, ended, or was never made."""
    if not _TOKEN.fullmatch(token):
        raise PageLinkOver
    business_id = _read(token[:_BUSINESS_LETTERS])
    found = await house.database.fetch(
        "SELECT b.slug, l.member_id, l.reach, l.expires_at FROM page_links l JOIN businesses b "
        "ON b.business_id = l.business_id WHERE l.business_id = $1 AND l.token_hash = $2 AND l.expires_at > $3 "
        "AND l.ended_at IS NULL",
        business_id, _hashed(token), at,
    )  # fmt: skip
    if not found:
        raise PageLinkOver
    slug, member_id, reach, expires_at = found[0]
    return Visit(business_id, slug, member_id, token, reach, expires_at)


async def business_of(house: House, token: str) -> str | None:
    """Tell which business a link was made for, also when it is over; nothing where it is no link of ours."""
    if not _TOKEN.fullmatch(token):
        return None
    business_id = _read(token[:_BUSINESS_LETTERS])
    found = await house.database.fetch("SELECT slug FROM businesses WHERE business_id = $1", business_id)
    return found[0][0] if found else None


async def end(house: House, visit: Visit, *, at: int) -> None:
    """End every link to a member's page: also the one on a telephone that was lost."""

    async def work(transaction: Transaction) -> None:
        await transaction.fetch(
            "UPDATE page_links SET ended_at = $3 WHERE business_id = $1 AND member_id = $2 AND ended_at IS NULL",
            visit.business_id, visit.member_id, at,
        )  # fmt: skip

    await house.database.write_transaction(work)


def form_proof(house: House, visit: Visit) -> str:
    """Give what a form on the page carries, so that no other site's form can stand in for it."""
    return house.vault.keyed_hash(visit.business_id, f"form {visit.token}".encode())


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _written(number: int, length: int) -> str:
    letters = ""
    for _ in range(length):
        number, rest = divmod(number, len(_DIGITS))
        letters = _DIGITS[rest] + letters
    return letters


def _read(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * len(_DIGITS) + _DIGITS.index(letter)
    # More than the database can hold is no business of ours.
    return number & ((1 << 63) - 1)
