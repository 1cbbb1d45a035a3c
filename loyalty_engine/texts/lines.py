"""The lines a business has: which gateways carry its texts, how they are set up, and its own words.

Invariant: passwords, tokens and the secret in a line's own address lie in the database sealed, under a key that is
wrapped by the vault; they are never shown again, and a line can be set up anew but not read.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct

from loyalty_engine.instants import shown, to_micros
from loyalty_engine.texts.lexicon import Kind

if TYPE_CHECKING:
    from loyalty_engine.database import Transaction
    from loyalty_engine.house import House

_FIELD: Final = "line"
_SECRET_BYTES: Final = 20


class Line(Struct, frozen=True):
    """A line as it is set up. Printed, it shows no secret."""

    business_id: int
    gateway: str
    secret: str
    settings: dict[str, Any]
    words: dict[str, Kind]

    def __repr__(self) -> str:
        return f"Line({self.gateway})"


class LineSeen(Struct, frozen=True):
    """A line as it may be shown: by which gateway, whether texts leave by it, and the business's own words."""

    gateway: str
    sends: bool
    words: dict[str, Kind]
    connected_at: str


class _Sealed(Struct, frozen=True):
    secret: str
    settings: dict[str, Any]


async def connect(
    house: House, business_id: int, gateway: str, settings: dict[str, Any], words: dict[str, Kind], *, sends: bool,
    at: datetime,
) -> Line:  # fmt: skip
    """Set a line up, or anew; its address gets a new secret. Where texts leave by it, they leave by no other."""
    vault, owner = house.vault, f"line:{gateway}"
    line = Line(business_id, gateway, secrets.token_urlsafe(_SECRET_BYTES), settings, words)
    key = vault.new_member_key(business_id, owner)
    plain = msgspec.json.encode(_Sealed(line.secret, settings)).decode()
    sealed = vault.seal(business_id, owner, key, _FIELD, plain)

    async def work(transaction: Transaction) -> None:
        if sends:
            await transaction.fetch("UPDATE phone_lines SET sends = 0 WHERE business_id = $1", business_id)
        await transaction.fetch(
            "INSERT INTO phone_lines (business_id, gateway, wrapped_key, sealed, words, sends, connected_at) "
            "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (business_id, gateway) DO UPDATE SET "
            "wrapped_key = excluded.wrapped_key, sealed = excluded.sealed, words = excluded.words, "
            "sends = excluded.sends, connected_at = excluded.connected_at",
            business_id, gateway, key, sealed, msgspec.json.encode(words).decode(), int(sends), to_micros(at),
        )  # fmt: skip

    await house.database.write_transaction(work)
    return line


async def disconnect(house: House, business_id: int, gateway: str) -> bool:
    """Take a line down; False where there was none. Its secrets are gone with it."""

    async def work(transaction: Transaction) -> Any:
        return await transaction.fetch(
            "DELETE FROM phone_lines WHERE business_id = $1 AND gateway = $2 RETURNING gateway", business_id, gateway
        )

    return bool(await house.database.write_transaction(work))


async def line_of(house: House, business_id: int, gateway: str) -> Line | None:
    """Give a business's line with a gateway, if it has one."""
    found = await house.database.fetch(
        "SELECT gateway, wrapped_key, sealed, words FROM phone_lines WHERE business_id = $1 AND gateway = $2",
        business_id, gateway,
    )  # fmt: skip
    return _opened(house, business_id, *found[0]) if found else None


async def sending_line(house: House, business_id: int, *, letters: bool = False) -> Line | None:
    """Give the line by which a business's texts leave (its letters: by `smtp`), if any."""
    which = "gateway = 'smtp'" if letters else "sends = 1 AND gateway <> 'smtp'"
    found = await house.database.fetch(
        f"SELECT gateway, wrapped_key, sealed, words FROM phone_lines WHERE business_id = $1 AND {which}", business_id
    )
    return _opened(house, business_id, *found[0]) if found else None


async def lines_of(house: House, business_id: int) -> tuple[LineSeen, ...]:
    """List a business's lines by gateway, without their settings."""
    found = await house.database.fetch(
        "SELECT gateway, sends, words, connected_at FROM phone_lines WHERE business_id = $1 ORDER BY gateway",
        business_id,
    )
    return tuple(
        LineSeen(gateway, bool(sends), msgspec.json.decode(words, type=dict[str, Kind]), shown(at))
        for gateway, sends, words, at in found
    )


def _opened(house: House, business_id: int, gateway: str, wrapped_key: str, sealed: str, words: str) -> Line:
    plain = house.vault.open(business_id, f"line:{gateway}", wrapped_key, _FIELD, sealed)
    kept = msgspec.json.decode(plain, type=_Sealed)
    return Line(business_id, gateway, kept.secret, kept.settings, msgspec.json.decode(words, type=dict[str, Kind]))
