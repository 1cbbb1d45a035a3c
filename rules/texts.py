"""What members read: is it there in every language, and does it fit into one text message?

Lengths are those of 3GPP TS 23.038: 160 units alone or 153 in each of several parts in its own alphabet, 70 or 67
units of 16 bits in any other. What takes two units is never split over two parts.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from rules.findings import Finding
from rules.programme import Programme

_ALPHABET: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_OF_TWO_UNITS: Final = frozenset("\f^{}[]~\\|€")
_ALONE, _IN_PARTS = 160, 153
_WIDE_ALONE, _WIDE_IN_PARTS = 70, 67
_BEYOND_16_BITS: Final = "\U00010000"


def sms_parts(text: str) -> int:
    """How many parts a text message needs."""
    if _ALPHABET.issuperset(character for character in text if character not in _OF_TWO_UNITS):
        return _parts([2 if character in _OF_TWO_UNITS else 1 for character in text], _ALONE, _IN_PARTS)
    return _parts([2 if character >= _BEYOND_16_BITS else 1 for character in text], _WIDE_ALONE, _WIDE_IN_PARTS)


def _parts(units: Iterable[int], alone: int, room: int) -> int:
    sizes = list(units)
    if sum(sizes) <= alone:
        return 1
    parts, filled = 1, 0
    for size in sizes:
        if filled + size > room:
            parts, filled = parts + 1, 0
        filled += size
    return parts


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
    odd = sorted({character for character in text if character not in _ALPHABET | _OF_TWO_UNITS})
    if not odd:
        return f"at most {_ALONE} characters"
    return f"at most {_WIDE_ALONE} characters, or {_ALONE} without {' '.join(odd)}"
