"""The clock on the shop's wall in a test: it shows what the test says, in the programme's time zone."""

from __future__ import annotations

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import rules


class Clock:
    """A clock that stands still until it is set or wound forward. `now` is what it shows."""

    def __init__(self, zone: ZoneInfo, shows: datetime) -> None:
        """Hang it up."""
        self._zone = zone
        self.now = shows.replace(tzinfo=zone)

    def at(self, shows: str) -> datetime:
        """Set it: "2026-01-05 15:00", "2026-01-05" (at noon), or "15:00" of the same day."""
        if len(shows) == len("15:00"):
            self.now = datetime.combine(self.now.date(), time.fromisoformat(shows), tzinfo=self._zone)
        else:
            said = datetime.fromisoformat(shows if len(shows) > len("2026-01-05") else f"{shows} 12:00")
            self.now = said.replace(tzinfo=said.tzinfo or self._zone).astimezone(self._zone)
        return self.now

    def forward(self, by: str) -> datetime:
        """Let time pass: "1 day", "14 days", "2 weeks", "12 months", by the calendar on the wall."""
        self.now = rules.Period.parse(by).after(self.now, self._zone).astimezone(self._zone)
        return self.now

    def __str__(self) -> str:
        """Tell the time as a person would."""
        return f"{self.now:%A %Y-%m-%d %H:%M}"

    @property
    def utc(self) -> datetime:
        """Give the instant."""
        return self.now.astimezone(UTC)
