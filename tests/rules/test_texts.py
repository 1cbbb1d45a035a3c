"""How many parts a text message takes, by the table of the standard's own arithmetic."""

import pytest

from rules import check, sms_parts
from tests.rules.corner_cafe import document, read_document


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("a" * 152 + "€" + "a" * 152, 3),
        ("æøåÆØÅäöÄÖüéèÇ" * 11, 1),
        ("č" * 70, 1),
        ("č" * 71, 2),
        ("č" * 134, 2),
        ("č" * 135, 3),
        ("\u2019" + "a" * 70, 2),
        ("\U0001f600" * 35, 1),
        ("\U0001f600" * 36, 2),
        ("č" * 66 + "\U0001f600" + "č" * 66, 3),
    ],
)
def test_a_text_takes_as_many_parts_as_the_standard_says(text: str, parts: int) -> None:
    assert sms_parts(text) == parts


def test_a_text_of_several_parts_is_warned_of_and_told_which_letters_are_dear() -> None:
    text = {"en": "Thank you \u2013 " + "a" * 70, "nb": "Takk"}
    rule = {"id": "thanks", "then": {"message": {"purpose": "service", "text": text}}}
    programme, _ = read_document(document(rule))

    (finding,) = check(programme)

    assert (finding.severity, finding.place, finding.rule) == ("warned", "rules[0].then.message.text.en", "thanks")
    assert finding.says == "as a text message this takes 2 parts"
    assert finding.would_be == "at most 70 characters, or 160 without \u2013"


def test_a_text_missing_in_a_language_of_the_programme_is_warned_of() -> None:
    rule = {"id": "how-was-it", "then": {"ask": {"question": {"en": "How was it?"}}}}
    written = document(rule, languages=["en", "nb"])
    for unit in written["units"].values():
        unit["name"]["nb"] = unit["name"]["en"]
    programme, _ = read_document(written)

    (finding,) = check(programme)

    assert (finding.severity, finding.place) == ("warned", "rules[0].then.ask.question.nb")
