"""Every answer fits one part in every language, with names and figures as shops really have them."""

from __future__ import annotations

import string
from itertools import product

import pytest
from hypothesis import given, strategies

from loyalty_engine.texts.reading import wish_of
from loyalty_engine.texts.sayings import SAYINGS, listed, say
from rules import measure

LANGUAGES = ("nb", "nn", "sv", "da", "fi", "en")
REALISTIC = {
    "business": "Grünerløkka Kaffebrenneri",
    "terms": "https://poeng.example.no/j/grunerlokka",
    "unit": "poeng",
    "balance": "123 456 poeng og 9 stempler",
    "pending": "1 280 poeng",
    "day": "22.11.",
    "amount": "+1 280 poeng",
    "reason": "1 poeng per 10 kr av 12 800 kr, dobbelt mandag og tirsdag",
    "perks": "Gratis kaffe 100 poeng, Kanelbolle 80 poeng",
    "perk": "Gratis filterkaffe eller te",
    "code": "K7QF-2M9X",
    "until": "22.12.2026",
    "price": "1 000 poeng",
    "left": "4",
    "question": "Vil du ha tilbud fra oss?",
    "link": "https://poeng.example.no/r/K7QF2M",
}


@pytest.mark.parametrize(("language", "saying"), list(product(LANGUAGES, SAYINGS["en"])))
def test_an_answer_fits_one_part_at_realistic_lengths(language: str, saying: str) -> None:
    text = say(language, saying, **REALISTIC)  # type: ignore[arg-type]

    assert measure(text).parts == 1
    assert measure(text).coding == "GSM-7"
    assert "..." not in text.replace("?Svar", ""), "nothing had to be shortened"
    assert "{" not in text


@given(
    strategies.sampled_from(LANGUAGES),
    strategies.sampled_from(sorted(SAYINGS["en"])),
    strategies.text(max_size=200),
    strategies.text(max_size=300),
)
def test_an_answer_fits_one_part_whatever_the_names_are(language: str, saying: str, business: str, reason: str) -> None:
    text = say(language, saying, **REALISTIC | {"business": business, "reason": reason})  # type: ignore[arg-type]

    assert measure(text).parts == 1


def test_every_language_has_every_answer_with_the_same_values() -> None:
    fields = {
        (language, saying): {name for sentence in said for _, name, _, _ in string.Formatter().parse(sentence) if name}
        for language, sayings in SAYINGS.items()
        for saying, said in sayings.items()
    }

    for language, saying in product(LANGUAGES, SAYINGS["en"]):
        assert fields[language, saying] == fields["en", saying], (language, saying)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_word_that_an_answer_names_is_understood(language: str) -> None:
    named = {
        word.strip(".,:!?")
        for said in SAYINGS[language].values()
        for sentence in said
        for word in sentence.split()
        if word.strip(".,:!?").isupper() and len(word.strip(".,:!?")) > 1 and word.strip(".,:!?") != "SMS"
    } - {"BLI", "MED", "GÅ"}

    assert [word for word in sorted(named) if wish_of(word).kind is None] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_welcome_says_the_terms_and_how_to_stop(language: str) -> None:
    text = say(language, "welcome", **REALISTIC | {"business": "Det Lille Kaffebrenneriet på Grünerløkka i Oslo"})

    assert REALISTIC["terms"] in text
    assert "STOP" in text


def test_typographic_characters_of_a_programme_cost_nothing_more() -> None:
    text = say("en", "balance", business="Kari\u2019s \u201cCafé\u201d", balance="1\u00a0280 points")

    assert text.startswith('Kari\'s "Café": you have 1 280 points.')
    assert measure(text).coding == "GSM-7"


def test_a_sentence_without_its_value_is_left_out() -> None:
    assert say("en", "balance", business="Corner Café", balance="1 point", pending="") == (
        "Corner Café: you have 1 point. Reply WHY for the last movement."
    )


def test_things_are_listed_as_the_language_lists_them() -> None:
    assert listed("fi", ["3 pistettä", "1 leima"]) == "3 pistettä ja 1 leima"
    assert listed("nb", ["1 a"]) == "1 a"
    assert listed("sv", ["a", "b", "c"]) == "a, b och c"
