"""The names we give to things: a purchase, entry, lot or voucher gets one opaque id when it is written down.

An id is a prefix that says what it names and a UUID version 7 (RFC 9562) in 26 characters of lower-case
Crockford base 32: `pur_01m7q5cqg0envvna4f65046jha`. Invariant: within one process each new id sorts after the
one before it, whatever the clock does, so "by id" is "in the order we wrote them down".
"""

import itertools
import os
import re
from threading import Lock
from typing import Final

PREFIXES: Final[dict[str, str]] = {
    "adj": "an adjustment of a member's balance by hand",
    "alr": "an alert: something a person should look at",
    "awd": "an award to many members at once",
    "cas": "a case: an unhappy customer being followed up",
    "cnf": "a code that was sent and waits to be said back",
    "con": "a consent record",
    "dor": "a number typed on the join page, waiting for its code",
    "dlv": "one attempt to deliver to a webhook",
    "ent": "an entry in the ledger",
    "evt": "an event that is not a purchase, or a notice of one sent to a webhook",
    "hld": "a hold",
    "jnl": "a journal line",
    "key": "an API key (its row, not the key itself)",
    "loc": "a location",
    "lot": "a lot",
    "mem": "a member",
    "mrg": "a merge of two members",
    "msg": "a message to a member",
    "pur": "a purchase",
    "ref": "a referral",
    "req": "a request to the HTTP door",
    "rfd": "a refund",
    "ses": "a staff session",
    "stf": "a member of staff",
    "trf": "a transfer in the ledger",
    "rqs": "a member's request under the law",
    "vch": "a voucher",
    "viw": "a viewing of a number in full",
    "whk": "a webhook subscription",
}

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = tuple(first + second for first in _ALPHABET for second in _ALPHABET)
_OPENINGS = {prefix: f"{prefix}_" for prefix in PREFIXES}
_SHAPES = {prefix: re.compile(f"{prefix}_[0-7][{_ALPHABET}]{{25}}") for prefix in PREFIXES}

_POOL_BYTES = 4096
_TAIL_BITS = 74  # the random bits of a version 7: 12 before the variant, 62 after it
_TAIL_END = 1 << _TAIL_BITS
_TIME_END = 1 << 48
_HALF_TAIL = (1 << (_TAIL_BITS - 1)) - 1
_LOW_62 = (1 << 62) - 1
_VERSION = 7 << 76
_VARIANT = 2 << 62


def _encode(number: int, characters: int) -> str:
    """The lowest `characters * 5` bits, two characters (ten bits) at a time; `characters` is even."""
    return "".join([_PAIRS[number >> shift & 1023] for shift in range(characters * 5 - 10, -1, -10)])


class _Sequence:
    """The last id given out, and a pool of random bytes (asking the system for a few at a time is slow)."""

    __slots__ = ("_last_ms", "_lock", "_pool", "_position", "_tail", "_time")
    _last_ms: int
    _tail: int
    _time: str

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Start afresh, as a forked child must: else it gives out its parent's ids, or waits for its lock."""
        self._lock = Lock()
        self._pool = b""
        self._position = _POOL_BYTES
        self._enter(0)

    def _random(self, size: int) -> int:
        start = self._position
        if start + size > _POOL_BYTES:
            self._pool = os.urandom(_POOL_BYTES)
            start = 0
        self._position = start + size
        return int.from_bytes(self._pool[start : start + size], "big")

    def _enter(self, at_ms: int) -> None:
        """A new millisecond: fresh random bits, the highest left clear so as to have room to count up."""
        assert at_ms < _TIME_END, "the clock is past the year 10889"
        self._time = _encode(at_ms, 10)
        self._last_ms = at_ms
        self._tail = self._random(10) & _HALF_TAIL

    def new(self, prefix: str, at_ms: int) -> str:
        """Name a thing written down at `at_ms`, in milliseconds since 1970 (0 to 2**48 - 1).

        In the same millisecond, or when the clock has gone back, the random part counts upwards by a random
        step instead: order is kept and the next id still cannot be guessed from the last.
        """
        opening = _OPENINGS[prefix]
        with self._lock:
            if at_ms > self._last_ms:
                self._enter(at_ms)
            else:
                self._tail += 1 + self._random(4)
                if self._tail >= _TAIL_END:
                    self._enter(self._last_ms + 1)
            time, tail = self._time, self._tail
        pairs, rest = _PAIRS, _VERSION | tail >> 62 << 64 | _VARIANT | tail & _LOW_62
        return (
            f"{opening}{time}{pairs[rest >> 70]}{pairs[rest >> 60 & 1023]}{pairs[rest >> 50 & 1023]}"
            f"{pairs[rest >> 40 & 1023]}{pairs[rest >> 30 & 1023]}{pairs[rest >> 20 & 1023]}"
            f"{pairs[rest >> 10 & 1023]}{pairs[rest & 1023]}"
        )


class Series:
    """Ids of things that are many and small, such as requests: one random head for this process, and a count.

    They cost a fraction of the others, and whoever knows one can tell the next: nothing may be opened with them.
    """

    __slots__ = ("_count", "_head")
    _HEAD_CHARACTERS = 18

    def __init__(self, prefix: str, at_ms: int) -> None:
        self._head = new(prefix, at_ms)[: len(prefix) + 1 + self._HEAD_CHARACTERS]
        self._count = itertools.count().__next__

    def new(self) -> str:
        """Name the next one."""
        pairs, n = _PAIRS, self._count()
        return f"{self._head}{pairs[n >> 30 & 1023]}{pairs[n >> 20 & 1023]}{pairs[n >> 10 & 1023]}{pairs[n & 1023]}"


_sequence = _Sequence()
if hasattr(os, "register_at_fork"):  # absent on Windows, which cannot fork
    os.register_at_fork(after_in_child=_sequence.forget)

new = _sequence.new


def earliest(prefix: str, at_ms: int) -> str:
    """Give what stands before every id of this kind that was given out in a millisecond or later."""
    return f"{_OPENINGS[prefix]}{_encode(at_ms, 10)}"


def is_id(text: str, prefix: str) -> bool:
    """Say whether `text` has the shape of such an id; ask it before any look-up in the database."""
    return _SHAPES[prefix].fullmatch(text) is not None
