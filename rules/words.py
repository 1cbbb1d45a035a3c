"""How a programme's values are said in one language: money, units, numbers, dates, names."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal

from rules.money import money_in
from rules.names import WEEKDAYS, Range
from rules.periods import Period
from rules.tongues import Says, Tongue, tongue


class Words:
    """One language, with the programme's own names for its units and perks in it."""

    def __init__(
        self,
        currency: str,
        units: Mapping[str, tuple[str, str]],
        perks: Mapping[str, str] | None = None,
        language: str | None = None,
    ) -> None:
        self.tongue: Tongue = tongue(language)
        self.language = language or self.tongue.code
        self.money = money_in(currency, self.tongue.point)
        self._units = units
        self._perks = perks or {}

    def units(self, amount: int, unit: str) -> str:
        return f"{amount} {self.unit(amount, unit)}"

    def unit(self, amount: int, unit: str) -> str:
        one, other = self._units.get(unit, (unit, unit))
        return one if amount == 1 else other

    def perk(self, perk: str) -> str:
        """A perk by its wording in this language, or by its id."""
        return self._perks.get(perk, perk)

    def of(self, says: Says) -> tuple[str, str]:
        """What a condition or an effect says of itself in this language."""
        return says.get(self.tongue.code) or says["en"]

    def either(self, names: Iterable[str]) -> str:
        """Such as "Monday", "Monday or Tuesday", "Monday, Tuesday or Sunday"."""
        return _joined(names, self.tongue.or_)

    def both(self, names: Iterable[str]) -> str:
        """Such as "coffee", "coffee and cake", "coffee, cake and tea"."""
        return _joined(names, self.tongue.and_)

    def range(self, wanted: Range, say: Callable[[int], str] = str) -> str:
        """Such as "2 or more", "at most 5", "2 to 5" or "exactly 2"."""
        if wanted.max is None:
            return self.tongue.at_least.format(say(wanted.min or 0))
        if wanted.min is None:
            return self.tongue.at_most.format(say(wanted.max))
        if wanted.min == wanted.max:
            return self.tongue.exactly.format(say(wanted.min))
        return self.tongue.between.format(say(wanted.min), say(wanted.max))

    def days(self, first: date | None, last: date | None) -> str:
        """From one date to another, either of which may be open."""
        if first is None:
            return self.tongue.until_day.format(last)
        return self.tongue.from_day.format(first) if last is None else self.tongue.days.format(first, last)

    def weekday(self, day: str | int) -> str:
        return self.tongue.weekdays[day if isinstance(day, int) else WEEKDAYS.index(day)]

    def period(self, period: Period) -> str:
        one, other = self.tongue.periods[period.kind]
        return f"{period.count} {one if period.count == 1 else other}"

    def decimal(self, number: Decimal) -> str:
        return f"{number:f}".replace(".", self.tongue.point)

    def times(self, count: int) -> str:
        return (self.tongue.one_time if count == 1 else self.tongue.several_times).format(count)

    def text(self, wordings: Mapping[str, str]) -> str:
        """A text of the programme in this language, or in the first one it has."""
        return wordings.get(self.language) or wordings.get(self.tongue.code) or next(iter(wordings.values()), "")


def _joined(names: Iterable[str], last: str) -> str:
    said = list(names)
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])}{last}{said[-1]}" if said else ""
