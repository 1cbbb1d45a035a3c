"""What no programme may do to its members, and what it may not promise its owner without being able to keep it."""

from collections.abc import Iterator, Sequence

from rules.conditions import MemberConsent
from rules.findings import Finding, Severity
from rules.judging import Condition
from rules.jurisdictions import JURISDICTIONS
from rules.programme import Programme, Rule

_MARKETING = "marketing"
_PROFILING = "profiling"
_OVERDUE = "overdue"
# How events of agreeing are called when a business has its own.
_AGREEING = ("consent", "consented", "consents", "optin", "opted", "opt")


def consent(programme: Programme) -> Iterator[Finding]:
    """Benefits are no price for a consent, what everybody has stays with those who do not agree, and who is watched
    has agreed to it. Each finding names the law it rests on.

    A rule that gives something behind a consent to marketing pays for it. Behind any other consent, such as
    profiling, what is given for each amount spent, or on no further condition, is a general benefit.
    """
    yield from _terms(programme)
    found = [
        finding
        for n, rule in enumerate(programme.rules)
        for finding in (*_paid(programme, rule, f"rules[{n}]"), *_watched(programme, rule, f"rules[{n}]"))
    ]
    yield from found
    yield from _friends(programme)
    yield from _nothing_left(programme, {finding.rule for finding in found})


def _terms(programme: Programme) -> Iterator[Finding]:
    """What [consent] itself may not say."""
    asked, law = programme.consent, programme.consent.under(programme.country)
    if asked.age < law.age:
        says = f"nobody under {law.age} can agree alone ({law.sources['age']})"
        yield Finding("refused", "consent.age", None, says, f"age = {law.age}, or more")
    if law.lasts_at_most and asked.lasts is not None and asked.lasts.most_days() > law.lasts.most_days():
        says = f"a consent lasts at most {law.lasts} ({law.sources['lasts']})"
        yield Finding("refused", "consent.lasts", None, says, f'lasts = "{law.lasts}"')
    for n, wording in enumerate(asked.wordings):
        place = f"consent.wordings[{n}]"
        if wording.purpose == _MARKETING and wording.channel == "any":
            says = f"agreeing to marketing names the channel it is for ({law.sources['marketing']})"
            yield Finding("refused", f"{place}.channel", None, says, 'channel = "sms"')
        if wording.purpose == _MARKETING and wording.channel == "sms":
            for language, words in wording.says.items():
                if "STOP" not in words.upper():
                    says = "whoever agrees is told how to stop it again (GDPR art. 7(3))"
                    yield Finding("warned", f"{place}.says.{language}", None, says, "the word STOP in it")


def _verdict(programme: Programme, what: str) -> tuple[Severity, str]:
    """How a fault is judged, and by which source: strictly, or as the law of the programme's own country has it."""
    law, strictest = programme.consent.under(programme.country), JURISDICTIONS["EU"]
    verdict: Severity = getattr(law, what)
    if programme.consent.strict and verdict != "refused":
        return "refused", f"{strictest.sources[what]}; strict = false takes the law of {law.name}"
    return verdict, law.sources[what]


def _paid(programme: Programme, rule: Rule, where: str) -> Iterator[Finding]:
    given = _given(rule)
    if given is None:
        return
    places = list(rule.when.places(f"{where}.when"))
    if rule.on.partition("_")[0] in _AGREEING:
        verdict, source = _verdict(programme, "rewarded")
        yield Finding(verdict, f"{where}.on", rule.id, f"this gives {given} for agreeing to something ({source})")
    for place, part, negated in places:
        if not isinstance(part, MemberConsent) or negated:
            continue
        if any(_is_marketing(purpose) for purpose in part.wanted):
            verdict, source = _verdict(programme, "rewarded")
            says = f"this gives {given} in exchange for consent to marketing ({source})"
            yield Finding(verdict, place, rule.id, says, "the same rule without member.consent")
        elif _is_general(rule, [one for _, one, _ in places]):
            verdict, source = _verdict(programme, "tied")
            purposes = " and ".join(part.wanted)
            says = f"this keeps a general benefit from members who have not agreed to {purposes} ({source})"
            yield Finding(verdict, place, rule.id, says, "the same rule without member.consent")


def _watched(programme: Programme, rule: Rule, where: str) -> Iterator[Finding]:
    """A rule that draws conclusions from how a member behaves asks whether they agreed to that."""
    agreed = {purpose for part in rule.when.conjuncts() if isinstance(part, MemberConsent) for purpose in part.wanted}
    if any(purpose.partition(".")[0] == _PROFILING for purpose in agreed):
        return
    watching = [(f"{where}.on", f'"{rule.on}"')] if rule.on == _OVERDUE else []
    places = rule.when.places(f"{where}.when")
    watching += [(place, f'"{part.written}"') for place, part, _ in places if part.watches]
    for place, what in watching:
        verdict, source = _verdict(programme, "profiling")
        says = f"{what} draws conclusions from how a member behaves, and nobody has asked them ({source})"
        yield Finding(verdict, place, rule.id, says, 'member.consent = ["profiling"] beside it')


def _friends(programme: Programme) -> Iterator[Finding]:
    if programme.referral is None:
        return
    for place, part, negated in programme.referral.qualifies.places("referral.qualifies"):
        if isinstance(part, MemberConsent) and not negated:
            verdict, source = _verdict(programme, "rewarded")
            says = f"this credits a friend for agreeing to {' and '.join(part.wanted)} ({source})"
            yield Finding(verdict, place, None, says, "the same without member.consent")


def _nothing_left(programme: Programme, found: set[str | None]) -> Iterator[Finding]:
    """Whoever agrees to nothing earns something, too; where a rule's own fault has been said, that is enough."""
    earning = [(n, rule) for n, rule in enumerate(programme.rules) if rule.on == "purchase" and rule.award is not None]
    if found & {rule.id for _, rule in earning}:
        return
    if earning and all(any(isinstance(part, MemberConsent) for part in rule.when.conjuncts()) for _, rule in earning):
        verdict, source = _verdict(programme, "tied")
        n, rule = earning[0]
        says = f"whoever agrees to nothing earns nothing ({source})"
        yield Finding(verdict, f"rules[{n}]", rule.id, says, "a rule on purchase without member.consent")


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
