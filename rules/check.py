"""The linter of a programme: what it is refused for, and what its owner is warned of."""

from collections.abc import Iterator, Sequence

from rules.compile import Compiled, compile_programme
from rules.conditions import MemberCount
from rules.conditions.moment import DateSpan
from rules.contradictions import never
from rules.effects.deeds import GrantPerk
from rules.example import Example
from rules.fairness import consent, returned
from rules.findings import Finding, likely
from rules.known import EVENTS
from rules.narrowing import Claim
from rules.programme import Programme, Rule
from rules.reading import misread
from rules.texts import long_texts, wording

__all__ = ["Finding", "check"]


def check(programme: Programme) -> tuple[Finding, ...]:
    """Everything found, refusals first, each in the order of the document. Runs the examples."""
    wrong = misread(programme)
    if wrong:
        return wrong
    found = [*_never(programme), *_groups(programme), *_unreachable(programme)]
    found += [*_unfair(programme, found), *returned(programme), *_examples(programme)]
    found += [*_idle_limits(programme), *_for_ever(programme), *wording(programme), *long_texts(programme)]
    found += [*_together(programme), *_slips(programme)]
    return tuple(sorted(found, key=lambda finding: finding.severity))


def _unfair(programme: Programme, found: Sequence[Finding]) -> Iterator[Finding]:
    """What is unfair, but for rules that can never fire: these do nothing to anybody."""
    idle = {finding.rule for finding in found if finding.rule is not None and finding.place.endswith(".when")}
    yield from (finding for finding in consent(programme) if finding.rule not in idle)


def _rules(programme: Programme) -> Iterator[tuple[str, Rule]]:
    yield from ((f"rules[{n}]", rule) for n, rule in enumerate(programme.rules))


def _never(programme: Programme) -> Iterator[Finding]:
    words = programme.words()
    for place, rule in _rules(programme):
        if (said := never(rule.when, words, _in_dates(rule))) is not None:
            yield Finding("refused", f"{place}.when", rule.id, f"this rule can never fire: {said}")


def _in_dates(rule: Rule) -> list[Claim]:
    if rule.from_ is None and rule.until is None:
        return []
    return list(DateSpan(rule.from_, rule.until).claims("the date"))


def _groups(programme: Programme) -> Iterator[Finding]:
    first: dict[str, Rule] = {}
    for place, rule in _rules(programme):
        if rule.group is None:
            continue
        if rule.award is None:
            does = "multiplies" if rule.multiply else "awards nothing"
            says = f"a group chooses between awards, and this rule {does}"
            yield Finding(
                "refused",
                f"{place}.group",
                rule.id,
                says,
                "no group; several multipliers combine by themselves",
            )
            continue
        other = first.setdefault(rule.group, rule)
        if other.unit != rule.unit:
            says = f'the group "{rule.group}" awards {other.unit} in {other.id} and {rule.unit} here'
            yield Finding("refused", f"{place}.group", rule.id, says, "a group of its own for each unit")


def _unreachable(programme: Programme) -> Iterator[Finding]:
    earned = {rule.award.unit for rule in programme.rules if rule.award is not None}
    granted = {effect.perk for rule in programme.rules for effect in rule.deeds if isinstance(effect, GrantPerk)}
    if programme.referral is not None:
        earned |= {programme.referral.ambassador.unit, programme.referral.friend.unit}
    for n, perk in enumerate(programme.perks):
        if perk.price is not None and perk.price.unit not in earned and perk.id not in granted:
            says = f"nobody can reach this perk: no rule awards {perk.price.unit}"
            yield Finding("refused", f"perks[{n}].price.unit", None, says, f"a rule that awards {perk.price.unit}")


def _examples(programme: Programme) -> Iterator[Finding]:
    compiled = compile_programme(programme)
    for n, example in enumerate(programme.examples):
        for place, expected, found in _differences(compiled, example):
            says = f'example "{example.name}": expected {expected}, found {found}'
            yield Finding("refused", f"examples[{n}].expect.{place}", None, says, found)


def _differences(compiled: Compiled, example: Example) -> Iterator[tuple[str, str, str]]:
    """Where an example is not as it says: the place, what was expected, and what was found."""
    zone = compiled.programme.zone
    outcome = compiled.evaluate(example.event(zone), example.facts(zone))
    for unit, expected in example.expect.units.items():
        found = sum(award.amount for award in outcome.awards if award.unit == unit)
        if found != expected:
            yield unit, f"{expected} {unit}", f"{found} {unit}"
    fired = example.expect.fired
    if fired is not None and sorted(fired) != sorted(outcome.fired):
        yield "fired", _listed(fired), _listed(outcome.fired)


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "no rule"


def _idle_limits(programme: Programme) -> Iterator[Finding]:
    for place, rule in _rules(programme):
        for n, limit in enumerate(rule.limit):
            if limit.times is not None and limit.per == "purchase":
                says = "a rule fires at most once per purchase in any case, so this limits nothing"
                would_be = f'amount = ..., per = "purchase" or times = {limit.times}, per = "day"'
                yield Finding("warned", f"{place}.limit[{n}]", rule.id, says, would_be)


def _for_ever(programme: Programme) -> Iterator[Finding]:
    for name, unit in programme.units.items():
        if not unit.expires:
            says = f"{name} never expire, so what is owed to members only grows"
            yield Finding("warned", f"units.{name}", None, says, 'expires_after = "12 months"')


def _together(programme: Programme) -> Iterator[Finding]:
    """Two rules that hold in exactly the same cases, where one rule could do what both do."""
    seen: list[tuple[object, Rule]] = []
    for place, rule in _rules(programme):
        holds = (rule.on, _asked(rule), rule.from_, rule.until)
        for before, other in seen:
            if before != holds:
                continue
            if rule.then == other.then:
                says = f"this rule always fires together with {other.id} and does the same"
                yield Finding("warned", place, rule.id, says, "one of them")
            elif rule.when.parts and _could_be_one(rule, other):
                says = f"this rule always fires together with {other.id}"
                yield Finding("warned", place, rule.id, says, "one rule that does what both do")
        seen.append((holds, rule))


def _asked(rule: Rule) -> frozenset[str]:
    """What must hold, whatever the order it is written in."""
    return frozenset(repr(part) for part in rule.when.conjuncts())


def _could_be_one(rule: Rule, other: Rule) -> bool:
    """Units of two kinds, or in two ways, take two rules; so do other limits, and a choice between the two."""
    if (rule.limit, rule.group) != (other.limit, other.group) or rule.group is not None:
        return False
    if rule.unit is None or other.unit is None:
        kinds = [effect.written for effect in (*rule.then.effects, *other.then.effects)]
        return len(set(kinds)) == len(kinds)
    awards = [one.award for one in (rule, other) if one.award is not None and not one.award.proportional]
    return rule.unit == other.unit and len(awards) > 1


def _slips(programme: Programme) -> Iterator[Finding]:
    """A name of the business's own that looks like a known one with a slip of the pen."""
    own = {rule.on for rule in programme.rules if rule.on not in EVENTS}
    for place, rule in _rules(programme):
        yield from _slip(f"{place}.on", rule.id, rule.on, EVENTS)
        for where, part, _ in rule.when.places(f"{place}.when"):
            if isinstance(part, MemberCount):
                yield from _slip(f"{where}.of", rule.id, part.of, (*EVENTS, *own))


def _slip(place: str, rule: str, name: str, known: Sequence[str]) -> Iterator[Finding]:
    near = likely(name, known)
    if near is not None and near != name:
        says = f'"{name}" is an event of your own that looks like "{near}"'
        yield Finding("warned", place, rule, says, near)
