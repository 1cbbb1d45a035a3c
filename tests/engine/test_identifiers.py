"""What finds a member: however a number or an address is written, it is one member; else it is refused."""

import re
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from loyalty_engine.identifiers import (
    METADATA_VERSION,
    Identifier,
    IdentifierRefused,
    folded_email,
    mask,
    parse_email,
    parse_phone,
)

IDA = "+4791234567"


def refused_phone(typed: str, country: str = "NO") -> str:
    with pytest.raises(IdentifierRefused) as refusal:
        parse_phone(typed, country)
    return refusal.value.code


def refused_email(typed: str) -> str:
    with pytest.raises(IdentifierRefused) as refusal:
        parse_email(typed)
    return refusal.value.code


def answer(read: Callable[[], Identifier]) -> Identifier | IdentifierRefused:
    try:
        return read()
    except IdentifierRefused as refusal:
        return refusal


@pytest.mark.parametrize(
    "typed",
    [
        "91234567",
        "912 34 567",
        "+47 912 34 567",
        "+ 47 912 34 567",
        "004791234567",
        "00 47 912 34 567",
        "4791234567",
        "0047-912-34-567",
        "(+47) 91234567",
        "912.34.567",
        "tel:+4791234567",
        "TEL:+47-912-34-567",
        "912\u00a034\u00a0567",
        "912\u202f34\u202f567",
        "\u200e91234567",
        "\u202d+47 912 34 567\u202c",
        "\ufeff91234567",
        "91\u200b23\u200b45\u200b67",
        "91\u201323\u201345\u201367",
        "91\u221223\u221245\u221267",
        "\uff19\uff11\uff12\uff13\uff14\uff15\uff16\uff17",
        "\u0669\u0661\u0662\u0663\u0664\u0665\u0666\u0667",
        "\u06f9\u06f1\u06f2\u06f3\u06f4\u06f5\u06f6\u06f7",
        "\uff0b4791234567",
        "\uff0b\uff14\uff17\u3000\uff19\uff11\uff12\uff13\uff14\uff15\uff16\uff17",
        "+47 (0) 912 34 567",
        "+47(0)91234567",
        "0047 (0)912 34 567",
        "(+47) (0) 912 34 567",
        "  91234567\t",
        "91234567\r\n",
    ],
)
def test_every_way_of_writing_idas_number_finds_the_one_ida(typed: str) -> None:
    assert parse_phone(typed, "NO") == Identifier("phone", IDA)


@pytest.mark.parametrize(
    ("typed", "country", "canonical"),
    [
        ("+46 (0)70-174 06 05", "NO", "+46701740605"),
        ("070-174 06 05", "SE", "+46701740605"),
        ("+358 (0)40 1234567", "NO", "+358401234567"),
        ("+44 (0) 7400 123456", "NO", "+447400123456"),
        ("30 12 34 56", "DK", "+4530123456"),
        ("+1 (202) 555-0123", "NO", "+12025550123"),
        ("202-555-0123", "US", "+12025550123"),
        ("+39 333 123 4567", "NO", "+393331234567"),
        ("+49 1512/3456789", "NO", "+4915123456789"),
        ("0047 912 34 567", "US", IDA),
        (IDA, "DK", IDA),
    ],
)
def test_a_guest_from_abroad_is_found_by_her_own_number(typed: str, country: str, canonical: str) -> None:
    assert parse_phone(typed, country).value == canonical


