"""Where what is personal is locked away: each member has a key of their own, and erasing is destroying it.

Invariant: the database alone reveals nobody. Phones, e-mails and names lie in it encrypted (AES-256-GCM)
under the member's key, which lies in it wrapped under the business's key; a member is looked up by a
keyed hash. The master key, from which each business's keys are derived (HKDF-SHA256), never enters the
database.

A sealed text names its business, member and field in its associated data, so that moving it to another
row or column is noticed like a changed byte. Its first byte says which generation of keys and layout
made it, so that a later generation can be told from this one while rows are sealed anew.
"""

import binascii
import hmac
import os
import tempfile
from base64 import urlsafe_b64decode, urlsafe_b64encode
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from loyalty_engine.identifiers import Identifier

_GENERATION: Final = b"\x01"
_KEY_BYTES = 32
_NONCE_BYTES = 12
_TAG_BYTES = 16
_SHORTEST = len(_GENERATION) + _NONCE_BYTES + _TAG_BYTES
_INDEX_CHARACTERS = 32
_LONGEST_KEY_FILE = 1024
_READABLE_BY_OTHERS = 0o077
_HOW_TO_MAKE_ONE = "32 random bytes in base64 or hexadecimal (`openssl rand -base64 32` makes one)"


class VaultClosed(Exception):
    """It cannot be opened: the member was erased, the text altered or moved, or the master key is another."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


class MasterKeyUnusable(Exception):
    """The installation's master key is malformed, out of reach, or lies where others can read it."""


class _BusinessKeys(NamedTuple):
    for_index: bytes
    for_wrapping: AESGCM


class Vault:
    """All sealing, opening and keyed hashing of one installation."""

    __slots__ = ("_business", "_master")

    def __init__(self, master_key: bytes) -> None:
        """Take the installation's 32-byte master key."""
        if len(master_key) != _KEY_BYTES or len(set(master_key)) == 1:
            raise MasterKeyUnusable(f"The master key must be {_HOW_TO_MAKE_ONE}.")
        self._master = master_key
        # Deriving a business's keys takes several times as long as a look-up by them.
        self._business = lru_cache(maxsize=4096)(self._derive_business)

    def __repr__(self) -> str:
        return "Vault(...)"

    @classmethod
    def from_settings(cls, key: str | None, key_file: Path) -> Self:
        """Open with the key given in the environment, else with the key file, made at the first start.

        Raises `MasterKeyUnusable`, saying what to do about it.
        """
        if key is not None and key.strip():
            return cls(_decode_key(key, "LOYALTY_KEY"))
        try:
            return cls(_read_key_file(key_file) if key_file.exists() else _make_key_file(key_file))
        except OSError as away:
            raise MasterKeyUnusable(
                f"The key file {key_file} can be neither read nor made ({away.strerror}): "
                "give this server its folder, or give the key in LOYALTY_KEY instead."
            ) from away

    def fingerprint(self) -> str:
        """Give 16 characters that are the same for the same master key and tell nothing of it.

        Kept in the database, they let a start with another key be refused before anybody is enrolled
        under it.
        """
        return self._derive("fingerprint", 8).hex()

    def blind_index(self, business_id: int, identifier: Identifier) -> str:
        """Give the 32 characters a member is looked up by: equal for equal ones in one business only."""
        message = f"{identifier.kind}\0{identifier.value}".encode()
        digest = hmac.digest(self._business(business_id).for_index, message, "sha256")
        return digest.hex()[:_INDEX_CHARACTERS]

    def keyed_hash(self, business_id: int, data: bytes) -> str:
        """Give 32 characters that are equal for equal data of one business, and tell nothing without the master key."""
        digest = hmac.digest(self._business(business_id).for_index, b"data\0" + data, "sha256")
        return digest.hex()[:_INDEX_CHARACTERS]

    def new_member_key(self, business_id: int, member_id: str) -> str:
        """Make a member's key and give it wrapped; to destroy that text everywhere is to erase the member."""
        wrap = self._business(business_id).for_wrapping
        return _seal(wrap, os.urandom(_KEY_BYTES), _bound_to(business_id, member_id))

    def seal(self, business_id: int, member_id: str, wrapped_key: str, field: str, plain: str) -> str:
        """Encrypt one field of one member. Equal texts seal differently each time."""
        key = self._unwrap(business_id, member_id, wrapped_key)
        return _seal(key, plain.encode(), _bound_to(business_id, member_id, field))

    def open(self, business_id: int, member_id: str, wrapped_key: str, field: str, sealed: str) -> str:
        """Decrypt what `seal` made of the same business, member and field; else raise `VaultClosed`."""
        key = self._unwrap(business_id, member_id, wrapped_key)
        return _open(key, sealed, _bound_to(business_id, member_id, field)).decode()

    def hash_under(self, business_id: int, owner: str, wrapped_key: str, data: str) -> str:
        """Give 32 characters, equal for equal data under one wrapped key, whatever becomes of the master key."""
        key = _open(self._business(business_id).for_wrapping, wrapped_key, _bound_to(business_id, owner))
        return hmac.digest(key, data.encode(), "sha256").hex()[:_INDEX_CHARACTERS]

    # Unwrapped keys are not kept: it would save some three microseconds and need a cache that forgets the
    # erased. A key that is nowhere cannot outlive its member.
    def _unwrap(self, business_id: int, member_id: str, wrapped_key: str) -> AESGCM:
        return AESGCM(_open(self._business(business_id).for_wrapping, wrapped_key, _bound_to(business_id, member_id)))

    def _derive_business(self, business_id: int) -> _BusinessKeys:
        return _BusinessKeys(
            for_index=self._derive(f"index {business_id}", _KEY_BYTES),
            for_wrapping=AESGCM(self._derive(f"wrap {business_id}", _KEY_BYTES)),
        )

    def _derive(self, purpose: str, length: int) -> bytes:
        hkdf = HKDF(algorithm=SHA256(), length=length, salt=None, info=f"loyalty vault 1 {purpose}".encode())
        return hkdf.derive(self._master)


