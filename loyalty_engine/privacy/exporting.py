"""Everything we have about one member, in one document that a machine reads: their right of access and portability.

Invariant: every column of every row that is a member's is in it, opened where it is sealed, but for our own keys and
hashes; `belongings.py` says which. Nothing of another member is. Whoever asks for it is written down.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from loyalty_engine.identity import presence, viewing
from loyalty_engine.identity.people import MemberExport
from loyalty_engine.instants import shown, shown_or_none, to_micros
from loyalty_engine.members import state_of
from loyalty_engine.privacy.belongings import BELONGINGS, Belonging
from loyalty_engine.tables import TABLES
from loyalty_engine.vaults.vault import VaultClosed

if TYPE_CHECKING:
    from loyalty_engine.businesses import Caller
    from loyalty_engine.database import Transaction
    from loyalty_engine.house import House

COLUMNS: Final = {
    table._meta.tablename: {  # noqa: SLF001  # Piccolo's way to name a table
        column._meta.db_column_name: type(column).__name__ == "BigInt"  # noqa: SLF001
        for column in table._meta.columns  # noqa: SLF001
    }
    for table in TABLES
}


async def export(
    house: House, caller: Caller, member_id: str, *, at: datetime, staff: str | None = None, reason: str = ""
) -> MemberExport:
    """Give everything about a member, those who sleep in them included; raise MemberUnknown where there is none."""
    state = await state_of(house, caller.business_id, member_id, to_micros(at))
    business_id, now = caller.business_id, to_micros(at)

    async def work(transaction: Transaction) -> MemberExport:
        others = await presence.sleepers(transaction, business_id, state.id)
        await viewing.note(
            transaction, caller, state.id, what="export", staff=staff, reason=reason or "export of all that is kept",
            at=now,
        )  # fmt: skip
        keys = {}
        for one in (state.id, *others):
            found = await transaction.fetch(
                "SELECT wrapped_key FROM members WHERE business_id = $1 AND id = $2", business_id, one
            )
            keys[one] = found[0][0]
        tables = {}
        for belonging in BELONGINGS:
            rows = [row for one in keys for row in await _rows(house, transaction, business_id, belonging, one, keys)]
            if rows:
                tables[belonging.table] = tuple(rows)
        await transaction.fetch(
            "UPDATE requests SET answered_at = $3 WHERE business_id = $1 AND member_id = $2 AND answered_at IS NULL "
            "AND kind IN ('access', 'portability')",
            business_id, state.id, now,
        )  # fmt: skip
        return MemberExport(state.id, tuple(others), shown(now), tables)

    return await house.database.write_transaction(work)


def shown_columns(belonging: Belonging) -> list[str]:
    """Give the columns of a table that an export shows."""
    return [name for name in COLUMNS[belonging.table] if name != "business_id" and name not in belonging.hidden]


async def _rows(
    house: House, transaction: Transaction, business_id: int, belonging: Belonging, member_id: str,
    keys: dict[str, str],
) -> list[dict[str, Any]]:  # fmt: skip
    names = shown_columns(belonging)
    columns = ", ".join(f'"{name}"' for name in names)
    where = f"{belonging.column} = $2"
    if belonging.also is not None:
        where = f"({where} OR {belonging.also} = $2)"
    if belonging.through is not None:
        ids_of = f"SELECT id FROM {belonging.through} WHERE business_id = $1 AND member_id = $2"
        where = f"{belonging.column} IN ({ids_of})"
    order = ", ".join(f'"{name}"' for name in belonging.key)
    found = await transaction.fetch(
        f"SELECT {columns} FROM {belonging.table} WHERE business_id = $1 AND {where} ORDER BY {order}",
        business_id, member_id,
    )  # fmt: skip

    def opened(name: str, value: Any) -> Any:
        if name in belonging.sealed:
            return _opened(house, business_id, member_id, keys[member_id], belonging.sealed[name], value)
        if name in belonging.instants:
            return shown_or_none(value or None)
        if name in belonging.texts and value:
            return msgspec.json.decode(value)
        return value

    return [{name: opened(name, value) for name, value in zip(names, row, strict=True)} for row in found]


def _opened(house: House, business_id: int, member_id: str, key: str, field: str, value: str | None) -> Any:
    """Unseal a column; what holds a document is given as one."""
    if value is None:
        return None
    try:
        plain = house.vault.open(business_id, member_id, key, field, value)
    except VaultClosed:
        return None  # written to a number that was another member's by then, or with a key that is gone
    return msgspec.json.decode(plain) if plain.startswith(("{", "[")) else plain


def schema() -> dict[str, Any]:
    """Give the JSON Schema of an export, for whoever reads one by machine."""
    text: dict[str, Any] = {"type": ["string", "null"]}
    kinds: dict[bool, dict[str, Any]] = {True: {"type": ["integer", "null"]}, False: text}

    def column(belonging: Belonging, name: str) -> dict[str, Any]:
        if name in belonging.texts or name in belonging.sealed:
            return {"type": ["object", "array", "string", "null"]}
        if name in belonging.instants:
            return {"type": ["string", "null"], "format": "date-time"}
        return kinds[COLUMNS[belonging.table][name]]

    tables = {
        one.table: {
            "type": "array",
            "items": {
                "type": "object", "additionalProperties": False, "required": shown_columns(one),
                "properties": {name: column(one, name) for name in shown_columns(one)},
            },
        }
        for one in BELONGINGS
    }  # fmt: skip
    member = {"type": "string", "pattern": "^mem_[0-9a-z]{26}$"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Everything about one member",
        "type": "object",
        "additionalProperties": False,
        "required": ["member", "includes", "exported_at", "tables"],
        "properties": {
            "member": member,
            "includes": {"type": "array", "items": member},
            "exported_at": {"type": "string", "format": "date-time"},
            "tables": {"type": "object", "additionalProperties": False, "properties": tables},
        },
    }
