"""Every mistake in one run: those that keep a programme from being read, and those that only a check can see."""

from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from rules import Finding, check, check_source, read
from tests.rules import random_programmes

CAFE = (Path(__file__).parents[2] / "rules" / "examples" / "corner-cafe.toml").read_text(encoding="utf-8")

TWELVE_MISTAKES = """
[programme]
name = "Corner Café"
country = "NO"
currency = "NKO"
timezone = "Europe/Olso"
languages = ["en"]

[units.points]
name.en = { one = "point", other = "points" }
expires_after = "12 months"

[units.stamps]
name.en = { one = "stamp", other = "stamps" }
expires_after = "12 months"

[units.stars]
name.en = { one = "star", other = "stars" }
expires_after = "12 months"

[[rules]]
id = "base"
on = "purchase"
then.award = { unit = "points", amount = 1, per_minor = 1000 }

[[rules]]
id = "quick-hour"
on = "purchase"
then.award = { unit = "stamps", amount = 1, per_item = { category = ["coffee"] } }

[[rules]]
id = "quick-hour"
on = "purchase"
when.time = "14:00-14:00"
then.award = { unit = "points", amount = 5 }

[[rules]]
id = "once"
on = "purchase"
then.award = { unit = "points", amount = 5 }
limit = { times = 1 }

[[rules]]
id = "gold-weekend"
on = "purchase"
when.member.tier = ["gild"]
then.award = { unit = "points", amount = 25 }

[[rules]]
id = "summer-in-winter"
on = "purchase"
when.all = [{ weekday = ["mon"] }, { weekday = ["tue"] }]
then.award = { unit = "points", amount = 5 }

[[rules]]
id = "for-your-number"
on = "purchase"
when = { member = { consent = ["marketing.sms"] }, total = { min = 5000 } }
then.award = { unit = "points", amount = 5 }

[[rules]]
id = "cake"
on = "purchase"
when.itmes = { category = ["cake"] }
then.award = { unit = "points", amount = 5 }

[[rules]]
id = "a-point-in-a-group"
on = "purchase"
when.total = { min = 20000 }
then.award = { unit = "points", amount = 7 }
group = "bonus"

[[rules]]
id = "a-stamp-in-a-group"
on = "purchase"
when.total = { min = 30000 }
then.award = { unit = "stamps", amount = 1 }
group = "bonus"

[[perks]]
id = "free-coffee"
says.en = "A free coffee"
price = { unit = "points", amount = 10 }
gives.free_item = { category = ["coffee"], up_to_minor = 6000 }

[[perks]]
id = "the-moon"
says.en = "The moon"
price = { unit = "stars", amount = 1 }
gives.amount_off_minor = 1

[[tiers]]
id = "gold"
needs = { earned = { unit = "points", amount = 1000 }, within = "12 months" }
keeps_for = "12 months"

[[examples]]
name = "a flat white"
at = 2026-01-05T15:00:00
purchase = { total_minor = 4900 }
expect = { points = 5, fired = ["base"] }

[[examples]]
name = "the weekend of a gold member, which cannot be judged before the tier's name is right"
at = 2026-01-10T15:00:00
member = { tier = "gold" }
purchase = { total_minor = 4900 }
expect = { points = 29, fired = ["gold-weekend"] }
"""
PLACES = {
    "programme.currency": "NKO",
    "programme.timezone": "Europe/Olso",
    "rules[2].id": "used twice",
    "rules[2].when.time": "no length",
    "rules[3].limit": '"per" is missing',
    "rules[4].when.member.tier[0]": "gild",
    "rules[5].when": "can never fire",
    "rules[6].when.member.consent": "in exchange for consent",
    "rules[7].when.itmes": "itmes",
    "rules[9].group": "points in a-point-in-a-group and stamps here",
    "perks[1].price.unit": "nobody can reach",
    "examples[0].expect.points": "expected 5 points, found 4 points",
}


