"""Where the master key lies: in a file that nobody else on the machine can read, made at the first start.

A line is a key. Usually there is one; while one replaces the other there are two, the first of which writes.
"""

import binascii
import os
import tempfile
from base64 import urlsafe_b64encode
from contextlib import suppress
from pathlib import Path

_KEY_BYTES = 32
_LONGEST_KEY_FILE = 1024
_READABLE_BY_OTHERS = 0o077
HOW_TO_MAKE_ONE = "32 random bytes in base64 or hexadecimal (`openssl rand -base64 32` makes one)"


class MasterKeyUnusable(Exception):
    """The installation's master key is malformed, out of reach, or lies where others can read it."""


def decoded(text: str, whence: str) -> bytes:
    letters = text.strip()
    with suppress(ValueError):
        if len(letters) == 2 * _KEY_BYTES:
            return bytes.fromhex(letters)
        plain_alphabet = letters.rstrip("=").translate(str.maketrans("-_", "+/"))
        key = binascii.a2b_base64(plain_alphabet + "=" * (-len(plain_alphabet) % 4), strict_mode=True)
        if len(key) == _KEY_BYTES:
            return key
    raise MasterKeyUnusable(f"{whence} does not hold a master key: it must be {HOW_TO_MAKE_ONE}.")


def read_keys(key_file: Path) -> tuple[bytes, ...]:
    """Read the keys of a key file, one a line: the master key, and those it replaces or is to be replaced by."""
    with key_file.open("rb") as opened:
        mode = os.fstat(opened.fileno()).st_mode
        if os.name == "posix" and mode & _READABLE_BY_OTHERS:
            raise MasterKeyUnusable(
                f"The key file {key_file} can be read by others on this machine: "
                f"run `chmod 600 {key_file}`, or give the key in LOYALTY_KEY instead."
            )
        text = opened.read(_LONGEST_KEY_FILE)
    lines = text.decode("ascii", "replace").split() or [""]
    return tuple(decoded(line, f"The key file {key_file}") for line in lines)


def write_keys(key_file: Path, *keys: bytes) -> None:
    """Put these keys in the place of those in the file, at once and to stay."""
    handle, beside = tempfile.mkstemp(prefix=f".{key_file.name}.", dir=key_file.parent)  # mode 0600
    with os.fdopen(handle, "wb") as written:
        written.write(b"".join(urlsafe_b64encode(key) + b"\n" for key in keys))
        written.flush()
        os.fsync(written.fileno())
    Path(beside).replace(key_file)
    _settle(key_file.parent)


def made(key_file: Path) -> bytes:
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
    return read_keys(key_file)[0]


def _settle(folder: Path) -> None:
    """Make a new name in a folder survive a power cut: members enrolled under a lost key are lost with it."""
    if os.name == "posix":
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
