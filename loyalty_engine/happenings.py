"""The story of an event: something but a purchase happened to a member, is judged once, and becomes what it gives.

    1  read what is told, and refuse what the programme itself raises
    2  seen before, by key or by kind and reference?  then the stored answer
    3  who is it?  a member; an event enrols nobody
    4  what do the rules of that day give?  what else comes of it?
    5  write it down: entries, lots, limits used, tags, all in one piece with the journal line

Invariant: a kind and a reference stand for one event, however often and by whatever key it is told. How often something
happened to a member is counted from these very journal lines, so that no count can differ from what was told.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

import rules
from loyalty_engine import awarding, ids, journal, ledger
from loyalty_engine.answers import Answer, Awarded, EventAnswer, MemberSeen, TierSeen
from loyalty_engine.businesses import Caller, location_rows, place_of
from loyalty_engine.commands import RecordEvent, Ticket
from loyalty_engine.database import MemberState, Opening, Page
from loyalty_engine.errors import EventRaisedHere, MemberNotFoundByNumber, MemberUnknown
from loyalty_engine.evidence import EventEvidence
from loyalty_engine.house import House
from loyalty_engine.identity import dormancy
from loyalty_engine.instants import to_micros
from loyalty_engine.knowing import facts_before
from loyalty_engine.members import Named, accounts_of, balances, masked_name, moved, named
from loyalty_engine.redemption import granting
from loyalty_engine.rows import Posting
from loyalty_engine.standing import tiers
from loyalty_engine.standing.ladder import Gained

# What the programme raises by itself, now or when its room is built: told from outside, it would happen twice.
RAISED_HERE = frozenset(rules.EVENTS) - {"feedback", "promise_kept", "promise_broken"}


async def record_event(house: House, caller: Caller, command: RecordEvent, ticket: Ticket) -> Answer:
    """Record that something happened to a member and give what the programme gives for it, once.

    Answers 201 with EventAnswer. Raises EventRaisedHere, and MemberNotFoundByNumber where nobody has joined with it.
    """
    if command.kind in RAISED_HERE:
        raise EventRaisedHere(pointer="/kind", kind=command.kind)
    location = place_of(caller, command.location) if command.location or caller.location else None
    happened = journal.happened_at(house.settings, command.occurred_at, ticket.at)
    edition = await house.shelf.current(caller.business_id)
    who = named(house, caller.business_id, command.member, edition.programme.about.country)
    told = journal.Told(
        kind="event", ticket=ticket, whole=True,
        opening=Opening(
            business_id=caller.business_id, key=ticket.key,
            natural=journal.natural_key("event", command.kind, command.reference), blind_index=who.blind_index,
            member_id=who.member_id, location=location, occurred_at=to_micros(happened), now=to_micros(ticket.at),
        ),
        fingerprint=journal.fingerprint(house, caller.business_id, "event", command),
    )  # fmt: skip
    event = rules.Event(
        kind=command.kind, occurred_at=happened, reference=command.reference, attributes=command.attributes,
        location=location, staff=command.staff,
    )  # fmt: skip

    async def decide(page: Page, reader: journal.Reader) -> Posting:
        if page.member is None:
            raise MemberNotFoundByNumber(pointer="/member") if who.identifier else MemberUnknown(pointer="/member/id")
        came = await judged(house, caller.business_id, event, page.member, page.version, ticket.at, reader)
        return await posted(house, told, came, who, page, page.member, reader)

    return await journal.once(house, told, decide)


async def judged(
    house: House, business_id: int, event: rules.Event, state: MemberState, published: int, at: datetime,
    reader: journal.Reader,
) -> awarding.Came:  # fmt: skip
    """Let the version valid when it happened judge an event, with the member as they were just before it."""
    edition = await house.shelf.valid_at(business_id, to_micros(event.occurred_at), published=published)
    facts = await facts_before(house, business_id, edition, event, state=state, at=to_micros(at), reader=reader)
    return awarding.judge(edition, event, facts)


async def risen(
    house: House, business_id: int, last: awarding.Came, state: MemberState | None,
    tiers_held: tuple[str | None, str | None], reader: journal.Reader,
) -> tuple[awarding.Came, ...]:  # fmt: skip
    """Judge that a member came to another tier by what came of an event; nothing where no rule stands on it."""
    before, after = tiers_held
    edition, at = last.edition, last.event.occurred_at
    if before == after or awarding.TIER_CHANGED not in edition.programme.kinds():
        return ()
    event = awarding.tier_event(at, before, after)
    facts = await facts_before(house, business_id, edition, event, state=state, at=to_micros(at), reader=reader)
    facts = awarding.facts_after(last, facts, at=to_micros(at))
    return (awarding.judge(edition, event, awarding.with_tier(facts, after)),)


async def posted(
    house: House, told: journal.Told, came: awarding.Came, who: Named, page: Page, state: MemberState,
    reader: journal.Reader, *, first: Callable[[ledger.Sheet], None] | None = None,
) -> Posting:  # fmt: skip
    """Write down what came of it. After the location nothing can be refused.

    `first` enters what another room gives with the event, before what the rules give.
    """
    opening, edition, recorded_at = told.opening, came.edition, told.opening.now
    assert isinstance(came.event, rules.Event), "a purchase has a story of its own"
    business_id, location = opening.business_id, opening.location
    places = () if location is None else location_rows(business_id, location, page, edition.programme, recorded_at)
    sheet = ledger.Sheet(
        business_id=business_id, member_id=state.id, revision=state.revision + 1, accounts=accounts_of(state).values(),
        journal_id=ids.new("evt", recorded_at // 1000), version=edition.version, occurred_at=opening.occurred_at,
        recorded_at=recorded_at,
    )  # fmt: skip
    masked = await masked_name(house, business_id, who, state, reader)
    if first is not None:
        first(sheet)
    awards = awarding.award(sheet, came)
    stands = await tiers.after(reader, edition, state, sheet, Gained(0, 0, awarding.earned((came,))))
    tier = tiers.seen(edition, stands, state.language)
    given = await granting.grants(sheet, (came,), reader)
    answer = _answer(came, sheet, awards, MemberSeen(state.id, masked, new=False), tier, state.language, given)
    if await dormancy.doubted(reader, business_id, edition, state, recorded_at):
        answer = msgspec.structs.replace(dormancy.bare(answer), explanation=())
    line = journal.line(
        told, sheet.journal_id, status=201, answer=msgspec.json.encode(answer), member_id=state.id,
        revision=sheet.revision, version=edition.version, subject=came.event.kind,
        input=msgspec.json.encode(EventEvidence(came.event, came.facts)).decode(),
    )  # fmt: skip
    doing = awarding.carried_out(house, sheet, tiers.moved_to(moved(business_id, state), edition, stands), (came,))
    return Posting(
        business_id=business_id, expected=state.revision, member=doing.member, journal=line, locations=places,
        entries=tuple(sheet.entries), lots=sheet.lots, allocations=tuple(sheet.allocations), accounts=sheet.touched,
        limit_uses=awarding.limits_used(business_id, state.id, (came,)) + tiers.marks(stands),
        extra=(*doing.rows, *granting.rows(given)),
    )  # fmt: skip


def _answer(
    came: awarding.Came,
    sheet: ledger.Sheet,
    awards: tuple[Awarded, ...],
    member: MemberSeen,
    tier: TierSeen | None,
    language: str | None,
    given: tuple[granting.Grant, ...],
) -> EventAnswer:
    edition = came.edition
    return EventAnswer(
        id=sheet.journal_id, member=member, awards=awards, redeemed=(),
        vouchers=granting.shown(given, language), tier=tier,
        balances=balances(edition.programme, sheet.accounts), explanation=awarding.explained((came,)),
        receipt_text=awarding.receipt_text(edition.programme, language, sheet, (came,)),
        programme_version=edition.version,
    )  # fmt: skip
