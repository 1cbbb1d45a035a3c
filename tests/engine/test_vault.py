"""What is personal is locked away per member: opened by its own key only, and by nothing after erasure."""

import os
import re
from base64 import standard_b64encode, urlsafe_b64decode, urlsafe_b64encode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty_engine.identifiers import Identifier
from loyalty_engine.vaults.vault import MasterKeyUnusable, Vault, VaultClosed

MASTER = bytes(range(32))
CORNER_CAFE = 1
BOOKSHOP = 2
IDA = "mem_01m7q5cqg0envvna4f65046jha"
KARI = "mem_01m7q5cqg0envvna4f67mfpxhq"
IDAS_PHONE = Identifier("phone", "+4791234567")

vault = Vault(MASTER)
idas_key = vault.new_member_key(CORNER_CAFE, IDA)
idas_sealed_phone = vault.seal(CORNER_CAFE, IDA, idas_key, "phone", IDAS_PHONE.value)


@given(
    plain=st.text(st.characters(exclude_categories=["Cs"]), max_size=200),
    business_id=st.integers(1, 2**63 - 1),
    member_id=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40),
    field=st.sampled_from(["phone", "email", "name", "birthday"]),
)
def test_what_was_sealed_is_opened_unchanged(plain: str, business_id: int, member_id: str, field: str) -> None:
    key = vault.new_member_key(business_id, member_id)

    sealed = vault.seal(business_id, member_id, key, field, plain)

    assert vault.open(business_id, member_id, key, field, sealed) == plain


def test_a_restarted_server_opens_what_the_last_one_sealed() -> None:
    assert Vault(MASTER).open(CORNER_CAFE, IDA, idas_key, "phone", idas_sealed_phone) == IDAS_PHONE.value


@given(position=st.integers(0, len(idas_sealed_phone) - 1), letter=st.sampled_from("AZaz09-_+/= \n\u00e5"))
def test_changing_any_letter_of_a_sealed_text_is_noticed(position: int, letter: str) -> None:
    altered = idas_sealed_phone[:position] + letter + idas_sealed_phone[position + 1 :]

    if altered != idas_sealed_phone:
        with pytest.raises(VaultClosed):
            vault.open(CORNER_CAFE, IDA, idas_key, "phone", altered)


@given(position=st.integers(0, len(idas_key) - 1), letter=st.sampled_from("AZaz09-_+/= \n\u00e5"))
def test_changing_any_letter_of_a_members_key_is_noticed(position: int, letter: str) -> None:
    altered = idas_key[:position] + letter + idas_key[position + 1 :]

    if altered != idas_key:
        with pytest.raises(VaultClosed):
            vault.open(CORNER_CAFE, IDA, altered, "phone", idas_sealed_phone)


@pytest.mark.parametrize("length", range(len(idas_sealed_phone)))
def test_a_sealed_text_cut_short_is_noticed(length: int) -> None:
    with pytest.raises(VaultClosed):
        vault.open(CORNER_CAFE, IDA, idas_key, "phone", idas_sealed_phone[:length])


def test_a_sealed_text_with_padding_or_a_tail_is_noticed() -> None:
    for tail in ("=", "==", "A", "AAAA", "\n"):
        with pytest.raises(VaultClosed):
            vault.open(CORNER_CAFE, IDA, idas_key, "phone", idas_sealed_phone + tail)


def test_a_text_moved_to_another_column_is_noticed() -> None:
    with pytest.raises(VaultClosed):
        vault.open(CORNER_CAFE, IDA, idas_key, "name", idas_sealed_phone)


def test_a_text_moved_to_another_member_is_noticed_even_with_its_key() -> None:
    with pytest.raises(VaultClosed):
        vault.open(CORNER_CAFE, KARI, idas_key, "phone", idas_sealed_phone)


def test_a_text_moved_to_another_business_is_noticed_even_with_its_key() -> None:
    with pytest.raises(VaultClosed):
        vault.open(BOOKSHOP, IDA, idas_key, "phone", idas_sealed_phone)


def test_one_members_key_does_not_open_anothers_text() -> None:
    another_key = vault.new_member_key(CORNER_CAFE, IDA)

    with pytest.raises(VaultClosed):
        vault.open(CORNER_CAFE, IDA, another_key, "phone", idas_sealed_phone)


