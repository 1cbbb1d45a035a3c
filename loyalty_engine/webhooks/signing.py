"""The seal on what we tell others: Standard Webhooks, HMAC-SHA256 over id, instant and body."""

from __future__ import annotations

import hmac
import secrets
from base64 import b64decode, b64encode
from typing import Final

_PREFIX: Final = "whsec_"
_BYTES: Final = 32


def new_secret() -> str:
    """Make a secret, as it is shown once to whoever receives."""
    return _PREFIX + b64encode(secrets.token_bytes(_BYTES)).decode()


def sign(secret: str, message_id: str, seconds: int, body: bytes) -> str:
    """Sign a message: `v1,` and the signature. A receiver compares it, and refuses what is older than five minutes."""
    key = b64decode(secret.removeprefix(_PREFIX))
    told = f"{message_id}.{seconds}.".encode() + body
    return "v1," + b64encode(hmac.digest(key, told, "sha256")).decode()


def headers(known: tuple[str, ...], message_id: str, seconds: int, body: bytes) -> dict[str, str]:
    """Give the headers of a message, signed with every secret that holds now: the new one, and the one before it."""
    return {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join(sign(secret, message_id, seconds, body) for secret in known),
    }
