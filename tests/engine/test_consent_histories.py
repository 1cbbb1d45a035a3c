"""Whatever a member has said, in whatever order it was told: nothing leaves without a consent valid at that instant."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

import rules
from loyalty_engine.consent import fold
from loyalty_engine.consent.records import ConsentRow, tampered
from loyalty_engine.messages import gate
from loyalty_engine.messages.gate import Asking, Standing, Verdict
from tests.engine.agreeing import WORDINGS
from tests.engine.histories import CHANNELS, PURPOSES, history, may_write
from tests.engine.shop import programme

POLICY = gate.policy_of(rules.read(programme() + WORDINGS + '[messages]\nquiet = "03:00-03:01"\n', "toml"))
Judge = Callable[[Asking, Standing, gate.Policy, int], Verdict]


def attempts_that_passed_wrongly(judge: Judge, histories: int, seed: int) -> tuple[int, int, int]:
    """Try to send at random instants of random histories: how many passed, wrongly, and were held back wrongly."""
    dice = random.Random(seed)  # noqa: S311  # the same throws every time
    passed = wrongly = held = 0
    for _ in range(histories):
        records = history(dice, dice.randint(0, 12))
        at = dice.randint(900, 1_600)
        known = [record for record in records if record.recorded_at <= at]
        purpose, channel = dice.choice(PURPOSES), dice.choice(CHANNELS[:2])
        asking = Asking(purpose=f"{purpose}.{channel}", channel=channel, country="NO", member=True)
        verdict = judge(asking, Standing(states=fold.fold(known), zones=("Europe/Oslo",)), POLICY, at)
        lawful = may_write(known, purpose, channel, at)
        passed += verdict.leaves
        proved = verdict.consent_id in {record.id for record in known}
        wrongly += verdict.leaves and not (lawful and proved)
        held += lawful and verdict.reason in {"no_consent", "stopped"}
    return passed, wrongly, held


def test_of_random_histories_none_is_written_to_without_consent() -> None:
    passed, wrongly, held = attempts_that_passed_wrongly(gate.judge, 3_000, seed=20261123)

    assert passed > 200
    assert (wrongly, held) == (0, 0)


@pytest.mark.fault_long
def test_of_a_hundred_thousand_random_histories_none_is_written_to_without_consent() -> None:
    passed, wrongly, held = attempts_that_passed_wrongly(gate.judge, 100_000, seed=1)

    assert passed > 8_000
    assert (wrongly, held) == (0, 0)


def test_a_gate_that_is_skipped_is_found_out() -> None:
    def open_gate(_: Asking, __: Standing, ___: gate.Policy, ____: int) -> Verdict:
        return Verdict()

    def forgetful(asking: Asking, standing: Standing, policy: gate.Policy, at: int) -> Verdict:
        never_stopped = {place: one for place, one in standing.states.items() if place[0] != "*"}
        return gate.judge(asking, Standing(states=never_stopped, zones=standing.zones), policy, at)

    assert attempts_that_passed_wrongly(open_gate, 300, seed=2)[1] > 100
    assert attempts_that_passed_wrongly(forgetful, 3_000, seed=2)[1] > 0


def test_the_fold_does_not_depend_on_the_order_records_are_read_in() -> None:
    dice = random.Random(3)  # noqa: S311  # the same throws every time
    for _ in range(200):
        records = history(dice, 12)
        shuffled = dice.sample(records, len(records))

        assert fold.fold(shuffled) == fold.fold(records)


def flipped(dice: random.Random, record: ConsentRow) -> ConsentRow:
    """Flip one bit of one byte somewhere in a record."""
    name = dice.choice([name for name in ConsentRow.__struct_fields__ if getattr(record, name) is not None])
    value = getattr(record, name)
    if isinstance(value, int):
        changed: object = value ^ (1 << dice.randint(0, 40))
    else:
        place = dice.randrange(len(value)) if value else 0
        changed = value[:place] + chr(ord(value[place]) ^ (1 << dice.randint(0, 6))) + value[place + 1 :]
    return ConsentRow(**{field: getattr(record, field) for field in ConsentRow.__struct_fields__} | {name: changed})


def test_a_thousand_flipped_bytes_are_a_thousand_findings() -> None:
    dice = random.Random(4)  # noqa: S311  # the same throws every time
    for _ in range(1_000):
        records = history(dice, dice.randint(1, 8))
        assert list(tampered(records)) == []

        place = dice.randrange(len(records))
        records[place] = flipped(dice, records[place])

        assert list(tampered(records)) != []


@pytest.mark.parametrize(
    "harm", [lambda r: r[1:], lambda r: r[:2] + r[3:], lambda r: [r[1], r[0], *r[2:]], lambda r: r + r[:1]]
)
def test_a_record_taken_out_moved_or_copied_is_found(harm: Callable[[list[ConsentRow]], list[ConsentRow]]) -> None:
    records = history(random.Random(5), 5)  # noqa: S311  # the same throws every time

    assert list(tampered(harm(records))) != []
