"""Reading a programme: every mistake at once, each with its place, the rule's id and what would be right."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Literal

import pytest

from rules import Price, Programme, ProgrammeInvalid, read, write_toml

EXAMPLES = sorted((Path(__file__).parents[2] / "rules" / "examples").glob("*.toml"))
CAFE = (Path(__file__).parents[2] / "rules" / "examples" / "corner-cafe.toml").read_text()

FULL_OF_MISTAKES = """
[programme]
name = "Corner Café"
country = "Norway"
currency = "NKO"
timezone = "Europe/Olso"
languages = []
refund = "never"
spend = { taxes = "included" }

[units.points]
name.nb = { one = "poeng" }
expires_after = "12 moons"
cap = { amount = 500 }

[[rules]]
id = "base"
on = "purchase"
then.award = { unit = "ponits", amount = 1, per_minor = 1000 }

[[rules]]
id = "base"
on = "Birthday"
then.award = { unit = "points", amount = 1.5 }

[[rules]]
id = "happy-hour"
on = "purchase"
when.weekdays = ["mon"]
when.time = "14:00-14:00"
when.items = { catgory = ["coffee"], quantity = { min = 3, max = 2 } }
when.member = { tier = ["gild"], birthday = "today" }
then.multiply = { unit = "points", by = 0.5 }
limit = { times = 1 }

[[rules]]
id = "Late Night"
on = "purchase"
then.message = "hello"

[[rules]]
on = "purchase"
then = { award = { unit = "points", amount = 1 } }
until = "tomorrow"

[[perks]]
id = "free-coffee"
price = { unit = "stamps", amount = 10 }
gives = { free_item = { category = ["coffee"] }, percent_off = 10 }

[[tiers]]
id = "gold"
needs = { earned = { unit = "points", amount = 1000 }, within = "12 months" }
keeps_for = "12 months"

[[examples]]
name = "a flat white"
at = 2026-01-05T15:00:00
purchase = { total_minor = 49.00 }
expect = { points = 4, fired = ["bsae"] }

