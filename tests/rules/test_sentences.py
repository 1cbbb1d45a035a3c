"""Rules and outcomes in words: every condition and effect has its phrases in every language, and they read well."""

import string
from random import Random
from typing import Any

import pytest

from rules import TONGUES, FormPart, Programme, compile_programme, form, read, sentence
from rules.conditions import CONDITIONS
from rules.effects import EFFECTS
from rules.known import EVENTS
from rules.tongues import Tongue
from tests.rules import random_programmes
from tests.rules.corner_cafe import document, happened, read_document

HAPPY_HOUR = {
    "id": "happy-hour",
    "when": {"items": {"category": ["kaffe"]}, "weekday": ["mon", "tue"], "time": "14:00-16:00"},
    "then": {"multiply": {"unit": "points", "by": 2}},
}
IN_SIX_LANGUAGES = {
    "en": "When a customer buys kaffe, Monday or Tuesday 14:00-16:00: double points",
    "nb": "Når en kunde kjøper kaffe, mandag eller tirsdag 14:00-16:00: dobbelt poeng",
    "nn": "Når ein kunde kjøper kaffe, måndag eller tysdag 14:00-16:00: dobbelt poeng",
    "sv": "När en kund köper kaffe, måndag eller tisdag 14:00-16:00: dubbla poäng",
    "da": "Når en kunde køber kaffe, mandag eller tirsdag 14:00-16:00: dobbelt point",
    "fi": "Kun asiakas ostaa (tuotteet: kaffe), maanantai tai tiistai 14:00-16:00: pisteet kaksinkertaisina",
}
POINTS = {
    "en": ("point", "points"),
    "nb": ("poeng", "poeng"),
    "nn": ("poeng", "poeng"),
    "sv": ("poäng", "poäng"),
    "da": ("point", "point"),
    "fi": ("piste", "pisteet"),
}


def cafe(*rules: dict[str, Any]) -> dict[str, Any]:
    written = document(*rules, languages=list(POINTS))
    written["units"]["points"]["name"] = {code: {"one": one, "other": other} for code, (one, other) in POINTS.items()}
    return written


def programme_of(*rules: dict[str, Any]) -> Programme:
    programme, findings = read_document(cafe(*rules))
    assert findings == ()
    return programme


