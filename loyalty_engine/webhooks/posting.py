"""The way to an address of somebody else's choosing: https, public, as it was looked up once, and never elsewhere.

Invariant: no request leaves for an address inside our own network, whatever a name resolves to now or in a moment: the
name is looked up once and the very address that was judged is connected to. Nobody is followed to another place.
"""

from __future__ import annotations

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final, Protocol
from urllib.parse import urlsplit

import httpx
from msgspec import Struct

_CONNECT_SECONDS: Final = 5
_TOTAL_SECONDS: Final = 15
_ANSWER_MOST: Final = 64 * 1024
_URL_MOST: Final = 2000


class AddressRefused(Exception):
    """We do not send there; the message says why, without the address."""


class Answered(Struct, frozen=True):
    """What a receiver answered; `after_seconds` where it asked for time."""

    status: int
    after_seconds: int = 0


class Poster(Protocol):
    """Whoever carries a message to an address."""

    async def __call__(self, url: str, headers: dict[str, str], body: bytes) -> Answered:
        """Post it; raise AddressRefused, or OSError where nobody answered."""


def plausible(url: str) -> str:
    """Give the host of an address that may be subscribed; raise AddressRefused for what can be told from it alone."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise AddressRefused("this is not an address") from None
    if (
        parts.scheme != "https"
        or not host
        or len(url) > _URL_MOST
        or any(one.isspace() or not one.isprintable() for one in url)
    ):
        raise AddressRefused("a webhook is an https address")
    if parts.username is not None or parts.fragment or port not in {None, 443}:
        raise AddressRefused("a webhook has no password, no fragment, and the usual port")
    try:
        address = ip_address(host)
    except ValueError:
        if "." not in host or host.endswith((".localhost", ".local", ".internal", ".")):
            raise AddressRefused("a webhook is a public name") from None
        return host
    if not public(address):
        raise AddressRefused("a webhook is a public address")
    return host


def public(address: IPv4Address | IPv6Address) -> bool:
    """Tell whether an address is of the open internet, also when it is wrapped in another kind of address."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is not None:
            return public(inner)
        if address in _NAT64 or address.is_site_local:
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


class _Nat64:
    def __contains__(self, address: IPv6Address) -> bool:
        return address.packed[:12] == bytes.fromhex("0064ff9b0000000000000000")


_NAT64: Final = _Nat64()


async def post(url: str, headers: dict[str, str], body: bytes) -> Answered:
    """Post a message to a public address."""
    host = plausible(url)
    address = await _looked_up(host)
    parts = urlsplit(url)
    there = f"[{address}]" if isinstance(address, IPv6Address) else str(address)
    pinned = parts._replace(netloc=there).geturl()
    limits = httpx.Timeout(_TOTAL_SECONDS, connect=_CONNECT_SECONDS)
    try:
        async with (
            asyncio.timeout(_TOTAL_SECONDS),
            httpx.AsyncClient(timeout=limits, follow_redirects=False, trust_env=False) as client,
            client.stream(
                "POST",
                pinned,
                headers=headers | {"host": host, "accept-encoding": "identity"},
                content=body,
                extensions={"sni_hostname": host},
            ) as answer,
        ):
            taken = 0
            async for piece in answer.aiter_bytes():
                taken += len(piece)
                if taken > _ANSWER_MOST:
                    break
            return Answered(answer.status_code, seconds_of(answer.headers.get("retry-after", "")))
    except (httpx.HTTPError, TimeoutError) as problem:
        raise ConnectionError(type(problem).__name__) from None


def seconds_of(retry_after: str) -> int:
    """Read how long a receiver wants to be left alone; a day at most, nothing where it cannot be read."""
    digits = retry_after.strip()
    return min(int(digits[:6]), 86_400) if digits.isascii() and digits.isdigit() else 0


async def _looked_up(host: str) -> IPv4Address | IPv6Address:
    """Look a name up once; all of its addresses must be public, so that none of them is a way in."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, 443, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise ConnectionError("name not found") from None
    addresses = [ip_address(str(one[4][0]).partition("%")[0]) for one in found]
    if not addresses or not all(public(address) for address in addresses):
        raise AddressRefused("the name leads into a network that is not public")
    return addresses[0]
