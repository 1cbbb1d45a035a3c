"""What members text is read as channels tell us people write it; `write_words.py` made the table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, strategies

from loyalty_engine.texts import lexicon
from loyalty_engine.texts.lexicon import spellings
from loyalty_engine.texts.reading import UNKNOWN, wish_of
from tests.texts import write_words

HERE = Path(__file__).parent
TABLE = [
    (json.loads(text), kind)
    for text, _, kind in (
        line.rpartition("\t") for line in (HERE / "words.tsv").read_text(encoding="utf-8").splitlines()
    )
]


def test_the_table_is_large_and_as_it_was_made() -> None:
    assert len(TABLE) >= 2000
    assert (HERE / "words.tsv").read_text(encoding="utf-8") == write_words.table()


def test_every_text_of_the_table_means_what_it_says() -> None:
    wrong = [
        (text, kind, found)
        for text, kind in TABLE
        if (found := wish_of(text, write_words.OWN).kind or "-") != kind  # type: ignore[arg-type]
    ]

    assert wrong == []


def test_a_hundred_sentences_ask_to_be_left_alone() -> None:
    sentences = (HERE / "leave_me_alone.txt").read_text(encoding="utf-8").splitlines()

    assert len(sentences) >= 100
    assert [sentence for sentence in sentences if wish_of(sentence).kind != "stop"] == []


@given(strategies.text(max_size=80))
def test_any_text_is_read_and_stop_before_it_wins(text: str) -> None:
    wish_of(text)
    assert wish_of(f"STOP {text}").kind in {"stop", "stop_all"} or "IKKE" in text.upper()


@given(strategies.text(alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZ ", min_size=1, max_size=12))
def test_letters_that_are_no_word_ask_for_nothing(text: str) -> None:
    known = {each for words in (*lexicon.WORDS.values(), lexicon.STOP, lexicon.STOP_ALONE) for word in words
             for each in spellings(word)}  # fmt: skip
    if not any(word in known for word in text.split()) and " ".join(text.split()) not in known:
        wish = wish_of(text)
        assert wish.kind not in {"start", "join", "yes", "no"}


def test_a_business_has_words_of_its_own_but_not_for_stop() -> None:
    assert wish_of("kaffe", {"KAFFE": "join"}).kind == "join"
    assert wish_of("STOP", {"STOP": "join"}).kind == "stop"
    assert wish_of("kaffe") == UNKNOWN


def test_what_follows_a_word_is_given_as_it_was_typed() -> None:
    assert wish_of("bruk  Gratis kaffe!").rest == "Gratis kaffe"
    assert wish_of("KLAGE: kaffen var kald").rest == "kaffen var kald"
    assert wish_of("JOIN grunerlokka").rest == "grunerlokka"


def test_a_stop_with_more_to_say_is_read_by_a_person_too() -> None:
    assert wish_of("STOP").read_on is False
    assert wish_of("STOPP ALT").read_on is False
    assert wish_of("STOPP, kaffen var kald og dyr").read_on is True


@pytest.mark.parametrize("text", ["a" * 100_000, "STOP " * 50_000, "S " * 50_000, "\ud83d", "(" * 5_000])
def test_a_monstrous_text_is_read_quickly(text: str) -> None:
    wish_of(text)
