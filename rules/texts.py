"""What members read: is it there in every language, and does it fit into one text message?"""

from collections.abc import Iterator, Mapping

from rules.findings import Finding
from rules.lengths import ALONE, ALPHABET, OF_TWO_UNITS, WIDE_ALONE, sms_parts
from rules.programme import Programme


def wording(programme: Programme) -> Iterator[Finding]:
    """What has words has them in each of the programme's languages. A unit always has a name."""
    for name, unit in programme.units.items():
        yield from _missing(programme, f"units.{name}.name", unit.name, None)
    for n, rule in enumerate(programme.rules):
        if rule.says:
            yield from _missing(programme, f"rules[{n}].says", rule.says, rule.id)
        for effect in rule.deeds:
            for place, said in effect.texts():
                yield from _missing(programme, f"rules[{n}].then.{effect.written}.{place}", said, rule.id)
    for n, perk in enumerate(programme.perks):
        if perk.says:
            yield from _missing(programme, f"perks[{n}].says", perk.says, None)
        if perk.gives.service is not None:
            yield from _missing(programme, f"perks[{n}].gives.service", perk.gives.service, None)
    for n, tier in enumerate(programme.tiers):
        if tier.says:
            yield from _missing(programme, f"tiers[{n}].says", tier.says, None)
    for n, asked in enumerate(programme.consent.wordings):
        yield from _missing(programme, f"consent.wordings[{n}].says", asked.says, None)


def _missing(programme: Programme, place: str, said: Mapping[str, object], rule: str | None) -> Iterator[Finding]:
    for language in programme.languages:
        if language not in said:
            yield Finding("warned", f"{place}.{language}", rule, f'there is no wording in "{language}"')


def long_texts(programme: Programme) -> Iterator[Finding]:
    """Texts to members that cost more than one text message."""
    for n, rule in enumerate(programme.rules):
        for effect in rule.deeds:
            for place, said in effect.texts():
                for language, text in said.items():
                    if (parts := sms_parts(text)) > 1:
                        where = f"rules[{n}].then.{effect.written}.{place}.{language}"
                        yield Finding(
                            "warned", where, rule.id, f"as a text message this takes {parts} parts", _fit(text)
                        )


def _fit(text: str) -> str:
    odd = sorted({character for character in text if character not in ALPHABET | OF_TWO_UNITS})
    if not odd:
        return f"at most {ALONE} characters"
    return f"at most {WIDE_ALONE} characters, or {ALONE} without {' '.join(odd)}"
