"""How long a text is: the standard's own table, and the word of a library that others wrote."""

from __future__ import annotations

import random

import pytest
import smsutil  # type: ignore[import-untyped]

from rules import Length, measure, plain

OURS = {"gsm0338": "GSM-7", "utf_16_be": "UCS-2"}
GSM = "abcdefghijklmnop ÆØÅæøåÄÖäö@£$é\n0123456789" * 2 + "^{}[]~\\|€\f"
ANY = GSM + "čðáêçş\u2019\u2013\u00a0😀🙏🏽漢字"


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("a" * 160, ("GSM-7", 160, 1)),
        ("a" * 161, ("GSM-7", 161, 2)),
        ("a" * 307, ("GSM-7", 307, 3)),
        ("€" * 80, ("GSM-7", 160, 1)),
        ("€" * 81, ("GSM-7", 162, 2)),
        ("æøåÆØÅäöÄÖ", ("GSM-7", 10, 1)),
        ("it\u2019s", ("UCS-2", 4, 1)),
        ("a" * 152 + "€" + "a" * 152, ("GSM-7", 306, 3)),
        ("č" * 70, ("UCS-2", 70, 1)),
        ("č" * 71, ("UCS-2", 71, 2)),
        ("č" * 134, ("UCS-2", 134, 2)),
        ("č" * 135, ("UCS-2", 135, 3)),
        ("č" * 66 + "😀" + "č" * 66, ("UCS-2", 134, 3)),
        ("😀" * 35, ("UCS-2", 70, 1)),
        ("😀" * 36, ("UCS-2", 72, 2)),
    ],
)
def test_a_text_is_as_long_as_the_standard_says(text: str, length: tuple[str, int, int]) -> None:
    assert measure(text) == length


@pytest.mark.parametrize("count", [5_000, pytest.param(100_000, marks=pytest.mark.fault_long)])
def test_random_texts_take_as_many_parts_as_another_library_says(count: int) -> None:
    chance = random.Random(6)  # noqa: S311  # texts, not secrets

    for number in range(count):
        text = "".join(chance.choices(ANY if number % 3 == 0 else GSM, k=chance.randint(1, 420)))
        theirs = smsutil.split(text)
        assert (OURS[theirs.encoding], len(theirs.parts)) == (measure(text).coding, measure(text).parts), text


def test_typographic_characters_become_plain_and_the_text_half_as_dear() -> None:
    money = "It\u2019s \u201c1\u00a0000\u202fkr\u201d \u2013 hurry\u2026"

    assert plain(money) == 'It\'s "1 000 kr" - hurry...'
    assert (measure(money).coding, measure(plain(money)).coding) == ("UCS-2", "GSM-7")
    assert plain("æøå ÄÖ € čð") == "æøå ÄÖ € čð"


def test_a_text_costs_its_parts() -> None:
    assert measure("a" * 161).price_minor(49) == 98
    assert isinstance(measure(""), Length)
