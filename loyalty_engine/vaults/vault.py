"""Where what is personal is locked away: each member has a key of their own, and erasing is destroying it.

Invariant: the database alone reveals nobody. Phones, e-mails and names lie in it encrypted (AES-256-GCM)
under the member's key, which lies in it wrapped under the business's key; a member is looked up by a
keyed hash. The master key, from which each business's keys are derived (HKDF-SHA256), never enters the
database.

A sealed text names its business, member and field in its associated data, so that moving it to another
row or column is noticed like a changed byte. Its first byte says which generation of keys and layout
made it, so that a later generation can be told from this one while rows are sealed anew.
"""

import hmac
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from loyalty_engine.identifiers import Identifier
from loyalty_engine.vaults.key_file import HOW_TO_MAKE_ONE, MasterKeyUnusable, decoded, made, read_keys

__all__ = ["Either", "MasterKeyUnusable", "Vault", "VaultClosed"]

_GENERATION: Final = b"\x01"
_KEY_BYTES = 32
_NONCE_BYTES = 12
_TAG_BYTES = 16
_SHORTEST = len(_GENERATION) + _NONCE_BYTES + _TAG_BYTES
_INDEX_CHARACTERS = 32
_REMEMBERED = 100_000
_AGAIN: Final = b"again\0"


class VaultClosed(Exception):
    """It cannot be opened: the member was erased, the text altered or moved, or the master key is another."""

    def __init__(self) -> None:
        super().__init__(self.__doc__)


class _BusinessKeys(NamedTuple):
    for_index: bytes
    for_wrapping: AESGCM


class Either(str):
    """A keyed hash that also equals what it is under another key, while one replaces the other."""

    __slots__ = ("_also",)
    _also: frozenset[str]

    def __new__(cls, found: str, also: Iterable[str]) -> Self:
        """Stand for `found`, and equal each of `also`."""
        made = super().__new__(cls, found)
        made._also = frozenset(also)
        return made

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and (str.__eq__(self, other) or other.rpartition(".")[2] in self._also)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return str.__hash__(self)


