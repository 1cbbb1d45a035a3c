"""The way out that stands in every letter: one click, and no more letters come.

Invariant: the address holds a keyed hash of the letter's id, so that nobody makes one for somebody else; what it does
is done once, and only by a POST: programs that look at links in letters change nothing.
"""

from __future__ import annotations

import hmac
from datetime import datetime
from typing import TYPE_CHECKING

from loyalty_engine import ids
from loyalty_engine.businesses import business_id_of, owner
from loyalty_engine.commands import Ticket
from loyalty_engine.consent import consenting
from loyalty_engine.consent.commands import Evidence, RecordConsent
from loyalty_engine.consent.records import EVERY_PURPOSE
from loyalty_engine.texts.errors import ProofWrong

if TYPE_CHECKING:
    from loyalty_engine.house import House


def way_out(house: House, business_id: int, slug: str, message_id: str) -> str:
    """Give the address that ends letters to the receiver of one; nothing where the installation has no address."""
    public = house.settings.public_url
    return f"{public}/leave/{slug}/{message_id}/{_proof(house, business_id, message_id)}" if public else ""


def _proof(house: House, business_id: int, message_id: str) -> str:
    return house.vault.keyed_hash(business_id, f"leave {message_id}".encode())


def check(house: House, slug: str, message_id: str, proof: str) -> int:
    """Give the business of a way out; raise ProofWrong for one that we did not make."""
    business_id = business_id_of(slug)
    given, made = proof.encode(), _proof(house, business_id, message_id).encode()
    if not ids.is_id(message_id, "msg") or not hmac.compare_digest(given, made):
        raise ProofWrong
    return business_id


async def leave(house: House, slug: str, message_id: str, proof: str, *, at: datetime) -> None:
    """Stop letters to whoever got this one. Raises ProofWrong; where the letter is forgotten, so is its receiver."""
    business_id = check(house, slug, message_id, proof)
    found = await house.database.fetch(
        "SELECT member_id FROM messages WHERE business_id = $1 AND id = $2", business_id, message_id
    )
    if not found or found[0][0] is None:
        return
    evidence = Evidence(source="email", message=message_id)
    command = RecordConsent(purpose=EVERY_PURPOSE, channel="email", decision="stopped", evidence=evidence)
    ticket = Ticket(f"leave\n{message_id}", message_id, at)
    await consenting.record_consent(house, owner(business_id, slug), found[0][0], command, ticket)