def test_member_and_field_cannot_be_shifted_into_each_other() -> None:
    key = vault.new_member_key(CORNER_CAFE, "mem_a b")
    vault.seal(CORNER_CAFE, "mem_a b", key, "c", "Ida")

    with pytest.raises(VaultClosed):
        vault.seal(CORNER_CAFE, "mem_a", key, "b c", "Ida")


def test_a_stolen_database_without_the_master_key_stays_closed() -> None:
    with pytest.raises(VaultClosed):
        Vault(os.urandom(32)).open(CORNER_CAFE, IDA, idas_key, "phone", idas_sealed_phone)


def test_after_erasure_nothing_opens_what_is_left() -> None:
    with pytest.raises(VaultClosed) as closed:
        vault.open(CORNER_CAFE, IDA, "", "phone", idas_sealed_phone)

    assert "erased" in str(closed.value)


def test_a_text_of_another_generation_is_refused_rather_than_guessed_at() -> None:
    box = urlsafe_b64decode(idas_sealed_phone + "=" * (-len(idas_sealed_phone) % 4))
    later = urlsafe_b64encode(b"\x02" + box[1:]).decode().rstrip("=")

    assert box[0] == 1
    with pytest.raises(VaultClosed):
        vault.open(CORNER_CAFE, IDA, idas_key, "phone", later)


def test_equal_texts_seal_differently_so_that_equality_does_not_leak() -> None:
    sealed = {vault.seal(CORNER_CAFE, IDA, idas_key, "name", "Ida") for _ in range(100)}

    assert len(sealed) == 100


def test_sealed_texts_hold_nothing_readable_and_fit_a_url() -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]+", idas_key)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", idas_sealed_phone)
    assert "91234567" not in idas_sealed_phone


def test_a_member_is_looked_up_by_the_same_hash_every_time() -> None:
    assert vault.blind_index(CORNER_CAFE, IDAS_PHONE) == Vault(MASTER).blind_index(CORNER_CAFE, IDAS_PHONE)
    assert re.fullmatch(r"[0-9a-f]{32}", vault.blind_index(CORNER_CAFE, IDAS_PHONE))


def test_stored_hashes_and_texts_of_an_earlier_release_are_still_good() -> None:
    """The figures are frozen: if they change, every member enrolled before is lost."""
    key = "AY014lORdWPtlOk-k1d9QA-PUxH0W_xQdVvO59VinZlZSHnGrYKVZEMv8jV9RqbKZ43TPEyRMXvKIc3Uzw"
    sealed = "AY6cNFfWVjrJcfDqQbuyIrcbuIKJ7t5Ao3k2npWa6saUDYFtYQIJVA"

    assert vault.blind_index(CORNER_CAFE, IDAS_PHONE) == "9b320f280b5a136f83c8c1fcc1a18afa"
    assert vault.fingerprint() == "2dbc4486d5a533fd"
    assert vault.open(CORNER_CAFE, IDA, key, "phone", sealed) == IDAS_PHONE.value


def test_hashes_tell_nothing_across_businesses_kinds_or_installations() -> None:
    hashes = {
        vault.blind_index(CORNER_CAFE, IDAS_PHONE),
        vault.blind_index(BOOKSHOP, IDAS_PHONE),
        vault.blind_index(CORNER_CAFE, Identifier("email", IDAS_PHONE.value)),
        vault.blind_index(CORNER_CAFE, Identifier("phone", "+4791234568")),
        Vault(bytes(range(1, 33))).blind_index(CORNER_CAFE, IDAS_PHONE),
    }

    assert len(hashes) == 5


def test_a_fingerprint_tells_one_master_key_from_another() -> None:
    assert vault.fingerprint() == Vault(MASTER).fingerprint()
    assert vault.fingerprint() != Vault(bytes(range(1, 33))).fingerprint()
    assert len(vault.fingerprint()) == 16


def test_printing_a_vault_does_not_show_its_key() -> None:
    assert repr(vault) == "Vault(...)"


