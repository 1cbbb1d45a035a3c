"""Why an entry stands on the ledger: the rule in words, and of every rule beside it why it fired or did not.

Nothing of this is kept: it is worked out from the journal's evidence by the version that judged, and comes to the very
sentences that were answered at the till.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

import rules
from loyalty_engine.answers import LedgerEntry
from loyalty_engine.database import Opening
from loyalty_engine.errors import EntryUnknown
from loyalty_engine.evidence import JUDGED, PurchaseEvidence, RefundEvidence, judged_in
from loyalty_engine.identity import dormancy, presence
from loyalty_engine.instants import to_micros
from loyalty_engine.members import ENTRY_COLUMNS, ledger_entry
from loyalty_engine.wording import taken_back

if TYPE_CHECKING:
    from loyalty_engine.businesses import Caller
    from loyalty_engine.house import House
    from loyalty_engine.shelf import Edition

_COLUMNS = f"{ENTRY_COLUMNS}, j.input, e.reverses, j.revision, e.member_id"


class RuleExplained(Struct, frozen=True):
    """A rule that stood on what happened, in words, and why it fired or did not, with the value that decided."""

    rule: str
    fired: bool
    because: str
    sentence: str


class EntryExplained(Struct, frozen=True):
    """Why an entry stands. `happened` is what caused it: a purchase, a refund, an adjustment, or the event's own kind.

    `rules` are all that stood on it; of a refund, as they judge what was left of the purchase. `reverses` explains the
    entry that this one takes back.
    """

    entry: LedgerEntry
    happened: str
    because: str
    sentence: str | None
    rules: tuple[RuleExplained, ...]
    reverses: EntryExplained | None = None


async def asked_at_the_counter(
    house: House, caller: Caller, entry_id: str, *, at: datetime, language: str | None = None
) -> EntryExplained:
    """Explain an entry to whoever asks with a key.

    Raises EntryUnknown, and VerificationNeeded where a till asks and the number may be somebody else's by now.
    """
    row = await _row(house, caller.business_id, entry_id)
    now = to_micros(at)
    page = await presence.page_of(
        house.database, Opening(business_id=caller.business_id, member_id=row[16], occurred_at=now, now=now)
    )
    newest = await house.shelf.valid_at(caller.business_id, now, published=page.version if page else 0)
    await dormancy.sure_at_the_till(house.database, caller, newest, page.member if page else None, now)
    return await explain_entry(house, caller, entry_id, language=language)


async def explain_entry(house: House, caller: Caller, entry_id: str, *, language: str | None = None) -> EntryExplained:
    """Explain an entry, in English or in a language of the programme; EntryUnknown where it is not this business's."""
    row = await _row(house, caller.business_id, entry_id)
    explained = await _explained(house, caller.business_id, row, language)
    reverses = row[14]
    if reverses is None:
        return explained
    earned = await _explained(house, caller.business_id, await _row(house, caller.business_id, reverses), language)
    because = explained.because if language is None else taken_back(earned.because, language)
    return msgspec.structs.replace(explained, because=because, reverses=earned)


async def _row(house: House, business_id: int, entry_id: str) -> Sequence[Any]:
    found = await house.database.fetch(
        f"SELECT {_COLUMNS} FROM entries e JOIN journal j ON j.business_id = e.business_id AND j.id = e.journal_id "
        "WHERE e.business_id = $1 AND e.id = $2",
        business_id, entry_id,
    )  # fmt: skip
    if not found:
        raise EntryUnknown
    return found[0]


async def _explained(house: House, business_id: int, row: Sequence[Any], language: str | None) -> EntryExplained:
    entry, cause, subject, told, revision = ledger_entry(row), row[11], row[12], row[13], row[15]
    plain = EntryExplained(entry, entry.event or cause, entry.reason, None, ())
    if entry.rule is None or entry.programme_version is None or told is None:
        return plain
    edition = await house.shelf.numbered(business_id, entry.programme_version)
    rule = next((rule for rule in edition.programme.rules if rule.id == entry.rule), None)
    if rule is None:
        return plain
    plain = msgspec.structs.replace(plain, sentence=rules.sentence(rule, edition.programme, language or "en"))
    if cause == "refund":
        left = await _left(house, business_id, subject, revision)
        return plain if left is None else msgspec.structs.replace(plain, rules=_rules(edition, *left, language))
    if cause not in JUDGED:
        return plain
    event, facts = next(judged for judged in judged_in(cause, told) if judged[0].kind == rule.on)
    award = rules.Award(rule.id, entry.unit, entry.amount, entry.reason)
    because = entry.reason if language is None else edition.compiled.reason_in(award, event, facts, language)
    return msgspec.structs.replace(
        plain, happened=event.kind, because=because, rules=_rules(edition, event, facts, language)
    )  # fmt: skip


async def _left(
    house: House, business_id: int, purchase_id: str, revision: int
) -> tuple[rules.Purchase, rules.MemberFacts] | None:
    """Give what was left of a purchase once a refund had taken its part; None where nothing was."""
    found = await house.database.fetch(
        "SELECT kind, input FROM journal WHERE business_id = $1 AND (id = $2 OR subject = $2 AND kind = 'refund' "
        "AND revision <= $3) AND status = 201 ORDER BY revision",
        business_id, purchase_id, revision,
    )  # fmt: skip
    evidence = next(msgspec.json.decode(told, type=PurchaseEvidence) for kind, told in found if kind == "purchase")
    refunds = [msgspec.json.decode(told, type=RefundEvidence) for kind, told in found if kind == "refund"]
    returns = tuple(one for refund in refunds for one in refund.returns)
    money = sum(refund.amount_minor for refund in refunds)
    left = rules.without(evidence.purchase, returns, amount_minor=money)
    if left.total_minor - left.refunded_minor <= 0 or any(refund.full for refund in refunds):
        return None
    return left, evidence.facts


def _rules(
    edition: Edition, event: rules.Purchase | rules.Event, facts: rules.MemberFacts, language: str | None
) -> tuple[RuleExplained, ...]:
    programme, compiled = edition.programme, edition.compiled
    said = {rule.id: rules.sentence(rule, programme, language or "en") for rule in programme.rules}
    outcome = compiled.evaluate(event, facts)
    return tuple(
        RuleExplained(why.rule, why.fired, why.because, said[why.rule])
        for why in compiled.explain(event, facts, outcome, language)
    )