class Vault:
    """All sealing, opening and keyed hashing of one installation."""

    __slots__ = ("_business", "_chains", "_formerly", "_master", "_others")

    def __init__(self, master_key: bytes, *others: bytes) -> None:
        """Take the installation's 32-byte master key; `others` are opened as well while one replaces the other."""
        for key in (master_key, *others):
            if len(key) != _KEY_BYTES or len(set(key)) == 1:
                raise MasterKeyUnusable(f"The master key must be {HOW_TO_MAKE_ONE}.")
        self._master = master_key
        self._others = tuple(Vault(other) for other in others)
        # Deriving a business's keys takes several times as long as a look-up by them.
        self._business = lru_cache(maxsize=4096)(self._derive_business)
        # Keys that hashed commands before the master key was changed, by business, oldest first.
        self._chains: dict[int, tuple[bytes, ...]] = {}
        self._formerly: dict[str, tuple[str, ...]] = {}

    @property
    def changing(self) -> bool:
        """Tell whether one master key is just being replaced by another."""
        return bool(self._others)

    def adopt(self, newer: Self) -> None:
        """Become another vault in place: every room holds on to this one."""
        self._master, self._others = newer._master, newer._others
        self._business = lru_cache(maxsize=4096)(self._derive_business)
        self._formerly = {}

    def remember(self, business_id: int, chain: tuple[bytes, ...]) -> None:
        """Take the keys that hashed a business's commands before, oldest first."""
        self._chains[business_id] = chain
        for other in self._others:
            mine = other.hashing_key(business_id)
            other._chains[business_id] = chain[: chain.index(mine)] if mine in chain else chain  # noqa: SLF001  # its own kind

    def hashing_key(self, business_id: int) -> bytes:
        """Give the key that hashes a business's commands under this master key, to be wrapped when that is replaced."""
        return self._business(business_id).for_index

    def formerly(self, index: str) -> tuple[str, ...]:
        """Give what a blind index or keyed hash is under the other keys, while one replaces the other."""
        return self._formerly.get(index, ())

    def rewrapped(self, business_id: int, owner: str, wrapped_key: str) -> str | None:
        """Wrap a key anew under the master key; None where it is wrapped so already. Raises VaultClosed."""
        bound = _bound_to(business_id, owner)
        mine = self._business(business_id).for_wrapping
        with suppress(VaultClosed):
            _open(mine, wrapped_key, bound)
            return None
        return _seal(mine, self._plain_key(business_id, wrapped_key, bound), bound)

    def _plain_key(self, business_id: int, wrapped_key: str, bound: bytes) -> bytes:
        for vault in (self, *self._others):
            with suppress(VaultClosed):
                return _open(vault._business(business_id).for_wrapping, wrapped_key, bound)  # noqa: SLF001  # its own kind
        raise VaultClosed

    def wrap(self, business_id: int, owner: str, key: bytes) -> str:
        """Wrap a key that is there already."""
        return _seal(self._business(business_id).for_wrapping, key, _bound_to(business_id, owner))

    def unwrap(self, business_id: int, owner: str, wrapped_key: str) -> bytes:
        """Give a key out of its wrapping; raise VaultClosed."""
        return self._plain_key(business_id, wrapped_key, _bound_to(business_id, owner))

    def fingerprints(self) -> tuple[str, ...]:
        """Give the fingerprints of all keys that open something here, the master key's first."""
        return (self.fingerprint(), *(other.fingerprint() for other in self._others))

    def __repr__(self) -> str:
        return "Vault(...)"

    @classmethod
    def from_settings(cls, key: str | None, key_file: Path) -> Self:
        """Open with the key given in the environment, else with the key file, made at the first start.

        Raises `MasterKeyUnusable`, saying what to do about it.
        """
        if key is not None and key.strip():
            return cls(*(decoded(one, "LOYALTY_KEY") for one in key.replace(",", " ").split()))
        try:
            return cls(*(read_keys(key_file) if key_file.exists() else (made(key_file),)))
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
        index = digest.hex()[:_INDEX_CHARACTERS]
        if self._others:
            self._note(index, tuple(other.blind_index(business_id, identifier) for other in self._others))
        return index

    def _note(self, index: str, before: tuple[str, ...]) -> None:
        if len(self._formerly) > _REMEMBERED:
            self._formerly.clear()
        self._formerly[index] = before

    def keyed_hash(self, business_id: int, data: bytes) -> str:
        """Give 32 characters that are equal for equal data of one business, and tell nothing without the master key."""
        found = self._hashed(business_id, data)
        mark = self.generation(business_id)
        if not self._others:
            return mark + found
        also = {other._hashed(business_id, data) for other in self._others}  # noqa: SLF001  # its own kind
        also |= {other._hashed_on(business_id, found) for other in self._others}  # noqa: SLF001  # its own kind
        return Either(mark + found, also)

    def _hashed(self, business_id: int, data: bytes) -> str:
        digest = b"data\0" + data
        for key in self._chains.get(business_id, ()):
            digest = _AGAIN + hmac.digest(key, digest, "sha256").hex()[:_INDEX_CHARACTERS].encode()
        return hmac.digest(self._business(business_id).for_index, digest, "sha256").hex()[:_INDEX_CHARACTERS]

    def _hashed_on(self, business_id: int, found: str) -> str:
        digest = _AGAIN + found.rpartition(".")[2].encode()
        return hmac.digest(self._business(business_id).for_index, digest, "sha256").hex()[:_INDEX_CHARACTERS]

    def generation(self, business_id: int) -> str:
        """Give what a keyed hash of this master key begins with: nothing, until a first one has been replaced."""
        replaced = len(self._chains.get(business_id, ()))
        return f"{replaced}." if replaced else ""

    def hashed_again(self, business_id: int, found: str) -> str:
        """Give a keyed hash of the key before as it is under the master key."""
        return self.generation(business_id) + self._hashed_on(business_id, found)

    def others(self) -> tuple["Vault", ...]:
        """Give the vaults of the other keys, while one replaces the other."""
        return self._others

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
        key = self._plain_key(business_id, wrapped_key, _bound_to(business_id, owner))
        return hmac.digest(key, data.encode(), "sha256").hex()[:_INDEX_CHARACTERS]

    # Unwrapped keys are not kept: it would save some three microseconds and need a cache that forgets the
    # erased. A key that is nowhere cannot outlive its member.
    def _unwrap(self, business_id: int, member_id: str, wrapped_key: str) -> AESGCM:
        bound = _bound_to(business_id, member_id)
        if self._others:
            return AESGCM(self._plain_key(business_id, wrapped_key, bound))
        return AESGCM(_open(self._business(business_id).for_wrapping, wrapped_key, bound))

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
