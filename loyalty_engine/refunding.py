"""Goods come back: the purchase is judged again as if they had never been bought, and the difference is taken back.

Invariant: never more is taken back than was earned, and a refund never gives units. What the member has spent already
is handled as the programme says: `within_balance` takes what is there and records the shortfall, `owe` lets the balance
go below zero, `forgive` takes only what is left of this purchase's own lots. A refund that comes before its purchase
waits under the purchase's receipt.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from loyalty_engine import ids, journal, ledger
from loyalty_engine.answers import Answer, Awarded, RefundAnswer, TakenBack
from loyalty_engine.businesses import Caller, place_of
from loyalty_engine.commands import RefundByReceipt, RefundPurchase, Ticket
from loyalty_engine.database import MemberState, Opening, Page
from loyalty_engine.errors import BodyInvalid, PurchaseUnknown, Refused
from loyalty_engine.identity import dormancy
from loyalty_engine.instants import to_micros
from loyalty_engine.lots import live
from loyalty_engine.members import accounts_of, balances, moved
from loyalty_engine.purchases import Bought, bought_as, earlier_refunds
from loyalty_engine.redemption import giving_back, lapsing, restoring
from loyalty_engine.redemption.answers import GivenBack
from loyalty_engine.referrals import qualifying, taking_back
from loyalty_engine.returns import Back, due_from, limits_given_back, lost, measure, takings
from loyalty_engine.rows import ParkedRow, Posting
from loyalty_engine.standing import tiers
from loyalty_engine.wording import language_for, receipt_lines, taken_back

if TYPE_CHECKING:
    from loyalty_engine.house import House
    from loyalty_engine.shelf import Edition


async def record_refund(
    house: House, caller: Caller, purchase_id: str, command: RefundPurchase, ticket: Ticket
) -> Answer:
    """Record a refund of a purchase known by id, once. Answers 201 with RefundAnswer; PurchaseUnknown otherwise."""
    _one_way(command)
    bought = await bought_as(house, caller.business_id, "id", purchase_id)
    if bought is None:
        raise PurchaseUnknown
    return await _refund(house, caller, bought, command, ticket, path=purchase_id)


async def record_refund_by_receipt(house: House, caller: Caller, command: RefundByReceipt, ticket: Ticket) -> Answer:
    """Record a refund of a purchase known by receipt; parked (202) while that purchase is not here yet."""
    _one_way(command)
    of = command.purchase
    bought_at = of.location or caller.location or place_of(caller, None)
    natural = journal.natural_key("purchase", bought_at, of.receipt)
    async with house.turns.of((caller.business_id, natural)):
        bought = await bought_as(house, caller.business_id, '"natural"', natural)
        if bought is not None:
            return await _refund(house, caller, bought, command, ticket, path=natural)
        answer = await _park(house, caller, command, ticket, natural, bought_at)
    if await bought_as(house, caller.business_id, '"natural"', natural) is not None:
        # The purchase came in through another process while we parked.
        await settle(house, caller.business_id, msgspec.json.decode(answer.body)["id"], at=ticket.at)
    return answer


async def parked_behind(house: House, business_id: int, natural: str) -> tuple[str, ...]:
    """Give the refunds that still wait for a purchase that is here: whoever recorded it was stopped in between."""
    found = await house.database.fetch(
        "SELECT journal_id FROM parked_refunds WHERE business_id = $1 AND purchase_natural = $2 AND settled_by IS NULL",
        business_id, natural,
    )  # fmt: skip
    return tuple(row[0] for row in found)


async def settle(house: House, business_id: int, parked: str, *, at: datetime) -> None:
    """Carry out a parked refund whose purchase has come; once, and without effect where it has been done."""
    found = await house.database.fetch(
        "SELECT purchase_natural, command FROM parked_refunds WHERE business_id = $1 AND journal_id = $2 "
        "AND settled_by IS NULL",
        business_id, parked,
    )  # fmt: skip
    if not found:
        return
    bought = await bought_as(house, business_id, '"natural"', found[0][0])
    if bought is None:
        return
    command = msgspec.json.decode(found[0][1], type=RefundPurchase)
    ticket = Ticket(key="", request_id=parked, at=at)
    opening = Opening(
        business_id=business_id, natural=f"settled:{parked}", member_id=bought.member_id, location=bought.location,
        occurred_at=bought.occurred_at, now=to_micros(at),
    )  # fmt: skip
    told = journal.Told(
        kind="refund", ticket=ticket, opening=opening, fingerprint=journal.hashed(parked), of_anybody=True
    )

    async def decide(page: Page, reader: journal.Reader) -> Posting:
        try:
            posting = await _decide(house, told, bought, command, page, reader)
        except Refused as refusal:
            line = journal.line(
                told, ids.new("rfd", to_micros(at) // 1000), status=refusal.status, answer=journal.kept(refusal),
                subject=bought.id,
            )  # fmt: skip
            posting = Posting(business_id=business_id, expected=None, member=None, journal=line)
        return msgspec.structs.replace(posting, settled=(parked,))

    try:
        await journal.once(house, told, decide)
    except Refused:
        return  # written down as refused: the parked refund asked for more than the purchase had
    if bought.evidence.referral is not None:
        await taking_back.take_back(house, business_id, bought.evidence.referral, at=at)


async def settle_all(house: House, *, at: datetime) -> int:
    """Carry out every parked refund whose purchase is here; tell how many there were. For start-up and upkeep."""
    found = await house.database.fetch(
        "SELECT p.business_id, p.journal_id FROM parked_refunds p JOIN journal j ON j.business_id = p.business_id "
        'AND j."natural" = p.purchase_natural WHERE p.settled_by IS NULL ORDER BY p.business_id, p.journal_id'
    )
    for business_id, parked in found:
        await settle(house, business_id, parked, at=at)
    return len(found)


def _one_way(command: RefundPurchase) -> None:
    if sum((command.lines is not None, command.amount_minor is not None, command.full)) != 1:
        message = "say what comes back in exactly one way: lines, amount_minor, or full"
        raise BodyInvalid(message, pointer="/lines")
    named = [line.line for line in command.lines or ()]
    if len(set(named)) != len(named):
        message = "a line is named twice; say once what comes back of it"
        raise BodyInvalid(message, pointer="/lines")


async def _refund(
    house: House, caller: Caller, bought: Bought, command: RefundPurchase, ticket: Ticket, *, path: str
) -> Answer:
    location = place_of(caller, command.location or (None if caller.location else bought.location))
    happened = journal.happened_at(house.settings, command.occurred_at, ticket.at)
    # The page is read for the day of the purchase: the limits it used are those a refund gives back.
    opening = Opening(
        business_id=caller.business_id, key=ticket.key,
        natural=journal.natural_key("refund", location, command.receipt), member_id=bought.member_id,
        location=location, occurred_at=bought.occurred_at, now=to_micros(ticket.at),
    )  # fmt: skip
    told = journal.Told(
        kind="refund",
        ticket=ticket,
        opening=opening,
        whole=True,
        of_anybody=True,
        fingerprint=journal.fingerprint(house, caller.business_id, "refund", command, path),
    )

    async def decide(page: Page, reader: journal.Reader) -> Posting:
        return await _decide(house, told, bought, command, page, reader, happened=to_micros(happened))

    answer = await journal.once(house, told, decide)
    if bought.evidence.referral is not None:
        await taking_back.take_back(house, caller.business_id, bought.evidence.referral, at=ticket.at)
    return answer


async def _park(
    house: House, caller: Caller, command: RefundByReceipt, ticket: Ticket, natural: str, bought_at: str
) -> Answer:
    # The same place as if the purchase were here: a retry must meet its own natural key, whenever it comes.
    location, at = place_of(caller, command.location or (None if caller.location else bought_at)), to_micros(ticket.at)
    happened = to_micros(journal.happened_at(house.settings, command.occurred_at, ticket.at))
    opening = Opening(
        business_id=caller.business_id, key=ticket.key,
        natural=journal.natural_key("refund", location, command.receipt),
        location=location, occurred_at=happened, now=at,
    )  # fmt: skip
    told = journal.Told(
        kind="refund", ticket=ticket, opening=opening, whole=True,
        fingerprint=journal.fingerprint(house, caller.business_id, "refund", command, natural),
    )  # fmt: skip

    async def decide(_: Page, __: journal.Reader) -> Posting:
        refund_id = ids.new("rfd", at // 1000)
        fields = {name: getattr(command, name) for name in RefundPurchase.__struct_fields__}
        waiting = msgspec.json.encode(RefundPurchase(**fields)).decode()
        answer = RefundAnswer(refund_id, "parked", None, 0, None, (), (), ())
        line = journal.line(told, refund_id, status=202, answer=msgspec.json.encode(answer))
        row = ParkedRow(caller.business_id, refund_id, natural, waiting, at, None)
        return Posting(business_id=caller.business_id, expected=None, member=None, journal=line, parked=(row,))

    return await journal.once(house, told, decide)


async def _decide(
    house: House, told: journal.Told, bought: Bought, command: RefundPurchase, page: Page, reader: journal.Reader,
    *, happened: int | None = None,
) -> Posting:  # fmt: skip
    """Measure what comes back, judge the rest of the purchase again, and take back the difference."""
    state = page.member
    assert state is not None, "a purchase has a member"
    business_id, at = told.opening.business_id, to_micros(told.ticket.at)
    earlier = await earlier_refunds(reader, business_id, bought.id)
    edition = await house.shelf.numbered(business_id, bought.version)
    spent_due: tuple[giving_back.Due, ...] = ()
    if bought.evidence.told is None:
        back = measure(bought, command, earlier)
    else:
        back, spent_due = giving_back.measure(bought.evidence, command, earlier)
    due = due_from(bought, back, earlier, edition)
    evidence = msgspec.structs.replace(
        back.evidence, due=tuple((award.rule, award.unit, part) for award, part in due),
        back=tuple(one.amount for one in spent_due),
    )  # fmt: skip
    sheet = ledger.Sheet(
        business_id=business_id, member_id=state.id, revision=state.revision + 1,
        accounts=accounts_of(state).values(), journal_id=ids.new("rfd", at // 1000), version=bought.version,
        occurred_at=told.opening.occurred_at if happened is None else happened, recorded_at=at,
    )  # fmt: skip
    overdue = await lapsing.overdue(house, sheet, reader)
    restored = await restoring.restore(sheet, bought, spent_due, edition, reader) if spent_due else restoring.NOTHING
    taken = await _take_back(sheet, bought, due, edition.programme.about.refund, restored.units, reader)
    withdrawn = await _withdrawn(sheet, bought, back, edition, reader) if bought.evidence.granted else ()
    answer = _answer(bought, back, taken, restored.given, sheet, state, edition)
    now = await house.shelf.valid_at(business_id, at, published=page.version)
    if await dormancy.doubted(reader, business_id, now, state, at):
        answer = dormancy.bare(answer)
    line = journal.line(
        told, sheet.journal_id, status=201, answer=msgspec.json.encode(answer), member_id=state.id,
        revision=sheet.revision, subject=bought.id, version=bought.version, amount_minor=back.refunded_minor,
        input=msgspec.json.encode(evidence).decode(), occurred_at=sheet.occurred_at,
    )  # fmt: skip
    bought_at, gone_with_it = bought.evidence.purchase.occurred_at, lost(back, due)
    stands = await tiers.after_refund(reader, business_id, now, state, bought_at, gone_with_it, at)
    visits, spend_minor = max(0, state.visits - back.gone), max(0, state.spend_minor - back.refunded_minor)
    member = moved(business_id, state, visits=visits, spend_minor=spend_minor)
    friend, waits = await qualifying.of_refund(bought, back, edition, sheet, reader)
    if waits is not None:
        member = msgspec.structs.replace(member, referral=waits)
    limits = limits_given_back(business_id, state, bought, back, edition)
    limits += restoring.limits_restored(business_id, state, bought, spent_due, edition)
    return Posting(
        business_id=business_id, expected=state.revision, member=tiers.moved_to(member, now, stands), journal=line,
        entries=tuple(sheet.entries), lots=sheet.lots, burns=sheet.burns, allocations=tuple(sheet.allocations),
        accounts=sheet.touched, limit_uses=limits + tiers.marks(stands),
        extra=(*overdue, *restored.rows, *withdrawn, *friend),
    )  # fmt: skip


async def _withdrawn(
    sheet: ledger.Sheet, bought: Bought, back: Back, edition: Edition, reader: journal.Reader
) -> tuple[msgspec.Struct, ...]:
    after = None if back.gone else edition.compiled.evaluate(back.after, bought.evidence.facts)
    return await restoring.withdrawn(sheet, bought, after, reader)


async def _take_back(
    sheet: ledger.Sheet, bought: Bought, due: tuple[tuple[Awarded, int], ...], policy: str, restored: frozenset[str],
    reader: journal.Reader,
) -> tuple[TakenBack, ...]:  # fmt: skip
    """Enter what is taken back, per award, as far as the programme's policy reaches."""
    result = []
    for unit in dict.fromkeys((*(award.unit for award, _ in due), *sorted(restored))):
        held = await restoring.held_after(sheet, unit, reader)
        if sheet.expire(unit, held):
            # What has run out is gone whether or not upkeep has been round: a refund must not depend on that.
            held = live(held, at=sheet.recorded_at)
        account = sheet.accounts[unit]
        free = account.balance - account.set_aside
        if policy != "owe":
            # What ran out is there only for the hold that it waits for.
            held, free = live(held, at=sheet.recorded_at), free - account.lapsed
        of_unit = [(award, part) for award, part in due if award.unit == unit]
        for taken in takings(of_unit, policy, free, held, bought.id):
            award, entry = taken.award, None
            if taken.amount:
                entry = sheet.debit(
                    unit, taken.amount, taken.out, kind="reversal", counter="issued",
                    says=taken_back(award.reason), rule=award.rule, reverses=award.entry,
                ).id  # fmt: skip
            shortfall = taken.due - taken.amount if policy != "forgive" else 0
            result.append(TakenBack(entry, award.rule, unit, taken.amount, shortfall))
    return tuple(result)


def _answer(
    bought: Bought, back: Back, taken: tuple[TakenBack, ...], given: tuple[GivenBack, ...], sheet: ledger.Sheet,
    state: MemberState, edition: Edition,
) -> RefundAnswer:  # fmt: skip
    lost = restoring.sums(given)
    for part in taken:
        lost[part.unit] = lost.get(part.unit, 0) - part.amount
    programme = edition.programme
    moves = [(unit, amount, sheet.accounts[unit].balance) for unit, amount in lost.items()]
    return RefundAnswer(
        sheet.journal_id, "recorded", bought.id, back.refunded_minor, back.left_minor, taken,
        balances(programme, sheet.accounts), receipt_lines(programme, language_for(programme, state.language), moves),
        given,
    )  # fmt: skip
