"""What the counting house answers about who may come in, and where: API keys and locations."""

from __future__ import annotations

from msgspec import Struct


class KeyAnswer(Struct, frozen=True):
    """An API key as it is listed; `key` is there once only, when it is made."""

    id: str
    name: str | None
    scopes: tuple[str, ...]
    location: str | None
    last4: str
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    key: str | None = None


class LocationAnswer(Struct, frozen=True):
    """A shop of the business."""

    location: str
    name: str | None
    created_at: str
