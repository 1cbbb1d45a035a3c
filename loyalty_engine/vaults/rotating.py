"""The master key is replaced under load: members' keys are wrapped anew, and numbers found by new indexes.

Invariant: at every moment every process finds everybody and opens everything; and once it is done, nothing in the
database can be opened, nor a number guessed, with the old key. Stopped anywhere, it is simply begun again: what is
written anew already is left alone.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from loyalty_engine.identifiers import Identifier
from loyalty_engine.identity import alerts
from loyalty_engine.vaults import keys
from loyalty_engine.vaults.vault import VaultClosed

if TYPE_CHECKING:
    from loyalty_engine.database import Transaction
    from loyalty_engine.house import House
    from loyalty_engine.vaults.vault import Vault

_AT_ONCE: Final = 50
_BEFORE: Final = -(1 << 62)


class Wrapped(Struct, frozen=True):
    """A column of wrapped keys: the columns that name the row, and what each key may be bound to, by those columns."""

    table: str
    column: str
    key: tuple[str, ...]
    bound_to: tuple[str, ...]
    moves_on: bool = False


# Every column of wrapped keys there is; a test holds it against the schema.
WRAPPED: Final = (
    Wrapped("members", "wrapped_key", ("id",), ("{id}",), moves_on=True),
    Wrapped("secrets", "wrapped", ("name",), ("{name}",)),
    Wrapped("messages", "wrapped_key", ("id",), ("{id}",)),
    Wrapped("phone_lines", "wrapped_key", ("gateway",), ("line:{gateway}",)),
    Wrapped("inbound_texts", "wrapped_key", ("gateway", "message_id", "journal_id"), ("{journal_id}",)),
    Wrapped("door_codes", "wrapped_key", ("id",), ("{id}",)),
    Wrapped("webhooks", "wrapped_key", ("id",), ("{id}", "webhook:{id}")),
)


async def begin(house: House, vault: Vault, *, at: int) -> None:
    """Keep the keys that hashed commands until now, wrapped under the new one, before anybody writes with it."""

    async def work(transaction: Transaction) -> None:
        for [business_id] in await transaction.fetch("SELECT business_id FROM businesses"):
            known = await transaction.fetch(
                "SELECT name, wrapped FROM secrets WHERE business_id = $1 AND name LIKE 'hashing.%'", business_id
            )
            had = {vault.unwrap(business_id, name, wrapped) for name, wrapped in known}
            for other in vault.others():
                key = other.hashing_key(business_id)
                if key in had:
                    continue
                name = f"{keys.HASHING}{len(had) + 1:06d}"
                await transaction.fetch(
                    "INSERT INTO secrets (business_id, name, wrapped, made_at) VALUES ($1, $2, $3, $4)",
                    business_id, name, vault.wrap(business_id, name, key), at,
                )  # fmt: skip
                had.add(key)

    await house.database.write_transaction(work)


async def replaced(house: House, vault: Vault) -> bool:
    """Tell whether this vault's key is one that has been replaced already."""
    found = await house.database.fetch("SELECT business_id, name, wrapped FROM secrets WHERE name LIKE 'hashing.%'")
    return any(
        house.vault.unwrap(business_id, name, wrapped) == vault.hashing_key(business_id)
        for business_id, name, wrapped in found
    )


async def rewrite(house: House, *, at: int) -> Counter[str]:
    """Write everything anew under the master key; gives how many rows of each table that were."""
    done: Counter[str] = Counter()
    for one in WRAPPED:
        done[one.table] += await _rewrap(house, one)
    done["identifiers"] += await _reindex(house, at)
    done["journal"] += await _rehash(house)
    return done


async def finish(house: House) -> None:
    """Put the new key's fingerprint on every business: from now on the old key opens nothing."""
    mine = house.vault.fingerprint()

    async def work(transaction: Transaction) -> None:
        await transaction.fetch("UPDATE businesses SET vault = $1", mine)
        # Who waits for a code has a new one sent: found by the old key's index, the number would not be found again.
        await transaction.fetch("DELETE FROM door_codes")
        await transaction.fetch(
            "UPDATE messages SET number_index = NULL WHERE number_index IS NOT NULL AND NOT EXISTS (SELECT 1 "
            "FROM identifiers i WHERE i.business_id = messages.business_id AND i.blind_index = messages.number_index)"
        )
        await transaction.fetch(
            "UPDATE inbound_texts SET number_index = NULL WHERE number_index IS NOT NULL AND NOT EXISTS (SELECT 1 FROM "
            "identifiers i WHERE i.business_id = inbound_texts.business_id "
            "AND i.blind_index = inbound_texts.number_index)"
        )

    await house.database.write_transaction(work)


