"""What finds a member: a phone number or e-mail address, read once into one canonical form.

Invariant: two ways of writing one number or address give equal identifiers, and reading a canonical form
again gives it back. What is typed is never repeated in a refusal, nor shown when an identifier is printed.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final, Literal

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from msgspec import Struct
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType, ValidationResult

METADATA_VERSION: Final = phonenumbers.__version__
"""Which edition of the world's numbering plans judged a number; kept with the member: plans change."""


class IdentifierRefused(ValueError):
    """What was typed is not a phone number or e-mail address that can find a member.

    `code` is stable and for programs; `says` is a sentence for whoever stands at the till.
    """

    def __init__(self, code: str, says: str) -> None:
        super().__init__(says)
        self.code = code
        self.says = says


class Identifier(Struct, frozen=True):
    """A canonical identifier: a phone as `+4791234567`, an e-mail as `kari@example.no`.

    `external` is what another system calls a member, as it stands in an imported file; nobody says it at a till.
    """

    kind: Literal["phone", "email", "external"]
    value: str

    def __repr__(self) -> str:
        """Masked: a number in a log line or a traceback is a number we cannot erase."""
        return f"Identifier({self.kind}, {mask(self)})"


_REFUSALS: Final = {
    "phone_empty": "Type a phone number.",
    "phone_too_long": "That is too long for a phone number.",
    "phone_too_short": "A digit is missing in that phone number.",
    "phone_two_numbers": "Type one phone number, not two.",
    "phone_extension": "Leave out the extension: we can only text a number of its own.",
    "phone_letters": "A phone number has digits only; check for letters, such as O for 0 or l for 1.",
    "phone_first_character": "Begin a phone number with a digit or with +.",
    "phone_invalid": "There is no such phone number; check the digits, and begin with + if it is foreign.",
    "phone_not_mobile": "That number cannot receive texts; ask for a mobile number.",
    "email_empty": "Type an e-mail address.",
    "email_too_long": "That is too long for an e-mail address.",
    "email_hidden_character": "There is a hidden character in that e-mail address; type it by hand.",
    "email_lookalike": "There are unusual letters in that e-mail address; type it with ordinary ones.",
    "email_invalid": "That is not a complete e-mail address; it should look like kari@example.no.",
}


def _refusal(code: str) -> IdentifierRefused:
    return IdentifierRefused(code, _REFUSALS[code])


_LONGEST_TYPED = 64
_DIGITS_OF_A_WHOLE_NUMBER = 7

# Denmark, the United States and others do not tell mobile from fixed in the number itself: asking for
# MOBILE alone would refuse all of Denmark. Every other type is refused: fixed, free, shared-cost and
# premium lines, switchboards (UAN), voicemail, pagers, personal and internet-telephone numbers do not
# reliably receive texts.
_TEXTABLE = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE})
# Country codes that are no country: satellites and international networks, at many times the price of a text.
_NO_COUNTRY = "001"

_LENGTH_REFUSALS = {
    ValidationResult.TOO_SHORT: "phone_too_short",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "phone_too_short",
    ValidationResult.TOO_LONG: "phone_too_long",
}

_PUNCTUATION = frozenset("+()./,;#")
_PREFIX = re.compile(r"(?:tel:)? *", re.IGNORECASE)
_BETWEEN_NUMBERS = re.compile(r"[\n\r,;/|&]")
_EXTENSION = re.compile(r"[,;#~]|\d[ .]*(?:x|ext|ekst|ankn|internt)[ .:]*\d", re.IGNORECASE)
_WRITTEN = re.compile(r"\(? ?\+? ?\(?\d[\d ()./-]*")
# "+47 (0) 912 34 567": the 0 is for callers inside the country. The library repairs this for some
# countries only.
_TRUNK_ZERO = re.compile(r"(\(? ?\+ ?\d{1,3} ?\)?[ .-]*)\( ?0 ?\)")


def parse_phone(typed: str, country: str) -> Identifier:
    """Read a phone number as typed, pasted or scanned; `country` (`NO`) is for one without a country code.

    Raises `IdentifierRefused` for what is not one textable number. In order: `phone_too_long`, `phone_empty`,
    `phone_two_numbers`, `phone_extension`, `phone_letters`, `phone_first_character`, `phone_invalid`,
    `phone_too_short`, `phone_not_mobile`.
    """
    if len(typed) > _LONGEST_TYPED:
        raise _refusal("phone_too_long")
    return _read_phone(typed, country)


# Reading a number costs some 35 microseconds and regulars come back every day. The cache holds numbers
# as typed in this process's memory only, never on disk, and nothing longer than the limit above gets in.
@lru_cache(maxsize=65_536)
def _read_phone(typed: str, country: str) -> Identifier:
    try:
        number = phonenumbers.parse(_one_number(typed), country)
    except NumberParseException:
        raise _refusal("phone_invalid") from None
    if number.extension:
        raise _refusal("phone_extension")
    if not phonenumbers.is_valid_number(number):
        reason = phonenumbers.is_possible_number_with_reason(number)
        raise _refusal(_LENGTH_REFUSALS.get(reason, "phone_invalid"))
    if phonenumbers.number_type(number) not in _TEXTABLE or phonenumbers.region_code_for_number(number) == _NO_COUNTRY:
        raise _refusal("phone_not_mobile")
    return Identifier("phone", phonenumbers.format_number(number, PhoneNumberFormat.E164))


