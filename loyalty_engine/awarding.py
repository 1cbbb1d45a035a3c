"""What comes of an event, whatever it was: judged by its version, entered on the ledger, carried out, and explained.

The stories of a purchase, an event and an enrolment share this room, so that none of them says it twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

import msgspec
from msgspec import Struct

import rules
from loyalty_engine import ledger
from loyalty_engine.answers import Awarded
from loyalty_engine.deeds import Doing, tagged
from loyalty_engine.evidence import EventEvidence
from loyalty_engine.house import House
from loyalty_engine.instants import from_micros, shown, shown_or_none
from loyalty_engine.rows import LimitUseRow, MemberRow, limit_row
from loyalty_engine.shelf import Edition
from loyalty_engine.wording import language_for, receipt_lines, unit_name

JOINED = "joined"
TIER_CHANGED = "tier_changed"


class Came(Struct, frozen=True, kw_only=True):
    """What came of one event: the version that judged it, the member just before it, and the outcome."""

    event: rules.Purchase | rules.Event
    edition: Edition
    facts: rules.MemberFacts
    outcome: rules.Outcome


def judge(edition: Edition, event: rules.Purchase | rules.Event, facts: rules.MemberFacts) -> Came:
    """Let a version judge an event."""
    return Came(event=event, edition=edition, facts=facts, outcome=edition.compiled.evaluate(event, facts))


def joining(
    edition: Edition, facts: rules.MemberFacts, *, occurred_at: int, location: str | None, staff: str | None = None
) -> Came | None:
    """Judge that somebody joins; None where no rule stands on it."""
    if JOINED not in edition.programme.kinds():
        return None
    event = rules.Event(kind=JOINED, occurred_at=from_micros(occurred_at), location=location, staff=staff)
    return judge(edition, event, facts)


def with_tier(facts: rules.MemberFacts, tier: str | None) -> rules.MemberFacts:
    """Tell the rules of another tier."""
    return msgspec.structs.replace(facts, tier=tier)


def tier_event(occurred_at: datetime, before: str | None, after: str | None) -> rules.Event:
    """Give the event of a member who came from one tier to another; a tier that is none has an empty name."""
    return rules.Event(kind=TIER_CHANGED, occurred_at=occurred_at, attributes={"from": before or "", "to": after or ""})


def facts_after(came: Came, facts: rules.MemberFacts, *, at: int) -> rules.MemberFacts:
    """Tell the rules what they may know of a member once this has come of an event; `facts` are those without it."""
    outcome = came.outcome
    balance, used = dict(facts.balance), dict(facts.used)
    for award in outcome.awards:
        spendable_at, expires_at = came.edition.lot_dates(award.unit, came.event.occurred_at)
        if spendable_at <= at and (expires_at is None or expires_at > at):
            balance[award.unit] = balance.get(award.unit, 0) + award.amount
    for use in outcome.uses:
        key = f"{use.subject}|{use.window}"
        times, amount = used.get(key, (0, 0))
        used[key] = (times + use.times, amount + use.amount)
    tags = tagged(facts.tags, outcome.effects)
    return msgspec.structs.replace(facts, balance=balance, used=used, tags=tags)


def award(sheet: ledger.Sheet, came: Came) -> tuple[Awarded, ...]:
    """Enter each award with its reason; awards of one unit share a lot."""
    edition, occurred = came.edition, came.event.occurred_at
    dates: dict[str, tuple[int, int | None, str, str | None]] = {}
    awarded = []
    for given in came.outcome.awards:
        if given.unit not in dates:
            from_, until = edition.lot_dates(given.unit, occurred)
            dates[given.unit] = (from_, until, shown(from_), shown_or_none(until))
        spendable_at, expires_at, spendable, expiry = dates[given.unit]
        entry = sheet.credit(
            given.unit, given.amount, kind="accrual", counter="issued", says=given.reason, rule=given.rule,
            spendable_at=spendable_at, expires_at=expires_at,
        )  # fmt: skip
        awarded.append(Awarded(entry.id, given.rule, given.unit, given.amount, given.reason, spendable, expiry))
    return tuple(awarded)


def earned(came: Iterable[Came]) -> dict[str, int]:
    """Add up what was awarded of each unit."""
    total: dict[str, int] = {}
    for one in came:
        for given in one.outcome.awards:
            total[given.unit] = total.get(given.unit, 0) + given.amount
    return total


def carried_out(house: House, sheet: ledger.Sheet, member: MemberRow, came: Iterable[Came]) -> Doing:
    """Carry out what else comes of events, one after the other."""
    doing = Doing(member, house, sheet)
    for one in came:
        if one.outcome.effects:
            doing.carry_out(one.outcome.effects)
    return doing


def explained(came: Iterable[Came]) -> tuple[rules.Because, ...]:
    """Say of every rule that stood on what happened why it fired or did not."""
    return tuple(why for one in came for why in one.edition.compiled.explain(one.event, one.facts, one.outcome))


def receipt_text(
    programme: rules.Programme, language: str | None, sheet: ledger.Sheet, came: Sequence[Came],
    spent: Mapping[str, int] = MappingProxyType({}),
) -> tuple[str, ...]:  # fmt: skip
    """Say on a receipt what was gained of each unit, less what was spent of it, what there is now, and why."""
    gained = {unit: -amount for unit, amount in spent.items()}
    why: list[str] = []
    spoken = language_for(programme, language)
    for one in came:
        if one.outcome.awards:
            for award in one.edition.compiled.evaluate_in(spoken)(one.event, one.facts).awards:
                gained[award.unit] = gained.get(award.unit, 0) + award.amount
                said = f"{award.amount} {unit_name(programme, award.unit, award.amount, spoken)}"
                if said != award.reason:  # of a fixed award the sum says it all
                    why.append(f"{said}: {award.reason}")
    moves = [(unit, amount, sheet.accounts[unit].balance) for unit, amount in gained.items()]
    return (*receipt_lines(programme, spoken, moves), *why)


def limits_used(business_id: int, member_id: str, came: Sequence[Came]) -> tuple[LimitUseRow, ...]:
    """Give the limits as they stand from now on: what was used before, and what these events used."""
    rows = {}
    for one in came:
        used = one.facts.used
        for use in one.outcome.uses:
            times, amount = used.get(f"{use.subject}|{use.window}", (0, 0))
            row = limit_row(business_id, member_id, use, times + use.times, amount + use.amount)
            rows[use.subject, use.window] = row
    return tuple(rows.values())


def evidence_of(raised: Iterable[Came]) -> tuple[EventEvidence, ...]:
    """Give what is kept of events that another command brought about."""
    return tuple(EventEvidence(one.event, one.facts) for one in raised if isinstance(one.event, rules.Event))
