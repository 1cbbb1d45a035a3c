"""What the gate goes by, read in the very transaction that notes what it decides: where to, what was agreed, how much.

Invariant: an address is opened only for a message that is about to leave, and is kept nowhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import phonenumbers
from msgspec import Struct

import rules
from loyalty_engine.consent import fold, reading
from loyalty_engine.identity import presence
from loyalty_engine.messages import gate, outbox
from loyalty_engine.messages.gate import Standing
from loyalty_engine.messages.zones import zones_of
from loyalty_engine.vaults.vault import VaultClosed

if TYPE_CHECKING:
    from loyalty_engine.database import Transaction
    from loyalty_engine.house import House
    from loyalty_engine.messages.outbox import MessageRow

_DAY: Final = 24 * 3600 * 1_000_000
# Under which country all messages of a day are counted.
EVERYWHERE: Final = "*"


class Address(Struct, frozen=True):
    """Where a message goes, and the words it carries there; never printed."""

    to: str
    kind: str
    number_index: str
    words: outbox.Words

    def __repr__(self) -> str:
        """Show nothing."""
        return "Address(...)"


async def address_of(house: House, transaction: Transaction, row: MessageRow) -> Address | None:
    """Find where a message goes: a member's newest number or address by now, or a stranger's as it was sealed."""
    vault = house.vault
    if row.member_id is None:
        if row.wrapped_key is None:
            return None
        words = outbox.words_of(house, row, row.wrapped_key)
        return Address(words.to or "", words.kind or "", row.number_index or "", words)
    members = await transaction.fetch(
        "SELECT wrapped_key FROM members WHERE business_id = $1 AND id = $2", row.business_id, row.member_id
    )
    if not members or not members[0][0]:
        raise VaultClosed
    words = outbox.words_of(house, row, members[0][0])
    if words.to is not None:
        # An answer goes to the number that asked, whichever others its member has.
        return Address(words.to, words.kind or "", row.number_index or "", words)
    kind = "email" if row.channel == "email" else "phone"
    found = await transaction.fetch(
        "SELECT sealed, blind_index, home FROM identifiers WHERE business_id = $1 AND member_id = $2 AND kind = $3 "
        "AND bounced_at IS NULL ORDER BY CASE WHEN home IS NULL THEN 0 ELSE 1 END, added_at DESC, blind_index LIMIT 1",
        row.business_id, row.member_id, kind,
    )  # fmt: skip
    # What a member agreed to does not reach a number of somebody who was merged into them: they may have said STOP.
    if not found or (found[0][2] is not None and gate.needs_consent(row.purpose)):
        return None
    to = vault.open(row.business_id, row.member_id, members[0][0], "identifier", found[0][0])
    return Address(to, kind, found[0][1], words)


def country_of(address: Address) -> str | None:
    """Tell which country a number is of; an e-mail address is of none."""
    if address.kind != "phone":
        return None
    region: str | None = phonenumbers.region_code_for_number(phonenumbers.parse(address.to))
    return region or "ZZ"


async def standing_of(
    transaction: Transaction, row: MessageRow, address: Address, programme: rules.Programme, country: str | None,
    day: str, at: int,
) -> Standing:  # fmt: skip
    """Read all that the gate goes by, inside the transaction that notes what it decides.

    The day's figures come first: whoever has them is alone, so that two answers to one stranger see each other.
    """
    counts = [await count(transaction, row, place, day, more=0) for place in (EVERYWHERE, country or EVERYWHERE)]
    records = await reading.records_of(transaction, row.business_id, row.member_id) if row.member_id else ()
    states = fold.fold(records)
    if row.member_id:
        asleep = await presence.sleepers(transaction, row.business_id, row.member_id)
        said = [await reading.records_of(transaction, row.business_id, one) for one in asleep]
        states = fold.with_sleepers(states, [fold.fold(one) for one in said])
    left = await transaction.fetch(
        "SELECT left_at, purpose FROM messages WHERE business_id = $1 AND member_id = $2 AND left_at > $3 AND id <> $4",
        row.business_id, row.member_id, at - 32 * _DAY, row.id,
    )  # fmt: skip
    numbered = await transaction.fetch(
        "SELECT left_at FROM messages WHERE business_id = $1 AND number_index = $2 AND left_at > $3 AND id <> $4",
        row.business_id, address.number_index, at - _DAY, row.id,
    )  # fmt: skip
    again = int(row.left_at is not None)
    stop = fold.stopped(states, row.channel)
    since = stop.since if stop is not None else at - _DAY
    return Standing(
        states=states,
        zones=(programme.timezone,) if country in {None, programme.country} else zones_of(country or ""),
        advertised=tuple(instant for instant, purpose in left if gate.needs_consent(purpose)),
        to_number=tuple(instant for [instant] in numbered),
        said_goodbye=any(gate.basis(purpose) == "stopped" and instant >= since for instant, purpose in left),
        left_today=counts[0] - again,
        left_today_to_country=counts[1] - again,
    )


async def count(transaction: Transaction, row: MessageRow, place: str, day: str, *, more: int) -> int:
    """Count messages of a day and give how many there are; whoever counts is alone with the figure until the end."""
    found = await transaction.fetch(
        "INSERT INTO message_counts (business_id, day, channel, country, sent) VALUES ($1, $2, $3, $4, $5) "
        "ON CONFLICT (business_id, day, channel, country) DO UPDATE SET sent = message_counts.sent + excluded.sent "
        "RETURNING sent",
        row.business_id, day, row.channel, place, more,
    )  # fmt: skip
    counted: int = found[0][0]
    return counted
