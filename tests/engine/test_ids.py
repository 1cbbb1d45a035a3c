"""Every thing gets one opaque id; ids sort in the order things were written down."""

import os
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_engine import ids

LUNCH_MS = 1_795_339_260_000  # 2026-11-22 09:21 UTC
CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"


def as_uuid(text: str) -> UUID:
    number = 0
    for letter in text.partition("_")[2]:
        number = number * 32 + CROCKFORD.index(letter)
    return UUID(int=number)


def fresh_sequence() -> ids._Sequence:
    return ids._Sequence()


def test_an_id_says_what_it_names_and_holds_a_uuid_version_7() -> None:
    purchase = fresh_sequence().new("pur", LUNCH_MS)

    assert purchase.startswith("pur_")
    assert len(purchase) == 30
    assert as_uuid(purchase).version == 7
    assert as_uuid(purchase).variant == "specified in RFC 4122"
    assert as_uuid(purchase).int >> 80 == LUNCH_MS


def test_ids_made_in_one_millisecond_sort_in_the_order_they_were_made() -> None:
    sequence = fresh_sequence()

    made = [sequence.new("ent", LUNCH_MS) for _ in range(5_000)]

    assert made == sorted(made)
    assert len(set(made)) == 5_000
    assert {as_uuid(one).version for one in made} == {7}


@given(st.lists(st.integers(min_value=0, max_value=2**48 - 2), min_size=2, max_size=40))
def test_ids_sort_by_creation_even_when_the_clock_goes_back(clock: list[int]) -> None:
    sequence = fresh_sequence()

    made = [sequence.new("lot", at_ms) for at_ms in clock]

    assert made == sorted(set(made))
    assert all(ids.is_id(one, "lot") for one in made)


def test_a_full_millisecond_runs_over_into_the_next_one() -> None:
    sequence = fresh_sequence()
    before = sequence.new("pur", LUNCH_MS)
    sequence._tail = 2**74 - 1

    after = sequence.new("pur", LUNCH_MS)

    assert after > before
    assert as_uuid(after).int >> 80 == LUNCH_MS + 1


def test_ids_made_at_the_same_instant_by_two_servers_differ() -> None:
    assert fresh_sequence().new("pur", LUNCH_MS) != fresh_sequence().new("pur", LUNCH_MS)


def test_threads_never_get_the_same_id() -> None:
    sequence = fresh_sequence()

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: sequence.new("pur", LUNCH_MS), range(8_000)))

    assert len(set(made)) == 8_000


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # the child only writes and leaves
def test_a_forked_server_does_not_repeat_its_parents_ids() -> None:
    ids.new("pur", LUNCH_MS)
    reading, writing = os.pipe()

    child = os.fork()
    if child == 0:
        os.write(writing, ids.new("pur", LUNCH_MS).encode())
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(reading, 100).decode()
    os.close(reading)
    os.close(writing)

    assert ids.is_id(theirs, "pur")
    # The parent's next step is small; a child that had inherited the sequence would land within it.
    assert abs(as_uuid(theirs).int - as_uuid(ids.new("pur", LUNCH_MS)).int) > 2**40


def test_every_prefix_says_what_it_names() -> None:
    assert all(len(prefix) == 3 and names for prefix, names in ids.PREFIXES.items())
    assert {"mem", "pur", "hld", "ent", "lot", "vch", "con", "ref", "cas"} <= set(ids.PREFIXES)


def test_a_prefix_nobody_declared_is_our_bug() -> None:
    with pytest.raises(KeyError):
        ids.new("xyz", LUNCH_MS)


@pytest.mark.parametrize(
    "stranger",
    [
        "",
        "pur_",
        "mem_01m7q5cqg0envvna4f65046jha",
        "pur_01m7q5cqg0envvna4f65046jh",
        "pur_01m7q5cqg0envvna4f65046jhaa",
        "pur_01M7Q5CQG0ENVVNA4F65046JHA",
        "pur_01m7q5cqg0envvna4f65046jhu",
        "pur_81m7q5cqg0envvna4f65046jha",
        "pur_01m7q5cqg0envvna4f65046jha\n",
        "pur_\u0660\u0661m7q5cqg0envvna4f65046jha",
        "pur_../../etc/passwd",
        "pur_' or 1=1 --",
        "1234567890123456789012345678901234",
    ],
)
def test_what_does_not_look_like_our_id_never_reaches_the_database(stranger: str) -> None:
    assert not ids.is_id(stranger, "pur")


def test_an_id_of_ours_is_recognised() -> None:
    assert ids.is_id("pur_01m7q5cqg0envvna4f65046jha", "pur")
