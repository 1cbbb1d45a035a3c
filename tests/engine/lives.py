"""Two members' random lives at the counter: they buy, spend, set aside, agree and refuse, and bring things back."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta
from typing import Any

import msgspec

from loyalty_engine import refunding
from loyalty_engine.answers import PurchaseAnswer
from loyalty_engine.businesses import Caller
from loyalty_engine.commands import RefundPurchase
from loyalty_engine.errors import HoldsInTheWay, LoyaltyError
from loyalty_engine.house import House
from loyalty_engine.identity import merging, unmerging
from loyalty_engine.identity.people import MergeAnswer, MergeMembers
from loyalty_engine.redemption import holds
from loyalty_engine.redemption.commands import CaptureHold, PlaceHold, ReleaseHold
from tests.engine.agreeing import says
from tests.engine.counter import spends
from tests.engine.shop import INGRID, MONDAY, OLAV, adjusts, buys, flat_whites, sees, ticket

# What a guest may ask for at the till; much of it is refused, and that changes nothing.
REDEEMED: tuple[dict[str, Any], ...] = (
    {"unit": "kroner", "amount": 3},
    {"perk": "free-coffee"},
    {"perk": "tenth-off"},
    {"perk": "once-a-month"},
    {"perk": "first-ten"},
)
DECIDED = ("given", "given", "refused", "withdrawn", "stopped", "started")


class Life:
    """One random history of two members, in a café of their own."""

    def __init__(self, house: House, caller: Caller, seed: int) -> None:
        self.house, self.caller, self.chance = house, caller, random.Random(seed)  # noqa: S311  # histories, no secrets
        self.at = MONDAY
        self.phones = (INGRID, OLAV)
        self.number = 0
        self.bought: list[str] = []
        self.codes: list[str] = []
        self.aside: list[str] = []
        self.done: Counter[str] = Counter()

    async def live(self, steps: int) -> None:
        """Let so many things happen, minutes or days apart."""
        often = (self.buy, self.buy, self.give_back, self.adjust, self.spend, self.decide, self.set_aside, self.close)
        for _ in range(steps):
            self.number += 1
            self.at += timedelta(minutes=self.chance.randint(1, 2000))
            what = self.chance.choice(often)
            try:
                await what()
            except LoyaltyError:
                continue  # refused: too little, too late, or not theirs
            self.done[what.__name__] += 1

    async def buy(self) -> None:
        cups = self.chance.choice((1, 2, 3, 11))  # eleven bring a voucher
        self._keep(await self._buys(flat_whites(f"p{self.number}", cups, phone=self.chance.choice(self.phones))))

    async def give_back(self) -> None:
        what: dict[str, Any] = {"full": True} if self.chance.random() < 0.5 else {"amount_minor": 4900}
        command = msgspec.convert({"receipt": f"r{self.number}"} | what, RefundPurchase)
        purchase = self.chance.choice(self.bought)
        await refunding.record_refund(self.house, self.caller, purchase, command, ticket(at=self.at))

    async def adjust(self) -> None:
        member = await self.who(self.chance.choice(self.phones))
        await adjusts(self.house, self.caller, member, self.chance.choice((7, -3)), at=self.at)

    async def spend(self) -> None:
        wanted = self.chance.choice((*REDEEMED, *self.vouchers()))
        told = spends(f"s{self.number}", wanted, phone=self.chance.choice(self.phones))
        self._keep(await self._buys(told))

    async def decide(self) -> None:
        member, said = await self.who(self.chance.choice(self.phones)), self.chance.choice(DECIDED)
        await says(self.house, self.caller, member, said, at=self.at)

    async def set_aside(self) -> None:
        wanted = self.chance.choice((*REDEEMED[:2], *self.vouchers()))
        told = {"member": {"phone": self.chance.choice(self.phones)}, "ttl_seconds": 24 * 3600} | wanted
        answer = await holds.place(self.house, self.caller, msgspec.convert(told, PlaceHold), ticket(at=self.at))
        self.aside.append(msgspec.json.decode(answer.body)["id"])

    async def close(self) -> None:
        hold = self.chance.choice(self.aside) if self.aside else "hld_" + "0" * 26
        if self.chance.random() < 0.5:
            await holds.capture(self.house, self.caller, hold, CaptureHold(), ticket(at=self.at))
        else:
            await holds.release(self.house, self.caller.business_id, hold, ReleaseHold(), ticket(at=self.at))

    def vouchers(self) -> list[dict[str, Any]]:
        return [{"voucher": code} for code in self.codes]

    async def who(self, phone: str) -> str:
        """Whom a number finds now."""
        found = await sees(self.house, self.caller, phone, at=self.at)
        assert found.member is not None
        return found.member.id

    async def merge(self, one: str, into: str) -> str:
        """Merge the two; what is set aside is let go of first, as the cashier is told to."""
        command = MergeMembers(into)
        try:
            answer = await merging.merge(self.house, self.caller, one, command, ticket(at=self.at))
        except HoldsInTheWay:
            await self._let_go()
            answer = await merging.merge(self.house, self.caller, one, command, ticket(at=self.at))
        return msgspec.json.decode(answer.body, type=MergeAnswer).id

    async def undo(self, merge: str) -> None:
        """Part the two again."""
        await unmerging.undo(self.house, self.caller, merge, ticket(at=self.at))

    async def hands_free(self) -> None:
        """Let go of what is set aside, where that is in the way of parting."""
        if await self._units_aside():
            await self._let_go()

    async def _units_aside(self) -> bool:
        found = await self.house.database.fetch(
            "SELECT 1 FROM accounts WHERE business_id = $1 AND held > 0", self.caller.business_id
        )
        return bool(found)

    async def _let_go(self) -> None:
        for hold in self.aside:
            try:
                await holds.release(self.house, self.caller.business_id, hold, ReleaseHold(), ticket(at=self.at))
            except LoyaltyError:
                continue  # captured, released or lapsed already

    async def _buys(self, told: Any) -> PurchaseAnswer:
        return await buys(self.house, self.caller, told, at=self.at)

    def _keep(self, bought: PurchaseAnswer) -> None:
        self.bought.append(bought.id)
        self.codes += [voucher.code for voucher in bought.vouchers]
