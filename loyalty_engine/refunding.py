"""Goods come back: the purchase is judged again as if they had never been bought, and the difference is taken back.

Invariant: never more is taken back than was earned, and a refund never gives units. What the member has spent already
is handled as the programme says: `within_balance` takes what is there and records the shortfall, `owe` lets the balance
go below zero, `forgive` takes only what is left of this purchase's own lots. A refund that comes before its purchase
waits under the purchase's receipt.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

import rules
from loyalty_engine import ids, journal, ledger, lots
from loyalty_engine.answers import Answer, Awarded, PurchaseAnswer, RefundAnswer, TakenBack
from loyalty_engine.businesses import Caller, place_of
from loyalty_engine.commands import RefundByReceipt, RefundPurchase, Ticket
from loyalty_engine.database import MemberState, Opening, Page
from loyalty_engine.errors import (
    BodyInvalid,
    LineUnknown,
    NothingLeftToRefund,
    PurchaseUnknown,
    Refused,
    RefundExceedsPurchase,
)
from loyalty_engine.evidence import PurchaseEvidence, RefundEvidence
from loyalty_engine.instants import from_micros, to_micros
from loyalty_engine.members import accounts_of, balances, moved
from loyalty_engine.rows import LimitUseRow, ParkedRow, Posting
from loyalty_engine.wording import language_for, receipt_lines

if TYPE_CHECKING:
    from loyalty_engine.house import House
    from loyalty_engine.shelf import Edition


class Bought(Struct, frozen=True, kw_only=True):
    """The purchase a refund speaks of, as the journal has it."""

    id: str
    member_id: str
    location: str
    occurred_at: int
    version: int
    evidence: PurchaseEvidence
    awards: tuple[Awarded, ...]


class Back(Struct, frozen=True, kw_only=True):
    """A refund measured against what is left: the purchase before and after it, and the money it gives back."""

    before: rules.Purchase
    after: rules.Purchase
    evidence: RefundEvidence
    refunded_minor: int
    left_minor: int


async def record_refund(
    house: House, caller: Caller, purchase_id: str, command: RefundPurchase, ticket: Ticket
) -> Answer:
    """Record a refund of a purchase known by id, once. Answers 201 with RefundAnswer; PurchaseUnknown otherwise."""
    _one_way(command)
    bought = await _bought(house, caller.business_id, "id", purchase_id)
    if bought is None:
        raise PurchaseUnknown
    return await _refund(house, caller, bought, command, ticket, path=purchase_id)


async def record_refund_by_receipt(
    house: House, caller: Caller, command: RefundByReceipt, ticket: Ticket
) -> Answer:
    """Record a refund of a purchase known by receipt; parked (202) while that purchase is not here yet."""
    _one_way(command)
    of = command.purchase
    sold_at = of.location or caller.location or place_of(caller, None)
    natural = journal.natural_key("purchase", sold_at, of.receipt)
    bought = await _bought(house, caller.business_id, '"natural"', natural)
    if bought is not None:
        return await _refund(house, caller, bought, command, ticket, path=natural)
    answer = await _park(house, caller, command, ticket, natural)
    if await _bought(house, caller.business_id, '"natural"', natural) is not None:
        # The purchase came in while we parked: nobody else will look for this refund.
        await settle(house, caller.business_id, msgspec.json.decode(answer.body)["id"], at=ticket.at)
    return answer


async def settle(house: House, business_id: int, parked: str, *, at: datetime) -> None:
    """Carry out a parked refund whose purchase has come; once, and without effect where it has been done."""
    found = await house.database.fetch(
        "SELECT purchase_natural, command FROM parked_refunds WHERE business_id = $1 AND journal_id = $2 "
        "AND settled_by IS NULL",
        business_id, parked,
    )  # fmt: skip
    if not found:
        return
    bought = await _bought(house, business_id, '"natural"', found[0][0])
    if bought is None:
        return
    command = msgspec.json.decode(found[0][1], type=RefundPurchase)
    ticket = Ticket(key="", request_id=parked, at=at)
    opening = Opening(
        business_id=business_id, natural=f"settled:{parked}", member_id=bought.member_id, location=bought.location,
        occurred_at=bought.occurred_at, now=to_micros(at),
    )  # fmt: skip
    told = journal.Told(kind="refund", ticket=ticket, opening=opening, fingerprint=journal.hashed(parked))

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


async def _bought(house: House, business_id: int, column: str, value: str) -> Bought | None:
    found = await house.database.fetch(
        "SELECT id, member_id, location, occurred_at, version, input, answer FROM journal "  # noqa: S608  # our columns
        f"WHERE business_id = $1 AND {column} = $2 AND kind = 'purchase' AND status = 201",
        business_id, value,
    )  # fmt: skip
    if not found:
        return None
    purchase_id, member_id, location, occurred_at, version, told, answer = found[0]
    return Bought(
        id=purchase_id, member_id=member_id, location=location, occurred_at=occurred_at, version=version,
        evidence=msgspec.json.decode(told, type=PurchaseEvidence),
        awards=msgspec.json.decode(answer, type=PurchaseAnswer).awards,
    )  # fmt: skip


async def _refund(
    house: House, caller: Caller, bought: Bought, command: RefundPurchase, ticket: Ticket, *, path: str
) -> Answer:
    location = place_of(caller, command.location or (None if caller.location else bought.location))
    happened = journal.happened_at(house.settings, command.occurred_at, ticket.at)
    # The page is read for the day of the purchase: the limits it used are those a refund gives back.
    opening = Opening(
        business_id=caller.business_id, key=ticket.key, natural=journal.natural_key("refund", location, command.receipt),
        member_id=bought.member_id, location=location, occurred_at=bought.occurred_at, now=to_micros(ticket.at),
    )  # fmt: skip
    told = journal.Told(
        kind="refund", ticket=ticket, opening=opening, fingerprint=journal.fingerprint("refund", command, path)
    )

    async def decide(page: Page, reader: journal.Reader) -> Posting:
        return await _decide(house, told, bought, command, page, reader, happened=to_micros(happened))

    return await journal.once(house, told, decide)


async def _park(house: House, caller: Caller, command: RefundByReceipt, ticket: Ticket, natural: str) -> Answer:
    location, at = place_of(caller, command.location), to_micros(ticket.at)
    happened = to_micros(journal.happened_at(house.settings, command.occurred_at, ticket.at))
    opening = Opening(
        business_id=caller.business_id, key=ticket.key, natural=journal.natural_key("refund", location, command.receipt),
        location=location, occurred_at=happened, now=at,
    )  # fmt: skip
    told = journal.Told(
        kind="refund", ticket=ticket, opening=opening, fingerprint=journal.fingerprint("refund", command, natural)
    )

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
    earlier = await _earlier_refunds(reader, business_id, bought.id)
    edition = await house.shelf.numbered(business_id, bought.version)
    back = _measure(bought, command, earlier)
    due = _due(bought, back, earlier, edition)
    evidence = msgspec.structs.replace(back.evidence, due=tuple((award.rule, award.unit, part) for award, part in due))
    sheet = ledger.Sheet(
        business_id=business_id, member_id=state.id, revision=state.revision + 1,
        accounts=accounts_of(state).values(), journal_id=ids.new("rfd", at // 1000), version=bought.version,
        occurred_at=told.opening.occurred_at if happened is None else happened, recorded_at=at,
    )  # fmt: skip
    taken = await _take_back(sheet, bought, due, edition.programme.about.refund, reader)
    answer = _answer(bought, back, taken, sheet, state, edition)
    line = journal.line(
        told, sheet.journal_id, status=201, answer=msgspec.json.encode(answer), member_id=state.id,
        revision=sheet.revision, subject=bought.id, version=bought.version, amount_minor=back.refunded_minor,
        input=msgspec.json.encode(evidence).decode(), occurred_at=sheet.occurred_at,
    )  # fmt: skip
    gone = back.left_minor == 0
    member = moved(
        business_id, state, visits=max(0, state.visits - gone), spend_minor=max(0, state.spend_minor - back.refunded_minor)
    )
    return Posting(
        business_id=business_id, expected=state.revision, member=member, journal=line, entries=tuple(sheet.entries),
        burns=sheet.burns, allocations=tuple(sheet.allocations), accounts=sheet.touched,
        limit_uses=_limits_given_back(business_id, state, bought, back, edition),
    )  # fmt: skip


async def _earlier_refunds(reader: journal.Reader, business_id: int, purchase_id: str) -> tuple[RefundEvidence, ...]:
    found = await reader.fetch(
        "SELECT input FROM journal WHERE business_id = $1 AND subject = $2 AND kind = 'refund' AND status = 201 "
        "ORDER BY revision",
        business_id, purchase_id,
    )  # fmt: skip
    return tuple(msgspec.json.decode(row[0], type=RefundEvidence) for row in found)


def _measure(bought: Bought, command: RefundPurchase, earlier: tuple[RefundEvidence, ...]) -> Back:
    """Hold a refund against what is left; refused in this order: nothing left, unknown line, more than is left."""
    whole = bought.evidence.purchase
    returns = tuple(one for refund in earlier for one in refund.returns)
    money = sum(refund.amount_minor for refund in earlier)
    before = rules.without(whole, returns, amount_minor=money)
    left = before.total_minor - before.refunded_minor
    if left <= 0 or any(refund.full for refund in earlier):
        raise NothingLeftToRefund
    if command.full:
        evidence = RefundEvidence(command.receipt, (), 0, full=True, due=())
        return Back(before=before, after=before, evidence=evidence, refunded_minor=left, left_minor=0)
    new = tuple(_returned(before, n, one) for n, one in enumerate(command.lines or ()))
    amount = command.amount_minor or 0
    after = rules.without(whole, (*returns, *new), amount_minor=money + amount)
    back_minor = amount or before.total_minor - after.total_minor
    if back_minor > left:
        raise RefundExceedsPurchase(pointer="/amount_minor" if amount else "/lines", left_minor=left)
    evidence = RefundEvidence(command.receipt, new, amount, full=False, due=())
    return Back(before=before, after=after, evidence=evidence, refunded_minor=back_minor, left_minor=left - back_minor)


def _returned(before: rules.Purchase, place: int, asked: Any) -> rules.Return:
    line = next((one for one in before.lines or () if one.line == asked.line), None)
    if line is None:
        raise LineUnknown(pointer=f"/lines/{place}/line", line=asked.line)
    if (asked.quantity or 0) > line.quantity:
        raise RefundExceedsPurchase(pointer=f"/lines/{place}/quantity", left_quantity=line.quantity)
    if (asked.amount_minor or 0) > line.amount_minor:
        raise RefundExceedsPurchase(pointer=f"/lines/{place}/amount_minor", left_minor=line.amount_minor)
    return rules.Return(line=asked.line, quantity=asked.quantity, amount_minor=asked.amount_minor)


def _due(
    bought: Bought, back: Back, earlier: tuple[RefundEvidence, ...], edition: Edition
) -> tuple[tuple[Awarded, int], ...]:
    """Tell what is to be taken back from which award: what was earned, less what would have been, less what was taken."""
    would_be: dict[tuple[str, str], int] = {}
    if back.left_minor:
        for award in edition.compiled.evaluate(back.after, bought.evidence.facts).awards:
            would_be[award.rule, award.unit] = would_be.get((award.rule, award.unit), 0) + award.amount
    taken: dict[tuple[str, str], int] = {}
    for refund in earlier:
        for rule, unit, amount in refund.due:
            taken[rule, unit] = taken.get((rule, unit), 0) + amount
    due = []
    for unit in dict.fromkeys(award.unit for award in bought.awards):
        earned = sum(award.amount for award in bought.awards if award.unit == unit)
        stays = sum(amount for (_, of), amount in would_be.items() if of == unit)
        gone = sum(amount for (_, of), amount in taken.items() if of == unit)
        # A rule that fires only now may make up for another: the unit's total decides, the rules share it.
        total = max(0, earned - stays - gone)
        for award in (one for one in bought.awards if one.unit == unit):
            key = (award.rule, award.unit)
            part = min(total, max(0, award.amount - would_be.get(key, 0) - taken.get(key, 0)))
            total -= part
            due.append((award, part))
    return tuple((award, part) for award, part in due if part)


async def _take_back(
    sheet: ledger.Sheet, bought: Bought, due: tuple[tuple[Awarded, int], ...], policy: str, reader: journal.Reader
) -> tuple[TakenBack, ...]:
    """Enter what is taken back, per award, as far as the programme's policy reaches."""
    result = []
    for unit in dict.fromkeys(award.unit for award, _ in due):
        held = await ledger.open_lots(reader, sheet.business_id, sheet.member_id, unit)
        account = sheet.accounts[unit]
        reach = max(0, account.balance - account.held)
        if policy == "forgive":
            reach = min(reach, sum(lot.remaining for lot in held if lot.journal_id == bought.id))
        for award, part in ((award, part) for award, part in due if award.unit == unit):
            amount = part if policy == "owe" else min(part, reach)
            reach -= amount
            entry = None
            if amount:
                out = lots.take_back(held, amount, earned_by=bought.id)
                held = lots.after(held, out)
                says = f"taken back: {award.reason}"
                entry = sheet.debit(
                    unit, amount, out, kind="reversal", counter="issued", says=says, rule=award.rule,
                    reverses=award.entry,
                ).id  # fmt: skip
            result.append(TakenBack(entry, award.rule, unit, amount, part - amount if policy != "forgive" else 0))
    return tuple(result)


