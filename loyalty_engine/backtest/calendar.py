"""The months a backtest counts by: local ones, and only within the span that was asked for."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from msgspec import Struct

BEGINNING = datetime.min.replace(tzinfo=UTC)
_END = datetime.max.replace(tzinfo=UTC)


class Span(Struct, frozen=True):
    """The part of a history that is counted: from the one instant up to, but without, the other."""

    since: datetime | None = None
    until: datetime | None = None


class Calendar:
    """Names the month of an instant; what lies outside the span has none."""

    def __init__(self, timezone: str, span: Span) -> None:
        """Count by the calendar of a time zone."""
        self._zone = ZoneInfo(timezone)
        self._since = span.since or BEGINNING
        self._until = span.until or _END
        self._from = self._to = BEGINNING
        self._name: str | None = None

    def page(self, instant: datetime) -> tuple[datetime, datetime, str | None]:
        """Give from when until when the month of an instant lasts, and its name."""
        name = self.month(instant)
        return self._from, self._to, name

    def month(self, instant: datetime) -> str | None:
        """Give the month, such as "2026-11". Most questions are about the month that was asked for last."""
        if not self._from <= instant < self._to:
            self._turn_to(instant)
        return self._name

    def _turn_to(self, instant: datetime) -> None:
        if instant < self._since:
            self._from, self._to, self._name = BEGINNING, self._since, None
        elif instant >= self._until:
            self._from, self._to, self._name = self._until, _END, None
        else:
            local = instant.astimezone(self._zone)
            first = datetime(local.year, local.month, 1, tzinfo=self._zone)
            following = datetime(local.year + local.month // 12, local.month % 12 + 1, 1, tzinfo=self._zone)
            # As instants: two times of one zone are compared by what the clocks show, summer time or not.
            self._from = max(first.astimezone(UTC), self._since)
            self._to = min(following.astimezone(UTC), self._until)
            self._name = f"{local.year:04}-{local.month:02}"
