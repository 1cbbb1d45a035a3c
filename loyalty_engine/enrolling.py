"""Somebody joins by saying a number or an address; who is a member already is answered as they are.

Invariant: a name and a birthday are sealed with the member's own key; the journal keeps the answer without them.
"""

from __future__ import annotations

from http import HTTPStatus

import msgspec

import rules
from loyalty_engine import awarding, ids, journal, ledger
from loyalty_engine.answers import Answer, MemberAnswer
from loyalty_engine.businesses import Caller, location_rows, place_of
from loyalty_engine.commands import EnrolMember, Ticket
from loyalty_engine.consent import agreeing
from loyalty_engine.database import MemberState, Opening, Page
from loyalty_engine.errors import MemberUnknown
from loyalty_engine.evidence import EnrolmentEvidence
from loyalty_engine.house import House
from loyalty_engine.identifiers import Identifier, mask
from loyalty_engine.identity import dormancy, looking_up
from loyalty_engine.instants import from_micros, shown, to_micros
from loyalty_engine.knowing import month_and_day
from loyalty_engine.members import as_shown, balances, enrol_rows, moved, named
from loyalty_engine.redemption import granting
from loyalty_engine.referrals import arriving, people, qualifying
from loyalty_engine.referrals.arriving import Brought, Coming
from loyalty_engine.referrals.course import Moment
from loyalty_engine.rows import MemberRow, Posting
from loyalty_engine.shelf import Edition
from loyalty_engine.standing import tiers
from loyalty_engine.standing.ladder import Gained


async def enrol(house: House, caller: Caller, command: EnrolMember, ticket: Ticket) -> Answer:
    """Let somebody join by number or address; who is a member already is answered as they are (200)."""
    edition = await house.shelf.current(caller.business_id)
    who = named(house, caller.business_id, command.member, edition.programme.about.country)
    at = to_micros(ticket.at)
    opening = Opening(
        business_id=caller.business_id, key=ticket.key, blind_index=who.blind_index, member_id=who.member_id,
        location=place_of(caller, command.location), occurred_at=at, now=at,
    )  # fmt: skip
    told = journal.Told(
        kind="enrolment",
        ticket=ticket,
        opening=opening,
        fingerprint=journal.fingerprint(house, caller.business_id, "enrolment", command),
    )

    async def decide(page: Page, reader: journal.Reader) -> Posting:
        valid = await house.shelf.valid_at(caller.business_id, at, published=page.version)
        if page.member is not None:
            return await _known_already(house, caller, told, command, page.member, valid, reader)
        if who.identifier is None:
            raise MemberUnknown(pointer="/member/id")
        return await _joins(house, caller, told, command, who.identifier, page, valid, reader)

    answer = await journal.once(house, told, decide)
    if answer.status == HTTPStatus.CREATED and not answer.hit:
        await looking_up.joined(house, caller, at)
    return _with_name(answer, command)


