"""A code is said back: the number becomes the member's, or is theirs still.

Invariant: a code is taken once, within ten minutes and five tries, and every try counts. A number that may have gone to
somebody else takes a second fact besides, as far as one is known: who holds the number now gets the code, too.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import UNSET

from loyalty_engine import ids, journal
from loyalty_engine.answers import Answer
from loyalty_engine.database import MemberState, Opening
from loyalty_engine.identifiers import Identifier, mask
from loyalty_engine.identity import dormancy, presence
from loyalty_engine.identity.changing import FIELD, hashed
from loyalty_engine.identity.errors import ConfirmationRefused, IdentifierTaken, SecondFactNeeded
from loyalty_engine.identity.people import ChangeAnswer, ConfirmCode
from loyalty_engine.instants import to_micros
from loyalty_engine.members import identifiers_of, moved, named, profile_of
from loyalty_engine.rows import Posting

if TYPE_CHECKING:
    from loyalty_engine.businesses import Caller
    from loyalty_engine.commands import Ticket
    from loyalty_engine.database import Transaction
    from loyalty_engine.house import House

_TRIES: Final = 5


async def confirm(house: House, caller: Caller, member_id: str, command: ConfirmCode, ticket: Ticket) -> Answer:
    """Take a code that is said back: the number becomes, or stays, the member's. Answers 200 with ChangeAnswer.

    Refused in this order: a code that is wrong, too old or tried too often; a second fact that is missing or wrong; a
    number that another member has.
    """
    at, business_id = to_micros(ticket.at), caller.business_id
    country = (await house.shelf.current(business_id)).programme.country
    opening = Opening(business_id=business_id, key=ticket.key, member_id=member_id, occurred_at=at, now=at)
    told = journal.Told(
        kind="confirmation", ticket=ticket, opening=opening,
        fingerprint=journal.fingerprint(house, business_id, "confirmation", command, member_id),
    )  # fmt: skip
    other = (
        None if command.identifier is UNSET
        else named(house, business_id, command.identifier, country, pointer="/identifier").identifier
    )  # fmt: skip

    async def work(transaction: Transaction) -> Answer | Posting | Exception:
        page = await presence.page_of(transaction, opening)
        if (seen := journal.answered(told, page)) is not None:
            return seen
        state = presence.here(page.member if page else None)
        await house.database.lock_member(transaction, business_id, state.id)
        confirming = _Confirming(house, transaction, told, state)
        return await confirming.carry_out(command, other)

    found = await house.database.write_transaction(work)
    if isinstance(found, Exception):
        raise found  # only now: raised inside, it would undo the count of tries
    return journal.given(found)


class _Confirming:
    """The steps of taking a code back."""

    def __init__(self, house: House, transaction: Transaction, told: journal.Told, state: MemberState) -> None:
        self.house, self.transaction, self.told, self.state = house, transaction, told, state
        self.business_id, self.at = told.opening.business_id, told.opening.now

    async def carry_out(self, command: ConfirmCode, other: Identifier | None) -> Posting | Exception:
        found = await self.transaction.fetch(
            "SELECT id, purpose, kind, sealed, replaces, code_hash FROM confirmations WHERE business_id = $1 "
            "AND member_id = $2 AND done_at IS NULL AND expires_at > $3 AND tries < $4 "
            "AND purpose IN ('add', 'verify') ORDER BY id DESC LIMIT 1",
            self.business_id, self.state.id, self.at, _TRIES,
        )  # fmt: skip
        if not found:
            return ConfirmationRefused(pointer="/code")
        confirmation_id, purpose, kind, sealed, replaces, kept = found[0]
        if not hmac.compare_digest(kept, hashed(self.house, self.business_id, confirmation_id, command.code)):
            await self._update(confirmation_id, "tries = tries + 1")
            return ConfirmationRefused(pointer="/code")
        if not await self._known_otherwise(command, other):
            await self._update(confirmation_id, "tries = tries + 1")
            return SecondFactNeeded()
        state, vault = self.state, self.house.vault
        value = vault.open(self.business_id, state.id, state.wrapped_key, FIELD, sealed)
        identifier = Identifier(kind, value)
        if purpose == "add" and not await self._take_over(identifier, replaces):
            return IdentifierTaken()
        await self.transaction.fetch(
            "UPDATE identifiers SET verified_at = $3, bounced_at = NULL WHERE business_id = $1 AND blind_index = $2",
            self.business_id, vault.blind_index(self.business_id, identifier), self.at,
        )  # fmt: skip
        await self._update(confirmation_id, f"done_at = {self.at}")
        return await self._kept()

    async def _known_otherwise(self, command: ConfirmCode, other: Identifier | None) -> bool:
        """Ask for a second fact of a member whose number may have gone to somebody else, as far as one is known."""
        edition = await self.house.shelf.current(self.business_id)
        if not await dormancy.doubted(self.transaction, self.business_id, edition, self.state, self.at):
            return True
        profile = profile_of(self.house, self.business_id, self.state)
        theirs = await identifiers_of(self.house, self.business_id, self.state, self.transaction)
        if command.name is not UNSET:
            return command.name.strip().casefold() == profile.get("name", "\0").strip().casefold()
        if command.birthday is not UNSET:
            return command.birthday.isoformat() == profile.get("birthday")
        if other is not None:
            return other in theirs and len(theirs) > 1
        return not profile and len(theirs) == 1

    async def _take_over(self, identifier: Identifier, replaces: str | None) -> bool:
        index = self.house.vault.blind_index(self.business_id, identifier)
        found = await self.transaction.fetch(
            "SELECT member_id FROM identifiers WHERE business_id = $1 AND blind_index = $2", self.business_id, index
        )
        if found and found[0][0] != self.state.id:
            return False
        if not found:
            sealed = self.house.vault.seal(
                self.business_id, self.state.id, self.state.wrapped_key, "identifier", identifier.value
            )
            await self.transaction.fetch(
                "INSERT INTO identifiers (business_id, blind_index, member_id, kind, sealed, added_at) "
                "VALUES ($1, $2, $3, $4, $5, $6)",
                self.business_id, index, self.state.id, identifier.kind, sealed, self.at,
            )  # fmt: skip
        if replaces is not None and replaces != index:
            await self.transaction.fetch(
                "DELETE FROM identifiers WHERE business_id = $1 AND blind_index = $2 AND member_id = $3",
                self.business_id, replaces, self.state.id,
            )  # fmt: skip
        return True

    async def _update(self, confirmation_id: str, what: str) -> None:
        await self.transaction.fetch(
            f"UPDATE confirmations SET {what} WHERE business_id = $1 AND id = $2", self.business_id, confirmation_id
        )

    async def _kept(self) -> Posting:
        state = self.state
        changes = {"presence": None} if state.presence == presence.DOUBTED else {}
        member = moved(self.business_id, state, **changes)
        masked = tuple(mask(one) for one in await identifiers_of(self.house, self.business_id, state, self.transaction))
        answer = ChangeAnswer(state.id, masked, state.language, None, None)
        line = journal.line(
            self.told, ids.new("jnl", self.at // 1000), status=200, answer=msgspec.json.encode(answer),
            member_id=state.id, revision=member.revision,
        )  # fmt: skip
        posting = Posting(business_id=self.business_id, expected=state.revision, member=member, journal=line)
        await self.transaction.keep(posting)
        return posting
