"""What no programme may do to its members, and what it may not promise its owner without being able to keep it."""

from collections.abc import Iterator, Sequence

from rules.conditions import MemberConsent
from rules.findings import Finding
from rules.judging import Condition
from rules.programme import Programme, Rule

_MARKETING = "marketing"


def consent(programme: Programme) -> Iterator[Finding]:
    """Benefits are no price for a consent, and what everybody has stays with those who do not agree.

    A rule that gives something behind a consent to marketing pays for it. Behind any other consent, such as
    profiling, what is given for each amount spent, or on no further condition, is a general benefit.
    """
    for n, rule in enumerate(programme.rules):
        given = _given(rule)
        if given is None:
            continue
        places = list(rule.when.places(f"rules[{n}].when"))
        for place, part, negated in places:
            if not isinstance(part, MemberConsent) or negated:
                continue
            if any(_is_marketing(purpose) for purpose in part.wanted):
                says = f"this gives {given} in exchange for consent to marketing"
                yield Finding("refused", place, rule.id, says, "the same rule without member.consent")
            elif _is_general(rule, [one for _, one, _ in places]):
                purposes = " and ".join(part.wanted)
                says = f"this keeps a general benefit from members who have not agreed to {purposes}"
                yield Finding("refused", place, rule.id, says, "the same rule without member.consent")


def _given(rule: Rule) -> str | None:
    """What a rule gives that is worth something."""
    if rule.unit is not None:
        return rule.unit
    return "a voucher" if any(effect.written == "grant" for effect in rule.deeds) else None


def _is_marketing(purpose: str) -> bool:
    return purpose == _MARKETING or purpose.startswith(f"{_MARKETING}.")


def _is_general(rule: Rule, parts: Sequence[Condition]) -> bool:
    award = rule.award
    per_amount = award is not None and award.per_minor is not None
    return per_amount or rule.multiply is not None or all(isinstance(part, MemberConsent) for part in parts)


def returned(programme: Programme) -> Iterator[Finding]:
    """With `max_return` all that a purchase gives has a worth that is bounded, and can be cut."""
    if programme.max_return is None:
        return
    sold = {rule.unit for rule in programme.rules if rule.on == "purchase" and rule.unit is not None}
    for n, perk in enumerate(programme.perks):
        if perk.price is not None and perk.price.unit in sold and perk.gives.most_minor is None:
            bought = f"and it is bought with {perk.price.unit}"
            says = f"max_return cannot be kept: nothing bounds what this perk is worth, {bought}"
            would_be = "free_item with up_to_minor, or amount_off_minor"
            yield Finding("refused", f"perks[{n}].gives", None, says, would_be)
    for n, rule in enumerate(programme.rules):
        if rule.on == "purchase" and any(effect.written == "grant" for effect in rule.deeds):
            says = "max_return cannot be kept: a voucher that a purchase grants is given whole or not at all"
            yield Finding("refused", f"rules[{n}].then.grant", rule.id, says, "units instead, or no max_return")