async def _rewrap(house: House, one: Wrapped) -> int:
    """Wrap the keys of one table anew, some at a time."""
    names = ", ".join(one.key)
    after: tuple[Any, ...] = (_BEFORE, *("" for _ in one.key))
    marks = ", ".join(f"${n}" for n in range(1, len(after) + 1))
    count = 0
    while True:
        found = await house.database.fetch(
            f"SELECT business_id, {names}, {one.column} FROM {one.table} WHERE (business_id, {names}) > ({marks}) "
            f"AND {one.column} <> '' ORDER BY business_id, {names} LIMIT {_AT_ONCE}",
            *after,
        )
        if not found:
            return count
        after = tuple(found[-1][:-1])
        again = [(row, text) for row in found if (text := _again(house, one, row)) is not None]
        count += await _put(house, one, again) if again else 0


def _again(house: House, one: Wrapped, row: Any) -> str | None:
    business_id, *named, wrapped = row
    said = dict(zip(one.key, named, strict=True))
    for owner in one.bound_to:
        try:
            return house.vault.rewrapped(business_id, owner.format(**said), wrapped)
        except VaultClosed:
            continue
    raise VaultClosed


async def _put(house: House, one: Wrapped, again: list[tuple[Any, str]]) -> int:
    where = " AND ".join(f"{name} = ${n}" for n, name in enumerate(one.key, start=2))
    last = len(one.key) + 1
    # Whoever has read the member before decides anew: else the old wrapping would be written back.
    moves = ", revision = revision + 1" if one.moves_on else ""

    async def work(transaction: Transaction) -> int:
        changed = 0
        for row, text in again:
            found = await transaction.fetch(
                f"UPDATE {one.table} SET {one.column} = ${last + 1}{moves} WHERE business_id = $1 AND {where} "
                f"AND {one.column} = ${last + 2} RETURNING 1",
                *row[:-1],
                text,
                row[-1],
            )
            changed += len(found)
        return changed

    changed: int = await house.database.write_transaction(work)
    return changed


async def _reindex(house: House, at: int) -> int:
    """Let numbers be found under the new key, some at a time."""
    after: tuple[int, str, str] = (_BEFORE, "", "")
    count = 0
    while True:
        found = await house.database.fetch(
            "SELECT i.business_id, i.member_id, i.blind_index, i.kind, i.sealed, m.wrapped_key FROM identifiers i "
            "JOIN members m ON m.business_id = i.business_id AND m.id = i.member_id "
            "WHERE (i.business_id, i.member_id, i.blind_index) > ($1, $2, $3) "
            f"ORDER BY i.business_id, i.member_id, i.blind_index LIMIT {_AT_ONCE}",
            *after,
        )
        if not found:
            return count
        after = (found[-1][0], found[-1][1], found[-1][2])
        pairs = []
        for business_id, member_id, index, kind, sealed, wrapped in found:
            try:
                plain = house.vault.open(business_id, member_id, wrapped, "identifier", sealed)
            except VaultClosed:
                continue  # erased or merged since it was read; looked at again on the next round
            new = str(house.vault.blind_index(business_id, Identifier(kind, plain)))
            if new != index:
                pairs.append((business_id, index, new))
        count += await _index_anew(house, pairs, at) if pairs else 0


async def _index_anew(house: House, pairs: list[tuple[int, str, str]], at: int) -> int:
    async def work(transaction: Transaction) -> int:
        for business_id, old, new in pairs:
            taken = await transaction.fetch(
                "SELECT 1 FROM identifiers WHERE business_id = $1 AND blind_index = $2", business_id, new
            )
            if taken:
                says = "a number had found two members while the master key was changed: merge them"
                await alerts.put(transaction, business_id, "number_found_two", says, at=at)
                await transaction.fetch(
                    "DELETE FROM identifiers WHERE business_id = $1 AND blind_index = $2", business_id, old
                )
                continue
            for table, column in (("identifiers", "blind_index"), ("messages", "number_index"),
                                  ("inbound_texts", "number_index")):  # fmt: skip
                await transaction.fetch(
                    f"UPDATE {table} SET {column} = $3 WHERE business_id = $1 AND {column} = $2", business_id, old, new
                )
        return len(pairs)

    count: int = await house.database.write_transaction(work)
    return count


async def _rehash(house: House) -> int:
    """Hash once more what tells commands apart: the old key alone no longer says which number was in one."""
    count, after = 0, (_BEFORE, "")
    vault = house.vault
    while True:
        found = await house.database.fetch(
            "SELECT business_id, id, fingerprint FROM journal WHERE (business_id, id) > ($1, $2) AND fingerprint <> '' "
            f"ORDER BY business_id, id LIMIT {_AT_ONCE * 4}",
            *after,
        )
        if not found:
            return count
        after = (found[-1][0], found[-1][1])

        old = [row for row in found if not row[2].startswith(vault.generation(row[0]))]
        count += await _hash_again(house, old) if old else 0


async def _hash_again(house: House, old: list[Any]) -> int:
    async def work(transaction: Transaction) -> int:
        for business_id, line_id, was in old:
            await transaction.fetch(
                "UPDATE journal SET fingerprint = $3 WHERE business_id = $1 AND id = $2 AND fingerprint = $4",
                business_id, line_id, house.vault.hashed_again(business_id, was), was,
            )  # fmt: skip
        return len(old)

    count: int = await house.database.write_transaction(work)
    return count
