"""The keys tills show at the door: the format holds, typing errors are told, nothing secret is printed."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_engine import api_keys

PUBLISHED_EXAMPLE = "lyl_live_7Q2mX0aB_003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf01fOQ0"
BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase


def test_the_published_example_is_made_from_the_bytes_00_to_1f() -> None:
    minted = api_keys._assemble("7Q2mX0aB", bytes(range(32)))

    assert minted.key == PUBLISHED_EXAMPLE
    assert minted.sha256_hex == "0301b267a8c4054685dc461dfbb5ff24bd72b3dceb1eb7925acfb5e777b43fa5"
    assert minted.last4 == "fOQ0"


def test_the_published_example_is_read() -> None:
    assert api_keys.parse(PUBLISHED_EXAMPLE) == api_keys.ParsedKey(id="7Q2mX0aB")
    assert api_keys.fingerprint(PUBLISHED_EXAMPLE) == "0301b267a8c4054685dc461dfbb5ff24bd72b3dceb1eb7925acfb5e777b43fa5"


def test_a_minted_key_is_read_back_to_its_id() -> None:
    minted = api_keys.mint()

    assert api_keys.parse(minted.key).id == minted.id
    assert api_keys.fingerprint(minted.key) == minted.sha256_hex
    assert minted.key.endswith(minted.last4)
    assert len(minted.key) == len(PUBLISHED_EXAMPLE)


def test_no_two_keys_are_alike() -> None:
    minted = [api_keys.mint() for _ in range(500)]

    assert len({one.key for one in minted}) == 500
    assert len({one.id for one in minted}) == 500


def test_the_largest_secret_still_fits() -> None:
    minted = api_keys._assemble("zzzzzzzz", b"\xff" * 32)

    assert api_keys.parse(minted.key).id == "zzzzzzzz"


@given(position=st.integers(0, len(PUBLISHED_EXAMPLE) - 1), letter=st.sampled_from(BASE62 + "_- "))
def test_one_mistyped_letter_is_told_without_asking_the_database(position: int, letter: str) -> None:
    mistyped = PUBLISHED_EXAMPLE[:position] + letter + PUBLISHED_EXAMPLE[position + 1 :]

    if mistyped != PUBLISHED_EXAMPLE:
        with pytest.raises(api_keys.KeyMalformed):
            api_keys.parse(mistyped)


@given(st.integers(9, len(PUBLISHED_EXAMPLE) - 2))
def test_two_neighbouring_letters_swapped_are_told(position: int) -> None:
    swapped = list(PUBLISHED_EXAMPLE)
    swapped[position : position + 2] = reversed(swapped[position : position + 2])

    if "".join(swapped) != PUBLISHED_EXAMPLE:
        with pytest.raises(api_keys.KeyMalformed):
            api_keys.parse("".join(swapped))


@pytest.mark.parametrize(
    "shown",
    [
        "",
        "Bearer",
        "lyl_live_",
        PUBLISHED_EXAMPLE[:-1],
        PUBLISHED_EXAMPLE + "0",
        PUBLISHED_EXAMPLE + "\n",
        " " + PUBLISHED_EXAMPLE,
        PUBLISHED_EXAMPLE.lower(),
        PUBLISHED_EXAMPLE.replace("live", "test"),
        PUBLISHED_EXAMPLE[:20] + "\x00" + PUBLISHED_EXAMPLE[21:],
        PUBLISHED_EXAMPLE.replace("0", "\uff10"),
        "\udcff" * 67,
        "lyl_live_" + "a" * 8192,
    ],
)
def test_what_is_not_a_key_is_refused(shown: str) -> None:
    with pytest.raises(api_keys.KeyMalformed):
        api_keys.parse(shown)


def test_a_refusal_never_repeats_the_key() -> None:
    with pytest.raises(api_keys.KeyMalformed) as refusal:
        api_keys.parse(PUBLISHED_EXAMPLE + "0")

    assert PUBLISHED_EXAMPLE[9:] not in str(refusal.value)


def test_printing_a_minted_key_does_not_show_it() -> None:
    minted = api_keys.mint()

    assert minted.key not in repr(minted)
    assert minted.key[18:-6] not in f"{minted}"
