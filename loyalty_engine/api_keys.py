"""The keys tills and scripts show at the door: how one is minted, how a typing error is told, what we keep.

A key reads `lyl_live_<id>_<secret><checksum>`: 8 characters of public id, 32 random bytes as 43
characters of base 62, and the CRC-32 of everything before it as 6 more. Invariant: the key is shown once
and never kept; what is kept (id, SHA-256, last four characters) cannot be turned back into it. Plain
SHA-256 is enough because the secret has 256 bits: nobody can try them all, so a slow hash would only
slow down the till.
"""

import re
import secrets
import zlib
from hashlib import sha256
from typing import Final

from msgspec import Struct

PREFIX: Final = "lyl_live_"

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID_LENGTH = 8
_SECRET_BYTES = 32
_SECRET_LENGTH = 43
_CHECKSUM_LENGTH = 6
_SHAPE = re.compile(f"{PREFIX}([0-9A-Za-z]{{{_ID_LENGTH}}})_[0-9A-Za-z]{{{_SECRET_LENGTH + _CHECKSUM_LENGTH}}}")


class KeyMalformed(ValueError):
    """The key is not one of ours, or was mistyped. Its text is not repeated here: most of it may be real."""


class ParsedKey(Struct, frozen=True):
    """What a key says of itself before anything is looked up."""

    id: str


class MintedKey(Struct, frozen=True):
    """A key that was just made: `key` is for the person who asked, once; the other three are to be kept."""

    id: str
    key: str
    sha256_hex: str
    last4: str

    def __repr__(self) -> str:
        """Without the key, so that a log line or a traceback does not give it away."""
        return f"MintedKey(id={self.id!r}, last4={self.last4!r})"


def mint() -> MintedKey:
    """Make a new key from the system's randomness."""
    public_id = "".join([secrets.choice(_ALPHABET) for _ in range(_ID_LENGTH)])
    return _assemble(public_id, secrets.token_bytes(_SECRET_BYTES))


def parse(text: str) -> ParsedKey:
    """Read the public id out of a key, or raise `KeyMalformed`: a typing error never reaches the database."""
    shape = _SHAPE.fullmatch(text)
    if shape is None:
        message = "not a key of ours: it should look like lyl_live_, 8 characters, _ and 49 characters"
        raise KeyMalformed(message)
    if _checksum(text[:-_CHECKSUM_LENGTH]) != text[-_CHECKSUM_LENGTH:]:
        message = "the key was mistyped or cut short: its last six characters do not match the rest"
        raise KeyMalformed(message)
    return ParsedKey(id=shape[1])


def fingerprint(key: str) -> str:
    """The SHA-256 of the whole key in hexadecimal: what is kept and what a shown key is compared with."""
    return sha256(key.encode()).hexdigest()


def _assemble(public_id: str, secret: bytes) -> MintedKey:
    unsigned = f"{PREFIX}{public_id}_{_base62(int.from_bytes(secret, 'big'), _SECRET_LENGTH)}"
    key = unsigned + _checksum(unsigned)
    return MintedKey(id=public_id, key=key, sha256_hex=fingerprint(key), last4=key[-4:])


def _checksum(unsigned: str) -> str:
    return _base62(zlib.crc32(unsigned.encode()), _CHECKSUM_LENGTH)


def _base62(number: int, length: int) -> str:
    digits = ""
    for _ in range(length):
        number, remainder = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[remainder] + digits
    return digits
