"""What was proved of a programme, as findings that stand beside those of the check, each with its place."""

from collections.abc import Iterator

from loyalty_engine.proving.logic import Found, out_of_reach
from rules.findings import Finding
from rules.programme import Programme


def findings_of(programme: Programme, found: Found) -> tuple[Finding, ...]:
    """A rule that can never fire and a perk nobody can have are refused; rules that always fire together are warned."""
    places = {rule.id: f"rules[{n}]" for n, rule in enumerate(programme.rules)}
    return (*_never(programme, places, found), *_together(places, found))


def _never(programme: Programme, places: dict[str, str], found: Found) -> Iterator[Finding]:
    for one in found.never:
        yield Finding("refused", f"{places[one.rule]}.when", one.rule, f"this rule can never fire: {one.because}")
    perks = {perk.id: f"perks[{n}].price" for n, perk in enumerate(programme.perks)}
    for perk, because in out_of_reach(programme, [one.rule for one in found.never]).items():
        yield Finding("refused", perks[perk], None, f"nobody can reach this perk: {because}")


def _together(places: dict[str, str], found: Found) -> Iterator[Finding]:
    for one in found.implied:
        if one.both:
            says = f"this rule always fires together with {one.rule}"
            yield Finding("warned", places[one.other], one.other, says, "one rule, if that is what is meant")


def sentences(found: Found) -> Iterator[str]:
    """What is worth knowing and no mistake: which rule only fires beside others, and what was not settled."""
    beside: dict[str, list[str]] = {}
    for one in found.implied:
        if not one.both:
            beside.setdefault(one.rule, []).append(one.other)
    for rule, others in beside.items():
        yield f"{rule} only fires when {_both(others)} too"
    for rule in found.open:
        yield f"whether {rule} can fire, or fires only with another, was not settled in time"


def _both(rules: list[str]) -> str:
    if len(rules) == 1:
        return f"{rules[0]} fires"
    return f"{', '.join(rules[:-1])} and {rules[-1]} fire"
