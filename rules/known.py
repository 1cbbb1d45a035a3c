"""What a programme may refer to in the world: currencies, time zones, and the events that have a meaning of
their own.
"""

from collections.abc import Callable
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from rules.findings import nearest
from rules.money import EXPONENTS

EVENTS: Final = (
    "purchase",
    "joined",
    "birthday",
    "tier_changed",
    "feedback",
    "case_opened",
    "case_resolved",
    "case_overdue",
    "promise_kept",
    "promise_broken",
    "referral_qualified",
    "overdue",
    "anniversary",
)
"""The events that have a meaning of their own. Any other name is an event of the business's own."""


def _currency(name: str) -> tuple[str, str | None] | None:
    return None if name in EXPONENTS else (f'the currency "{name}" is not known', nearest(name.upper(), EXPONENTS))


def _time_zone(name: str) -> tuple[str, str | None] | None:
    try:
        ZoneInfo(name)
    except (ValueError, OSError):
        return f'the time zone "{name}" is not known', nearest(name, available_timezones())
    except LookupError:
        return f'the time zone "{name}" is not known', nearest(name, available_timezones())
    return None


KNOWN: Final[dict[str, Callable[[str], tuple[str, str | None] | None]]] = {
    "currency": _currency,
    "time zone": _time_zone,
}
"""Each answers None for a name it knows, or what is wrong and what would be right."""
