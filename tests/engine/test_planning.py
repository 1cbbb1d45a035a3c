"""Before publishing one sees what changes; after it there is a way back, and it is a version like any other."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

import rules
from loyalty_engine import planning, programmes
from loyalty_engine.answers import VersionAnswer
from loyalty_engine.businesses import Caller
from loyalty_engine.changes import changes
from loyalty_engine.commands import BacktestProgramme, RollBack
from loyalty_engine.errors import BodyInvalid, DraftMissing, ProgrammeRefused, VersionUnknown
from loyalty_engine.house import House
from tests.engine.shop import MONDAY, buys, flat_whites, programme, publish, ticket

pytestmark = pytest.mark.anyio

TWICE = programme().replace("amount = 1, per_minor = 1000", "amount = 2, per_minor = 1000")
TUESDAYS = """
[[rules]]
id = "tuesday"
on = "purchase"
when.weekday = ["tue"]
then.award = { unit = "points", amount = 3 }
"""
PERK = """
[[perks]]
id = "free-coffee"
price = { unit = "stamps", amount = 10 }
gives.amount_off_minor = 500
"""


def told(before: str, after: str) -> list[str]:
    return [change.says for change in changes(rules.read(before, "toml"), rules.read(after, "toml"))]


def test_the_same_programme_changes_nothing() -> None:
    assert told(programme(), programme() + "\n# a remark\n") == []


def test_a_changed_figure_is_told_with_what_it_was() -> None:
    assert told(programme(), TWICE) == ['Rule "base" changes: then.award.amount from 1 to 2.']


def test_a_new_rule_is_told_in_its_own_sentence() -> None:
    [says] = told(programme(), programme(more=TUESDAYS))

    assert says.startswith('Rule "tuesday" is new: ')
    assert "Tuesday" in says
    assert "3 points" in says
    assert told(programme(more=TUESDAYS), programme()) == [says.replace("is new", "is gone")]


def test_units_perks_and_the_programme_itself_are_told_too() -> None:
    after = programme(about='refund = "owe"', points='pending_for = "14 days"', more=PERK)

    assert told(programme(), after.replace('"Corner Café"', '"Corner Café & Bar"')) == [
        'The programme changes: name from "Corner Café" to "Corner Café & Bar".',
        'The programme says refund = "owe" now.',
        'Unit "points" says pending_for = "14 days" now.',
        'Perk "free-coffee" is new: price.unit = "stamps", price.amount = 10, gives.amount_off_minor = 500.',
    ]


def test_another_order_of_rules_is_told_as_it_settles_ties() -> None:
    parts = programme().split("[[rules]]")
    turned = "[[rules]]".join([parts[0], parts[2] + "\n", parts[1], *parts[3:]])

    assert told(programme(), turned) == ["The rules stand in another order: happy-hour, base, coffee-stamp, morning."]


async def test_going_back_publishes_the_old_version_as_a_new_one(house: House, cafe: Caller) -> None:
    await publish(house, cafe, TWICE, at=MONDAY)
    command = RollBack(note="too dear", by="Ida")

    answer = await planning.roll_back(house, cafe, command, ticket("back", MONDAY + timedelta(hours=1)))
    again = await planning.roll_back(house, cafe, command, ticket("back", MONDAY + timedelta(hours=2)))

    new = msgspec.json.decode(answer.body, type=VersionAnswer)
    assert (answer.status, new.version, new.note, new.by, new.current) == (201, 3, "too dear", "Ida", True)
    assert (again.hit, again.body) == (True, answer.body)
    assert (await programmes.version(house, cafe, 3)).toml == programme()
    bought = await buys(house, cafe, flat_whites("r-1"), at=MONDAY + timedelta(hours=3))
    assert [award.amount for award in bought.awards if award.rule == "base"] == [9]


async def test_going_back_to_a_version_that_is_named_or_not_there(house: House, cafe: Caller) -> None:
    await publish(house, cafe, TWICE, at=MONDAY)

    same = await planning.roll_back(house, cafe, RollBack(to=2, note="why not", by="Ida"), ticket())

    assert same.status == 200
    with pytest.raises(VersionUnknown):
        await planning.roll_back(house, cafe, RollBack(to=9, note="why not", by="Ida"), ticket())


async def test_there_is_nothing_before_the_first_version(house: House, cafe: Caller) -> None:
    with pytest.raises(VersionUnknown):
        await planning.roll_back(house, cafe, RollBack(note="too dear", by="Ida"), ticket())


async def test_versions_and_the_draft_are_compared(house: House, cafe: Caller) -> None:
    await publish(house, cafe, TWICE, at=MONDAY)
    with pytest.raises(DraftMissing):
        await planning.difference(house, cafe, None, None)
    await programmes.save_draft(house, cafe, programme(more=TUESDAYS), "toml", at=MONDAY)

    found = await planning.difference(house, cafe, None, None)

    assert (found.before, found.after) == ("version 2", "the draft")
    assert [change.id for change in found.changes] == ["base", "tuesday"]
    assert [one.says for one in (await planning.difference(house, cafe, 2, 1)).changes] == [
        'Rule "base" changes: then.award.amount from 2 to 1.'
    ]
    with pytest.raises(VersionUnknown):
        await planning.difference(house, cafe, 1, 7)


async def test_the_draft_is_tried_or_what_is_sent_along(house: House, cafe: Caller) -> None:
    await buys(house, cafe, flat_whites("r-1"))
    await programmes.save_draft(house, cafe, TWICE, "toml", at=MONDAY)
    document = msgspec.json.encode((await programmes.read_draft(house, cafe)).programme)
    later = MONDAY + timedelta(days=1)

    asked = BacktestProgramme(), BacktestProgramme(toml=TWICE), BacktestProgramme(programme=msgspec.Raw(document))
    answers = [await planning.try_out(house, cafe, command, at=later) for command in asked]

    assert {answer.tried for answer in answers} == {"the draft", "the programme sent"}
    assert {answer.rules for answer in answers} == {answers[0].rules}
    assert answers[0].rules[0].tried.awarded == 18


async def test_what_cannot_be_tried_is_refused(house: House, cafe: Caller) -> None:
    wrong = TWICE.replace('unit = "points"', 'unit = "pints"')
    for command, refusal in (
        (BacktestProgramme(toml=wrong), ProgrammeRefused),
        (BacktestProgramme(toml="[programme"), ProgrammeRefused),
        (BacktestProgramme(programme=msgspec.Raw(b"[1]")), ProgrammeRefused),
        (BacktestProgramme(toml=TWICE, programme=msgspec.Raw(b"{}")), BodyInvalid),
        (BacktestProgramme(toml=TWICE, since=MONDAY, until=MONDAY), BodyInvalid),
        (BacktestProgramme(toml=TWICE, against=5), VersionUnknown),
    ):
        with pytest.raises(refusal):
            await planning.try_out(house, cafe, command, at=MONDAY)


async def test_a_programme_whose_examples_fail_can_be_tried(house: House, cafe: Caller) -> None:
    example = '\n[[examples]]\nname = "wrong"\nat = 2026-11-23T10:00:00\npurchase = { total_minor = 100 }\n'

    answer = await planning.try_out(
        house, cafe, BacktestProgramme(toml=TWICE + example + "expect = { points = 99 }\n"), at=MONDAY
    )

    assert answer.purchases == 0
