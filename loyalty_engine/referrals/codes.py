"""An ambassador's code and link: short, hard to misread, and made when somebody first asks for it.

Invariant: a member has one code for ever, and a code names one member of all businesses: its link holds no more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

import msgspec
from msgspec import Struct

from loyalty_engine.errors import Busy
from loyalty_engine.identity import presence

if TYPE_CHECKING:
    from loyalty_engine.database import Transaction
    from loyalty_engine.house import House
    from loyalty_engine.journal import Reader

# No vowels, so that no code is a word; nothing that is mistaken for another on paper or aloud: 0 O, 1 I L, 2 Z, 5 S,
# 6 G, 8 B, U V.
ALPHABET: Final = "CDFGHJKMNPQRTVWX3479"
LENGTH: Final = 7
_TRIES: Final = 32
_LONGEST_LINK: Final = 200


class CodeRow(Struct, frozen=True):
    """A member's code."""

    TABLE: ClassVar[str] = "referral_codes"

    business_id: int
    code: str
    member_id: str
    made_at: int


class Owner(Struct, frozen=True):
    """Whose code it is."""

    business_id: int
    slug: str
    member_id: str


def read_code(typed: str) -> str | None:
    """Read a code as it was typed or texted, or out of its link; None where it can be none."""
    last = typed[-_LONGEST_LINK:].rstrip("/ ").rpartition("/")[2]
    letters = "".join(character for character in last.upper() if character not in " -.\t")
    return letters if len(letters) == LENGTH and set(letters) <= set(ALPHABET) else None


def link_of(house: House, code: str) -> str:
    """Give the link a friend follows; without an address of the installation's own, its path."""
    return f"{house.settings.public_url}/r/{code}"


async def code_of(house: House, business_id: int, member_id: str, *, at: int) -> str:
    """Give a member's code; made now, if nobody has asked for it before."""
    known = await _known(house.database, business_id, member_id)
    if known is not None:
        return known

    async def work(transaction: Transaction) -> str:
        return await _make(house, transaction, business_id, member_id, at)

    return await house.database.write_transaction(work)


async def _known(reader: Reader, business_id: int, member_id: str) -> str | None:
    found = await reader.fetch(
        "SELECT code FROM referral_codes WHERE business_id = $1 AND member_id = $2", business_id, member_id
    )
    code: str | None = found[0][0] if found else None
    return code


async def _make(house: House, transaction: Transaction, business_id: int, member_id: str, at: int) -> str:
    """Make a code; of two who make one for a member at once, the first stays."""
    row = await _new(house, transaction, business_id, member_id, at)
    await transaction.fetch(
        "INSERT INTO referral_codes (business_id, code, member_id, made_at) VALUES ($1, $2, $3, $4) "
        "ON CONFLICT DO NOTHING",
        *msgspec.structs.astuple(row),
    )  # fmt: skip
    return await _known(transaction, business_id, member_id) or row.code


async def _new(house: House, reader: Reader, business_id: int, member_id: str, at: int) -> CodeRow:
    """Find a code that no business has."""
    for attempt in range(_TRIES):
        code = _nth(house, business_id, member_id, attempt)
        if not await reader.fetch("SELECT 1 FROM referral_codes WHERE code = $1", code):
            return CodeRow(business_id, code, member_id, at)
    raise Busy


async def code_along(
    house: House, reader: Reader, business_id: int, member_id: str, *, at: int
) -> tuple[str, tuple[CodeRow, ...]]:
    """Give a member's code, and the row that keeps it along with a command where nobody has asked for it before."""
    known = await _known(reader, business_id, member_id)
    if known is not None:
        return known, ()
    row = await _new(house, reader, business_id, member_id, at)
    return row.code, (row,)


def _nth(house: House, business_id: int, member_id: str, attempt: int) -> str:
    number = int(house.vault.keyed_hash(business_id, f"code\0{attempt}\0{member_id}".encode()), 16)
    letters = []
    for _ in range(LENGTH):
        number, place = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[place])
    return "".join(letters)


async def owner_of(house: House, code: str) -> Owner | None:
    """Tell whose code it is, of whatever business; None where nobody has it, or they are no longer a member."""
    known = read_code(code)
    if known is None:
        return None
    found = await house.database.fetch(
        "SELECT c.business_id, b.slug, c.member_id, m.presence FROM referral_codes c "
        "JOIN businesses b ON b.business_id = c.business_id "
        "JOIN members m ON m.business_id = c.business_id AND m.id = c.member_id "
        "WHERE c.code = $1 ORDER BY c.made_at, c.business_id LIMIT 1",
        known,
    )  # fmt: skip
    return Owner(*found[0][:3]) if found and found[0][3] != presence.ERASED else None


async def member_of(reader: Reader, business_id: int, code: str) -> str | None:
    """Tell which member of a business has a code; None where none has."""
    known = read_code(code)
    if known is None:
        return None
    found = await reader.fetch(
        "SELECT member_id FROM referral_codes WHERE business_id = $1 AND code = $2", business_id, known
    )
    return found[0][0] if found else None
