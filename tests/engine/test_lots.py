"""Which parcel of units goes first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from loyalty_engine.lots import Lot, after, burn, burn_order, due, take, take_back

NOW = 1000


def lot(name: str, remaining: int = 10, *, expires: int | None = None, spendable: int = 0, by: str = "pur_a") -> Lot:
    return Lot(
        id=name, unit="points", amount=max(remaining, 1), remaining=remaining, journal_id=by, spendable_at=spendable,
        expires_at=expires, recorded_at=int(name[-1]),
    )  # fmt: skip


def taken(parts: object) -> list[tuple[str, int]]:
    return [(part.lot.id, part.amount) for part in parts]  # type: ignore[attr-defined]


def test_points_expire_oldest_first() -> None:
    lots = [lot("lot3"), lot("lot2", expires=9000), lot("lot1", expires=5000)]

    assert taken(burn(lots, 25, at=NOW)) == [("lot1", 10), ("lot2", 10), ("lot3", 5)]


def test_of_two_that_expire_together_the_earlier_recorded_goes_first() -> None:
    lots = [lot("lot2", expires=5000), lot("lot1", expires=5000)]

    assert taken(burn(lots, 12, at=NOW)) == [("lot1", 10), ("lot2", 2)]


def test_pending_and_lapsed_lots_are_not_spent() -> None:
    lots = [lot("lot1", spendable=NOW + 1), lot("lot2", expires=NOW), lot("lot3", spendable=NOW, expires=NOW + 1)]

    assert taken(burn(lots, 30, at=NOW)) == [("lot3", 10)]


def test_a_refund_takes_from_its_own_purchase_before_others() -> None:
    lots = [lot("lot1", expires=2000), lot("lot2", by="pur_b"), lot("lot3", 4, by="pur_b")]

    assert taken(take_back(lots, 17, earned_by="pur_b")) == [("lot2", 10), ("lot3", 4), ("lot1", 3)]


def test_what_is_due_still_holds_something_and_has_reached_its_instant() -> None:
    lots = [lot("lot1", expires=NOW), lot("lot2", 0, expires=NOW), lot("lot3", expires=NOW + 1), lot("lot4")]

    assert [one.id for one in due(lots, at=NOW)] == ["lot1"]


some_lots = st.lists(st.integers(0, 50), max_size=9).map(
    lambda amounts: [lot(f"lot{n}", amount, expires=amount % 7 * 1000 or None) for n, amount in enumerate(amounts)]
)


@given(some_lots, st.integers(0, 300))
def test_taking_never_takes_more_than_asked_or_than_there_is(lots: list[Lot], amount: int) -> None:
    out = take(sorted(lots, key=burn_order), amount)

    assert sum(part.amount for part in out) == min(amount, sum(one.remaining for one in lots))
    assert all(0 < part.amount <= part.lot.remaining for part in out)
    assert len({part.lot.id for part in out}) == len(out)
    assert sum(one.remaining for one in after(lots, out)) == sum(one.remaining for one in lots) - sum(
        p.amount for p in out
    )
