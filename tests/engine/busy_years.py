"""Years at the café, thrown by dice: purchases, refunds of every kind, events, corrections, programmes that change."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

from loyalty_engine import enrolling
from loyalty_engine.answers import PurchaseAnswer
from loyalty_engine.businesses import Caller
from loyalty_engine.commands import EnrolMember, MemberRef
from loyalty_engine.errors import LoyaltyError
from loyalty_engine.house import House
from tests.engine.agreeing import WATCH_ME, WORDINGS
from tests.engine.shop import (
    MONDAY,
    adjusts,
    buys,
    flat_whites,
    happens,
    programme,
    publish,
    returns,
    returns_by_receipt,
    ticket,
)

REGULARS = [f"999 00 {number}" for number in range(301, 313)]

FIRST = """
[[rules]]
id = "welcome"
on = "purchase"
when.member = { first_purchase = true }
then.award = { unit = "points", amount = 50 }
"""
RICH = """
[[rules]]
id = "rich"
on = "purchase"
when.member = { balance = { points = { min = 60 } } }
then.award = { unit = "points", amount = 7 }
limit = [{ times = 3, per = "week" }, { amount = 40, per = "month" }]
group = "visit"

[[rules]]
id = "regular"
on = "purchase"
when.member = { visits = { min = 4 }, spend_minor = { min = 20000 } }
then.award = { unit = "points", amount = 4 }
group = "visit"

[[rules]]
id = "missed-you"
on = "purchase"
when.member = { days_since_last_purchase = { min = 2 }, days_since_joined = { min = 5 } }
then.award = { unit = "stamps", amount = 2 }
limit = [{ times = 2, per = "month" }]
"""
LIVELY = """
[[rules]]
id = "hello"
on = "joined"
then = { award = { unit = "points", amount = 15 }, tag = { add = ["new"] } }
limit = { times = 1, per = "ever" }

[[rules]]
id = "own-cup"
on = "own_cup"
when.attributes = { size = { max = 3 } }
then = { award = { unit = "points", amount = 3 }, tag = { add = ["green"], remove = ["new"] } }
limit = { times = 2, per = "day" }

[[rules]]
id = "fourth-cold-cup"
on = "cold_cup"
when.member = { count = { of = "cold_cup", within = "30 days", min = 3 } }
then.award = { unit = "stamps", amount = 4 }

[[rules]]
id = "green"
on = "purchase"
when = { member = { tag = ["green"], count = { of = "purchase", within = "7 days", max = 9 } } }
then.award = { unit = "points", amount = 2 }

