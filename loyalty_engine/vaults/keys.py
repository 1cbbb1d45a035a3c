"""The keys a house opens with: learnt when it opens, and anew when the key file has changed under it.

While one master key replaces another, who is not found under the one is looked for under the other: nobody is a
stranger because their row has, or has not, been written anew yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from loyalty_engine.vaults.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from loyalty_engine.database import Opening, Page
    from loyalty_engine.settings import Settings

HASHING = "hashing."


class Holder(Protocol):
    """Whoever holds a database and the vault it is sealed with: the house."""

    settings: Settings
    database: Any
    vault: Vault


class Either:
    """A database, or a transaction in it, that finds a number under either key."""

    def __init__(self, inner: Any, vault: Vault) -> None:
        """Stand before `inner`."""
        self.behind = inner
        self._vault = vault

    def __getattr__(self, name: str) -> Any:
        """Be the one behind in everything else."""
        return getattr(self.behind, name)

    async def open(self, opening: Opening) -> Page | None:
        """Read a page; of a number that is not found, under the other key."""
        page: Page | None = await self.behind.open(opening)
        if page is None or page.member is not None or opening.blind_index is None:
            return page
        for before in self._vault.formerly(opening.blind_index):
            other: Page | None = await self.behind.open(msgspec.structs.replace(opening, blind_index=before))
            if other is not None and other.member is not None:
                return other
        return page

    async def write_transaction(self, work: Callable[[Any], Awaitable[Any]]) -> Any:
        """Carry out work in a transaction that finds a number under either key."""
        return await self.behind.write_transaction(lambda transaction: work(Either(transaction, self._vault)))


async def take(house: Holder, newer: Vault) -> None:
    """Open with these keys from now on, and know those that hashed commands before them.

    All of it happens between two commands: none is found under one key and written under another.
    """
    chains = await _chains(house, newer)
    house.vault.adopt(newer)
    for business_id, chain in chains.items():
        mine = house.vault.hashing_key(business_id)
        house.vault.remember(business_id, chain[: chain.index(mine)] if mine in chain else chain)
    plain: Any = house.database.behind if isinstance(house.database, Either) else house.database
    house.database = Either(plain, house.vault) if house.vault.changing else plain


async def _chains(house: Holder, vault: Vault) -> dict[int, tuple[bytes, ...]]:
    found = await house.database.fetch(
        "SELECT business_id, name, wrapped FROM secrets WHERE name LIKE 'hashing.%' ORDER BY business_id, name"
    )
    chains: dict[int, tuple[bytes, ...]] = {}
    for business_id, name, wrapped in found:
        chains[business_id] = (*chains.get(business_id, ()), vault.unwrap(business_id, name, wrapped))
    return chains


async def read_again(house: Holder) -> bool:
    """Take in what the key file says now; False where nothing has changed."""
    newer = Vault.from_settings(house.settings.key, house.settings.vault_file)
    if newer.fingerprints() == house.vault.fingerprints():
        return False
    await take(house, newer)
    return True
