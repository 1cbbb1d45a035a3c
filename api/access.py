"""Who may come in: the key names the business, its scopes say what it may do, and nobody blocks the counter.

Refused in this order: a key in the address, no key, an unknown key, a missing scope, too many at once, too
many a second. Invariant: a route that has not said who may ask lets nobody in.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from litestar import Request

from api.asking import Ask, header
from loyalty_engine.businesses import authenticate
from loyalty_engine.errors import Busy, KeyInUrl, KeyMissing, KeyUnknown, ScopeMissing, TooManyRequests

KEY_PREFIX: Final = b"lyl_"
AT_ONCE_PER_KEY: Final = 512
AT_ONCE: Final = 2048
_BEARER: Final = re.compile(rb"bearer +([!-~]{1,200})", re.IGNORECASE)
_REMEMBERED: Final = 10_000


async def signed_in(request: Request[Any, Any, Any]) -> None:
    """Let in whoever has a key for what they ask; the answer to "who?" is kept as the request's caller."""
    if request.scope["method"] == "OPTIONS":
        return
    assert isinstance(request, Ask), "the app asks with our own kind of request"
    _refuse_key_in_address(request)
    caller = await authenticate(request.house, _key(request), at=request.received_at)
    request.scope["auth"] = caller
    wanted = request.call.scopes
    if wanted.isdisjoint(caller.scopes):
        raise ScopeMissing(f"This call needs a key with the scope {' or '.join(sorted(wanted))}.")
    counter: Counter = request.app.state.counter
    request.scope["state"]["done"] = counter.enter(caller.key_id)


def _refuse_key_in_address(request: Ask) -> None:
    query = request.scope["query_string"]
    if query and KEY_PREFIX in unquote_to_bytes(query).lower():
        raise KeyInUrl


def _key(request: Ask) -> str:
    sent = header(request.scope, b"authorization")
    if sent is None:
        raise KeyMissing
    bearer = _BEARER.fullmatch(sent)
    if bearer is None:
        raise KeyUnknown
    return bearer[1].decode()


class Bucket:
    """What one key has left: `tokens` as of `at`; `here` counts its requests being answered."""

    __slots__ = ("at", "here", "tokens")

    def __init__(self, tokens: float, at: float) -> None:
        """Begin with a full bucket."""
        self.tokens = tokens
        self.at = at
        self.here = 0


class Counter:
    """How many may stand at the counter: per key and altogether at once, and per key on the average.

    Counted in this process only: four workers give a key four times as much.
    """

    def __init__(self, rate: int, burst: int, now: Callable[[], float] = time.monotonic) -> None:
        """Allow `rate` requests a second on the average (0: any number) and `burst` of them together."""
        self._rate = rate
        self._burst = burst
        self._now = now
        self._here = 0
        self._buckets: dict[str, Bucket] = {}

    def enter(self, key_id: str) -> Callable[[], None]:
        """Take a place; gives back what leaves it again. Raises Busy or TooManyRequests."""
        bucket = self._buckets.get(key_id) or self._new(key_id)
        if self._here >= AT_ONCE:
            raise Busy("Too many requests are being answered right now; nothing was kept. Send it again.")
        if bucket.here >= AT_ONCE_PER_KEY:
            raise TooManyRequests("Too many requests with this API key are being answered right now.")
        if self._rate:
            self._take(bucket)
        self._here += 1
        bucket.here += 1

        def leave() -> None:
            self._here -= 1
            bucket.here -= 1

        return leave

    def _take(self, bucket: Bucket) -> None:
        now = self._now()
        bucket.tokens = min(self._burst, bucket.tokens + (now - bucket.at) * self._rate)
        bucket.at = now
        if bucket.tokens < 1:
            raise TooManyRequests(retry_after_seconds=1 + int((1 - bucket.tokens) / self._rate))
        bucket.tokens -= 1

    def _new(self, key_id: str) -> Bucket:
        if len(self._buckets) >= _REMEMBERED:
            self._buckets = {key: bucket for key, bucket in self._buckets.items() if bucket.here}
        bucket = self._buckets[key_id] = Bucket(self._burst, self._now())
        return bucket
