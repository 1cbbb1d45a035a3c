"""Keyed hashes by which a number is known again whose owner is not: that they were erased, or were a friend once.

Invariant: without the master key a hash tells nothing; it is made under a secret of the business that outlives a change
of that key. One mailbox gives one hash, however its address is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from msgspec import Struct

from loyalty_engine.identifiers import Identifier, folded_email

if TYPE_CHECKING:
    from loyalty_engine.house import House
    from loyalty_engine.journal import Reader

_SECRET: Final = "tombstones"  # noqa: S105  # the name of one, not one


class SecretRow(Struct, frozen=True):
    """A secret of the business, wrapped under the master key; made when it is first needed."""

    TABLE: ClassVar[str] = "secrets"

    business_id: int
    name: str
    wrapped: str
    made_at: int


class TombstoneRow(Struct, frozen=True):
    """That the owner of a number was erased."""

    TABLE: ClassVar[str] = "tombstones"

    business_id: int
    tombstone: str
    laid_at: int


class Hashing(Struct, frozen=True):
    """A business's way of hashing; `new` is the secret where it has just been made and is still to be kept."""

    house: House
    business_id: int
    wrapped: str
    new: SecretRow | None = None

    def of(self, identifier: Identifier) -> str:
        """Give the hash of a number or address."""
        return self.of_text(f"{identifier.kind}\0{_folded(identifier)}")

    def of_text(self, text: str) -> str:
        """Give the hash of a text."""
        return self.house.vault.hash_under(self.business_id, _SECRET, self.wrapped, text)


def _folded(identifier: Identifier) -> str:
    return folded_email(identifier) if identifier.kind == "email" else identifier.value


async def hashing(house: House, reader: Reader, business_id: int) -> Hashing | None:
    """Give a business's way of hashing; None where it has never hashed anything."""
    found = await reader.fetch("SELECT wrapped FROM secrets WHERE business_id = $1 AND name = $2", business_id, _SECRET)
    return Hashing(house, business_id, found[0][0]) if found else None


async def hashing_now(house: House, reader: Reader, business_id: int, at: int) -> Hashing:
    """Give a business's way of hashing, made now where it had none: then `new` is to be kept with what is hashed."""
    known = await hashing(house, reader, business_id)
    if known is not None:
        return known
    wrapped = house.vault.new_member_key(business_id, _SECRET)
    return Hashing(house, business_id, wrapped, SecretRow(business_id, _SECRET, wrapped, at))


async def was_here(house: House, reader: Reader, business_id: int, identifier: Identifier) -> bool:
    """Tell whether a number's member was erased: asked for one purpose, that a friend is credited once for ever."""
    known = await hashing(house, reader, business_id)
    if known is None:
        return False
    laid = await reader.fetch(
        "SELECT 1 FROM tombstones WHERE business_id = $1 AND tombstone = $2", business_id, known.of(identifier)
    )
    return bool(laid)
