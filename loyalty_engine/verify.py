"""The auditor: every invariant of the ledger as a query that must return nothing, run on the live database.

A zero sum is necessary and never enough: that each receipt counted once is proved by one journal line per key, and that
it gave what it should by judging every purchase again from what the journal kept of it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from msgspec import Struct

from loyalty_engine.consent import audit
from loyalty_engine.evidence import JUDGED, judged_in
from loyalty_engine.ledger import LARGEST
from loyalty_engine.referrals import audit as of_referrals
from loyalty_engine.texts import auditing as of_texts
from loyalty_engine.webhooks import auditing as of_webhooks

if TYPE_CHECKING:
    from loyalty_engine.house import House

# How many broken rows of one invariant are shown; the count goes on.
_SHOWN = 5
_PAGE = 2000


class Invariant(Struct, frozen=True):
    """Something that must hold, and the query for where it does not: the first two columns are business and row."""

    id: str
    says: str
    query: str


class Broken(Struct, frozen=True):
    """An invariant that does not hold, with some of the rows."""

    id: str
    says: str
    count: int
    rows: tuple[str, ...]


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        "I01", "every entry moves units between the member and one of the business's own accounts",
        "SELECT business_id, id FROM entries WHERE amount = 0 "
        "OR counter NOT IN ('issued', 'redeemed', 'expired', 'adjusted')",
    ),
    Invariant(
        "I02", "every entry and allocation belongs to a journal line, so none was added by hand",
        "SELECT e.business_id, e.id FROM entries e LEFT JOIN journal j ON j.business_id = e.business_id "
        "AND j.id = e.journal_id AND j.member_id = e.member_id AND j.revision = e.revision WHERE j.id IS NULL "
        "UNION ALL SELECT a.business_id, a.entry_id FROM allocations a LEFT JOIN entries e "
        "ON e.business_id = a.business_id AND e.id = a.entry_id WHERE e.id IS NULL",
    ),
    Invariant(
        "I03", "a member's balance is the sum of their entries",
        "SELECT a.business_id, a.member_id, a.unit FROM accounts a LEFT JOIN (SELECT business_id, member_id, unit, "
        "sum(amount) AS total FROM entries GROUP BY business_id, member_id, unit) e ON e.business_id = a.business_id "
        "AND e.member_id = a.member_id AND e.unit = a.unit WHERE a.balance <> coalesce(e.total, 0) "
        "UNION ALL SELECT e.business_id, e.member_id, e.unit FROM entries e LEFT JOIN accounts a "
        "ON a.business_id = e.business_id AND a.member_id = e.member_id AND a.unit = e.unit WHERE a.unit IS NULL",
    ),
    Invariant(
        "I03b", "each entry carries the balance after it, in the order they were written",
        "SELECT business_id, id FROM (SELECT business_id, id, balance_after, sum(amount) OVER (PARTITION BY "
        "business_id, member_id, unit ORDER BY revision, id) AS running FROM entries) w WHERE balance_after <> running",
    ),
    Invariant(
        "I04", "a balance below zero, or below what is held, comes from a reversal",
        "SELECT a.business_id, a.member_id, a.unit FROM accounts a WHERE a.balance < a.held AND NOT EXISTS (SELECT 1 "
        "FROM entries e WHERE e.business_id = a.business_id AND e.member_id = a.member_id AND e.unit = a.unit "
        "AND e.kind = 'reversal' AND e.amount < 0 AND e.balance_after < "
        "(SELECT coalesce(sum(h.amount), 0) FROM holds h WHERE a.balance >= 0 "
        "AND h.business_id = e.business_id AND h.member_id = e.member_id AND h.unit = e.unit "
        "AND h.held_at <= e.recorded_at AND (h.closed_at IS NULL OR h.closed_at >= e.recorded_at))) "
        "UNION ALL SELECT business_id, member_id, unit FROM entries "
        "WHERE amount < 0 AND balance_after < 0 AND kind <> 'reversal'",
    ),
    Invariant(
        "I05", "the lots of a member hold exactly what they have, and no lot less than nothing or more than it had",
        "SELECT a.business_id, a.member_id, a.unit FROM accounts a LEFT JOIN (SELECT business_id, member_id, unit, "
        "sum(remaining) AS held FROM lots GROUP BY business_id, member_id, unit) l ON l.business_id = a.business_id "
        "AND l.member_id = a.member_id AND l.unit = a.unit WHERE coalesce(l.held, 0) <> "
        "CASE WHEN a.balance > 0 THEN a.balance ELSE 0 END "
        "UNION ALL SELECT business_id, id, unit FROM lots WHERE remaining < 0 OR remaining > amount",
    ),
    Invariant(
        "I06", "what left a lot is allocated to the entries that took it",
        "SELECT l.business_id, l.id FROM lots l LEFT JOIN (SELECT business_id, lot_id, sum(amount) AS taken "
        "FROM allocations GROUP BY business_id, lot_id) a ON a.business_id = l.business_id AND a.lot_id = l.id "
        "WHERE l.amount - l.remaining <> coalesce(a.taken, 0)",
    ),
    Invariant(
        "I07", "a command has one journal line per key and one per receipt",
        "SELECT business_id, key FROM journal WHERE key IS NOT NULL GROUP BY business_id, key HAVING count(*) > 1 "
        'UNION ALL SELECT business_id, "natural" FROM journal WHERE "natural" IS NOT NULL '
        'GROUP BY business_id, "natural" HAVING count(*) > 1',
    ),
    Invariant(
        "I08", "amounts are whole numbers of a size that is kept exactly",
        f"SELECT business_id, id FROM entries WHERE abs(amount) > {LARGEST} OR abs(balance_after) > {LARGEST} "
        f"UNION ALL SELECT business_id, id FROM journal WHERE amount_minor < 0 OR amount_minor > {LARGEST}",
    ),
    Invariant(
        "I09", "no more money is given back than was paid",
        "SELECT p.business_id, p.id FROM journal p JOIN (SELECT business_id, subject, sum(amount_minor) AS back "
        "FROM journal WHERE kind = 'refund' AND status = 201 GROUP BY business_id, subject) r "
        "ON r.business_id = p.business_id AND r.subject = p.id WHERE r.back > p.amount_minor",
    ),
    Invariant(
        "I09b", "no more is taken back of an award than it gave",
        "SELECT e.business_id, e.id FROM entries e JOIN (SELECT business_id, reverses, sum(-amount) AS back "
        "FROM entries WHERE reverses IS NOT NULL GROUP BY business_id, reverses) r ON r.business_id = e.business_id "
        "AND r.reverses = e.id WHERE e.amount > 0 AND r.back > e.amount",
    ),
    Invariant(
        "I09d", "no more is given back of a redemption than it cost",
        "SELECT e.business_id, e.id FROM entries e JOIN (SELECT business_id, reverses, sum(amount) AS back "
        "FROM entries WHERE reverses IS NOT NULL GROUP BY business_id, reverses) r ON r.business_id = e.business_id "
        "AND r.reverses = e.id WHERE e.amount < 0 AND r.back > -e.amount",
    ),
    Invariant(
        "I09c", "a refund that came before its purchase is settled once the purchase is here",
        "SELECT p.business_id, p.journal_id FROM parked_refunds p JOIN journal j ON j.business_id = p.business_id "
        'AND j."natural" = p.purchase_natural WHERE p.settled_by IS NULL',
    ),
    Invariant(
        "I11", "a lot expires once, not before its instant, for what remained, and then only a hold still spends of it",
        "SELECT a.business_id, a.lot_id FROM allocations a JOIN entries e ON e.business_id = a.business_id "
        "AND e.id = a.entry_id JOIN lots l ON l.business_id = a.business_id AND l.id = a.lot_id "
        "WHERE e.kind = 'breakage' AND (l.expires_at IS NULL OR e.recorded_at < l.expires_at) "
        "UNION ALL SELECT a.business_id, a.lot_id FROM allocations a JOIN entries e ON e.business_id = a.business_id "
        "AND e.id = a.entry_id WHERE e.kind = 'breakage' GROUP BY a.business_id, a.lot_id HAVING count(*) > 1 + "
        "(SELECT count(*) FROM allocations b WHERE b.business_id = a.business_id AND b.lot_id = a.lot_id "
        "AND b.amount < 0) "
        "UNION ALL SELECT a.business_id, a.lot_id FROM allocations a JOIN entries e ON e.business_id = a.business_id "
        "AND e.id = a.entry_id JOIN lots l ON l.business_id = a.business_id AND l.id = a.lot_id "
        "WHERE a.amount > 0 AND e.kind IN ('redemption', 'adjustment') AND e.amount < 0 "
        "AND l.expires_at <= e.recorded_at AND NOT EXISTS (SELECT 1 FROM holds h WHERE h.business_id = e.business_id "
        "AND h.member_id = e.member_id AND h.closed_in = e.journal_id AND h.status = 'captured' "
        "AND h.held_at < l.expires_at) "
        "UNION ALL SELECT l.business_id, l.id FROM lots l JOIN accounts c ON c.business_id = l.business_id "
        "AND c.member_id = l.member_id AND c.unit = l.unit WHERE l.remaining > 0 AND l.expires_at IS NOT NULL "
        "AND (c.next_expiry IS NULL OR c.next_expiry > l.expires_at)",
    ),
    Invariant(
        "I12", "a hold is one of active, captured, released and lapsed, and what is set aside is in active holds",
        "SELECT a.business_id, a.member_id, a.unit FROM accounts a LEFT JOIN (SELECT business_id, member_id, unit, "
        "sum(amount) AS held FROM holds WHERE status = 'active' AND unit IS NOT NULL "
        "GROUP BY business_id, member_id, unit) h ON h.business_id = a.business_id AND h.member_id = a.member_id "
        "AND h.unit = a.unit WHERE a.held <> coalesce(h.held, 0) "
        "UNION ALL SELECT business_id, id, status FROM holds WHERE captured > amount "
        "OR (status <> 'captured' AND captured > 0)",
    ),
    Invariant(
        "I13", "a voucher is redeemed at most once, and no perk is had more often than there is of it",
        "SELECT s.business_id, s.voucher_id FROM voucher_steps s GROUP BY s.business_id, s.voucher_id "
        "HAVING sum(CASE WHEN s.state = 'redeemed' THEN 1 ELSE 0 END) > "
        "1 + sum(CASE WHEN s.state = 'issued' AND s.says = 'given back' THEN 1 ELSE 0 END) "
        "UNION ALL SELECT v.business_id, v.id FROM vouchers v LEFT JOIN voucher_steps s "
        "ON s.business_id = v.business_id AND s.voucher_id = v.id AND s.journal_id = v.redeemed_in "
        "AND s.state = 'redeemed' WHERE v.redeemed_in IS NOT NULL AND s.voucher_id IS NULL "
        "UNION ALL SELECT business_id, perk FROM perk_counts WHERE issued < 0 OR issued > most",
    ),
    Invariant(
        "I21", "no row refers to a row of another business",
        "SELECT e.business_id, e.id FROM entries e LEFT JOIN members m ON m.business_id = e.business_id "
        "AND m.id = e.member_id WHERE m.id IS NULL "
        "UNION ALL SELECT l.business_id, l.id FROM lots l LEFT JOIN journal j ON j.business_id = l.business_id "
        "AND j.id = l.journal_id WHERE j.id IS NULL "
        "UNION ALL SELECT j.business_id, j.id FROM journal j LEFT JOIN members m ON m.business_id = j.business_id "
        "AND m.id = j.member_id WHERE j.member_id IS NOT NULL AND m.id IS NULL "
        "UNION ALL SELECT i.business_id, i.blind_index FROM identifiers i LEFT JOIN members m "
        "ON m.business_id = i.business_id AND m.id = i.member_id WHERE m.id IS NULL "
        "UNION ALL SELECT a.business_id, a.lot_id FROM allocations a LEFT JOIN lots l "
        "ON l.business_id = a.business_id AND l.id = a.lot_id WHERE l.id IS NULL",
    ),
    Invariant(
        "I23", "keys are kept as hashes, and numbers and addresses sealed",
        "SELECT business_id, id FROM keys WHERE length(fingerprint) <> 64 OR fingerprint LIKE 'lyl%' "
        "UNION ALL SELECT business_id, blind_index FROM identifiers WHERE length(blind_index) <> 32 "
        "OR sealed LIKE '+%' OR sealed LIKE '%@%'",
    ),
    *(Invariant(*query) for query in (*audit.QUERIES, *of_referrals.QUERIES, *of_texts.QUERIES, *of_webhooks.QUERIES)),
)  # fmt: skip

REPLAY = "every purchase and event, judged again by its own version, gives the entries it gave"


async def verify(house: House) -> AsyncIterator[tuple[str, Broken | None]]:
    """Check every invariant in turn; yields its sentence, and what is broken or None."""
    for invariant in INVARIANTS:
        found = await house.database.study(invariant.query)
        shown = tuple(" ".join(str(part) for part in row) for row in found[:_SHOWN])
        yield invariant.says, Broken(invariant.id, invariant.says, len(found), shown) if found else None
    walked = (
        ("I10", REPLAY, _replayed_differently(house)),
        ("I16", audit.FOLD, audit.wrong_states(house.database)),
        ("I16b", audit.CHAINS, audit.broken_chains(house.database)),
    )
    for name, says, rows in walked:
        wrong = [line async for line in rows]
        yield says, Broken(name, says, len(wrong), tuple(wrong[:_SHOWN])) if wrong else None


async def _replayed_differently(house: House) -> AsyncIterator[str]:
    """Judge every member's purchases and events again, in the order recorded, and name those whose entries differ."""
    after = (-1, "", 0)
    while True:
        lines = await house.database.study(
            "SELECT business_id, member_id, revision, id, version, input, kind FROM journal WHERE kind IN "
            f"{JUDGED} AND status = 201 AND input IS NOT NULL AND (business_id, member_id, revision) > ($1, $2, $3) "
            "ORDER BY business_id, member_id, revision LIMIT $4",
            *after, _PAGE,
        )  # fmt: skip
        if not lines:
            return
        until = (lines[-1][0], lines[-1][1], lines[-1][2])
        entered = await _entered(house, after, until)
        for business_id, _, _, line_id, version, told, kind in lines:
            edition = await house.shelf.numbered(business_id, version)
            outcomes = [edition.compiled.evaluate(*judged) for judged in judged_in(kind, told)]
            wanted = sorted((one.rule, one.unit, one.amount) for outcome in outcomes for one in outcome.awards)
            if wanted != sorted(entered.get((business_id, line_id), [])):
                yield f"{business_id} {line_id}"
        after = until


Place = tuple[int, str, int]


async def _entered(house: House, after: Place, until: Place) -> dict[tuple[int, str], list[tuple[str, str, int]]]:
    found = await house.database.study(
        "SELECT business_id, journal_id, rule, unit, amount FROM entries WHERE kind = 'accrual' "
        "AND (business_id, member_id, revision) > ($1, $2, $3) AND (business_id, member_id, revision) <= ($4, $5, $6)",
        *after, *until,
    )  # fmt: skip
    entered: dict[tuple[int, str], list[tuple[str, str, int]]] = {}
    for business_id, journal_id, rule, unit, amount in found:
        entered.setdefault((business_id, journal_id), []).append((rule, unit, amount))
    return entered