def _bound_to(business_id: int, member_id: str, field: str = "") -> bytes:
    """The associated data; the length keeps member and field apart, whatever characters they contain."""
    return f"{business_id} {len(member_id)} {member_id} {field}".encode()


def _seal(key: AESGCM, plain: bytes, bound_to: bytes) -> str:
    nonce = os.urandom(_NONCE_BYTES)
    return _encode(_GENERATION + nonce + key.encrypt(nonce, plain, _GENERATION + bound_to))


def _open(key: AESGCM, sealed: str, bound_to: bytes) -> bytes:
    box = _decode(sealed)
    if len(box) < _SHORTEST or box[:1] != _GENERATION:
        raise VaultClosed
    nonce, locked = box[1 : 1 + _NONCE_BYTES], box[1 + _NONCE_BYTES :]
    try:
        return key.decrypt(nonce, locked, _GENERATION + bound_to)
    except InvalidTag:
        raise VaultClosed from None


def _encode(box: bytes) -> str:
    return urlsafe_b64encode(box).decode().rstrip("=")


def _decode(sealed: str) -> bytes:
    """The bytes of a sealed text; none if it is not one, or is spelled in base 64 as we never write it."""
    try:
        box = urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
    except ValueError:
        return b""
    return box if _encode(box) == sealed else b""


def _decode_key(text: str, whence: str) -> bytes:
    letters = text.strip()
    with suppress(ValueError):
        if len(letters) == 2 * _KEY_BYTES:
            return bytes.fromhex(letters)
        plain_alphabet = letters.rstrip("=").translate(str.maketrans("-_", "+/"))
        key = binascii.a2b_base64(plain_alphabet + "=" * (-len(plain_alphabet) % 4), strict_mode=True)
        if len(key) == _KEY_BYTES:
            return key
    raise MasterKeyUnusable(f"{whence} does not hold a master key: it must be {_HOW_TO_MAKE_ONE}.")


def _read_key_file(key_file: Path) -> bytes:
    with key_file.open("rb") as opened:
        mode = os.fstat(opened.fileno()).st_mode
        if os.name == "posix" and mode & _READABLE_BY_OTHERS:
            raise MasterKeyUnusable(
                f"The key file {key_file} can be read by others on this machine: "
                f"run `chmod 600 {key_file}`, or give the key in LOYALTY_KEY instead."
            )
        text = opened.read(_LONGEST_KEY_FILE)
    return _decode_key(text.decode("ascii", "replace"), f"The key file {key_file}")


def _make_key_file(key_file: Path) -> bytes:
    """Write a new key beside its place, then link it there: of two started at once, one key stays."""
    key_file.parent.mkdir(parents=True, exist_ok=True)
    handle, beside = tempfile.mkstemp(prefix=f".{key_file.name}.", dir=key_file.parent)  # mode 0600
    try:
        with os.fdopen(handle, "wb") as written:
            written.write(urlsafe_b64encode(os.urandom(_KEY_BYTES)) + b"\n")
            written.flush()
            os.fsync(written.fileno())
        with suppress(FileExistsError):
            os.link(beside, key_file)
    finally:
        Path(beside).unlink()
    _settle(key_file.parent)
    return _read_key_file(key_file)


def _settle(folder: Path) -> None:
    """Make a new name in a folder survive a power cut: members enrolled under a lost key are lost with it."""
    if os.name == "posix":
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
