"""Calendar spans and windows in the programme's own time zone, also when the clocks change."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from rules import Period
from rules.periods import TimeWindow, window

OSLO = ZoneInfo("Europe/Oslo")


def oslo(*when: int) -> datetime:
    return datetime(*when, tzinfo=OSLO)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("text", "instant", "after"),
    [
        ("14 days", oslo(2026, 3, 20, 12), oslo(2026, 4, 3, 12)),
        ("14 days", oslo(2026, 10, 20, 12), oslo(2026, 11, 3, 12)),
        ("2 weeks", oslo(2026, 1, 5, 15), oslo(2026, 1, 19, 15)),
        ("1 month", oslo(2026, 1, 31, 15), oslo(2026, 2, 28, 15)),
        ("12 months", oslo(2026, 1, 5, 15), oslo(2027, 1, 5, 15)),
        ("1 year", oslo(2028, 2, 29, 15), oslo(2029, 2, 28, 15)),
        ("1 month", oslo(2026, 12, 31, 23, 30), oslo(2027, 1, 31, 23, 30)),
    ],
)
def test_a_period_ends_at_the_same_time_of_the_local_day(text: str, instant: datetime, after: datetime) -> None:
    assert Period.parse(text).after(instant, OSLO) == after
    assert Period.parse(text).after(instant.astimezone(UTC), "Europe/Oslo") == after


def test_a_time_that_the_clocks_jump_over_is_the_time_they_show_instead() -> None:
    assert Period.parse("1 day").after(oslo(2026, 3, 28, 2, 30), OSLO) == oslo(2026, 3, 29, 3, 30)


def test_what_a_period_gives_is_in_utc() -> None:
    assert Period.parse("1 day").after(oslo(2026, 1, 5, 15), OSLO).tzinfo is UTC


@pytest.mark.parametrize(
    "text", ["12", "months", "0 days", "-1 days", "1.5 years", "12 moons", "1 day ", "101 years", "99999 days"]
)
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"period|hundred"):
        Period.parse(text)


@pytest.mark.parametrize("text", ["1 day", "2 weeks", "12 months", "1 year"])
def test_a_period_is_written_as_it_was_read(text: str) -> None:
    assert str(Period.parse(text)) == text


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 5, 1), 24)])
def test_a_local_day_is_as_long_as_its_clocks_make_it(day: date, hours: int) -> None:
    found = window("day", day, OSLO)

    assert found.ends_at - found.starts_at == timedelta(hours=hours)
    assert found.name == f"day:{day}"


def test_windows_of_neighbouring_days_touch_over_the_whole_year() -> None:
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(366)]

    for day, following in pairwise(days):
        assert window("day", day, OSLO).ends_at == window("day", following, OSLO).starts_at


def test_the_week_at_the_turn_of_the_year_belongs_to_one_year_only() -> None:
    assert window("week", date(2026, 12, 31), OSLO) == window("week", date(2027, 1, 3), OSLO)
    assert window("week", date(2027, 1, 1), OSLO).name == "week:2026-W53"


def test_a_window_past_midnight_holds_on_both_sides_of_it() -> None:
    night = TimeWindow.parse("22:00-02:00")

    assert [night.holds(minute) for minute in (21 * 60 + 59, 22 * 60, 1439, 0, 119, 120)] == [
        False,
        True,
        True,
        True,
        True,
        False,
    ]
    assert str(night) == "22:00-02:00"


def test_a_window_that_ends_at_midnight_may_be_written_both_ways() -> None:
    late, also_late = TimeWindow.parse("22:00-24:00"), TimeWindow.parse("22:00-00:00")

    assert all(late.holds(minute) == also_late.holds(minute) for minute in range(24 * 60))