[[rules]]
id = "long-time"
on = "purchase"
when.member.overdue = { min = 1.5 }
when.member.consent = ["profiling"]
when.member.count = { of = "joined", within = "1 year", min = 1 }
then = { award = { unit = "points", amount = 9 }, tag = { remove = ["green"] } }
"""
VERSIONS = [
    programme(more=FIRST),
    programme(more=FIRST + RICH, points='pending_for = "3 days"'),
    programme(about='refund = "owe"', more=RICH),
    programme(about='refund = "forgive"\nmultipliers = "add"', more=FIRST + RICH).replace("12 months", "20 days"),
    programme(more=RICH),
    programme(more=LIVELY + RICH + WORDINGS),
    programme(more=LIVELY + WORDINGS, points='pending_for = "1 day"', about='refund = "owe"'),
]


class Years:
    """What the dice have done so far, and the clock they do it by."""

    def __init__(self, house: House, cafe: Caller, seed: int) -> None:
        self.house, self.cafe = house, cafe
        self.dice = random.Random(seed)  # noqa: S311  # dice, not a secret
        self.at = MONDAY
        self.regulars = [*REGULARS]
        self.bought: list[PurchaseAnswer] = []
        self.receipts: list[str] = []
        self.told = 0
        self.asks = False
        self.refused = 0
        self._number = 0

    async def go_by(self, operations: int) -> None:
        for _ in range(operations):
            self.at += timedelta(minutes=self.dice.choice((3, 20, 90, 400)))
            what = self.dice.choices(
                (
                    self._buys, self._returns, self._adjusts, self._publishes, self._comes_back_early, self._joins,
                    self._tells,
                ),
                weights=(60, 15, 5, 2, 2, 2, 14),
            )[0]  # fmt: skip
            try:
                await what()
            except LoyaltyError:
                self.refused += 1

    def _receipt(self) -> str:
        self._number += 1
        return f"receipt-{self._number}"

    def _somebody(self) -> str:
        """A regular, or once in a while somebody new."""
        if self.dice.random() < 0.01:
            self.regulars.append(f"999 00 {400 + len(self.regulars)}")
            return self.regulars[-1]
        return self.dice.choice(self.regulars)

    async def _buys(self, receipt: str | None = None) -> None:
        dice = self.dice
        lines: list[dict[str, Any]] = [
            {
                "line": str(number), "sku": dice.choice(("FLATWHITE", "BUN", "BEANS")),
                "category": dice.choice(("coffee", "bakery", "beans")), "quantity": dice.randint(1, 4),
                "amount_minor": dice.randint(1, 250) * 100,
            }
            for number in range(dice.randint(1, 4))
        ]  # fmt: skip
        told = {
            "lines": lines,
            "total_minor": sum(line["amount_minor"] for line in lines),
            "occurred_at": self.at - timedelta(hours=dice.choice((0, 0, 0, 1, 30, 200))),
        }
        if dice.random() < 0.1:
            told["lines"] = None
        if self.asks and dice.random() < 0.4:
            told["consents"] = [WATCH_ME]
        command = flat_whites(receipt or self._receipt(), phone=self._somebody(), **told)
        self.bought.append(await buys(self.house, self.cafe, command, at=self.at))

    async def _returns(self) -> None:
        if not self.bought:
            return
        dice = self.dice
        what: dict[str, Any] = dice.choice(
            ({"full": True}, {"amount_minor": dice.randint(1, 9000)}, {"lines": [{"line": "0"}]},
             {"lines": [{"line": "0", "quantity": 1}, {"line": "1"}]}, {"lines": [{"line": "1", "amount_minor": 700}]})
        )  # fmt: skip
        of = dice.choice(self.bought[-60:])
        await returns(self.house, self.cafe, of.id, self._receipt(), at=self.at, **what)

    async def _adjusts(self) -> None:
        if self.bought:
            member = self.dice.choice(self.bought).member.id
            amount = self.dice.choice((-40, -10, -1, 5, 30))
            await adjusts(self.house, self.cafe, member, amount, at=self.at)

    async def _publishes(self) -> None:
        source = self.dice.choice(VERSIONS)
        self.asks = WORDINGS in source
        await publish(self.house, self.cafe, source, at=self.at)

    async def _comes_back_early(self) -> None:
        """A refund is told before its purchase."""
        receipt = self._receipt()
        await returns_by_receipt(self.house, self.cafe, receipt, self._receipt(), at=self.at, amount_minor=500)
        await self._buys(receipt)

    async def _tells(self) -> None:
        """Something else happened, sometimes told late and sometimes twice."""
        dice = self.dice
        kind, reference = dice.choice(("own_cup", "cold_cup", "cold_cup")), self._receipt()
        told: dict[str, Any] = {
            "phone": dice.choice(self.regulars), "attributes": {"size": dice.randint(1, 4)},
            "occurred_at": self.at - timedelta(hours=dice.choice((0, 0, 0, 2, 100))),
        }  # fmt: skip
        for _ in range(dice.choice((1, 1, 1, 2))):
            await happens(self.house, self.cafe, kind, reference, at=self.at, **told)
            self.told += 1

    async def _joins(self) -> None:
        command = EnrolMember(member=MemberRef(phone=self._somebody()))
        await enrolling.enrol(self.house, self.cafe, command, ticket(at=self.at))
        self.at += timedelta(days=self.dice.choice((0, 0, 1, 9)))
