"""Goods come back that perks had paid for in part: the money that was paid, and what was spent, each in its share.

Pure: nothing here reads or writes. Three views of one purchase are kept apart: as it was told, as it was paid for in
money, and as the rules judged it. Of a line, the pieces a perk paid for wholly come back last. Invariant: never more
money is given back than was paid, and never more of what was spent than was spent; all of it once everything is back.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from msgspec import Struct

import rules
from loyalty_engine.commands import RefundPurchase, ReturnedLine
from loyalty_engine.errors import LineUnknown, NothingLeftToRefund, RefundExceedsPurchase
from loyalty_engine.evidence import RefundEvidence, Spent
from loyalty_engine.returns import Back

if TYPE_CHECKING:
    from loyalty_engine.evidence import PurchaseEvidence


class Due(Struct, frozen=True):
    """What is to be given back of something spent: so many units, or (1) the voucher; `over` when that is all of it."""

    spent: Spent
    amount: int
    over: bool


class _Views(Struct, frozen=True):
    """A purchase in which something was redeemed: as told, as paid for, and as judged."""

    told: rules.Purchase
    paid: rules.Purchase
    judged: rules.Purchase
    spent: tuple[Spent, ...]

    def free_pieces(self, line: str) -> int:
        """Give how many pieces of a line perks paid for wholly."""
        return sum(part.pieces for one in self.spent for part in one.parts if part.line == line)


def _views(evidence: PurchaseEvidence) -> _Views:
    assert evidence.told is not None, "something was redeemed"
    off = [rules.Discount(one.parts) for one in evidence.spent]
    return _Views(evidence.told, rules.paid(evidence.told, off), evidence.purchase, evidence.spent)


def measure(
    evidence: PurchaseEvidence, command: RefundPurchase, earlier: tuple[RefundEvidence, ...]
) -> tuple[Back, tuple[Due, ...]]:
    """Hold a refund against what is left; refused in this order: nothing left, unknown line, more than is left."""
    views = _views(evidence)
    goods = tuple(one for refund in earlier for one in refund.goods)
    money = sum(refund.money_minor for refund in earlier)
    paid = rules.without(views.paid, goods, amount_minor=money)
    left = paid.total_minor - paid.refunded_minor
    if any(refund.full for refund in earlier) or _is_gone(paid, bool(earlier)):
        raise NothingLeftToRefund
    before = _judged(views, earlier, (), 0)
    if command.full:
        kept = RefundEvidence(command.receipt, (), 0, full=True, due=())
        back = Back(before=before, after=before, evidence=kept, refunded_minor=left, left_minor=0, gone=True)
        return _with_due(views, back, paid, earlier)
    new = tuple(_returned(views, paid, n, one) for n, one in enumerate(command.lines or ()))
    amount = command.amount_minor or 0
    after = rules.without(views.paid, (*goods, *new), amount_minor=money + amount)
    back_minor = amount or paid.total_minor - after.total_minor
    if back_minor > left:
        raise RefundExceedsPurchase(pointer="/amount_minor" if amount else "/lines", left_minor=left)
    returns, judged_amount = _in_the_rules_eyes(views, before, new, amount)
    kept = RefundEvidence(
        command.receipt, returns, judged_amount, full=False, due=(), goods=new, money_minor=amount,
    )  # fmt: skip
    back = Back(
        before=before, after=_judged(views, earlier, returns, judged_amount), evidence=kept,
        refunded_minor=back_minor, left_minor=left - back_minor, gone=_is_gone(after, already=True),
    )  # fmt: skip
    return _with_due(views, back, after, earlier)


def _is_gone(paid: rules.Purchase, already: bool) -> bool:  # noqa: FBT001
    """Tell whether nothing is left: neither money nor a piece. What perks paid for whole can be given back once."""
    if paid.total_minor - paid.refunded_minor > 0:
        return False
    return not paid.lines if paid.lines is not None else already


def _returned(views: _Views, paid: rules.Purchase, place: int, asked: ReturnedLine) -> rules.Return:
    """Say how many pieces and how much money come back of a line; pieces that were free come back last."""
    line = next((one for one in paid.lines or () if one.line == asked.line), None)
    if line is None:
        raise LineUnknown(pointer=f"/lines/{place}/line", line=asked.line)
    if (asked.quantity or 0) > line.quantity:
        raise RefundExceedsPurchase(pointer=f"/lines/{place}/quantity", left_quantity=line.quantity)
    if (asked.amount_minor or 0) > line.amount_minor:
        raise RefundExceedsPurchase(pointer=f"/lines/{place}/amount_minor", left_minor=line.amount_minor)
    if asked.amount_minor is not None:
        return rules.Return(line=line.line, quantity=asked.quantity or 0, amount_minor=asked.amount_minor)
    pieces = line.quantity if asked.quantity is None else asked.quantity
    paying = line.quantity - min(line.quantity, views.free_pieces(line.line))
    money = line.amount_minor if pieces >= paying else line.amount_minor * pieces // paying
    return rules.Return(line=line.line, quantity=pieces, amount_minor=money)


def _in_the_rules_eyes(
    views: _Views, before: rules.Purchase, new: tuple[rules.Return, ...], amount: int
) -> tuple[tuple[rules.Return, ...], int]:
    """Say the same of the purchase that the rules judged: that of which perks paid nothing, or the whole of it."""
    lines = {line.line: line for line in before.lines or ()}
    paid = {line.line: line for line in views.paid.lines or ()}
    whole = views.judged == views.told
    returns = []
    for one in new:
        line = lines.get(one.line)
        if line is None:
            continue
        pieces, money = min(one.quantity or 0, line.quantity), one.amount_minor or 0
        if whole and pieces:
            money = line.amount_minor * pieces // line.quantity
        elif whole and paid[one.line].amount_minor:
            money = next(t.amount_minor for t in views.told.lines or () if t.line == one.line) * money
            money //= paid[one.line].amount_minor
        returns.append(rules.Return(line=one.line, quantity=pieces, amount_minor=min(money, line.amount_minor)))
    if whole and views.paid.total_minor:
        amount = amount * views.told.total_minor // views.paid.total_minor
    return tuple(returns), amount


def _judged(
    views: _Views, earlier: tuple[RefundEvidence, ...], new: tuple[rules.Return, ...], amount: int
) -> rules.Purchase:
    returns = [one for refund in earlier for one in refund.returns]
    money = sum(refund.amount_minor for refund in earlier)
    return rules.without(views.judged, [*returns, *new], amount_minor=money + amount)


def _with_due(
    views: _Views, back: Back, after: rules.Purchase, earlier: tuple[RefundEvidence, ...]
) -> tuple[Back, tuple[Due, ...]]:
    """Tell what is to be given back of each redemption, less what was given back before."""
    due = []
    for n, one in enumerate(views.spent):
        most = one.amount if one.unit is not None else 1
        before = sum(refund.back[n] for refund in earlier if refund.back)
        share = Fraction(1) if back.gone else _share(views, n, one, after)
        target = int(most * share)
        due.append(Due(one, max(0, target - before), over=share >= 1 and before < most))
    return back, tuple(due)


def _share(views: _Views, place: int, one: Spent, after: rules.Purchase) -> Fraction:
    """Tell how much of what a redemption stood on has come back."""
    if one.on == "order":
        there = views.paid.total_minor
        left = after.total_minor - after.refunded_minor
        return Fraction(there - left, there) if there else Fraction(0)
    if one.on == "item":
        return Fraction(int(_item_is_back(views, place, one, after)))
    if one.on == "goods":
        off = sum(part.amount_minor for part in one.parts)
        return sum((Fraction(part.amount_minor, off) * _line_back(views, part.line, after) for part in one.parts),
                   start=Fraction(0))  # fmt: skip
    return Fraction(0)


def _line_back(views: _Views, name: str | None, after: rules.Purchase) -> Fraction:
    whole = next((line for line in views.paid.lines or () if line.line == name), None)
    if whole is None:
        return Fraction(0)
    left = next((line for line in after.lines or () if line.line == name), None)
    if left is None:
        return Fraction(1)
    if whole.amount_minor:
        return 1 - Fraction(left.amount_minor, whole.amount_minor)
    return 1 - Fraction(left.quantity, whole.quantity)


def _item_is_back(views: _Views, place: int, one: Spent, after: rules.Purchase) -> bool:
    """Tell whether the piece a perk paid for is back: the last of its line, and of several the first that was free."""
    [part] = one.parts
    left = next((line.quantity for line in after.lines or () if line.line == part.line), 0)
    if not part.pieces or part.line is None:
        return left == 0
    before = sum(p.pieces for other in views.spent[:place] for p in other.parts if p.line == part.line)
    return views.free_pieces(part.line) - min(left, views.free_pieces(part.line)) > before
