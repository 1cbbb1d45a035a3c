"""A shop as a child would keep it: no ledger, only lists of parcels, of what was earned, and of what is set aside.

The engine is held against it, step by step.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

BEGUN = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
SHOP = """
[programme]
name = "Corner Café"
country = "NO"
currency = "NOK"
timezone = "Etc/UTC"
languages = ["en"]

[units.points]
expires_after = "30 days"
pending_for = "2 days"

[[rules]]
id = "base"
on = "purchase"
then.award = { unit = "points", amount = 1, per_minor = 1000 }

[[rules]]
id = "gold-double"
on = "purchase"
when.member.tier = ["gold"]
then.multiply = { unit = "points", by = 2 }

[[perks]]
id = "free-coffee"
price = { unit = "points", amount = 12 }
gives.free_item = { category = ["coffee"] }
valid_for = "10 days"

[[tiers]]
id = "gold"
needs = { earned = { unit = "points", amount = 40 }, within = "20 days" }
keeps_for = "25 days"
"""
PENDING, LASTS, WITHIN, KEEPS = timedelta(days=2), timedelta(days=30), timedelta(days=20), timedelta(days=25)
VOUCHER_LASTS, COFFEE, NEEDED = timedelta(days=10), 12, 40


class Parcel:
    """So many units, good from one instant until another."""

    def __init__(self, amount: int, came: datetime, pending: timedelta, by: int | None) -> None:
        self.left, self.from_, self.until, self.by = amount, came + pending, came + LASTS, by


Out = list[tuple[Parcel, int]]


class Kept:
    """Something set aside: `voucher` where it is one, else units, which may be the price of a coffee."""

    def __init__(
        self, amount: int, held_at: datetime, until: datetime, *, coffee: bool, voucher: Voucher | None
    ) -> None:
        self.amount, self.held_at, self.until, self.coffee, self.voucher = amount, held_at, until, coffee, voucher
        self.over = ""
        self.id = ""

    def status(self, at: datetime) -> str:
        return self.over or ("active" if at < self.until else "lapsed")


class Voucher:
    """A free coffee on paper."""

    def __init__(self, code: str, until: datetime) -> None:
        self.code, self.until, self.used = code, until, False
        self.hold: Kept | None = None

    def state(self, at: datetime) -> str:
        if self.used:
            return "redeemed"
        return "held" if self.hold is not None and self.hold.status(at) == "active" else "issued"


class Bought:
    """A purchase, and what was spent in it."""

    def __init__(self, id_: str, number: int, spent: Out, voucher: Voucher | None) -> None:
        self.id, self.number, self.spent, self.voucher, self.back = id_, number, spent, voucher, False


class Person:
    """A member."""

    def __init__(self) -> None:
        self.parcels: list[Parcel] = []
        self.earned: list[tuple[datetime, int, int]] = []  # (day, amount, purchase)
        self.holds: list[Kept] = []
        self.vouchers: list[Voucher] = []
        self.bought: list[Bought] = []
        self.gold_until: datetime | None = None

    def live(self, at: datetime) -> list[Parcel]:
        return sorted((one for one in self.parcels if one.until > at), key=lambda one: one.until)

    def aside(self, at: datetime) -> int:
        return sum(one.amount for one in self.holds if one.status(at) == "active")

    def available(self, at: datetime) -> int:
        """What is set aside may have run out meanwhile, but is no debt."""
        return max(0, sum(one.left for one in self.live(at) if one.from_ <= at) - self.aside(at))

    def pending(self, at: datetime) -> int:
        return sum(one.left for one in self.live(at) if one.from_ > at)

    def spends(self, amount: int, at: datetime) -> Out:
        return take([one for one in self.live(at) if one.from_ <= at], amount)

    def captures(self, hold: Kept, amount: int, at: datetime) -> Out:
        """What was good when it was set aside is good until then; what still waits comes last."""
        hold.over = "captured"
        if hold.voucher is not None:
            hold.voucher.used, hold.voucher.hold = True, None
            return []
        return take(sorted(self.live(hold.held_at), key=lambda one: (one.from_ > at, one.until)), amount)

    def brings_back(self, bought: Bought, at: datetime) -> tuple[int, int]:
        """Get back what was spent, and lose what was earned as far as it is there; gives what is lost, and what not."""
        bought.back = True
        for parcel, part in bought.spent:
            parcel.left += part
        if bought.voucher is not None:
            bought.voucher.used = False
        due = sum(amount for _, amount, by in self.earned if by == bought.number)
        self.gold(at)
        self.earned = [(day, 0 if by == bought.number else amount, by) for day, amount, by in self.earned]
        self._lives_again(at)
        live = self.live(at)
        reach = max(0, sum(one.left for one in live) - self.aside(at))
        own = [*(one for one in live if one.by == bought.number), *(one for one in live if one.by != bought.number)]
        lost = sum(part for _, part in take(own, min(due, reach)))
        return lost, due - lost

    def earns(self, amount: int, number: int, at: datetime) -> None:
        gold = self.gold(at)
        if amount:
            self.parcels.append(Parcel(amount, at, PENDING, number))
        self.earned.append((_day(at), amount, number))
        if not gold and self._earned_by(at) >= NEEDED:
            self.gold_until = _day_after(at + KEEPS)

    def gold(self, at: datetime) -> bool:
        while self.gold_until is not None and self.gold_until <= at:
            kept = self._earned_by(self.gold_until - timedelta(microseconds=1)) >= NEEDED
            self.gold_until = _day_after(self.gold_until + KEEPS) if kept else None
        return self.gold_until is not None

    def _earned_by(self, at: datetime) -> int:
        return sum(amount for day, amount, _ in self.earned if day <= at < day + WITHIN)

    def _lives_again(self, at: datetime) -> None:
        """Come to the standing that what is still earned leads to."""
        self.gold_until = None
        for day in sorted({day for day, _, _ in self.earned}):
            if not self.gold(day) and self._earned_by(day) >= NEEDED:
                self.gold_until = _day_after(day + KEEPS)
        self.gold(at)


def take(parcels: list[Parcel], amount: int) -> Out:
    """Take an amount out of parcels in the order given."""
    out = []
    for parcel in parcels:
        part = min(parcel.left, amount)
        if part:
            parcel.left, amount = parcel.left - part, amount - part
            out.append((parcel, part))
    return out


def micros(at: datetime) -> int:
    return int(at.timestamp()) * 10**6


def _day(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def _day_after(at: datetime) -> datetime:
    return _day(at) + timedelta(days=1)