async def _known_already(
    house: House, caller: Caller, told: journal.Told, command: EnrolMember, state: MemberState, edition: Edition,
    reader: journal.Reader,
) -> Posting:  # fmt: skip
    """Answer who is a member already; who asks with somebody's number is not told their name."""
    business_id = told.opening.business_id
    answer = await as_shown(house, business_id, state, edition.programme, reader)
    answer = msgspec.structs.replace(answer, name=None, birthday=None)
    if await dormancy.doubted(reader, business_id, edition, state, told.opening.now):
        answer = msgspec.structs.replace(dormancy.bare(answer), masked=(), language=None, visits=0, spend_minor=0)
    line_id = ids.new("jnl", told.opening.now // 1000)
    brought = arriving.NOBODY
    if command.referred_by is not None:
        coming = _coming(house, caller, told, command, (state.id, None), edition, line_id, reader)
        brought = await arriving.known_already(coming)
    answer = msgspec.structs.replace(answer, referral=brought.seen)
    line = journal.line(told, line_id, status=200, answer=msgspec.json.encode(answer), member_id=state.id)
    if not command.consents:
        return Posting(business_id=business_id, expected=None, member=None, journal=line, extra=brought.rows())
    member = moved(business_id, state)
    sheet = _sheet(told, member, line_id, edition)
    agreed = await agreeing.along(house, caller.key_id, command, edition, member, sheet, reader)
    line = msgspec.structs.replace(line, revision=member.revision)
    extra = (*agreed, *brought.rows())
    return Posting(business_id=business_id, expected=state.revision, member=member, journal=line, extra=extra)


def _coming(
    house: House, caller: Caller, told: journal.Told, command: EnrolMember, who: tuple[str, Identifier | None],
    edition: Edition, line_id: str, reader: journal.Reader,
) -> Coming:  # fmt: skip
    programme, business_id, by = edition.programme, told.opening.business_id, None
    if command.referred_by is not None:
        by = people.read(house, business_id, command.referred_by, programme.country, "/referred_by")
    return Coming(
        house=house, business_id=business_id, programme=programme, member_id=who[0], identifier=who[1], by=by,
        how="till", moment=Moment(told.opening.now, f"key {caller.key_id}", line_id), reader=reader,
    )  # fmt: skip


def _sheet(told: journal.Told, member: MemberRow, line_id: str, edition: Edition) -> ledger.Sheet:
    at = told.opening.now
    return ledger.Sheet(
        business_id=member.business_id, member_id=member.id, revision=member.revision, accounts=(),
        journal_id=line_id, version=edition.version, occurred_at=at, recorded_at=at,
    )  # fmt: skip


async def _joins(
    house: House, caller: Caller, told: journal.Told, command: EnrolMember, identifier: Identifier, page: Page,
    edition: Edition, reader: journal.Reader,
) -> Posting:  # fmt: skip
    """Enrol somebody, and give what the programme gives for joining."""
    business_id, at, location = told.opening.business_id, told.opening.now, told.opening.location
    assert location is not None, "an enrolment happens somewhere"
    programme = edition.programme
    new = enrol_rows(house, business_id, identifier, at=at, language=command.language, profile=_said(command))
    asked = edition.needs(awarding.JOINED).facts
    birthday = month_and_day(_said(command).get("birthday")) if "birthday" in asked else None
    facts = rules.MemberFacts(joined_at=from_micros(at), language=command.language, birthday=birthday)
    joined = awarding.joining(edition, facts, occurred_at=at, location=location)
    came = () if joined is None else (joined,)
    sheet = _sheet(told, new.member, ids.new("jnl", at // 1000), edition)
    awards = tuple(award for one in came for award in awarding.award(sheet, one))
    stands = await tiers.after(reader, edition, None, sheet, Gained(0, 0, awarding.earned(came)))
    given = await granting.grants(sheet, came, reader)
    brought = Brought()
    if qualifying.concerns(edition, None, command):
        who = (new.member.id, identifier)
        brought = await arriving.arrive(_coming(house, caller, told, command, who, edition, sheet.journal_id, reader))
    answer = MemberAnswer(
        new.member.id, (mask(identifier),), command.language, None, None, shown(at), 0, 0,
        balances(programme, sheet.accounts), new=True, awards=awards, explanation=awarding.explained(came),
        receipt_text=awarding.receipt_text(programme, command.language, sheet, came),
        tier=tiers.seen(edition, stands, command.language),
        vouchers=granting.shown(given, command.language), referral=brought.seen,
    )  # fmt: skip
    evidence = EnrolmentEvidence(awarding.evidence_of(came))
    line = journal.line(
        told, sheet.journal_id, status=201, answer=msgspec.json.encode(answer), member_id=new.member.id, revision=1,
        version=edition.version, input=msgspec.json.encode(evidence).decode(),
    )  # fmt: skip
    member = msgspec.structs.replace(tiers.moved_to(new.member, edition, stands), referral=brought.waits)
    doing = awarding.carried_out(house, sheet, member, came)
    agreed = await agreeing.along(house, caller.key_id, command, edition, new.member, sheet, reader)
    return Posting(
        business_id=business_id, expected=0, member=doing.member, identifiers=(new.identifier,), journal=line,
        locations=location_rows(business_id, location, page, programme, at) if command.location else (),
        entries=tuple(sheet.entries), lots=sheet.lots, allocations=tuple(sheet.allocations), accounts=sheet.touched,
        limit_uses=awarding.limits_used(business_id, new.member.id, came) + tiers.marks(stands),
        extra=(*doing.rows, *granting.rows(given), *agreed, *brought.rows()),
    )  # fmt: skip


def _said(command: EnrolMember) -> dict[str, str]:
    birthday = command.birthday.isoformat() if command.birthday else None
    return {name: value for name, value in (("name", command.name), ("birthday", birthday)) if value}


def _with_name(answer: Answer, command: EnrolMember) -> Answer:
    """Give a newcomer's name back as it was told: the journal keeps the answer without it."""
    kept = msgspec.json.decode(answer.body, type=MemberAnswer)
    if not kept.new:
        return answer
    birthday = command.birthday.isoformat() if command.birthday else None
    told = msgspec.structs.replace(kept, name=command.name, birthday=birthday)
    return msgspec.structs.replace(answer, body=msgspec.json.encode(told))
