"""How long a text message is: in which alphabet it is carried, how many units it has, and in how many parts it is sold.

Lengths are those of 3GPP TS 23.038: 160 units alone or 153 in each of several parts in its own alphabet, 70 or 67
units of 16 bits in any other. What takes two units is never split over two parts.
"""

from typing import Final, Literal, NamedTuple

ALPHABET: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
OF_TWO_UNITS: Final = frozenset("\f^{}[]~\\|€")
ALONE: Final = 160
WIDE_ALONE: Final = 70
_IN_PARTS: Final = 153
_WIDE_IN_PARTS: Final = 67
_BEYOND_16_BITS: Final = "\U00010000"

# What word processors, money formats and keyboards put in place of a plain character. Each of them would carry the
# whole text over into 16 bits, at two to three times the price, and none of them says more than the plain one.
_TYPOGRAPHIC: Final = str.maketrans(
    dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u00b4\u02bc`", "'")
    | dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"')
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-")
    | dict.fromkeys("\u00a0\u202f\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u3000\t", " ")
    | dict.fromkeys("\u200b\u200c\u200e\u200f\u2060\ufeff\u00ad\u202a\u202b\u202c\u202d\u202e", "")
    | {"\u2026": "...", "\u2022": "-", "\u2039": "'", "\u203a": "'", "\u00d7": "x"}
)


class Length(NamedTuple):
    """A text as it is sold: its coding, its units in that coding, and the parts it takes."""

    coding: Literal["GSM-7", "UCS-2"]
    units: int
    parts: int

    def price_minor(self, part_minor: int) -> int:
        """What it costs, when one part costs this much."""
        return self.parts * part_minor


def plain(text: str) -> str:
    """The text with typographic quotes, dashes and spaces as the plain ones, which cost half and say the same."""
    return text.translate(_TYPOGRAPHIC)


def measure(text: str) -> Length:
    """How long a text is."""
    sizes = [2 if character in OF_TWO_UNITS else 1 for character in text]
    if ALPHABET.issuperset(character for character in text if character not in OF_TWO_UNITS):
        return Length("GSM-7", sum(sizes), _parts(sizes, ALONE, _IN_PARTS))
    sizes = [2 if character >= _BEYOND_16_BITS else 1 for character in text]
    return Length("UCS-2", sum(sizes), _parts(sizes, WIDE_ALONE, _WIDE_IN_PARTS))


def sms_parts(text: str) -> int:
    """How many parts a text message needs."""
    return measure(text).parts


def _parts(sizes: list[int], alone: int, room: int) -> int:
    if sum(sizes) <= alone:
        return 1
    parts, filled = 1, 0
    for size in sizes:
        if filled + size > room:
            parts, filled = parts + 1, 0
        filled += size
    return parts