def _one_number(typed: str) -> str:
    """One number in plain digits and punctuation, + before a country code; or a refusal that says why."""
    text = typed if typed.isascii() else "".join(map(_plain, typed))
    text = _PREFIX.sub("", text.replace("\t", " ").strip(), count=1)
    if not text:
        raise _refusal("phone_empty")
    if sum(_is_whole_number(piece) for piece in _BETWEEN_NUMBERS.split(text)) > 1:
        raise _refusal("phone_two_numbers")
    if _EXTENSION.search(text):
        raise _refusal("phone_extension")
    if any(map(str.isalpha, text)):
        raise _refusal("phone_letters")
    if text[0] not in "0123456789+(":
        raise _refusal("phone_first_character")
    if not _WRITTEN.fullmatch(text):
        raise _refusal("phone_invalid")
    if text.startswith("00"):
        text = "+" + text[2:].lstrip(" -.")
    return _TRUNK_ZERO.sub(r"\1", text, count=1)


def _is_whole_number(piece: str) -> bool:
    return sum(map(str.isdigit, piece)) >= _DIGITS_OF_A_WHOLE_NUMBER


def _plain(character: str) -> str:
    """The digit, space or sign that was meant, from whatever keyboard or script it comes; marks vanish."""
    category = unicodedata.category(character)
    if category == "Cf":  # direction marks and zero-width characters that come along with a copied number
        return ""
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category == "Zs":
        return " "
    if category == "Pd" or character == "\N{MINUS SIGN}":
        return "-"
    if category in {"Zl", "Zp"}:
        return "\n"
    plain = unicodedata.normalize("NFKC", character)
    return plain if plain in _PUNCTUATION else character


_LONGEST_EMAIL = 254  # RFC 5321, section 4.5.3.1.3, less the two angle brackets
_HIDDEN = frozenset({"Cc", "Cf", "Cs"})  # control characters, zero-width and direction marks, half characters
_GMAIL = frozenset({"gmail.com", "googlemail.com"})


def parse_email(typed: str) -> Identifier:
    """Read an e-mail address as typed into the one form that stands for its owner.

    The domain becomes lower-case ASCII (IDNA), so `blåbær.no` and `xn--blbr-roah.no` are one. The part
    before the @ is composed (NFC) and lower-cased: RFC 5321 would let a mail server tell Kari from kari,
    none that people use does, and a shop that did would greet her as a stranger. Plus tags and dots
    stay, because mail is sent there. Quotes are dropped where they are not needed and refused where they
    are.

    Raises `IdentifierRefused`. In order: `email_empty`, `email_too_long`, `email_hidden_character`,
    `email_invalid`, `email_lookalike`.
    """
    text = typed.strip(" \N{NO-BREAK SPACE}")
    if not text:
        raise _refusal("email_empty")
    if len(text) > _LONGEST_EMAIL:
        raise _refusal("email_too_long")
    if any(unicodedata.category(character) in _HIDDEN for character in text):
        raise _refusal("email_hidden_character")
    try:
        read = validate_email(text, check_deliverability=False, allow_quoted_local=True, strict=True)
    except EmailNotValidError:
        raise _refusal("email_invalid") from None
    if read.local_part.startswith('"'):
        raise _refusal("email_invalid")
    local = unicodedata.normalize("NFC", read.local_part.lower())
    if unicodedata.normalize("NFKC", local) != local:
        raise _refusal("email_lookalike")
    value = f"{local}@{read.ascii_domain.lower()}"
    if len(value.encode()) > _LONGEST_EMAIL:
        raise _refusal("email_too_long")
    return Identifier("email", value)


def folded_email(identifier: Identifier) -> str:
    """Fold an address onto its mailbox: no plus tag, no dots at Gmail.

    Only for telling whether two friends in a referral are one person; mail goes to, and members are
    found by, the address itself.
    """
    assert identifier.kind == "email", "only an e-mail address can be folded"
    local, _, domain = identifier.value.rpartition("@")
    untagged = local.partition("+")[0] or local
    if domain in _GMAIL:
        return f"{untagged.replace('.', '')}@gmail.com"
    return f"{untagged}@{domain}"


_BULLET = "•"
_NEXT_GROUP = re.compile(f"({_BULLET}{{3}})(?={_BULLET}{{2}})")  # groups of three, and no bullet left alone


@lru_cache(maxsize=65_536)
def mask(identifier: Identifier) -> str:
    """What a cashier or a receipt may show: `+47 ••• •• 567`, `k•••@example.no`.

    The bullets are grouped by our own rule, not by the library's national format: that one pairs
    Norwegian numbers up, would cut the shown digits in two, and changes from edition to edition under
    answers already stored.
    """
    if identifier.kind == "email":
        local, _, domain = identifier.value.rpartition("@")
        return f"{local[:1]}{_BULLET * 3}@{domain}"
    if identifier.kind == "external":
        hidden_length = max(len(identifier.value) - 3, (len(identifier.value) + 1) // 2)
        return _BULLET * 3 + identifier.value[hidden_length:]
    country_code = f"+{phonenumbers.parse(identifier.value).country_code}"
    hidden = _NEXT_GROUP.sub(r"\1 ", _BULLET * (len(identifier.value) - len(country_code) - 3))
    return f"{country_code} {hidden} {identifier.value[-3:]}"
