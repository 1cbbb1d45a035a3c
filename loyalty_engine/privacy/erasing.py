"""A member asks to be forgotten: their key and all that names them is destroyed, and the ledger stays true.

What stays is an opaque id with units and purchases, a keyed tombstone so that nobody is a new friend twice, and the
erasure itself on a list outside the database, against which a restored backup is held. Invariant: after erasing, no
column of the member's can be read by anybody, with whatever key; no entry, balance or total has changed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import structlog
from msgspec import Struct

from loyalty_engine import journal, tombstones
from loyalty_engine.database import Opening
from loyalty_engine.errors import HoldsInTheWay, MemberUnknown
from loyalty_engine.identifiers import Identifier, mask
from loyalty_engine.identity import presence
from loyalty_engine.identity.handing import state_of
from loyalty_engine.instants import from_micros, to_micros
from loyalty_engine.members import moved
from loyalty_engine.privacy.belongings import BELONGINGS
from loyalty_engine.redemption import holding
from loyalty_engine.referrals import parting
from loyalty_engine.rows import Posting

if TYPE_CHECKING:
    from loyalty_engine.businesses import Caller
    from loyalty_engine.database import MemberState, Transaction
    from loyalty_engine.house import House

_log = structlog.get_logger("loyalty.erasing")
_GONE: Final = "(erased)"


class Erased(Struct, frozen=True):
    """One line of the erasure list."""

    business_id: int
    member: str
    erased_at: int


async def erase(house: House, caller: Caller, member_id: str, *, at: datetime) -> None:
    """Erase a member and all who sleep in them, and put them on the erasure list.

    Raises MemberUnknown, and HoldsInTheWay where something is set aside for them.
    """
    await holding.lapse_of(house, caller.business_id, (member_id,), at=at)
    gone = await _erase(house, caller.business_id, caller.key_id, member_id, to_micros(at))
    note(house.settings.erasure_file, gone)


async def _erase(house: House, business_id: int, by: str, member_id: str, at: int) -> list[Erased]:
    async def work(transaction: Transaction) -> list[Erased]:
        await house.database.lock_member(transaction, business_id, member_id)
        page = await presence.page_of(
            transaction, Opening(business_id=business_id, member_id=member_id, occurred_at=0, now=0)
        )
        state = presence.here(page.member if page else None)
        if any(account.held for account in state.accounts or ()):
            raise HoldsInTheWay
        everybody = [state.id, *(await presence.sleepers(transaction, business_id, state.id))]
        said = await _said(house, transaction, business_id, state)
        await _lay_tombstones(house, transaction, business_id, said, at)
        for identifier in said:  # codes and answers that were written to the number itself
            await transaction.fetch(
                "DELETE FROM messages WHERE business_id = $1 AND number_index = $2",
                business_id, house.vault.blind_index(business_id, identifier),
            )  # fmt: skip
            await transaction.fetch(
                "DELETE FROM door_codes WHERE business_id = $1 AND number_index = $2",
                business_id, house.vault.blind_index(business_id, identifier),
            )  # fmt: skip
        for one in everybody:
            await parting.part(transaction, business_id, one, by, at)
            await _forget(transaction, business_id, await state_of(transaction, business_id, one), said, by, at)
        return [Erased(business_id, one, at) for one in everybody]

    return await house.database.write_transaction(work)


async def _said(house: House, transaction: Transaction, business_id: int, state: MemberState) -> list[Identifier]:
    """Read the numbers and addresses one last time."""
    found = await transaction.fetch(
        "SELECT kind, sealed FROM identifiers WHERE business_id = $1 AND member_id = $2", business_id, state.id
    )
    unseal = house.vault.open
    return [
        Identifier(kind, unseal(business_id, state.id, state.wrapped_key, "identifier", sealed))
        for kind, sealed in found
    ]


async def _forget(
    transaction: Transaction, business_id: int, state: MemberState, said: Iterable[Identifier], by: str, at: int
) -> None:
    """Destroy the key, empty what is personal, and write down that it was done."""
    for one in BELONGINGS:
        if one.erasure == "deleted":
            await transaction.fetch(
                f"DELETE FROM {one.table} WHERE business_id = $1 AND {one.column} = $2", business_id, state.id
            )
        elif one.erasure == "emptied":
            nothing = ", ".join(f'"{name}" = NULL' for name in one.empties)
            await transaction.fetch(
                f"UPDATE {one.table} SET {nothing} WHERE business_id = $1 AND {one.column} = $2", business_id, state.id
            )
    await transaction.fetch("DELETE FROM identifiers WHERE business_id = $1 AND member_id = $2", business_id, state.id)
    for masked in {mask(identifier) for identifier in said}:
        await transaction.fetch(
            "UPDATE journal SET answer = replace(answer, $3, $4) WHERE business_id = $1 AND member_id = $2",
            business_id, state.id, masked, _GONE,
        )  # fmt: skip
    # What two commands under one key are told apart by is a keyed hash of bodies with the number in them.
    await transaction.fetch(
        "UPDATE journal SET fingerprint = '' WHERE business_id = $1 AND member_id = $2", business_id, state.id
    )
    await transaction.fetch(
        "UPDATE requests SET answered_at = $3 WHERE business_id = $1 AND member_id = $2 AND answered_at IS NULL "
        "AND kind = 'erasure'",
        business_id, state.id, at,
    )  # fmt: skip
    await transaction.fetch(
        "INSERT INTO erasures (business_id, member_id, erased_at, by_key) VALUES ($1, $2, $3, $4)",
        business_id, state.id, at, by,
    )  # fmt: skip
    await transaction.keep(_posting(business_id, state, at))


def _posting(business_id: int, state: MemberState, at: int) -> Posting:
    line = journal.alone(business_id, "erasure", state.id, state.revision + 1, at)
    member = moved(
        business_id,
        state,
        wrapped_key="",
        sealed_profile=None,
        language=None,
        tags="[]",
        presence=presence.ERASED,
        referral=None,
    )
    return Posting(business_id=business_id, expected=state.revision, member=member, journal=line)


async def _lay_tombstones(
    house: House, transaction: Transaction, business_id: int, said: Iterable[Identifier], at: int
) -> None:
    known = await tombstones.hashing_now(house, transaction, business_id, at)
    if known.new is not None:
        await transaction.fetch(
            "INSERT INTO secrets (business_id, name, wrapped, made_at) VALUES ($1, $2, $3, $4)",
            *msgspec.structs.astuple(known.new),
        )  # fmt: skip
    for identifier in said:
        await transaction.fetch(
            "INSERT INTO tombstones (business_id, tombstone, laid_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            business_id, known.of(identifier), at,
        )  # fmt: skip


# --- the list outside the database


def note(file: Path, gone: Iterable[Erased]) -> None:
    """Put erasures on the list, and see to it that they stay there."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("ab") as opened:
        opened.write(b"".join(msgspec.json.encode(one) + b"\n" for one in gone))
        opened.flush()
        os.fsync(opened.fileno())