def test_denmark_may_join_although_its_numbers_do_not_tell_mobile_from_fixed() -> None:
    assert parse_phone("+45 30 12 34 56", "NO").value == "+4530123456"


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        # The library would take these; we must not.
        ("91234567, 98765432", "phone_two_numbers"),
        ("91234567;98765432", "phone_two_numbers"),
        ("=+4791234567", "phone_first_character"),
        ("'91234567", "phone_first_character"),
        ("-91234567", "phone_first_character"),
        ("@91234567", "phone_first_character"),
        ("91234567 ext 12", "phone_extension"),
        ("91234567 ext. 12", "phone_extension"),
        ("91234567x12", "phone_extension"),
        ("91234567#12", "phone_extension"),
        ("91234567,12", "phone_extension"),
        ("+4791234567;ext=12", "phone_extension"),
        ("1-800-FLOWERS", "phone_letters"),
        ("+1-800-FLOWERS", "phone_letters"),
        ("++4791234567", "phone_invalid"),
        ("+881612345678", "phone_not_mobile"),
        ("+870773111632", "phone_not_mobile"),
        ("22 12 34 56", "phone_not_mobile"),
        ("+47 22 12 34 56", "phone_not_mobile"),
        ("800 12 345", "phone_not_mobile"),
        ("829 12 345", "phone_not_mobile"),
        ("850 12 345", "phone_not_mobile"),
        ("+44 20 7946 0123", "phone_not_mobile"),
        # The library refuses these as well; the cashier gets a reason.
        ("9l234567", "phone_letters"),
        ("9O234567", "phone_letters"),
        ("9\u041e234567", "phone_letters"),
        ("+47912345678", "phone_too_long"),
        ("+479123456", "phone_invalid"),
        ("+0000000000", "phone_invalid"),
        ("+", "phone_invalid"),
        ("(", "phone_invalid"),
        ("", "phone_empty"),
        ("   ", "phone_empty"),
        ("\u200e\u202d", "phone_empty"),
        ("tel:", "phone_empty"),
        ("2012", "phone_too_short"),
        ("+99912345678", "phone_invalid"),
        ("91234567\n98765432", "phone_two_numbers"),
        ("91234567\u202898765432", "phone_two_numbers"),
        ("91234567/98765432", "phone_two_numbers"),
        ("+4791234567+4798765432", "phone_invalid"),
        ("9" * 440, "phone_too_long"),
        ("9" * 65, "phone_too_long"),
        ("59123456", "phone_invalid"),
        ("580012345678", "phone_too_long"),
        ("9123456\u00b2", "phone_invalid"),
        ("9123\x004567", "phone_invalid"),
        ("912\n34567", "phone_invalid"),
        ("91234567\ud800", "phone_invalid"),
        ("\U0001f4de91234567", "phone_first_character"),
        ("91234567' OR 1=1", "phone_letters"),
        ("mem_01m7q5cqg0envvna4f65046jha", "phone_letters"),
        ("kari@example.no", "phone_letters"),
    ],
)
def test_what_is_not_one_textable_number_is_refused_with_its_reason(typed: str, code: str) -> None:
    assert refused_phone(typed) == code


def test_a_number_without_country_code_needs_a_country_that_exists() -> None:
    assert refused_phone("91234567", "XX") == "phone_invalid"
    assert parse_phone(IDA, "XX").value == IDA


DIGITS_OF_THE_WORLD = ["0123456789", "\uff10\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff19"] + [
    "".join(chr(zero + digit) for digit in range(10)) for zero in (0x0660, 0x06F0, 0x0966, 0x0E50)
]


@given(
    number=st.integers(0, 9_999_999).map(lambda rest: f"9{rest:07}"),
    opening=st.sampled_from(["", "+47", "0047", "47", "tel:+47", "\uff0b47", "+47 (0)", "\u202d+47", "(+47) "]),
    spaces=st.lists(st.sampled_from(["", " ", "\u00a0", "-", "\u2011", ".", "\u200e"]), min_size=8, max_size=8),
    script=st.sampled_from(DIGITS_OF_THE_WORLD),
)
def test_spacing_prefix_and_script_never_make_a_second_member(
    number: str, opening: str, spaces: list[str], script: str
) -> None:
    foreign = "".join(space + script[int(digit)] for space, digit in zip(spaces, number, strict=True))

    # A dash or a dot straight after nothing begins the number with a sign, which is refused elsewhere.
    typed = (opening + foreign).lstrip("-.\u2011\u200e ")

    assert parse_phone(typed, "NO").value == f"+47{number}"