def _limits_given_back(
    business_id: int, state: MemberState, bought: Bought, back: Back, edition: Edition
) -> tuple[LimitUseRow, ...]:
    """Give back the limits the returned goods had used, so that what was undone does not count against the member."""
    facts = bought.evidence.facts
    before = edition.compiled.evaluate(back.before, facts).uses
    after = {(u.subject, u.window): u for u in (edition.compiled.evaluate(back.after, facts).uses if back.left_minor else ())}
    used = {(u.subject, u.window): u for u in state.used or ()}
    rows = []
    for use in before:
        now, stays = used.get((use.subject, use.window)), after.get((use.subject, use.window))
        times = use.times - (stays.times if stays else 0)
        amount = use.amount - (stays.amount if stays else 0)
        if now is None or (times <= 0 and amount <= 0):
            continue
        rows.append(
            LimitUseRow(
                business_id, state.id, use.subject, use.window, to_micros(use.starts_at), to_micros(use.ends_at),
                max(0, now.times - max(0, times)), max(0, now.amount - max(0, amount)),
            )  # fmt: skip
        )
    return tuple(rows)


def _answer(
    bought: Bought, back: Back, taken: tuple[TakenBack, ...], sheet: ledger.Sheet, state: MemberState, edition: Edition
) -> RefundAnswer:
    lost: dict[str, int] = {}
    for part in taken:
        lost[part.unit] = lost.get(part.unit, 0) - part.amount
    programme = edition.programme
    moves = [(unit, amount, sheet.accounts[unit].balance) for unit, amount in lost.items()]
    return RefundAnswer(
        sheet.journal_id, "recorded", bought.id, back.refunded_minor, back.left_minor, taken,
        balances(programme, sheet.accounts), receipt_lines(programme, language_for(programme, state.language), moves),
    )  # fmt: skip