def listed(file: Path) -> list[Erased]:
    """Read an erasure list; of a line that a power cut left half written nothing is made."""
    if not file.exists():
        return []
    found = []
    for line in file.read_bytes().splitlines():
        try:
            found.append(msgspec.json.decode(line, type=Erased))
        except msgspec.DecodeError:
            continue
    return found


async def exported(house: House) -> list[Erased]:
    """Give the erasures the database knows of, oldest first."""
    rows = await house.database.study(
        "SELECT business_id, member_id, erased_at FROM erasures ORDER BY erased_at, business_id, member_id"
    )
    return [Erased(*row) for row in rows]


async def replay(house: House, gone: Iterable[Erased]) -> int:
    """Erase again whoever an older backup has brought back; tell how many that were."""
    again = 0
    known = {(one.business_id, one.member) for one in await exported(house)}
    for one in gone:
        if (one.business_id, one.member) in known:
            continue
        # They were erased with nothing set aside: what the backup still holds for them was over by then.
        await holding.lapse_of(house, one.business_id, (one.member,), at=from_micros(one.erased_at), running=True)
        try:
            await _erase(house, one.business_id, "replay", one.member, one.erased_at)
        except MemberUnknown:
            continue  # the backup is older than the member, or they were erased with the one they slept in
        again += 1
    return again


async def replay_list(house: House) -> int:
    """Erase again whoever a restored backup has brought back, by the list beside the key file."""
    again = await replay(house, listed(house.settings.erasure_file))
    if again:
        _log.warning("erased again after a restore", members=again)
    return again