@given(
    typed=st.text(max_size=70) | st.text("+0123456789() -./,;#ex\u0661\uff0b\u200e\n", max_size=20),
    country=st.sampled_from(["NO", "DK", "SE", "FI", "US", "GB", "IT", "XX"]),
)
@example(typed="(0)", country="NO")
def test_any_text_becomes_a_canonical_number_or_a_refusal_and_nothing_else(typed: str, country: str) -> None:
    read = answer(lambda: parse_phone(typed, country))

    if isinstance(read, IdentifierRefused):
        assert read.code.startswith("phone_")
        return
    assert re.fullmatch(r"\+[1-9][0-9]{6,14}", read.value)
    assert parse_phone(read.value, "NO") == read
    assert parse_phone(read.value, "US") == read


def test_a_refusal_is_a_sentence_that_does_not_repeat_the_number() -> None:
    with pytest.raises(IdentifierRefused) as refusal:
        parse_phone("91234567 ext 12", "NO")

    assert refusal.value.says == "Leave out the extension: we can only text a number of its own."
    assert "91234567" not in repr(refusal.value)


def test_an_address_is_read_into_one_form_for_the_one_kari() -> None:
    kari = Identifier("email", "kari@example.no")

    for typed in ("kari@example.no", "Kari@Example.NO", " KARI@EXAMPLE.NO ", '"kari"@example.no'):
        assert parse_email(typed) == kari


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("kari@bl\u00e5b\u00e6r.no", "kari@xn--blbr-roah.no"),
        ("kari@BL\u00c5B\u00c6R.no", "kari@XN--BLBR-ROAH.no"),
        ("kari@bl\u00e5b\u00e6r.no", unicodedata.normalize("NFD", "kari@bl\u00e5b\u00e6r.no")),
        ("jos\u00e9@example.no", unicodedata.normalize("NFD", "JOS\u00c9@example.no")),
        ("kari@example.no", "kari@\uff45xample.no"),
        ("kari@example.no", "kari@example\u3002no"),
    ],
)
def test_two_spellings_of_one_address_are_one_member(one: str, other: str) -> None:
    assert one != other
    assert parse_email(one) == parse_email(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("kari@example.no", "kari+kaffe@example.no"),
        ("kari.nordmann@gmail.com", "karinordmann@gmail.com"),
        ("kari@example.no", "kari@ex\u0430mple.no"),
        ("kari@example.no", "k\u0430ri@example.no"),
        ("kari@strasse.de", "kari@stra\u00dfe.de"),
    ],
)
def test_addresses_that_only_look_alike_stay_two_members(one: str, other: str) -> None:
    assert parse_email(one) != parse_email(other)


def test_a_cyrillic_letter_in_a_domain_shows_in_the_canonical_form() -> None:
    assert parse_email("kari@ex\u0430mple.no").value == "kari@xn--exmple-4nf.no"


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("", "email_empty"),
        ("  ", "email_empty"),
        ("kari", "email_invalid"),
        ("kari@", "email_invalid"),
        ("@example.no", "email_invalid"),
        ("kari@@example.no", "email_invalid"),
        ("kari@nordmann@example.no", "email_invalid"),
        ("kari@example.no.", "email_invalid"),
        (".kari@example.no", "email_invalid"),
        ("ka..ri@example.no", "email_invalid"),
        ("kari nordmann@example.no", "email_invalid"),
        ('"kari nordmann"@example.no', "email_invalid"),
        ('"kari@home"@example.no', "email_invalid"),
        ("Kari <kari@example.no>", "email_invalid"),
        ("kari@example.no,ida@example.no", "email_invalid"),
        ("kari@localhost", "email_invalid"),
        ("kari@cafe", "email_invalid"),
        ("kari@[127.0.0.1]", "email_invalid"),
        ("kari@127.0.0.1", "email_invalid"),
        ("kari@printer.local", "email_invalid"),
        ("kari\uff20example.no", "email_invalid"),
        ("\uff4bari@example.no", "email_lookalike"),
        ("\ufb01nn@example.no", "email_lookalike"),
        ("kari@example.no\r\nBcc: ida@example.no", "email_hidden_character"),
        ("kari@example.no\r\n", "email_hidden_character"),
        ("kari@example.no\n", "email_hidden_character"),
        ("kari\x00@example.no", "email_hidden_character"),
        ("ka\u200bri@example.no", "email_hidden_character"),
        ("kari@exa\u200bmple.no", "email_hidden_character"),
        ("ka\u200dri@example.no", "email_hidden_character"),
        ("ka\u00adri@example.no", "email_hidden_character"),
        ("\ufeffkari@example.no", "email_hidden_character"),
        ("\u202ekari@example.no", "email_hidden_character"),
        ("kari\ud800@example.no", "email_hidden_character"),
        ("k" * 65 + "@example.no", "email_invalid"),
        ("kari@" + ".".join(["kaffe" * 10] * 5) + ".no", "email_too_long"),
        ("k" * 10_000 + "@example.no", "email_too_long"),
    ],
)
def test_what_is_not_one_address_we_can_write_to_is_refused(typed: str, code: str) -> None:
    assert refused_email(typed) == code


