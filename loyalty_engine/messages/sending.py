"""The postman: takes what is due out of the box, lets each message pass the gate, and hands it to its gateway.

Invariant: the gate's decision and the note that a message is leaving are one transaction, in which nobody else can move
the member; so a STOP is either before it, and the message stays, or after it. What a crash left half way is taken up
again when its lease is over, judged anew, and handed over under the same id.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal

import structlog

from loyalty_engine.errors import ProgrammeMissing
from loyalty_engine.identity import bouncing
from loyalty_engine.instants import from_micros, to_micros
from loyalty_engine.messages import gate, leaving, outbox
from loyalty_engine.messages.carrying import Leaving, NotCarried
from loyalty_engine.messages.gate import Asking
from loyalty_engine.messages.leaving import Address
from loyalty_engine.messages.outbox import MessageRow
from loyalty_engine.vaults.vault import VaultClosed

if TYPE_CHECKING:
    from loyalty_engine.database import Transaction
    from loyalty_engine.house import House
    from loyalty_engine.shelf import Edition

_log = structlog.get_logger("loyalty.sending")
_SECOND: Final = 1_000_000
# How long a message is ours alone once we have taken it, and how long a gateway may take.
_LEASE: Final = 120 * _SECOND
_GATEWAY_SECONDS: Final = 30
_AT_ONCE: Final = 8
# A message is tried at most so often, after 15 s, 30 s, 1 min, 2 min ... at most an hour apart.
_TRIES: Final = 10
_FIRST_PAUSE: Final = 15 * _SECOND
_LONGEST_PAUSE: Final = 3600 * _SECOND

Reported = Literal["delivered", "failed", "unknown"]


async def keep_sending(house: House, now: Callable[[], datetime], *, every: int = 1) -> None:
    """Send what is due, again and again, until cancelled; a round that fails is said in the log."""
    while True:
        sent = 0
        try:
            sent = await send_due(house, now)
        except Exception as problem:  # noqa: BLE001  # whatever stopped this round, the next one comes
            _log.warning("sending", problem=type(problem).__name__)
        if not sent:
            await asyncio.sleep(every)


async def send_due(house: House, now: Callable[[], datetime], *, most: int = 64) -> int:
    """Take what is due and send it; tell how many messages were dealt with, sent or not."""
    at = to_micros(now())
    found = await house.database.fetch(
        "SELECT business_id, id, member_id FROM messages WHERE state IN ('queued', 'leaving') AND due_at <= $1 "
        "AND claimed_until <= $1 ORDER BY due_at LIMIT $2",
        at, most,
    )  # fmt: skip
    room = asyncio.Semaphore(_AT_ONCE)

    async def one(business_id: int, message_id: str, member_id: str | None) -> None:
        async with room:
            await send(house, business_id, message_id, member_id, now)

    await asyncio.gather(*(one(*row) for row in found))
    return len(found)


async def send(
    house: House, business_id: int, message_id: str, member_id: str | None, now: Callable[[], datetime]
) -> None:
    """Let one message pass the gate and hand it over; where somebody else has it, do nothing."""
    at = to_micros(now())

    async def work(transaction: Transaction) -> tuple[MessageRow, Address] | None:
        return await _leave(house, transaction, business_id, message_id, member_id, at)

    passed = await house.database.write_transaction(work)
    if passed is not None:
        await _carry(house, *passed, now)


async def _leave(
    house: House, transaction: Transaction, business_id: int, message_id: str, member_id: str | None, at: int
) -> tuple[MessageRow, Address] | None:
    """Claim a message, judge it, and note what was decided: all in one transaction."""
    if member_id is not None:
        await house.database.lock_member(transaction, business_id, member_id)
    found = await transaction.fetch(
        "UPDATE messages SET claimed_until = $3, tries = tries + 1 WHERE business_id = $1 AND id = $2 "
        f"AND state IN ('queued', 'leaving') AND claimed_until <= $4 AND due_at <= $4 RETURNING {outbox.COLUMNS}",
        business_id, message_id, at + _LEASE, at,
    )  # fmt: skip
    if not found:
        return None
    row = MessageRow(*found[0])
    try:
        edition = await house.shelf.current(business_id)
        address = await leaving.address_of(house, transaction, row)
    except ProgrammeMissing:
        await _refuse(transaction, row, "no_programme", at)
        return None
    except VaultClosed:
        await _refuse(transaction, row, "erased", at)
        return None
    if address is None:
        await _refuse(transaction, row, "no_address", at)
        return None
    return await _judged(transaction, row, address, edition, at)


async def _judged(
    transaction: Transaction, row: MessageRow, address: Address, edition: Edition, at: int
) -> tuple[MessageRow, Address] | None:
    country = leaving.country_of(address)
    policy = gate.policy_of(edition.programme)
    asking = Asking(
        purpose=row.purpose, channel=row.channel, country=country, member=row.member_id is not None,
        expires_at=row.expires_at,
    )  # fmt: skip
    day = from_micros(at).astimezone(edition.programme.zone).date().isoformat()
    standing = await leaving.standing_of(transaction, row, address, edition.programme, country, day, at)
    verdict = gate.judge(asking, standing, policy, at)
    if verdict.wait_until is not None:
        await _wait(transaction, row, verdict.wait_until)
        return None
    if verdict.reason is not None:
        await _refuse(transaction, row, verdict.reason, at)
        return None
    if row.left_at is None:
        for place in (leaving.EVERYWHERE, *([country] if country else [])):
            await leaving.count(transaction, row, place, day, more=1)
    await transaction.fetch(
        "UPDATE messages SET state = 'leaving', left_at = $3, consent_id = $4, country = $5, number_index = $6 "
        "WHERE business_id = $1 AND id = $2",
        row.business_id, row.id, at, verdict.consent_id, country, address.number_index,
    )  # fmt: skip
    return row, address


async def _refuse(transaction: Transaction, row: MessageRow, reason: str, at: int) -> None:
    """Keep a refusal with its reason; a stranger's number is forgotten with it."""
    await transaction.fetch(
        "UPDATE messages SET state = 'refused', reason = $3, ended_at = $4, wrapped_key = NULL "
        "WHERE business_id = $1 AND id = $2",
        row.business_id, row.id, reason, at,
    )  # fmt: skip