[colours]
"""

EXPECTED = {
    "colours": (None, '"colours" is not known here', None),
    "programme.country": (None, '"Norway" is not right here', "a country of two capital letters such as NO"),
    "programme.currency": (None, 'the currency "NKO" is not known', "NOK"),
    "programme.timezone": (None, 'the time zone "Europe/Olso" is not known', "Europe/Oslo"),
    "programme.languages": (None, "an empty list matches nothing", None),
    "programme.refund": (None, '"never" is not right here', None),
    "programme.spend.taxes": (None, '"taxes" is not known here', "tax"),
    "units.points.name.nb": (None, '"other" is missing', "other = a name"),
    "units.points.expires_after": (None, '"12 moons": this is no period', None),
    "units.points.cap": (None, '"per" is missing', None),
    "rules[0].then.award.unit": ("base", 'there is no unit "ponits"', "points"),
    "rules[1].id": ("base", 'the rule "base" is used twice; the first is at rules[0].id', "an id of its own"),
    "rules[1].on": ("base", '"Birthday" is not right here', None),
    "rules[1].then.award.amount": ("base", "1.5 is not right here", None),
    "rules[2].when.weekdays": ("happy-hour", 'there is no condition "weekdays"', "weekday"),
    "rules[2].when.time": ("happy-hour", "this window has no length", None),
    "rules[2].when.items.catgory": ("happy-hour", '"catgory" is not known here', "category"),
    "rules[2].when.items.quantity": ("happy-hour", "min 3 is above max 2", None),
    "rules[2].when.member.tier[0]": ("happy-hour", 'there is no tier "gild"', "gold"),
    "rules[2].when.member.birthday": ("happy-hour", '"today" is not right here', "day"),
    "rules[2].then.multiply": ("happy-hour", "`by` must be above 1", None),
    "rules[2].limit": ("happy-hour", '"per" is missing', None),
    "rules[3].id": ("Late Night", '"Late Night" is not right here', None),
    "rules[3].then.message": ("Late Night", '"hello" stands where a table is wanted', "a table with purpose, text"),
    "rules[4]": (None, '"id" is missing', None),
    "rules[4].until": (None, '"tomorrow" is not right here', "a date such as 2026-01-05"),
    "perks[0].price.unit": (None, 'there is no unit "stamps"', None),
    "perks[0].gives": (None, "a perk gives one of free_item, amount_off_minor, percent_off and service", None),
    "examples[0].purchase.total_minor": (None, "49.00 is not right here", None),
    "examples[0].expect.fired[0]": (None, 'there is no rule "bsae"', "base"),
}


def test_every_mistake_is_found_at_once_at_its_place() -> None:
    with pytest.raises(ProgrammeInvalid) as refused:
        read(FULL_OF_MISTAKES, "toml")

    findings = {finding.place: finding for finding in refused.value.findings}
    assert len(refused.value.findings) == len(findings)
    assert set(findings) == set(EXPECTED)
    for place, (rule, says, would_be) in EXPECTED.items():
        assert findings[place].rule == rule, place
        assert says in findings[place].says, place
        assert findings[place].severity == "refused"
        if would_be is not None:
            assert findings[place].would_be == would_be, place


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_a_programme_written_as_toml_reads_back_the_same(path: Path) -> None:
    programme = read(path.read_bytes(), "toml")

    assert read(write_toml(programme), "toml") == programme


def test_json_and_toml_give_the_same_programme() -> None:
    text = """{
        "programme": {"name": "Corner Café", "country": "NO", "currency": "NOK", "timezone": "Europe/Oslo",
                      "languages": ["nb"]},
        "units": {"points": {"expires_after": "12 months"}},
        "rules": [{"id": "a-little", "on": "purchase", "when": {"dates": {"from": "2026-12-01"}},
                   "then": {"multiply": {"unit": "points", "by": 1.001}}}]
    }"""
    toml = """
    [programme]
    name = "Corner Café"
    country = "NO"
    currency = "NOK"
    timezone = "Europe/Oslo"
    languages = ["nb"]
    [units.points]
    expires_after = "12 months"
    [[rules]]
    id = "a-little"
    on = "purchase"
    when.dates.from = 2026-12-01
    then.multiply = { unit = "points", by = 1.001 }
    """

    programme = read(text, "json")

    assert programme == read(toml, "toml")
    assert programme.rules[0].multiply is not None
    assert programme.rules[0].multiply.by == Decimal("1.001")


def refused_places(text: str) -> list[str]:
    with pytest.raises(ProgrammeInvalid) as refused:
        read(text, "json")
    return [finding.place for finding in refused.value.findings]


def test_a_name_written_twice_in_one_json_object_is_refused() -> None:
    text = """{
        "programme": {"name": "A", "name": "B", "country": "NO", "currency": "NOK", "timezone": "UTC",
                      "languages": ["nb"]},
        "units": {"points": {}},
        "rules": [{"id": "x", "on": "purchase", "then": {"award": {"unit": "points", "amount": 1, "amount": 2}}}]
    }"""

    assert refused_places(text) == ["programme.name", "rules[0].then.award.amount"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '"a programme"',
        "[" * 100_000,
        '{"programme": NaN}',
        '{"programme": 1e999999}',
        '{"programme": ' + "9" * 5000 + "}",
        " " * 1_000_001,
    ],
    ids=["nothing", "a list", "half", "a text", "deep", "no number", "huge", "long", "too much"],
)
def test_what_is_no_programme_is_refused_and_never_a_crash(text: str) -> None:
    formats: tuple[Literal["json", "toml"], ...] = ("json", "toml")
    for format in formats:
        with pytest.raises(ProgrammeInvalid):
            read(text, format)


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(ProgrammeInvalid, match="this is no TOML"):
        read(b'name = "Corner Caf\xe9"', "toml")


def test_a_text_that_no_database_can_keep_is_refused() -> None:
    cafe = json.dumps({"programme": {"name": "Corner\u0000", "country": "NO"}})
    lone = '{"programme": {"name": "\\ud800", "country": "NO"}}'

    assert "programme.name" in refused_places(cafe)
    assert "programme.name" in refused_places(lone)


def test_conditions_nest_no_deeper_than_a_person_can_follow() -> None:
    when: dict[str, object] = {"weekday": ["mon"]}
    for _ in range(9):
        when = {"not": when}
    document = {"rules": [{"id": "deep", "on": "purchase", "when": when}]}

    (place,) = [place for place in refused_places(json.dumps(document)) if ".not" in place]

    assert place == "rules[0].when" + 8 * ".not"


def test_the_whole_corner_cafe_reads_into_types() -> None:
    programme = read(CAFE, "toml")

    assert isinstance(programme, Programme)
    assert programme.currency == "NOK"
    assert str(programme.zone) == "Europe/Oslo"
    assert str(programme.unit("points").expires_after) == "12 months"
    assert str(programme.unit("points").pending_for) == "14 days"
    assert [(cap.amount, cap.per) for cap in programme.unit("points").cap] == [(500, "day")]
    assert programme.tiers[0].needs.unit == "points"
    assert programme.perks[0].price == Price("stamps", 10)
    assert programme.referral is not None
    assert programme.referral.limit[0].per == "year"
    assert programme.locations == "on_first_use"