@pytest.mark.parametrize(
    "written",
    [
        MASTER.hex(),
        MASTER.hex().upper(),
        standard_b64encode(MASTER).decode(),
        urlsafe_b64encode(MASTER).decode(),
        urlsafe_b64encode(MASTER).decode().rstrip("="),
        f"  {MASTER.hex()}\n",
    ],
)
def test_the_master_key_may_be_written_in_hexadecimal_or_base_64(written: str, tmp_path: Path) -> None:
    opened = Vault.from_settings(written, tmp_path / "loyalty.key")

    assert opened.fingerprint() == vault.fingerprint()
    assert not (tmp_path / "loyalty.key").exists()


def test_both_alphabets_of_base_64_are_read() -> None:
    key = bytes([0xFB, 0xEF, 0xBE, 0xFF] * 8)
    path = Path("unused.key")

    assert "-" in urlsafe_b64encode(key).decode()
    assert (
        Vault.from_settings(urlsafe_b64encode(key).decode(), path).fingerprint()
        == Vault.from_settings(standard_b64encode(key).decode(), path).fingerprint()
    )


@pytest.mark.parametrize(
    "written",
    [
        "hunter2",
        MASTER.hex()[:-1],
        MASTER.hex() + "00",
        "g" * 64,
        "00" * 32,
        "A" * 43 + "=",
        standard_b64encode(MASTER[:-1]).decode(),
        standard_b64encode(MASTER + b"x").decode(),
        "b\u00e6" * 22,
    ],
)
def test_a_malformed_master_key_stops_the_start_and_is_not_repeated(written: str, tmp_path: Path) -> None:
    with pytest.raises(MasterKeyUnusable) as refusal:
        Vault.from_settings(written, tmp_path / "loyalty.key")

    assert "openssl rand -base64 32" in str(refusal.value)
    assert written not in str(refusal.value)


@pytest.mark.parametrize("unset", [None, "", "  "])
def test_the_first_start_makes_a_key_file_only_we_can_read_and_the_next_start_uses_it(
    unset: str | None, tmp_path: Path
) -> None:
    key_file = tmp_path / "data" / "loyalty.key"

    first = Vault.from_settings(unset, key_file)
    second = Vault.from_settings(unset, key_file)

    assert first.fingerprint() == second.fingerprint()
    assert [one.name for one in key_file.parent.iterdir()] == ["loyalty.key"]
    if os.name == "posix":
        assert key_file.stat().st_mode & 0o777 == 0o600


def test_servers_starting_at_once_agree_on_one_key(tmp_path: Path) -> None:
    key_file = tmp_path / "loyalty.key"
    starting = Barrier(8)

    def start(_: int) -> str:
        starting.wait()
        return Vault.from_settings(None, key_file).fingerprint()

    with ThreadPoolExecutor(8) as servers:
        fingerprints = set(servers.map(start, range(8)))

    assert len(fingerprints) == 1
    assert [one.name for one in tmp_path.iterdir()] == ["loyalty.key"]


@pytest.mark.skipif(os.name != "posix", reason="files have no modes here")
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_key_file_others_can_read_stops_the_start_and_says_how_to_mend_it(mode: int, tmp_path: Path) -> None:
    key_file = tmp_path / "loyalty.key"
    key_file.write_text(MASTER.hex())
    key_file.chmod(mode)

    with pytest.raises(MasterKeyUnusable, match="chmod 600"):
        Vault.from_settings(None, key_file)


@pytest.mark.parametrize("content", ["", "\n", "hunter2", "\u00e6\u00f8\u00e5", "0" * 5000])
def test_a_malformed_key_file_stops_the_start_and_is_left_as_it_is(content: str, tmp_path: Path) -> None:
    key_file = tmp_path / "loyalty.key"
    key_file.write_text(content, encoding="utf-8")
    key_file.chmod(0o600)

    with pytest.raises(MasterKeyUnusable, match=r"loyalty\.key"):
        Vault.from_settings(None, key_file)

    assert key_file.read_text(encoding="utf-8") == content


def test_a_key_file_that_cannot_be_made_or_read_says_so(tmp_path: Path) -> None:
    (tmp_path / "a-file").write_text("")

    for impossible in (tmp_path / "a-file" / "loyalty.key", tmp_path):
        with pytest.raises(MasterKeyUnusable, match="LOYALTY_KEY"):
            Vault.from_settings(None, impossible)
