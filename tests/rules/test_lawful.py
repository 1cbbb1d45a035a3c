"""Six programmes a shop may run, and six it may not: each refused with the reason and the law it rests on."""

from __future__ import annotations

from typing import Any

import pytest

import rules
from tests.rules.corner_cafe import document

POINTS = {"award": {"unit": "points", "amount": 5}}
PER_10_KR = {"award": {"unit": "points", "amount": 1, "per_minor": 1000}}
TEXT = {"message": {"purpose": "marketing.sms", "text": {"en": "Half price tomorrow!"}}}
EVERYBODY = {"id": "everybody", "on": "purchase", "then": PER_10_KR}
HELD = {"member": {"consent": ["profiling"]}}


def rule(rule_id: str, then: dict[str, Any] = POINTS, **more: Any) -> dict[str, Any]:
    return {"id": rule_id, "on": "purchase", "then": then, **more}


def of_law(*written: dict[str, Any], **programme: Any) -> list[rules.Finding]:
    """What the check says of a programme with these rules, apart from what is only about its units and words."""
    more = {"consent": programme.pop("consent", {}), **{k: v for k, v in programme.items() if k == "referral"}}
    whole = document(*written) | more
    whole["programme"] = whole["programme"] | programme.get("about", {})
    findings = rules.check(rules.read(rules.write_toml(_read(whole)), "toml"))
    return [one for one in findings if "(" in one.says and not one.place.startswith("units")]


def _read(whole: dict[str, Any]) -> rules.Programme:
    import msgspec

    return rules.read(msgspec.json.encode(whole), "json")


LAWFUL: dict[str, dict[str, Any]] = {
    "points for everybody": {"rules": [EVERYBODY]},
    "a text for those who take texts": {
        "rules": [EVERYBODY, rule("news", TEXT, when={"member": {"consent": ["marketing.sms"]}})]
    },
    "something extra for what is usual, to those who let us look": {
        "rules": [EVERYBODY, rule("usual", when={**HELD, "items": {"sku": ["FLATWHITE"]}})]
    },
    "a greeting to who stays away, if they agreed to both": {
        "rules": [
            EVERYBODY,
            rule("miss-you", TEXT, on="overdue", when={"member": {"consent": ["marketing.sms", "profiling"]}}),
        ]
    },
    "a bonus for a reference that was asked for": {"rules": [EVERYBODY, rule("reference", on="reference_given")]},
    "words that name one thing and one channel": {
        "rules": [EVERYBODY],
        "consent": {
            "wordings": [{"id": "w", "purpose": "marketing", "channel": "sms", "says": {"en": "Offers? STOP ends it."}}]
        },
    },
}
UNLAWFUL: dict[str, tuple[dict[str, Any], str, str]] = {
    "points for saying yes to offers": (
        {"rules": [EVERYBODY, rule("yes", when={"member": {"consent": ["marketing"]}, "weekday": ["mon"]})]},
        "in exchange for consent to marketing", "GDPR art. 7(4)",
    ),
    "points for an event of saying yes": (
        {"rules": [EVERYBODY, rule("yes", on="consent_given")]}, "for agreeing to something", "GDPR art. 7(4)",
    ),
    "points per krone for those who are watched": (
        {"rules": [EVERYBODY, rule("more", PER_10_KR, when=HELD)]}, "keeps a general benefit", "GDPR art. 7(4)",
    ),
    "nothing for who agrees to nothing": (
        {"rules": [rule("only", when={**HELD, "items": {"sku": ["FLATWHITE"]}})]},
        "whoever agrees to nothing earns nothing", "GDPR art. 7(4)",
    ),
    "watching who stays away without asking": (
        {"rules": [EVERYBODY, rule("away", when={"member": {"overdue": {"min": 2}}})]},
        "nobody has asked them", "GDPR art. 4(4)",
    ),
    "crediting a friend for taking offers": (
        {
            "rules": [EVERYBODY],
            "referral": {
                "ambassador": {"unit": "points", "amount": 10},
                "friend": {"unit": "points", "amount": 10},
                "qualifies": {"member": {"consent": ["marketing.sms"]}},
            },
        },
        "credits a friend for agreeing", "GDPR art. 7(4)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("programme", LAWFUL.values(), ids=LAWFUL)
def test_a_lawful_programme_is_taken(programme: dict[str, Any]) -> None:
    written = dict(programme)

    assert of_law(*written.pop("rules"), **written) == []


@pytest.mark.parametrize(("programme", "reason", "source"), UNLAWFUL.values(), ids=UNLAWFUL)
def test_an_unlawful_programme_is_refused_with_reason_and_source(
    programme: dict[str, Any], reason: str, source: str
) -> None:
    written = dict(programme)

    [finding] = of_law(*written.pop("rules"), **written)

    assert finding.severity == "refused"
    assert reason in finding.says
    assert source in finding.says


@pytest.mark.parametrize(
    ("country", "severity"), [("NO", "refused"), ("GB", "warned"), ("US", "warned"), ("FR", "refused")]
)
def test_a_programme_that_is_not_strict_gets_its_own_countrys_law(country: str, severity: str) -> None:
    paid = rule("yes", when={"member": {"consent": ["marketing"]}, "weekday": ["mon"]})

    [strictly] = of_law(EVERYBODY, paid, about={"country": country})
    [as_the_law_has_it] = of_law(EVERYBODY, paid, about={"country": country}, consent={"strict": False})

    assert (strictly.severity, as_the_law_has_it.severity) == ("refused", severity)


@pytest.mark.parametrize(
    ("consent", "place"),
    [
        ({"jurisdiction": "DK", "lasts": "3 years"}, "consent.lasts"),
        ({"jurisdiction": "DK", "age": 13}, "consent.age"),
        ({"wordings": [{"id": "w", "purpose": "marketing", "says": {"en": "Offers?"}}]}, "consent.wordings[0].channel"),
    ],
)
def test_terms_below_the_law_are_refused(consent: dict[str, Any], place: str) -> None:
    [finding] = [one for one in of_law(EVERYBODY, consent=consent) if one.severity == "refused"]

    assert finding.place == place


def test_every_jurisdiction_names_a_source_for_each_thing_that_differs() -> None:
    for law in rules.JURISDICTIONS.values():
        assert {"marketing", "rewarded", "tied", "profiling", "age", "lasts", "quiet", "kept_for"} == set(law.sources)
