"""The wall clock's notation: instants are kept as whole microseconds since 1970, UTC, and shown as RFC 3339."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def to_micros(instant: datetime) -> int:
    """Give an aware datetime as microseconds since 1970, exactly."""
    return (instant - EPOCH) // MICROSECOND


def from_micros(micros: int) -> datetime:
    """Give microseconds since 1970 as an aware datetime in UTC."""
    return EPOCH + timedelta(microseconds=micros)


def shown(micros: int) -> str:
    """Give an instant as the API shows it: RFC 3339, UTC, microseconds only where there are any."""
    return from_micros(micros).isoformat().replace("+00:00", "Z")


def shown_or_none(micros: int | None) -> str | None:
    """Give an instant as the API shows it, or nothing where there is none."""
    return None if micros is None else shown(micros)