def test_an_address_of_254_characters_is_taken_and_one_more_is_not() -> None:
    domain = ".".join(["k" * 62] * 3) + ".no"
    longest = "i" * (254 - 1 - len(domain)) + "@" + domain

    assert parse_email(longest).value == longest
    assert refused_email("i" + longest) == "email_too_long"


@given(st.text(max_size=40) | st.emails() | st.from_regex(r"[\w.+\"-]{1,8}@[\w-]{1,8}\.(no|com)", fullmatch=True))
def test_any_text_becomes_a_canonical_address_or_a_refusal_and_nothing_else(typed: str) -> None:
    read = answer(lambda: parse_email(typed))

    if isinstance(read, IdentifierRefused):
        assert read.code.startswith("email_")
        return
    local, _, domain = read.value.rpartition("@")
    assert domain.isascii()
    assert domain == domain.lower()
    assert local == unicodedata.normalize("NFC", local)
    assert len(read.value.encode()) <= 254
    assert parse_email(read.value) == read


@pytest.mark.parametrize(
    ("address", "folded"),
    [
        ("kari@example.no", "kari@example.no"),
        ("kari+kaffe@example.no", "kari@example.no"),
        ("kari+a+b@example.no", "kari@example.no"),
        ("kari.nordmann@example.no", "kari.nordmann@example.no"),
        ("kari.nordmann+kaffe@gmail.com", "karinordmann@gmail.com"),
        ("K.A.R.I.Nordmann@googlemail.com", "karinordmann@gmail.com"),
        ("+kaffe@example.no", "+kaffe@example.no"),
    ],
)
def test_folding_brings_one_persons_addresses_together_for_referral_checks(address: str, folded: str) -> None:
    assert folded_email(parse_email(address)) == folded


def test_only_an_address_can_be_folded() -> None:
    with pytest.raises(AssertionError):
        folded_email(Identifier("phone", IDA))


@pytest.mark.parametrize(
    ("identifier", "shown"),
    [
        (Identifier("phone", IDA), "+47 ••• •• 567"),
        (Identifier("phone", "+4530123456"), "+45 ••• •• 456"),
        (Identifier("phone", "+46701740605"), "+46 ••• ••• 605"),
        (Identifier("phone", "+12025550123"), "+1 ••• •••• 123"),
        (Identifier("phone", "+358401234567"), "+358 ••• ••• 567"),
        (Identifier("email", "kari@example.no"), "k•••@example.no"),
        (Identifier("email", "k@example.no"), "k•••@example.no"),
    ],
)
def test_a_cashier_sees_enough_to_recognise_a_member_and_no_more(identifier: Identifier, shown: str) -> None:
    assert mask(identifier) == shown


@given(st.integers(90_000_000, 99_999_999))
def test_a_norwegian_number_shows_its_last_three_digits_only(national: int) -> None:
    shown = mask(Identifier("phone", f"+47{national}"))

    assert shown == f"+47 ••• •• {national % 1000:03}"


def test_printing_an_identifier_does_not_show_it() -> None:
    assert "91234" not in repr(parse_phone(IDA, "NO"))
    assert "kari" not in f"{parse_email('kari@example.no')}"


def test_the_edition_of_the_numbering_plans_is_known() -> None:
    assert METADATA_VERSION[0].isdigit()
