"""The linter of a programme: what it is refused for, and what its owner is warned of."""

from collections.abc import Iterator, Mapping

from rules.compile import Compiled, compile_programme
from rules.example import Example
from rules.findings import Finding
from rules.programme import Programme, Rule
from rules.reading import misread

__all__ = ["Finding", "check"]


def check(programme: Programme) -> tuple[Finding, ...]:
    """Everything found, refusals first, each in the order of the document. Runs the examples."""
    wrong = misread(programme)
    if wrong:
        return wrong
    found = [*_never(programme), *_groups(programme), *_unreachable(programme), *_examples(programme)]
    found += [*_idle_limits(programme), *_for_ever(programme), *_wording(programme), *_twins(programme)]
    return tuple(sorted(found, key=lambda finding: finding.severity))


def _rules(programme: Programme) -> Iterator[tuple[str, Rule]]:
    yield from ((f"rules[{n}]", rule) for n, rule in enumerate(programme.rules))


def _never(programme: Programme) -> Iterator[Finding]:
    for place, rule in _rules(programme):
        if (said := rule.when.never()) is not None:
            yield Finding("refused", f"{place}.when", rule.id, f"this rule can never fire: {said}")


def _groups(programme: Programme) -> Iterator[Finding]:
    first: dict[str, Rule] = {}
    for place, rule in _rules(programme):
        if rule.group is None:
            continue
        if rule.multiply is not None:
            says = "a group chooses between awards, and this rule multiplies"
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
    earned = {rule.unit for rule in programme.rules if rule.award is not None}
    if programme.referral is not None:
        earned |= {programme.referral.ambassador.unit, programme.referral.friend.unit}
    for n, perk in enumerate(programme.perks):
        if perk.price.unit not in earned:
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
        if unit.expires_after is None:
            says = f"{name} never expire, so what is owed to members only grows"
            yield Finding("warned", f"units.{name}", None, says, 'expires_after = "12 months"')


def _wording(programme: Programme) -> Iterator[Finding]:
    """What has words has them in each of the programme's languages. A unit always has a name."""
    for name, unit in programme.units.items():
        yield from _missing(programme, f"units.{name}.name", unit.name, None)
    for place, rule in _rules(programme):
        if rule.says:
            yield from _missing(programme, f"{place}.says", rule.says, rule.id)
    for n, perk in enumerate(programme.perks):
        if perk.says:
            yield from _missing(programme, f"perks[{n}].says", perk.says, None)
    for n, tier in enumerate(programme.tiers):
        if tier.says:
            yield from _missing(programme, f"tiers[{n}].says", tier.says, None)


def _missing(programme: Programme, place: str, said: Mapping[str, object], rule: str | None) -> Iterator[Finding]:
    for language in programme.languages:
        if language not in said:
            yield Finding("warned", f"{place}.{language}", rule, f'there is no wording in "{language}"')


def _twins(programme: Programme) -> Iterator[Finding]:
    seen: list[Rule] = []
    for place, rule in _rules(programme):
        for other in seen:
            if (other.when, other.then, other.from_, other.until) == (
                rule.when,
                rule.then,
                rule.from_,
                rule.until,
            ):
                says = f"this rule always fires together with {other.id} and does the same"
                yield Finding("warned", place, rule.id, says, "one of them")
        seen.append(rule)
