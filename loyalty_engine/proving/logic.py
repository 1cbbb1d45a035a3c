"""What rules do whatever is bought: which never fire, and which fire only when another does.

Firing is meant before limits and caps look: a rule that has given its share for today still counts as firing. What is
found here is proved; a rule of which nothing is said may fire, or was not settled in time.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec
import z3

from loyalty_engine.proving.goods import goods_of
from loyalty_engine.proving.settling import Firing
from loyalty_engine.proving.solver import SECONDS, Instance, Solver, is_so
from loyalty_engine.proving.unknowns import Assumed, Term, Unknowns
from rules.effects.deeds import GrantPerk
from rules.programme import Programme, Rule


class Never(msgspec.Struct, frozen=True):
    """A rule that can never fire, and why."""

    rule: str
    because: str


class Implied(msgspec.Struct, frozen=True):
    """Whenever `rule` fires, `other` fires; `both` when it is so the other way round, too."""

    rule: str
    other: str
    both: bool


class Found(msgspec.Struct, frozen=True):
    """What was proved of a programme's rules, and what was not settled in time."""

    never: tuple[Never, ...]
    implied: tuple[Implied, ...]
    open: tuple[str, ...]


def prove_rules(programme: Programme, *, seconds: int = SECONDS) -> Found:
    """Every rule that can never fire, and every rule that fires only with another."""
    parts = [_Standing(programme, on, seconds) for on in programme.kinds()]
    never = [one for part in parts for one in part.never()]
    implied = [one for part in parts for one in part.implied()]
    place = {rule.id: n for n, rule in enumerate(programme.rules)}
    return Found(
        tuple(sorted(never, key=lambda one: place[one.rule])),
        tuple(sorted(implied, key=lambda one: (place[one.rule], place[one.other]))),
        tuple(dict.fromkeys(rule for part in parts for rule in part.open)),
    )


class Seen(NamedTuple):
    """Which rules may fire in an instance, and which surely do."""

    may: frozenset[int]
    surely: frozenset[int]


def _those(instance: Instance, fires: dict[int, Term]) -> frozenset[int]:
    return frozenset(number for number, term in fires.items() if is_so(instance, term))


class _Standing:
    """The rules that stand on one event."""

    def __init__(self, programme: Programme, on: str, seconds: int) -> None:
        self.unknowns = Unknowns(goods_of([programme]), Assumed())
        self.firing = Firing(programme, self.unknowns, on=on)
        self.rules = self.firing.rules
        self.fires = self.firing.may
        self.solver = Solver(self.unknowns.laws(), seconds=seconds)
        self.seen: list[Seen] = []
        self.dead: set[int] = set()
        self.open: list[str] = []

    def never(self) -> Iterator[Never]:
        """Look for one purchase after another that makes rules fire which have not yet."""
        waiting = set(self.fires)
        while waiting:
            found = self.solver.ask(z3.Or([self.fires[number] for number in waiting]))
            if not isinstance(found, str):
                waiting -= self._look(found).may
                continue
            if found == "impossible":
                self.dead |= waiting
            else:
                for number in waiting:
                    self._alone(number)
            break
        for number in sorted(self.dead):
            yield Never(self.rules[number].id, self._because(number))

    def _alone(self, number: int) -> None:
        found = self.solver.ask(self.fires[number])
        if found == "impossible":
            self.dead.add(number)
        elif found == "unknown":
            self.open.append(self.rules[number].id)
        else:
            self._look(found)

    def _look(self, instance: Instance) -> Seen:
        """Keep which rules fire together in this instance."""
        seen = Seen(*(_those(instance, fires) for fires in (self.firing.may, self.firing.surely)))
        self.seen.append(seen)
        return seen

    def _because(self, number: int) -> str:
        rule = self.rules[number]
        if self.solver.ask(self.firing.holds[number]) == "impossible":
            return "what it asks for never comes together"
        if rule.multiply is not None:
            if self.solver.ask(self.firing.chosen(rule.multiply.unit)[number]) == "impossible":
                return f"whenever it holds, another multiplier of {rule.unit} is better"
            return f"whenever it holds, there are no {rule.unit} that it could multiply to one more"
        if self.solver.ask(self.firing.active[number]) == "impossible":
            return "whenever it holds, its award comes to nothing"
        return f'whenever it holds, another rule of the group "{rule.group}" is better'

    def implied(self) -> Iterator[Implied]:
        """Of the rules that may fire: which of them fire only together with which."""
        alive = [number for number in self.fires if number not in self.dead and self.rules[number].id not in self.open]
        named = [number for number in alive if not _unconditional(self.rules[number])]
        certain = {number: self._certain(number, [other for other in named if other != number]) for number in alive}
        for number, others in certain.items():
            for other in others:
                both = number in certain[other]
                if not (both and other < number):
                    yield Implied(self.rules[number].id, self.rules[other].id, both)

    def _certain(self, number: int, others: Sequence[int]) -> frozenset[int]:
        """The rules that fire whenever this one does."""
        left = frozenset(others).intersection(*(seen.surely for seen in self.seen if number in seen.may))
        while left:
            missing: list[Term] = [z3.Not(self.firing.surely[other]) for other in left]
            found = self.solver.ask(self.fires[number], z3.Or(missing))
            if found == "impossible":
                return left
            if found == "unknown":
                self.open.append(self.rules[number].id)
                return frozenset()
            left &= self._look(found).surely
        return frozenset()


def _unconditional(rule: Rule) -> bool:
    """Does it stand on everything? That it fires with others says nothing."""
    return not rule.when.parts and rule.from_ is None and rule.until is None and rule.group is None


def out_of_reach(programme: Programme, dead: Sequence[str]) -> dict[str, str]:
    """The perks nobody can have, each with why: no rule that can fire gives their unit, or never enough of it."""
    alive = [rule for rule in programme.rules if rule.id not in dead]
    giving = {rule.award.unit for rule in alive if rule.award is not None}
    granted = {deed.perk for rule in alive for deed in rule.deeds if isinstance(deed, GrantPerk)}
    if programme.referral is not None:
        giving |= {programme.referral.ambassador.unit, programme.referral.friend.unit}
    said = {}
    for perk in programme.perks:
        if perk.price is None:
            continue  # staff may grant it
        unit, price = perk.price.unit, perk.price.amount
        most = min((cap.amount for cap in programme.unit(unit).cap if cap.per == "ever"), default=price)
        if perk.id in granted:
            continue
        if unit not in giving:
            said[perk.id] = f"no rule that can fire gives {unit}"
        elif most < price:
            said[perk.id] = f"it costs {price} {unit}, and nobody is ever given more than {most}"
    return said