def slots(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


@pytest.mark.parametrize("language", IN_SIX_LANGUAGES)
def test_a_rule_says_itself_in_each_language(language: str) -> None:
    programme = programme_of(HAPPY_HOUR)

    assert sentence(programme.rules[0], programme, language) == IN_SIX_LANGUAGES[language]


def test_a_rule_says_itself_in_the_programmes_first_language_when_none_is_asked_for() -> None:
    programme, _ = read_document(document(HAPPY_HOUR, languages=["nb", "en"]))

    assert sentence(programme.rules[0], programme).startswith("Når en kunde kjøper kaffe")


def test_no_and_en_gb_are_spoken_too_and_a_language_we_do_not_know_is_english() -> None:
    programme = programme_of(HAPPY_HOUR)

    assert sentence(programme.rules[0], programme, "no").startswith("Når en kunde kjøper kaffe")
    assert sentence(programme.rules[0], programme, "en-GB").startswith("When a customer buys kaffe")
    assert sentence(programme.rules[0], programme, "de").startswith("When a customer buys kaffe")


def test_limits_groups_dates_and_nested_conditions_are_said() -> None:
    rule = {
        "id": "weekend",
        "from": "2026-05-01",
        "when": {
            "member": {"tier": ["gold"]},
            "any": [{"weekday": ["sat", "sun"]}, {"location": ["airport"]}],
            "not": {"items": {"category": ["gift-card"]}},
        },
        "then": {"award": {"unit": "points", "amount": 25}},
        "limit": [{"times": 1, "per": "day"}, {"amount": 100, "per": "month"}],
        "group": "bonus",
    }
    programme = programme_of(rule)

    assert sentence(programme.rules[0], programme, "en") == (
        "When a customer buys, for members in tier gold, either Saturday or Sunday or at airport, "
        "but not with gift-card in the basket, 2026-05-01 or later: 25 points "
        '(at most 1 time per day; at most 100 points per month; the best of the group "bonus")'
    )


@pytest.mark.parametrize("language", POINTS)
def test_every_outcome_says_why_in_each_language(language: str) -> None:
    rules = (
        {"id": "base", "then": {"award": {"unit": "points", "amount": 1, "per_minor": 1000}}},
        HAPPY_HOUR | {"when": {"weekday": ["mon", "tue"]}},
    )
    programme, event, member = happened(cafe(*rules), {"name": "a Sunday", "at": "2026-01-04T15:00:00"})
    compiled = compile_programme(programme)

    base, happy_hour = compiled.explain(event, member, compiled.evaluate(event, member), language)

    assert (base.fired, happy_hour.fired) == (True, False)
    assert (base.because, happy_hour.because) == {
        "en": ("4 points: 1 point per 10 kr on 49 kr", "weekday is Sunday; the rule wants Monday or Tuesday"),
        "nb": ("4 poeng: 1 poeng per 10 kr på 49 kr", "ukedagen er søndag; regelen krever mandag eller tirsdag"),
        "nn": ("4 poeng: 1 poeng per 10 kr på 49 kr", "vekedagen er søndag; regelen krev måndag eller tysdag"),
        "sv": ("4 poäng: 1 poäng per 10 kr på 49 kr", "veckodagen är söndag; regeln kräver måndag eller tisdag"),
        "da": ("4 point: 1 point pr. 10 kr på 49 kr", "ugedagen er søndag; reglen kræver mandag eller tirsdag"),
        "fi": (
            "4 pisteet: 1 piste / 10 kr, summa 49 kr",
            "viikonpäivä: sunnuntai; sääntö vaatii: maanantai tai tiistai",
        ),
    }[language]


def test_a_reason_is_given_again_in_another_language_with_its_cut() -> None:
    rule = {
        "id": "base",
        "then": {"award": {"unit": "points", "amount": 1, "per_minor": 100}},
        "limit": {"amount": 40, "per": "day"},
    }
    programme, event, member = happened(cafe(rule), {"name": "a flat white"})
    compiled = compile_programme(programme)

    (award,) = compiled.evaluate(event, member).awards

    assert award.reason == "1 point per 1 kr on 49 kr, cut by a limit from 49"
    assert compiled.reason_in(award, event, member, "nb") == "1 poeng per 1 kr på 49 kr, kuttet av en grense fra 49"
    assert (
        compiled.evaluate_in("sv")(event, member).awards[0].reason
        == "1 poäng per 1 kr på 49 kr, minskat av en gräns från 49"
    )


def test_money_has_the_decimal_mark_of_the_language() -> None:
    rule = {"id": "much", "when": {"total": {"min": 12950}}, "then": {"award": {"unit": "points", "amount": 1}}}
    programme = programme_of(rule)

    assert "129.50 kr" in sentence(programme.rules[0], programme, "en")
    assert "129,50 kr" in sentence(programme.rules[0], programme, "nb")


@pytest.mark.parametrize("kind", [*CONDITIONS.values(), *EFFECTS.values()], ids=lambda kind: kind.written)
def test_every_condition_and_effect_has_its_phrases_in_every_language(kind: Any) -> None:
    assert set(kind.says) == set(TONGUES)
    for about, clause in kind.says.values():
        assert about
        assert slots(clause) == slots(kind.says["en"][1])


@pytest.mark.parametrize("tongue", TONGUES.values(), ids=lambda tongue: tongue.code)
def test_every_language_has_every_phrase_with_the_same_things_to_fill_in(tongue: Tongue) -> None:
    english = TONGUES["en"]

    for name in Tongue.__struct_fields__:
        said, wanted = getattr(tongue, name), getattr(english, name)
        if isinstance(wanted, str):
            assert said, name
            assert slots(said) == slots(wanted), name
        elif isinstance(wanted, tuple):
            assert len(said) == len(wanted), name
        else:
            assert set(said) == set(wanted), name
    assert {"purchase", *tongue.events} == set(EVENTS)


@pytest.mark.parametrize("seed", range(3))
def test_random_programmes_and_outcomes_are_said_in_every_language(seed: int) -> None:
    random = Random(seed)  # noqa: S311 - the same programmes in every run

    for _ in range(6):
        programme = random_programmes.programme(random, rules=8)
        compiled = compile_programme(programme)
        for language in TONGUES:
            event = random_programmes.event(random)
            member = random_programmes.member(random, programme, event)
            outcome = compiled.evaluate(event, member)

            because = compiled.explain(event, member, outcome, language)

            assert tuple(one.rule for one in because if one.fired) == outcome.fired
            for said in [
                *(one.because for one in because),
                *(sentence(one, programme, language) for one in programme.rules),
            ]:
                assert said
                assert not slots(said)


def test_the_form_has_every_condition_and_effect_with_a_label_and_a_help() -> None:
    whole = form("nb")

    assert {part.written for part in whole.conditions} == set(CONDITIONS)
    assert {part.written for part in whole.effects} == set(EFFECTS)
    for part in (*whole.conditions, *whole.effects):
        assert part.label
        assert part.help
        assert part.fields
        assert all(field.help and field.kind for field in part.fields)


def test_the_form_knows_how_each_field_is_filled_in() -> None:
    fields = {(part.written, field.name): field for part in form().conditions for field in part.fields}

    assert fields["weekday", ""].kind == "list"
    assert fields["weekday", ""].of[0].choices == ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    assert [field.name for field in fields["total", ""].of] == ["min", "max"]
    assert fields["member.tier", ""].of[0].refers == "tier"
    assert fields["time", ""].kind == "time"
    assert fields["member.count", "within"].kind == "period"
    assert fields["member.count", "of"].required
    assert not fields["member.count", "min"].required
    assert [field.kind for field in fields["attributes", ""].of[1].of] == ["list", "range", "yes_no"]


@pytest.mark.parametrize("part", [*form().conditions, *form().effects], ids=lambda part: part.written)
def test_the_example_of_each_is_one_that_can_be_read(part: FormPart) -> None:
    written, example = part.written, part.example
    place = "when" if written in CONDITIONS else "then"
    on = "course_done" if part.stands_on == "event" else "purchase"
    award = 'then.award = { unit = "points", amount = 1 }' if place == "when" else ""
    text = f"""
        [programme]
        name = "Corner Café"
        country = "NO"
        currency = "NOK"
        timezone = "Europe/Oslo"
        languages = ["en"]
        [units.points]
        [[tiers]]
        id = "gold"
        needs = {{ earned = {{ unit = "points", amount = 1000 }}, within = "12 months" }}
        keeps_for = "12 months"
        [[perks]]
        id = "free-coffee"
        price = {{ unit = "points", amount = 100 }}
        gives.free_item = {{ category = ["coffee"] }}
        [[rules]]
        id = "it"
        on = "{on}"
        {place}.{written} = {example}
        {award}
    """

    programme = read(text, "toml")

    assert sentence(programme.rules[0], programme)