def test_twelve_mistakes_are_twelve_findings_in_one_run_each_at_its_place() -> None:
    programme, findings = check_source(TWELVE_MISTAKES, "toml")

    assert programme is None
    assert {one.place for one in findings if one.severity == "refused"} == set(PLACES)
    assert len(findings) == 12
    for finding in findings:
        assert PLACES[finding.place] in finding.says


def planted(old: str, new: str) -> list[tuple[str, str]]:
    assert old in CAFE
    _, findings = check_source(CAFE.replace(old, new, 1), "toml")
    return [(one.place, one.severity) for one in findings]


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        (
            'unit = "points", amount = 1, per_minor',
            'unit = "ponits", amount = 1, per_minor',
            "rules[0].then.award.unit",
        ),
        ('unit = "stamps", amount = 1, per_item', 'unit = "stmaps", amount = 1, per_item', "rules[2].then.award.unit"),
        ('id = "gold"\n', 'id = "glod"\n', "rules[3].when.member.tier[0]"),
        ('currency = "NOK"', 'currency = "NKO"', "programme.currency"),
        ('languages = ["nb", "en"]', 'languages = ["norsk"]', "programme.languages[0]"),
        ('expires_after = "12 months"\npending', 'expires_after = "12 moons"\npending', "units.points.expires_after"),
        ('{ one = "point", other', '{ one = "point", ohter', "units.points.name.en.ohter"),
        ('cap = { amount = 500, per = "day" }', 'cap = { amount = 500, per = "dya" }', "units.points.cap.per"),
        ('multipliers = "best"', 'multipliers = "bets"', "programme.multipliers"),
        ('spend = { tax = "included"', 'spend = { tax = "inclued"', "programme.spend.tax"),
        ('perk = "free-coffee"', 'perk = "free-cofee"', "rules[4].then.grant.perk"),
        ('id = "free-coffee"', 'id = "free coffee"', "perks[0].id"),
        ("score = { max = 2 }", "score = { mx = 2 }", "rules[5].when.attributes.score.mx"),
        ('held_for = "14 days"', 'held_for = "14 dayz"', "referral.held_for"),
    ],
)
def test_one_slip_is_never_told_as_several_mistakes(old: str, new: str, place: str) -> None:
    found = planted(old, new)

    of_itself = [(where, severity) for where, severity in found if _about(where) == _about(place)]
    assert (place, "refused") in of_itself
    # A name that is gone is missed where it was used: those places are told by reading itself, and nothing else.
    named_elsewhere = {"rules[3].when.member.tier[0]", "rules[4].then.grant.perk", *_examples_with("tier")}
    assert {where for where, _ in found if _about(where) != _about(place)} <= named_elsewhere


def _about(place: str) -> str:
    return place.partition("]")[0] if "[" in place else ".".join(place.split(".")[:2])


def _examples_with(name: str) -> Sequence[str]:
    return [f"examples[{n}].member.{name}" for n in range(7)]


@pytest.mark.parametrize("seed", range(20))
def test_a_part_that_cannot_be_read_brings_no_finding_that_mending_it_takes_away(seed: int) -> None:
    random = Random(seed)  # noqa: S311 - the same programmes in every run
    written: dict[str, Any] = msgspec.json.decode(random_programmes.document(random, rules=8))
    whole = check(read(msgspec.json.encode(written), "json"))
    damaged = random.randrange(len(written["rules"]))
    written["rules"][damaged]["whne"] = {}

    programme, findings = check_source(msgspec.json.encode(written), "json")

    assert programme is None
    assert findings[0].place == f"rules[{damaged}].whne"
    assert set(map(_key, findings[1:])) <= set(map(_key, whole))


def _key(finding: Finding) -> tuple[str, str]:
    return finding.severity, finding.place


def test_what_can_be_read_is_checked_as_ever() -> None:
    programme, findings = check_source(CAFE, "toml")

    assert programme == read(CAFE, "toml")
    assert findings == ()


@pytest.mark.parametrize("source", ["", "[programme", "programme = 1", "[programme]\n", "rules = 1\n[programme]\n"])
def test_what_is_hardly_a_programme_is_refused_all_the_same(source: str) -> None:
    programme, findings = check_source(source, "toml")

    assert programme is None
    assert findings
