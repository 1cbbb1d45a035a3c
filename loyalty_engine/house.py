"""The building with its lights on: the database, vault and programmes that every room needs, opened together."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from loyalty_engine import database as databases
from loyalty_engine.identity.budgets import Budgets
from loyalty_engine.messages.carrying import Carrier, Logged
from loyalty_engine.shelf import Shelf
from loyalty_engine.turns import Turns
from loyalty_engine.vaults import keys
from loyalty_engine.vaults.vault import MasterKeyUnusable, Vault

if TYPE_CHECKING:
    from loyalty_engine.database import Database
    from loyalty_engine.settings import Settings


class House:
    """One running installation; rooms take it as their first argument."""

    def __init__(self, settings: Settings, database: Database, vault: Vault) -> None:
        """Bring together what is open already; `open_house` is the usual way in."""
        self.settings = settings
        self.database = database
        self.vault = vault
        self.shelf = Shelf(database)
        self.turns = Turns()
        self.keys_seen: dict[str, tuple[int, Any]] = {}
        # Which gateway carries a business's messages of a channel; until somebody chooses, they are only logged.
        logged = Logged()
        self.carrier_of: Callable[[int, str], Carrier] = lambda _, __: logged
        self.budgets = Budgets(settings)
        # The businesses for which a backtest runs in this process.
        self.backtests: set[int] = set()

    async def ready(self) -> None:
        """Raise DatabaseAway where we cannot serve."""
        await self.database.ready()

    async def close(self) -> None:
        """Let go of the database."""
        await self.database.close()


async def open_house(settings: Settings) -> House:
    """Open everything the settings name; raise DatabaseAway or MasterKeyUnusable where that cannot be done safely."""
    database = await databases.open_database(settings)
    try:
        if settings.auto_migrate:
            await databases.migrate(database)
        vault = Vault.from_settings(settings.key, settings.vault_file)
        await _same_key(database, vault)
    except BaseException:
        await database.close()
        raise
    house = House(settings, database, vault)
    await keys.take(house, vault)
    return house


async def _same_key(database: Database, vault: Vault) -> None:
    """Refuse to start with another master key than the members were sealed with: nobody would be found any more."""
    found = await database.fetch("SELECT slug, vault FROM businesses")
    found = [row for row in found if row[1] not in vault.fingerprints()]
    if found:
        message = (
            f"the members of {found[0][0]} are sealed with another master key: put the key file back, or set "
            "LOYALTY_KEY to the key this database was made with"
        )
        raise MasterKeyUnusable(message)
