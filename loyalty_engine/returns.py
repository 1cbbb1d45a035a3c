"""What comes back, measured: against what is left of the purchase, and in units that are no longer earned.

Pure: nothing here reads or writes. Invariant: a refund never gives back more money than was paid, and what is due from
an award is never more than it gave.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

import rules
from loyalty_engine import lots
from loyalty_engine.answers import Awarded
from loyalty_engine.commands import RefundPurchase, ReturnedLine
from loyalty_engine.database import MemberState
from loyalty_engine.errors import LineUnknown, NothingLeftToRefund, RefundExceedsPurchase
from loyalty_engine.evidence import RefundEvidence
from loyalty_engine.rows import LimitUseRow, limit_row
from loyalty_engine.standing.ladder import Gained

if TYPE_CHECKING:
    from loyalty_engine.purchases import Bought
    from loyalty_engine.shelf import Edition


class Back(Struct, frozen=True, kw_only=True):
    """A refund measured against what is left: the purchase before and after it, and the money it gives back."""

    before: rules.Purchase
    after: rules.Purchase
    evidence: RefundEvidence
    refunded_minor: int
    left_minor: int
    gone: bool


def measure(bought: Bought, command: RefundPurchase, earlier: tuple[RefundEvidence, ...]) -> Back:
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
        return Back(before=before, after=before, evidence=evidence, refunded_minor=left, left_minor=0, gone=True)
    new = tuple(_returned(before, n, one) for n, one in enumerate(command.lines or ()))
    amount = command.amount_minor or 0
    after = rules.without(whole, (*returns, *new), amount_minor=money + amount)
    back_minor = amount or before.total_minor - after.total_minor
    if back_minor > left:
        raise RefundExceedsPurchase(pointer="/amount_minor" if amount else "/lines", left_minor=left)
    evidence = RefundEvidence(command.receipt, new, amount, full=False, due=())
    left -= back_minor
    return Back(
        before=before, after=after, evidence=evidence, refunded_minor=back_minor, left_minor=left, gone=not left
    )  # fmt: skip


def _returned(before: rules.Purchase, place: int, asked: ReturnedLine) -> rules.Return:
    line = next((one for one in before.lines or () if one.line == asked.line), None)
    if line is None:
        raise LineUnknown(pointer=f"/lines/{place}/line", line=asked.line)
    if (asked.quantity or 0) > line.quantity:
        raise RefundExceedsPurchase(pointer=f"/lines/{place}/quantity", left_quantity=line.quantity)
    if (asked.amount_minor or 0) > line.amount_minor:
        raise RefundExceedsPurchase(pointer=f"/lines/{place}/amount_minor", left_minor=line.amount_minor)
    return rules.Return(line=asked.line, quantity=asked.quantity, amount_minor=asked.amount_minor)


def due_from(
    bought: Bought, back: Back, earlier: tuple[RefundEvidence, ...], edition: Edition
) -> tuple[tuple[Awarded, int], ...]:
    """Tell what is due from which award: what was earned, less what would have been, less what was due before."""
    would_be: dict[tuple[str, str], int] = {}
    if not back.gone:
        for given in edition.compiled.evaluate(back.after, bought.evidence.facts).awards:
            would_be[given.rule, given.unit] = would_be.get((given.rule, given.unit), 0) + given.amount
    given_for_goods = _given_for_goods(bought, edition)
    taken: dict[tuple[str, str], int] = {}
    for refund in earlier:
        for rule, unit, amount in refund.due:
            taken[rule, unit] = taken.get((rule, unit), 0) + amount
    due = []
    for unit in dict.fromkeys(award.unit for award in given_for_goods):
        earned = sum(award.amount for award in given_for_goods if award.unit == unit)
        stays = sum(amount for (_, of), amount in would_be.items() if of == unit)
        gone = sum(amount for (_, of), amount in taken.items() if of == unit)
        # A rule that fires only now may make up for another: the unit's total decides, the rules share it.
        total = max(0, earned - stays - gone)
        for award in (one for one in given_for_goods if one.unit == unit):
            key = (award.rule, award.unit)
            part = min(total, max(0, award.amount - would_be.get(key, 0) - taken.get(key, 0)))
            total -= part
            due.append((award, part))
    return tuple((award, part) for award, part in due if part)


def lost(back: Back, due: tuple[tuple[Awarded, int], ...]) -> Gained:
    """Tell what no longer counts towards a tier: what was due back, taken or not, and the visit if all is gone."""
    earned: dict[str, int] = {}
    for award, part in due:
        earned[award.unit] = earned.get(award.unit, 0) + part
    return Gained(back.refunded_minor, int(back.gone), earned)


def _given_for_goods(bought: Bought, edition: Edition) -> tuple[Awarded, ...]:
    """Give the awards that rest on what was bought: who joined with this purchase has joined, whatever comes back."""
    if not bought.evidence.raised:
        return bought.awards
    of_events = {rule.id for rule in edition.programme.rules if rule.on != rules.Purchase.kind}
    return tuple(award for award in bought.awards if award.rule not in of_events)


class TakenFrom(Struct, frozen=True):
    """What is taken back of one award: so much was due, so much is taken, out of these lots."""

    award: Awarded
    due: int
    amount: int
    out: tuple[lots.Taken, ...]


def takings(
    due: Iterable[tuple[Awarded, int]], policy: str, free: int, held: tuple[lots.Lot, ...], purchase: str
) -> Iterator[TakenFrom]:
    """Tell what is taken back of one unit, award by award, as far as the programme's policy reaches.

    `free` is the balance that is not set aside, `held` the member's lots of the unit, `purchase` what is given back.
    """
    reach = max(0, free)
    if policy == "forgive":
        reach = min(reach, sum(lot.remaining for lot in held if lot.journal_id == purchase))
    for award, part in due:
        amount = part if policy == "owe" else min(part, reach)
        reach -= amount
        out = lots.take_back(held, amount, earned_by=purchase)
        held = lots.after(held, out)
        yield TakenFrom(award, part, amount, out)


def undone(bought: Bought, back: Back, edition: Edition) -> Iterator[tuple[rules.Use, int, int]]:
    """Tell which uses of limits the returned goods undo, and by how many times and how much."""
    facts = bought.evidence.facts
    before = edition.compiled.evaluate(back.before, facts).uses
    after = {
        (u.subject, u.window): u for u in (edition.compiled.evaluate(back.after, facts).uses if not back.gone else ())
    }
    for use in before:
        stays = after.get((use.subject, use.window))
        times = max(0, use.times - (stays.times if stays else 0))
        amount = max(0, use.amount - (stays.amount if stays else 0))
        if times or amount:
            yield use, times, amount


def limits_given_back(
    business_id: int, state: MemberState, bought: Bought, back: Back, edition: Edition
) -> tuple[LimitUseRow, ...]:
    """Give back the limits the returned goods had used, so that what was undone does not count against the member."""
    used = {(u.subject, u.window): u for u in state.used or ()}
    rows = []
    for use, times, amount in undone(bought, back, edition):
        now = used.get((use.subject, use.window))
        if now is not None:
            left = (max(0, now.times - times), max(0, now.amount - amount))
            rows.append(limit_row(business_id, state.id, use, *left))
    return tuple(rows)