async def _wait(transaction: Transaction, row: MessageRow, until: int) -> None:
    await transaction.fetch(
        "UPDATE messages SET state = 'queued', due_at = $3, claimed_until = 0, tries = tries - 1 "
        "WHERE business_id = $1 AND id = $2",
        row.business_id, row.id, until,
    )  # fmt: skip


async def _carry(house: House, row: MessageRow, address: Address, now: Callable[[], datetime]) -> None:
    """Hand a message that has passed the gate to its gateway, and keep what became of it."""
    carrier = house.carrier_of(row.business_id, row.channel)
    message = Leaving(
        id=row.id, business_id=row.business_id, channel=row.channel, purpose=row.purpose, to=address.to,
        text=address.words.text, language=row.language, subject=address.words.subject,
        country=leaving.country_of(address),
    )  # fmt: skip
    try:
        receipt = await asyncio.wait_for(carrier.send(message), _GATEWAY_SECONDS)
    except NotCarried as refused:
        await _not_carried(house, row, refused, to_micros(now()))
        return
    except Exception as problem:  # noqa: BLE001  # whatever a gateway's code does, the message is tried again
        await _not_carried(house, row, NotCarried(type(problem).__name__), to_micros(now()))
        return
    await _note(
        house,
        # A report may overtake the gateway's own answer: what it said stands.
        "UPDATE messages SET state = CASE WHEN state = 'leaving' THEN 'sent' ELSE state END, gateway = $3, "
        "gateway_id = $4, parts = $5, ended_at = $6, reason = NULL, wrapped_key = NULL "
        "WHERE business_id = $1 AND id = $2 AND state IN ('leaving', 'delivered', 'failed') AND gateway_id IS NULL",
        row.business_id, row.id, carrier.name, receipt.gateway_id, receipt.parts, to_micros(now()),
    )  # fmt: skip


async def _not_carried(house: House, row: MessageRow, refused: NotCarried, at: int) -> None:
    """Try again later, a little later each time; or give up, and keep the reason."""
    if refused.again and row.tries < _TRIES:
        pause = max(min(_FIRST_PAUSE * 2 ** (row.tries - 1), _LONGEST_PAUSE), refused.after_seconds * _SECOND)
        # Messages that failed together do not come back together.
        pause += pause * (hashlib.sha256(row.id.encode()).digest()[0] % 32) // 128
        await _note(
            house,
            "UPDATE messages SET state = 'queued', reason = $3, due_at = $4, claimed_until = 0 "
            "WHERE business_id = $1 AND id = $2 AND state = 'leaving'",
            row.business_id, row.id, refused.reason, at + pause,
        )  # fmt: skip
        return
    state = "dead" if refused.again else "failed"
    await _note(
        house,
        "UPDATE messages SET state = $3, reason = $4, ended_at = $5, wrapped_key = NULL "
        "WHERE business_id = $1 AND id = $2 AND state = 'leaving'",
        row.business_id, row.id, state, refused.reason, at,
    )  # fmt: skip


async def _note(house: House, statement: str, *values: Any) -> list[Any]:
    found: list[Any] = await house.database.write_transaction(lambda transaction: transaction.fetch(statement, *values))
    return found


async def reported(house: House, business_id: int, gateway_id: str, outcome: Reported, *, at: int) -> bool:
    """Keep a gateway's delivery report; False where the message is not known. A report may come twice.

    "unknown" says that the number or address is nobody's (any more): nothing more is written to it.
    """
    if outcome == "unknown":
        await bouncing.of_message(house, business_id, gateway_id, at=at)
    found = await _note(
        house,
        "UPDATE messages SET state = $3, ended_at = $4 WHERE business_id = $1 AND ((gateway_id = $2 "
        "AND state IN ('sent', 'delivered', 'failed')) OR (id = $2 AND state = 'leaving')) RETURNING id",
        business_id,
        gateway_id,
        "failed" if outcome == "unknown" else outcome,
        at,
    )  # fmt: skip
    return bool(found)


async def send_again(house: House, business_id: int, message_id: str, *, at: int) -> bool:
    """Put a dead letter back into the box; it passes the gate again. False where there is none such."""
    found = await _note(
        house,
        "UPDATE messages SET state = 'queued', tries = 0, due_at = $3, claimed_until = 0, ended_at = NULL, "
        "expires_at = NULL WHERE business_id = $1 AND id = $2 AND state = 'dead' AND member_id IS NOT NULL "
        "RETURNING id",
        business_id,
        message_id,
        at,
    )  # fmt: skip
    return bool(found)
