"""The story of a purchase: it comes in by phone number, is judged once, and becomes units with their reasons.

    1  read what the till says, and refuse what cannot be so
    2  seen before, by key or by receipt?  then the stored answer
    3  who is it?  a member, enrolled if new
    4  what do the rules of that day give?
    5  write it on the ledger: entries, lots, balances, limits used, all in one piece with the journal line
    6  a refund that came before its purchase is settled now

A quote is the same walk without keeping it. Invariant: a receipt earns once, however often and by whatever key it is
told, and what it earned can be computed again from the journal: the purchase, the facts before it, and the version.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from loyalty_engine import awarding, expiring, happenings, ids, journal, ledger, refunding
from loyalty_engine.answers import Answer, Awarded, MemberSeen, PurchaseAnswer, TierSeen
from loyalty_engine.awarding import Came
from loyalty_engine.baskets import Basket, opening_of, read
from loyalty_engine.businesses import Caller, location_rows
from loyalty_engine.commands import RecordPurchase, Ticket
from loyalty_engine.consent import agreeing
from loyalty_engine.database import MemberState, Page
from loyalty_engine.errors import MemberNotFoundByNumber, MemberUnknown
from loyalty_engine.evidence import PurchaseEvidence
from loyalty_engine.identifiers import mask
from loyalty_engine.identity import dormancy
from loyalty_engine.instants import to_micros
from loyalty_engine.knowing import facts_before
from loyalty_engine.members import (
    accounts_of,
    balances,
    bought,
    enrol_rows,
    facts_of,
    masked_name,
    moved,
)
from loyalty_engine.redemption import granting, redeeming, spending
from loyalty_engine.referrals import crediting, people, qualifying
from loyalty_engine.rows import JournalLine, Posting
from loyalty_engine.standing import tiers
from loyalty_engine.standing.ladder import Gained

if TYPE_CHECKING:
    from loyalty_engine.house import House
    from loyalty_engine.shelf import Edition


class Judged(Struct, frozen=True, kw_only=True):
    """A purchase with the member it belongs to and what the rules of that day say: of joining first, if this does."""

    basket: Basket
    edition: Edition
    state: MemberState | None
    joined: tuple[Came, ...]
    bought: Came
    risen: tuple[Came, ...] = ()
    plan: redeeming.Plan | None = None

    @property
    def came(self) -> tuple[Came, ...]:
        """Give all that came of it, in the order it happened."""
        return (*self.joined, self.bought, *self.risen)

    @property
    def paid_minor(self) -> int:
        """Give the money that is paid: the total less what perks take off."""
        return self.basket.purchase.total_minor if self.plan is None else self.plan.paid_minor


async def record_purchase(house: House, caller: Caller, command: RecordPurchase, ticket: Ticket) -> Answer:
    """Record a closed purchase and award what the programme gives for it, once. Answers 201 with PurchaseAnswer."""
    basket = await read(house, caller, command, ticket.at)
    natural = journal.natural_key("purchase", basket.location, command.receipt)
    told = journal.Told(
        kind="purchase", ticket=ticket, opening=opening_of(caller, basket, ticket.at, key=ticket.key, natural=natural),
        fingerprint=journal.fingerprint(house, caller.business_id, "purchase", command),
        amount_minor=command.total_minor,
    )  # fmt: skip
    early_refunds: tuple[str, ...] = ()
    friend: qualifying.Along | None = None

    async def decide(page: Page, reader: journal.Reader) -> Posting:
        nonlocal early_refunds, friend
        early_refunds = page.parked or ()
        judged = await judge(house, caller, basket, page, ticket.at, reader)
        posting, friend = await _post(house, caller, command, told, judged, page, reader)
        return posting

    # A refund of the same receipt waits meanwhile: it either finds the purchase, or is found by it.
    async with house.turns.of((caller.business_id, natural)):
        answer = await journal.once(house, told, decide)
    if answer.hit:
        early_refunds = await refunding.parked_behind(house, caller.business_id, natural)
    for parked in early_refunds:
        await refunding.settle(house, caller.business_id, parked, at=ticket.at)
    if friend is not None and friend.qualified is not None:
        await crediting.credit(house, caller.business_id, friend.qualified, at=ticket.at)
    return answer


async def judge(
    house: House, caller: Caller, basket: Basket, page: Page, at: datetime, reader: journal.Reader
) -> Judged:
    """Let the version valid at that instant judge the purchase, with the member as they were just before it.

    Of what perks pay for nothing is earned, unless the programme says so: the rules judge what is left of the basket.
    """
    state, now = page.member, to_micros(at)
    if state is None and basket.who.identifier is None:
        raise MemberUnknown(pointer="/member/id")
    edition = await house.shelf.valid_at(caller.business_id, basket.occurred_at, published=page.version)
    if state is None and edition.programme.about.join == "explicit":
        raise MemberNotFoundByNumber(pointer="/member")
    purchase, joined = basket.purchase, None
    facts = await facts_before(house, caller.business_id, edition, purchase, state=state, at=now, reader=reader)
    if state is None:
        joined_at = min(basket.occurred_at, now)
        joined = awarding.joining(
            edition, facts_of(None, joined_at), occurred_at=joined_at, location=basket.location, staff=purchase.staff
        )
    if joined is not None:
        facts = awarding.facts_after(joined, facts, at=now)
    plan = None
    if basket.redeem:
        asking = redeeming.Asking(
            house=house, business_id=caller.business_id, edition=edition, state=state, facts=facts,
            occurred=purchase.occurred_at, now=now, reader=reader, counts=basket.counts,
            location=basket.location,
        )  # fmt: skip
        plan = await redeeming.planned(asking, basket.redeem, purchase)
        purchase = plan.judged
    return Judged(
        basket=basket, edition=edition, state=state, joined=() if joined is None else (joined,),
        bought=awarding.judge(edition, purchase, facts), plan=plan,
    )  # fmt: skip


async def _post(
    house: House, caller: Caller, command: RecordPurchase, told: journal.Told, judged: Judged, page: Page,
    reader: journal.Reader,
) -> tuple[Posting, qualifying.Along | None]:  # fmt: skip
    """Write the outcome on the ledger. After this point only what is said of consent can be refused."""
    basket, state, business_id, recorded_at = judged.basket, judged.state, caller.business_id, told.opening.now
    places = location_rows(business_id, basket.location, page, judged.edition.programme, recorded_at)
    new = None
    if state is None:
        assert basket.who.identifier is not None, "judging refused a member named by an unknown id"
        new = enrol_rows(house, business_id, basket.who.identifier, at=recorded_at)
        member = bought(new.member, basket.occurred_at, judged.paid_minor, first=True)
        masked = mask(basket.who.identifier)
    else:
        member = bought(moved(business_id, state), basket.occurred_at, judged.paid_minor)
        masked = await masked_name(house, business_id, basket.who, state, reader)
    sheet = ledger.Sheet(
        business_id=business_id, member_id=member.id, revision=member.revision, accounts=accounts_of(state).values(),
        journal_id=ids.new("pur", recorded_at // 1000), version=judged.edition.version, occurred_at=basket.occurred_at,
        recorded_at=recorded_at,
    )  # fmt: skip
    await expiring.renew(sheet, judged.edition, basket.purchase.occurred_at, reader)
    spent = await spending.enter(judged.plan, sheet, reader) if judged.plan is not None else spending.NOTHING
    brought = Gained(judged.paid_minor, 1, awarding.earned(judged.came))
    stands = await tiers.after(reader, judged.edition, state, sheet, brought)
    was, stays = state.tier if state else None, tiers.moved_to(member, judged.edition, stands)
    risen = await happenings.risen(house, business_id, judged.bought, state, (was, stays.tier), reader)
    judged = msgspec.structs.replace(judged, risen=risen)
    awards = tuple(award for came in judged.came for award in awarding.award(sheet, came))
    given = await granting.grants(sheet, judged.came, reader)
    friend = None
    if qualifying.concerns(judged.edition, state, command):
        buying = qualifying.Buying(
            house=house, caller=caller, edition=judged.edition, state=state, identifier=basket.who.identifier,
            referred_by=command.referred_by, bought=judged.bought, sheet=sheet, reader=reader,
        )  # fmt: skip
        friend = await qualifying.of_purchase(buying, stays)
        stays = friend.member
    tier, seen = tiers.seen(judged.edition, stands, member.language), MemberSeen(member.id, masked, new is not None)
    answer = _answer(judged, sheet, Said(awards, seen, tier, member.language, spent, given, friend))
    if await dormancy.doubted(reader, business_id, judged.edition, state, recorded_at):
        stays, answer = dormancy.veiled(stays, answer)
    doing = awarding.carried_out(house, sheet, stays, judged.came)
    agreed = await agreeing.along(house, caller.key_id, command, judged.edition, member, sheet, reader)
    evidence = _evidence(house, business_id, command, judged, spent, given, friend)
    posting = Posting(
        business_id=business_id, expected=0 if state is None else state.revision, member=doing.member,
        identifiers=(new.identifier,) if new else (), locations=places,
        journal=_line(told, evidence, judged, sheet, answer),
        entries=tuple(sheet.entries), lots=sheet.lots, burns=sheet.burns, allocations=tuple(sheet.allocations),
        accounts=sheet.touched,
        limit_uses=awarding.limits_used(business_id, member.id, judged.came) + tiers.marks(stands) + spent.limit_uses,
        extra=(*sheet.stretched, *doing.rows, *spent.rows, *granting.rows(given), *agreed, *moved_by(friend)),
    )  # fmt: skip
    return posting, friend


def moved_by(friend: qualifying.Along | None) -> tuple[Struct, ...]:
    """Give the rows of the referral that a purchase moved."""
    return friend.rows if friend is not None else ()


class Said(Struct, frozen=True):
    """What the answer says of a purchase besides what was judged."""

    awards: tuple[Awarded, ...]
    member: MemberSeen
    tier: TierSeen | None
    language: str | None
    spent: spending.Entered
    given: tuple[granting.Grant, ...]
    friend: qualifying.Along | None


def _answer(judged: Judged, sheet: ledger.Sheet, said: Said) -> PurchaseAnswer:
    programme = judged.edition.programme
    text = spending.receipt_text(programme, said.language, said.spent.redeemed)
    text += awarding.receipt_text(programme, said.language, sheet, judged.came, said.spent.units)
    return PurchaseAnswer(
        id=sheet.journal_id, member=said.member, awards=said.awards, redeemed=said.spent.redeemed,
        vouchers=granting.shown(said.given, said.language), tier=said.tier,
        balances=balances(programme, sheet.accounts), explanation=awarding.explained(judged.came),
        receipt_text=text, programme_version=judged.edition.version, to_pay_minor=judged.paid_minor,
        referral=said.friend.seen if said.friend else None,
    )  # fmt: skip


def _evidence(
    house: House, business_id: int, command: RecordPurchase, judged: Judged, spent: spending.Entered,
    given: tuple[granting.Grant, ...], friend: qualifying.Along | None,
) -> PurchaseEvidence:  # fmt: skip
    purchase = judged.basket.purchase if judged.plan is None else judged.plan.judged
    paid_with = None
    if command.paid_with is not None and judged.edition.programme.referral is not None:
        paid_with = people.token_hash(house, business_id, command.paid_with)
    return PurchaseEvidence(
        command.receipt, command.currency, purchase, judged.bought.facts, awarding.evidence_of(judged.came),
        None if judged.plan is None else judged.basket.purchase, spent.spent, granting.ids_of(given),
        friend.qualified if friend else None, paid_with,
    )  # fmt: skip


def _line(
    told: journal.Told, evidence: PurchaseEvidence, judged: Judged, sheet: ledger.Sheet, answer: PurchaseAnswer
) -> JournalLine:  # fmt: skip
    return journal.line(
        told, sheet.journal_id, status=201, answer=msgspec.json.encode(answer), member_id=sheet.member_id,
        revision=sheet.revision, version=judged.edition.version, input=msgspec.json.encode(evidence).decode(),
    )  # fmt: skip
